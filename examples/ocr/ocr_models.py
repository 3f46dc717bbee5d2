"""The three networks of the demo: fetched once, converted once, with their pre- and post-processing stored in the .mace files.

They are the ONNX files of the PyPI package rapidocr-onnxruntime (PP-OCRv4, Apache-2.0), used as data; its code is not used.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from mace.files import write_atomically
from mace.pipeline import Color, CtcDecode, Layout, Normalize, Resize, TopK

import mace

PACKAGE = "rapidocr-onnxruntime==1.4.4"
PAGE_PACKAGE = "scikit-image"  # for its picture of a page of text
DIRECTION_HEIGHT, DIRECTION_WIDTH = 48, 192
LINE_HEIGHT = 48  # of the crops that the recognizer takes
# As the networks were trained: on BGR pictures, of which the detector's are normalised by ImageNet's constants.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILES = {
    "detection": "ch_PP-OCRv4_det_infer.onnx",
    "direction": "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    "recognition": "ch_PP-OCRv4_rec_infer.onnx",
}
PREPROCESS = {
    "detection": [Color("rgb", "bgr"), Normalize(MEAN, DEVIATION), Layout("NHWC", "NCHW")],
    "direction": [Color("rgb", "bgr"), Resize(DIRECTION_HEIGHT, DIRECTION_WIDTH), Normalize(0.5, 0.5), Layout("NHWC", "NCHW")],
    "recognition": [Color("rgb", "bgr"), Normalize(0.5, 0.5), Layout("NHWC", "NCHW")],
}
POSTPROCESS = {"detection": [], "direction": [TopK(1, labels=["0", "180"])], "recognition": [CtcDecode(blank=0)]}


class FetchError(Exception):
    """A file could not be had; the text is one sentence."""


def fetch(package: str, ending: str, target: Path) -> Path:
    """The file of a PyPI wheel whose name has that ending, taken out once and kept as `target`."""
    if target.exists():
        return target
    wheels = target.parent / "wheels"
    pattern = f"{package.partition('==')[0].replace('-', '_')}-*.whl"
    try:
        if not list(wheels.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", str(wheels)]
            subprocess.run([*command, package], check=True)
        with zipfile.ZipFile(next(wheels.glob(pattern))) as wheel:
            name = next(n for n in wheel.namelist() if n.endswith(ending))
            temporary = target.with_name(target.name + ".part")
            temporary.write_bytes(wheel.read(name))
            temporary.rename(target)
    except subprocess.CalledProcessError:
        raise FetchError(f"{package} could not be downloaded (pip says why): is PyPI in reach?") from None
    except (StopIteration, zipfile.BadZipFile):
        raise FetchError(f"{wheels}: holds no sound wheel of {package} with {ending}; remove it, and it is fetched again") from None
    except OSError as error:
        raise FetchError(f"{target}: {error.strerror or error}") from None
    return target


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(f"{folder}: {error.strerror or error}") from None


def fetch_models(work_dir: Path) -> dict[str, Path]:
    """The ONNX files, by what they are for."""
    make_folder(work_dir)
    return {kind: fetch(PACKAGE, file, work_dir / f"text_{kind}.onnx") for kind, file in FILES.items()}


def fetch_page(work_dir: Path) -> Path:
    """skimage.data.page(): a photograph of a printed page."""
    make_folder(work_dir)
    return fetch(PAGE_PACKAGE, "data/page.png", work_dir / "page.png")


def convert_model(kind: str, source: Path) -> bytes:
    """The bytes of a .mace file that takes uint8 RGB pictures [1, H, W, 3]."""
    plain = mace.load(source)
    return mace.convert(
        source, preprocess={plain.inputs[0].name: PREPROCESS[kind]}, postprocess={plain.outputs[0].name: POSTPROCESS[kind]}
    )[0]


def convert_models(sources: dict[str, Path]) -> dict[str, Path]:
    """The .mace files beside the ONNX files."""
    results = {}
    for kind, source in sources.items():
        results[kind] = source.with_suffix(".mace")
        write_atomically(str(results[kind]), convert_model(kind, source))
    return results


def characters_of(metadata: dict[str, str]) -> list[str]:
    """The text of each class of the recognizer: PaddleOCR stores a character a line; class 0 is CTC's blank, the last one a space."""
    lines = metadata["character"].split("\n")
    return ["", *(lines[:-1] if lines[-1] == "" else lines), " "]
