"""Quadrilaterals of text: from a map of probabilities to boxes, from boxes to upright crops, from boxes to reading order.

A box is a float array [4, 2] of (x, y) in pixels: the corners of a rectangle that may be turned, clockwise as a reader sees them,
from the top left one. All functions are pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError


@dataclass(frozen=True)
class Box:
    """A line of text in a picture. corners: [4, 2], see above; score: mean probability of its pixels, in [0, 1]."""

    corners: np.ndarray
    score: float

    @property
    def width(self) -> float:
        return float(np.linalg.norm(self.corners[1] - self.corners[0]))

    @property
    def height(self) -> float:
        return float(np.linalg.norm(self.corners[3] - self.corners[0]))


def smallest_rectangle(points: np.ndarray) -> np.ndarray:
    """The corners [4, 2] of the rectangle of least area around `points` [n, 2]; one of its sides lies on a side of the convex hull."""
    try:
        hull = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # fewer than three points, or all on a line
        hull = points
    edges = np.roll(hull, -1, axis=0) - hull
    angles = np.unique(np.append(np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2), 0.0))
    best, best_area = None, np.inf
    for angle in angles:
        axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        turned = hull @ axes.T
        low, high = turned.min(axis=0), turned.max(axis=0)
        area = float(np.prod(high - low))
        if area < best_area - 1e-9:
            best_area = area
            best = np.array([low, (high[0], low[1]), high, (low[0], high[1])]) @ axes
    assert best is not None
    return order_corners(best)


def order_corners(corners: np.ndarray) -> np.ndarray:
    """The same corners, clockwise (y points down), beginning at the top left one of a rectangle turned by at most 45 degrees."""
    middle = corners.mean(axis=0)
    clockwise = corners[np.argsort(np.arctan2(*(corners - middle).T[::-1]))]
    return np.roll(clockwise, -int(np.argmin(clockwise.sum(axis=1))), axis=0)


def grow(corners: np.ndarray, ratio: float) -> np.ndarray:
    """The rectangle with every side moved out by area * ratio / perimeter."""
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = np.linalg.norm(across), np.linalg.norm(down)
    if min(width, height) == 0:
        return corners
    margin = width * height * ratio / (2 * (width + height))
    x, y = across / width * margin, down / height * margin
    return corners + np.array([-x - y, x - y, x + y, y - x])


def find_boxes(probability: np.ndarray, size: tuple[int, int], threshold: float = 0.3, score: float = 0.5, ratio: float = 1.6) -> list[Box]:
    """Boxes in a picture of `size` (width, height) from a map [H, W] of the probability that a pixel belongs to the kernel of a line."""
    labels, _ = ndimage.label(probability > threshold, structure=np.ones((3, 3)))
    scale = np.array([size[0] / probability.shape[1], size[1] / probability.shape[0]])
    boxes = []
    for index, region in enumerate(ndimage.find_objects(labels), start=1):
        inside = labels[region] == index
        mean = float(probability[region][inside].mean())
        ys, xs = np.nonzero(inside)
        if mean < score or len(xs) < 6:
            continue
        pixels = np.stack([xs + region[1].start, ys + region[0].start], axis=1).astype(float)
        outline = np.concatenate([pixels + corner for corner in ((0, 0), (1, 0), (0, 1), (1, 1))])  # a pixel is a square
        kernel = smallest_rectangle(outline)
        if min(np.linalg.norm(kernel[1] - kernel[0]), np.linalg.norm(kernel[3] - kernel[0])) < 3:
            continue
        boxes.append(Box(grow(kernel, ratio) * scale, mean))
    return boxes


def rectify(picture: Image.Image, corners: np.ndarray, height: int) -> Image.Image:
    """The content of the quadrilateral as an upright picture of that height, its width in proportion. A box that is more than 1.5 times
    as high as wide holds a line that runs upwards or downwards; it is turned to lie."""
    across, down = (float(np.linalg.norm(corners[k] - corners[0])) for k in (1, 3))
    if down > 1.5 * across:
        corners = np.roll(corners, -1, axis=0)
        across, down = down, across
    natural = (max(1, round(across)), max(1, round(down)))
    quad = corners[[0, 3, 2, 1]].astype(float).ravel()  # Pillow: from the top left against the clock
    crop = picture.transform(natural, Image.Transform.QUAD, tuple(quad), Image.Resampling.BICUBIC)
    width = max(1, round(across * height / down))
    return crop.resize((width, height), Image.Resampling.BICUBIC)


def reading_order(boxes: list[Box]) -> list[list[int]]:
    """Indices of the boxes, line by line from the top, each line from the left. Two boxes are in one line where the middle of each lies
    within half the smaller height of the other's, measured across the line's direction."""
    order = sorted(range(len(boxes)), key=lambda i: float(boxes[i].corners[:, 1].mean()))
    lines: list[list[int]] = []
    for i in order:
        middle = boxes[i].corners.mean(axis=0)
        for line in lines:
            last = min((boxes[k] for k in line), key=lambda box: abs(float(box.corners[:, 0].mean()) - middle[0]))
            across = last.corners[1] - last.corners[0]
            offset = middle - last.corners.mean(axis=0)
            distance = abs(across[0] * offset[1] - across[1] * offset[0]) / max(float(np.linalg.norm(across)), 1e-9)
            if distance < 0.5 * min(boxes[i].height, last.height):
                line.append(i)
                break
        else:
            lines.append([i])
    for line in lines:
        line.sort(key=lambda i: float(boxes[i].corners[:, 0].mean()))
    return lines
