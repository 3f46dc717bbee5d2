"""The parts of examples/ocr that need no network, against other implementations. `make demo` and examples/ocr/accuracy.py run the whole."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ocr"
sys.path.insert(0, str(EXAMPLE))

import accuracy  # noqa: E402
import geometry  # noqa: E402
import ocr_engines as engines  # noqa: E402
import ocr_models as models  # noqa: E402
import pages  # noqa: E402
import read_text  # noqa: E402
import reader  # noqa: E402


def rectangle(x: float, y: float, width: float, height: float, degrees: float) -> np.ndarray:
    turn = np.deg2rad(degrees)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2) @ axes + (x, y)


@pytest.mark.parametrize("degrees", [-40, -10, -0.5, 0, 3, 30, 44])
def test_smallest_rectangle(degrees: float) -> None:
    corners = rectangle(50, 40, 60, 12, degrees)
    rng = np.random.default_rng(1)
    weights = rng.dirichlet(np.ones(4), 200)
    found = geometry.smallest_rectangle(np.concatenate([weights @ corners, corners]))
    np.testing.assert_allclose(found, corners, atol=1e-6)


def test_smallest_rectangle_is_no_larger_than_at_any_angle() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        points = rng.normal(size=(30, 2)) * (5, 1)
        found = geometry.smallest_rectangle(points)
        area = np.linalg.norm(found[1] - found[0]) * np.linalg.norm(found[3] - found[0])
        for degrees in range(90):
            turned = points @ rectangle(0, 0, 2, 2, degrees)[[1, 2]].T  # two axes of that angle, scaled by sqrt(2)
            assert area <= np.prod(np.ptp(turned, axis=0)) / 2 + 1e-9


@pytest.mark.parametrize("points", [[(3, 4)], [(3, 4), (3, 4)], [(0, 0), (4, 0)], [(0, 0), (1, 1), (2, 2)]])
def test_smallest_rectangle_of_few_points(points: list) -> None:
    corners = geometry.smallest_rectangle(np.array(points, float))
    assert corners.shape == (4, 2) and np.isfinite(corners).all()


def test_growth_moves_sides_by_area_over_perimeter() -> None:
    grown = geometry.grow(rectangle(50, 40, 60, 12, 20), 1.5)
    margin = 60 * 12 * 1.5 / (2 * (60 + 12))
    np.testing.assert_allclose(grown, rectangle(50, 40, 60 + 2 * margin, 12 + 2 * margin, 20))


def test_find_boxes() -> None:
    canvas = Image.new("L", (200, 100))
    pen = ImageDraw.Draw(canvas)
    pen.polygon([tuple(p) for p in rectangle(100, 30, 120, 8, 5)], fill=230)
    pen.rectangle((20, 70, 90, 76), fill=200)
    pen.rectangle((150, 70, 190, 76), fill=100)  # over the threshold, below the score
    pen.point((5, 5), fill=255)
    boxes = geometry.find_boxes(np.asarray(canvas) / 255, (400, 200), ratio=0)
    assert len(boxes) == 2
    first, second = sorted(boxes, key=lambda box: box.corners[:, 1].mean())
    np.testing.assert_allclose(first.corners, 2 * rectangle(100, 30, 120, 8, 5) + 1, atol=4)  # Pillow fills pixels that it touches
    np.testing.assert_allclose(second.corners, [(40, 140), (182, 140), (182, 154), (40, 154)], atol=1e-6)
    assert second.score == pytest.approx(200 / 255)


@pytest.mark.parametrize("degrees", [0, 10, -25])
def test_rectify_is_a_rotation(degrees: float) -> None:
    rng = np.random.default_rng(3)
    picture = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).resize((160, 120), Image.Resampling.BICUBIC)
    turned = picture.rotate(-degrees, Image.Resampling.BICUBIC, center=(80, 60))  # clockwise
    crop = geometry.rectify(turned, rectangle(80, 60, 96, 48, degrees), 48)
    want = np.asarray(picture.crop((32, 36, 128, 84)), float)
    assert crop.size == (96, 48)
    assert np.abs(np.asarray(crop, float) - want)[4:-4, 4:-4].mean() < 6


def test_rectify_turns_upright_boxes() -> None:
    picture = Image.new("RGB", (60, 120))
    ImageDraw.Draw(picture).rectangle((20, 10, 40, 30), fill=(255, 0, 0))  # at the upper end
    crop = geometry.rectify(picture, rectangle(30, 60, 20, 100, 0), 48)
    assert crop.size == (240, 48)
    pixels = np.asarray(crop)[24, :, 0]
    assert pixels[20] > 200 and pixels[220] < 50  # text that runs downwards: it begins at the upper end


def test_reading_order() -> None:
    places = [(300, 52, 3), (100, 45, 3), (80, 100, 0), (400, 104, 0), (250, 98, 0), (50, 160, 0)]
    boxes = [geometry.Box(rectangle(x, y, 90, 20, degrees), 1.0) for x, y, degrees in places]
    assert geometry.reading_order(boxes) == [[1, 0], [2, 4, 3], [5]]
    assert geometry.reading_order([]) == []


def test_ctc_against_all_short_paths() -> None:
    for path in itertools.product(range(3), repeat=5):
        scores = np.full((5, 3), 0.1)
        scores[np.arange(5), path] = 0.5 + np.arange(5) / 100
        labels, kept = engines.decode_ctc(scores)
        runs = [
            (label, next(run)) for label, run in ((k, (t for t, _ in g)) for k, g in itertools.groupby(enumerate(path), lambda p: p[1]))
        ]
        want = [(label, 0.5 + step / 100) for label, step in runs if label != 0]
        assert labels == [label for label, _ in want] and kept == pytest.approx([score for _, score in want])


def test_resize_is_the_one_of_pillow() -> None:
    """Enlarged, where Pillow does not average either."""
    picture = np.random.default_rng(4).integers(0, 256, (12, 17, 3), dtype=np.uint8)
    want = np.asarray(Image.fromarray(picture).resize((40, 30), Image.Resampling.BILINEAR), float)
    assert np.abs(engines.resize_bilinear(picture, 30, 40) - want).max() <= 1.01


def test_edits_against_the_recursion() -> None:
    def plain(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        return min(plain(a[1:], b) + 1, plain(a, b[1:]) + 1, plain(a[1:], b[1:]) + (a[0] != b[0]))

    rng = np.random.default_rng(5)
    for _ in range(60):
        a, b = ("".join(rng.choice(list("abc"), rng.integers(0, 6))) for _ in range(2))
        assert accuracy.edits(a, b) == plain(a, b)
    assert accuracy.accuracy("one  two\nthree", "one two three") == 1.0
    assert accuracy.accuracy("one two", "one twoo thr") == pytest.approx(1 - 5 / 12)


def test_pages_are_the_same_for_the_same_seed() -> None:
    words = pages.make_words(200, 3)
    assert words == pages.make_words(200, 3) and words != pages.make_words(200, 4) and len(words) == 200
    picture, lines = pages.draw_page(words, 20, 900)
    assert " ".join(lines).split() == words and picture.width == 900


class FakeEngine:
    """Takes what is dark for text, a crop that is dark at its upper end for one that stands on its head, and reads its columns."""

    characters = ("", *"0123456789", " ")

    def __init__(self) -> None:
        self.crops: list[np.ndarray] = []

    def detect(self, picture: np.ndarray) -> np.ndarray:
        assert all(side % 32 == 0 for side in picture.shape[:2])
        return (picture[..., 0] < 200).astype(np.float32)

    def is_upside_down(self, crop: np.ndarray) -> float:
        assert crop.shape == (48, 192, 3)
        return 0.99 if crop[:20, 40:80, 1].mean() < crop[28:, 40:80, 1].mean() else 0.01

    def recognize(self, crop: np.ndarray) -> tuple[list[int], list[float]]:
        self.crops.append(crop)
        return [2, 3 if crop.shape[1] == 160 else 4], [0.5, 1.0]


def test_reader() -> None:
    """Two pieces in a row, one below; that one is lighter below, the others above."""
    picture = Image.new("RGB", (640, 192), "white")
    pen = ImageDraw.Draw(picture)
    for x, y, width, upside_down in ((30, 30, 100, False), (300, 32, 300, False), (30, 120, 100, True)):
        for half in (0, 1):
            shade = (0, 0, 0) if bool(half) != upside_down else (0, 250, 250)
            pen.rectangle((x, y + 14 * half, x + width, y + 14 * half + 13), fill=shade)
    engine = FakeEngine()
    page = reader.Reader(engine).read(picture)
    assert page.text == "12 13\n12" and [line.score for line in page.lines] == [0.75] * 3
    assert [line.upside_down for line in page.lines] == [False, False, True]
    assert all(crop.shape[0] == 48 and crop.shape[1] % reader.WIDTH_STEP == 0 for crop in engine.crops)
    assert all(crop[:20, 40:80, 1].mean() > crop[28:, 40:80, 1].mean() for crop in engine.crops)  # the third one was turned
    assert list(page.seconds) == ["detection", "boxes and crops", "direction", "recognition"]
    assert reader.Reader(engine).read(Image.new("RGB", (40, 40), "white")).text == ""


def test_pictures_are_read_as_a_viewer_shows_them(tmp_path: Path) -> None:
    ink = Image.new("RGB", (60, 20), "white")
    ImageDraw.Draw(ink).rectangle((4, 4, 15, 15), fill="black")
    clear = Image.new("RGBA", (60, 20), (0, 0, 0, 0))
    ImageDraw.Draw(clear).rectangle((4, 4, 15, 15), fill=(0, 0, 0, 255))
    clear.save(tmp_path / "clear.png")
    clear.convert("LA").save(tmp_path / "grey_clear.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown a quarter clockwise
    ink.rotate(90, expand=True).save(tmp_path / "turned.png", exif=turned)
    for name in ("clear", "grey_clear", "turned"):
        shown = read_text.open_picture(tmp_path / f"{name}.png")
        assert shown.mode == "RGB" and np.array_equal(np.asarray(shown), np.asarray(ink)), name


def test_characters() -> None:
    assert models.characters_of({"character": "'\na\nb\n"}) == ["", "'", "a", "b", " "]
    assert models.characters_of({"character": "'\na"}) == ["", "'", "a", " "]


@pytest.mark.parametrize("arguments,message", [
    (["--picture", "absent.png"], "absent.png: no such file"),
    (["--picture", "text.png"], "text.png: is not a picture that Pillow can read"),
    (["--picture", "cut.png"], "cut.png: "),
    (["--picture", "pipe.png"], "pipe.png is not a regular file"),
    (["--output", "x.png"], "--output names one file: give one --picture"),
    (["--picture", "sign.png", "--output", "page.txt"], "--output=page.txt: names a PNG"),
    (["--picture", "sign.png", "--output", "sign.png"], "sign.png: is a picture that is read"),
    (["--picture", "sign.png", "--picture", "sub/sign.png"], ".demo/sign_text.png: two pictures would be written there"),
])  # fmt: skip
def test_errors(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((EXAMPLE / "sign.png").read_bytes()[:2000])
    for name in ("sign.png", "sub/sign.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((EXAMPLE / "sign.png").read_bytes())
    os.mkfifo(tmp_path / "pipe.png")
    command = [sys.executable, str(EXAMPLE / "read_text.py"), *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and result.stderr.startswith(f"read_text.py: {message}") and result.stderr.count("\n") == 1
    assert not (tmp_path / ".demo").exists() and (tmp_path / "sign.png").read_bytes() == (EXAMPLE / "sign.png").read_bytes()


@pytest.mark.parametrize("program", ["read_text.py", "accuracy.py"])
def test_numbers_of_threads(tmp_path: Path, program: str) -> None:
    for value in ("-1", "257", "two"):
        command = [sys.executable, str(EXAMPLE / program), "--num_threads", value]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 2 and "expected 0 (one per core) to 256" in result.stderr and not list(tmp_path.iterdir())


def test_models_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "rapidocr_onnxruntime-1.4.4-py3-none-any.whl").write_text("no wheel")
    command = [sys.executable, str(EXAMPLE / "read_text.py"), "--picture", str(EXAMPLE / "sign.png"), "--work_dir", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "holds no sound wheel" in result.stderr and result.stderr.count("\n") == 1
    command[-1] = str(EXAMPLE / "sign.png" / "folder")
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "Not a directory" in result.stderr
