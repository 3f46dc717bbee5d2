"""The demo of MACE: reads the text of pictures.

Three trained networks (detection of lines, their direction, recognition) are
fetched as ONNX files and converted to .mace files that hold their pre- and
post-processing too: uint8 pictures go in, the classes of characters come out,
and the list of characters comes from the recognizer's metadata. Without
--picture a sign, a generated page of 200 words and a photograph of a page are
read.

Each picture's lines are drawn into OUTPUT (PNG); beside it stand the text
(.txt) and the lines with boxes and scores (.json). Exit status: 0 on success;
1 where no text was found or the models cannot be had; 2 where a picture
cannot be read or the command line is wrong.

  python examples/ocr/read_text.py
  python examples/ocr/read_text.py --picture page.jpg --output page_text.png --num_threads 2
  python examples/ocr/read_text.py --picture page.jpg --json | python -m json.tool
  python examples/ocr/read_text.py --picture page.jpg --engine onnxruntime
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ocr_models
import pages
from mace.files import read_file, write_atomically
from ocr_engines import Engine, MaceEngine, OnnxRuntimeEngine
from PIL import Image, ImageDraw, ImageOps
from reader import Page, Reader

import mace

HERE = Path(__file__).parent
PAGE_SEED, PAGE_WORDS = 0, 200


class UserError(Exception):
    """What a person can put right; the text is one sentence."""


def thread_count(text: str) -> int:
    """The value of --num_threads."""
    if not (text.isdecimal() and int(text) <= 256):
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 (one per core) to 256")
    return int(text)


@contextmanager
def stage(name: str, quiet: bool) -> Iterator[None]:
    """Prints the stage with its time."""
    begin = time.perf_counter()
    yield
    if not quiet:
        print(f"{name:<46} {(time.perf_counter() - begin) * 1e3:10.1f} ms", flush=True)


def open_picture(path: Path) -> Image.Image:
    """The picture as a viewer shows it: turned as its EXIF data say, what is transparent on white."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd tags
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(read_file(path))) as picture:
                shown = ImageOps.exif_transpose(picture)
                if shown.has_transparency_data:
                    shown = shown.convert("RGBA")
                    return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
                return shown.convert("RGB")
    except mace.MaceError as error:
        raise UserError(str(error)) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = "is not a picture that Pillow can read" if isinstance(error, Image.UnidentifiedImageError) else str(error)
        raise UserError(f"{path}: {reason}") from None


def make_engine(name: str, work_dir: Path, num_threads: int, quiet: bool) -> Engine:
    with stage(f"models from {ocr_models.PACKAGE}", quiet):
        sources = ocr_models.fetch_models(work_dir)
    if name == "onnxruntime":
        try:
            with stage("load (onnxruntime)", quiet):
                return OnnxRuntimeEngine(sources, num_threads)
        except ImportError:
            raise UserError("--engine onnxruntime needs the package onnxruntime: pip install onnxruntime") from None
    with stage("convert to .mace, with the pipelines", quiet):
        files = ocr_models.convert_models(sources)
    with stage("load", quiet):
        return MaceEngine(files, num_threads)


def draw(picture: Image.Image, page: Page) -> Image.Image:
    """The picture with a frame around each line."""
    result = picture.copy()
    pen = ImageDraw.Draw(result)
    for line in page.lines:
        pen.polygon([tuple(corner) for corner in line.corners], outline=(220, 0, 60), width=2)
    return result


def as_dict(name: str, picture: Image.Image, page: Page) -> dict[str, Any]:
    return {
        "picture": name, "size": list(picture.size), "text": page.text,
        "milliseconds": {stage: round(seconds * 1e3, 1) for stage, seconds in page.seconds.items()},
        "lines": [
            {
                "row": row, "text": line.text, "score": round(line.score, 4), "box_score": round(line.box_score, 4),
                "corners": [[round(float(value), 1) for value in corner] for corner in line.corners], "upside_down": line.upside_down,
            }
            for row, lines in enumerate(page.rows) for line in lines
        ],
    }  # fmt: skip


def write_results(output: Path, picture: Image.Image, page: Page, report: dict[str, Any]) -> None:
    drawn = io.BytesIO()
    draw(picture, page).save(drawn, "PNG")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(str(output), drawn.getbuffer())
        write_atomically(str(output.with_suffix(".txt")), f"{page.text}\n".encode())
        write_atomically(str(output.with_suffix(".json")), f"{json.dumps(report, indent=1)}\n".encode())
    except mace.MaceError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{output}: {error.strerror or error}") from None


def print_page(name: str, page: Page) -> None:
    print(f"\n{name}: {len(page.lines)} lines of text")
    for line in page.lines:
        x, y = line.corners[0]
        print(f"  ({x:5.0f}, {y:5.0f})  {line.score:.3f}  {'(turned) ' if line.upside_down else ''}{line.text}")
    for stage_name, seconds in page.seconds.items():
        print(f"  {stage_name:<44} {seconds * 1e3:10.1f} ms")


def pictures_of(arguments: argparse.Namespace) -> list[tuple[str, Image.Image]]:
    if arguments.picture:
        return [(str(path), open_picture(path)) for path in arguments.picture]
    page, _ = pages.draw_page(pages.make_words(PAGE_WORDS, PAGE_SEED))
    photograph = ocr_models.fetch_page(arguments.work_dir)
    return [("sign.png", open_picture(HERE / "sign.png")), ("generated_page.png", page), ("page.png", open_picture(photograph))]


def outputs_of(arguments: argparse.Namespace, names: list[str]) -> list[Path]:
    """The PNG of each picture; none of them is a picture that is read, or that of another picture."""
    if arguments.output and arguments.output.suffix in (".txt", ".json"):
        raise UserError(f"--output={arguments.output}: names a PNG, text and lines are written beside it")
    outputs = [arguments.output or arguments.work_dir / f"{Path(name).stem}_text.png" for name in names]
    for output in outputs:
        if outputs.count(output) > 1:
            raise UserError(f"{output}: two pictures would be written there: read them one at a time, with --output")
        if output.exists() and any(path.exists() and path.samefile(output) for path in arguments.picture or ()):
            raise UserError(f"{output}: is a picture that is read, and would be lost")
    return outputs


def run(arguments: argparse.Namespace) -> int:
    if arguments.output and len(arguments.picture or ()) != 1:
        raise UserError("--output names one file: give one --picture")
    pictures = pictures_of(arguments)
    outputs = outputs_of(arguments, [name for name, _ in pictures])
    reader = Reader(make_engine(arguments.engine, arguments.work_dir, arguments.num_threads, arguments.json))
    reports, found = [], True
    for (name, picture), output in zip(pictures, outputs, strict=True):
        page = reader.read(picture)
        report = as_dict(name, picture, page)
        write_results(output, picture, page, report)
        reports.append({**report, "annotated": str(output)})
        found = found and bool(page.lines)
        if not arguments.json:
            print_page(name, page)
            print(f"  drawn in {output}")
    if arguments.json:
        print(json.dumps({"engine": arguments.engine, "pages": reports}))
    return 0 if found else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, action="append", help="a picture to read (repeatable)")
    parser.add_argument("--output", type=Path, help="the PNG to write (default: WORK_DIR/NAME_text.png)")
    parser.add_argument("--engine", choices=("mace", "onnxruntime"), default="mace", help="what runs the networks (default: mace)")
    parser.add_argument("--num_threads", type=thread_count, default=0, help="0: one per core")
    parser.add_argument("--work_dir", type=Path, default=Path(".demo"), help="where models and results are kept (default: .demo)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the report")
    try:
        return run(parser.parse_args())
    except UserError as error:
        print(f"read_text.py: {error}", file=sys.stderr)
        return 2
    except (ocr_models.FetchError, mace.MaceError) as error:
        print(f"read_text.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
