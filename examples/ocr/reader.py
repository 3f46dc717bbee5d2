"""From a picture to its text: detection, direction, recognition, reading order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import geometry
import numpy as np
import ocr_models
from ocr_engines import Engine
from PIL import Image

LONGEST_SIDE = 2000  # of what the detector sees; larger pictures are reduced
# Of a box: every side moves out by area * growth / perimeter. The second is tried where the first gives a line that is not sure.
GROWTHS = (2.0, 1.6)
SURE_OF_TEXT = 0.95
STAGES = ("detection", "boxes and crops", "direction", "recognition")
WIDTH_STEP = 160  # crops are padded to multiples of it, so that few plans serve all lines
PADDING = 128  # grey: zero behind the normalisation
SURE_OF_DIRECTION = 0.7
MOST_WINDOWS = 4  # of a line, whose direction is the mean of theirs


@dataclass
class Line:
    """A piece of text in one row. corners: [4, 2] pixels, clockwise from the top left; score: mean of the characters' in [0, 1]."""

    text: str
    score: float
    corners: np.ndarray
    box_score: float
    upside_down: bool = False


@dataclass
class Page:
    """rows: lines of text from the top, each a list of pieces from the left; seconds: by stage, in order."""

    rows: list[list[Line]]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def lines(self) -> list[Line]:
        return [line for row in self.rows for line in row]

    @property
    def text(self) -> str:
        return "\n".join(" ".join(line.text for line in row) for row in self.rows)


class Reader:
    """Reads pictures with one engine. Not for several threads at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def read(self, picture: Image.Image) -> Page:
        page = Page([], dict.fromkeys(STAGES, 0.0))
        picture = picture.convert("RGB")
        with stage(page, "detection"):
            probability = self.engine.detect(to_detector(picture))
        with stage(page, "boxes and crops"):
            kernels = geometry.find_boxes(probability, picture.size, ratio=0)
        lines = [self.read_line(picture, kernel, page) for kernel in kernels]
        kept = [line for line in lines if line.text]
        order = geometry.reading_order([geometry.Box(line.corners, line.box_score) for line in kept])
        page.rows = [[kept[i] for i in row] for row in order]
        if sum(line.upside_down for line in kept) * 2 > len(kept):  # the whole page stands on its head
            page.rows = [row[::-1] for row in page.rows[::-1]]
        return page

    def read_line(self, picture: Image.Image, kernel: geometry.Box, page: Page) -> Line:
        """The line as it is read best: a crop that holds parts of the lines above and below, or not all of its own, shows in the score,
        and then the next growth is tried."""
        best: Line | None = None
        for growth in GROWTHS:
            with stage(page, "boxes and crops"):
                corners = geometry.grow(kernel.corners, growth)
                crop = geometry.rectify(picture, corners, ocr_models.LINE_HEIGHT)
            with stage(page, "direction"):
                turned = self.is_upside_down(crop)
            with stage(page, "recognition"):
                text, score = self.recognize(crop.rotate(180) if turned else crop)
            if best is None or score > best.score:
                best = Line(text, score, corners, kernel.score, turned)
            if score >= SURE_OF_TEXT:
                break
        assert best is not None
        return best

    def is_upside_down(self, crop: Image.Image) -> bool:
        return float(np.mean([self.engine.is_upside_down(window) for window in to_direction(crop)])) > SURE_OF_DIRECTION

    def recognize(self, crop: Image.Image) -> tuple[str, float]:
        """Text and score of an upright crop."""
        pixels = np.asarray(crop)
        width = -(-pixels.shape[1] // WIDTH_STEP) * WIDTH_STEP
        padded = np.full((ocr_models.LINE_HEIGHT, width, 3), PADDING, np.uint8)
        padded[:, : pixels.shape[1]] = pixels
        labels, scores = self.engine.recognize(padded)
        return "".join(self.engine.characters[label] for label in labels).strip(), float(np.mean(scores)) if scores else 0.0


@contextmanager
def stage(page: Page, name: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    page.seconds[name] += time.perf_counter() - begin


def to_detector(picture: Image.Image) -> np.ndarray:
    """The picture with sides that are multiples of 32, the longer one at most LONGEST_SIDE."""
    scale = min(1.0, LONGEST_SIDE / max(picture.size))
    width, height = (max(32, round(side * scale / 32) * 32) for side in picture.size)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def to_direction(crop: Image.Image) -> list[np.ndarray]:
    """Windows of the classifier's shape, 4 : 1: it was trained on words and is unsure of long lines that are pressed into it."""
    pixels = np.asarray(crop)
    missing = ocr_models.DIRECTION_WIDTH - pixels.shape[1]
    if missing >= 0:
        return [np.pad(pixels, ((0, 0), (0, missing), (0, 0)), constant_values=PADDING)]
    count = min(MOST_WINDOWS, -(-pixels.shape[1] // ocr_models.DIRECTION_WIDTH))
    starts = np.linspace(0, -missing, count).astype(int)
    return [pixels[:, start : start + ocr_models.DIRECTION_WIDTH] for start in starts]
