"""What runs the three networks: MACE, with pre- and post-processing stored in the .mace files, or onnxruntime, with the same steps in
NumPy. Pictures are uint8 RGB arrays [H, W, 3]."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import ocr_models
from mace.pipeline import texts

import mace


class Engine(Protocol):
    characters: list[str]

    def detect(self, picture: np.ndarray) -> np.ndarray:
        """[H, W], the probability that a pixel belongs to the kernel of a line; H and W are multiples of 32."""

    def is_upside_down(self, crop: np.ndarray) -> float:
        """The probability that the line of text stands on its head."""

    def recognize(self, crop: np.ndarray) -> tuple[list[int], list[float]]:
        """The classes of a line's characters and their scores; the crop is 48 pixels high."""


class MaceEngine:
    """The .mace files do everything between the picture and the answer."""

    def __init__(self, files: dict[str, Path], num_threads: int = 0) -> None:
        self.models = {kind: mace.load(file, num_threads=num_threads) for kind, file in files.items()}
        self.characters = ocr_models.characters_of(self.models["recognition"].metadata)

    def _run(self, kind: str, picture: np.ndarray) -> list[np.ndarray]:
        return list(self.models[kind]([np.ascontiguousarray(picture[None])]).values())

    def detect(self, picture: np.ndarray) -> np.ndarray:
        return self._run("detection", picture)[0][0, 0]

    def is_upside_down(self, crop: np.ndarray) -> float:
        model = self.models["direction"]
        values, indices = self._run("direction", crop)
        (label,) = texts(model, model.outputs[0].name, indices[0])
        return float(values[0, 0]) if label == "180" else 1 - float(values[0, 0])

    def recognize(self, crop: np.ndarray) -> tuple[list[int], list[float]]:
        labels, lengths, scores, _ = self._run("recognition", crop)
        return labels[0, : lengths[0]].tolist(), scores[0, : lengths[0]].tolist()


def resize_bilinear(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """[H, W, C] with half-pixel centres, without antialiasing: what the step Resize is."""
    result = picture.astype(np.float32)
    for axis, size in ((0, height), (1, width)):
        source = result.shape[axis]
        place = np.clip((np.arange(size, dtype=np.float32) + 0.5) * (source / size) - 0.5, 0, source - 1).astype(np.float32)
        low = place.astype(int)
        weight = np.expand_dims(place - low, 1 - axis)[..., None]
        high = np.minimum(low + 1, source - 1)
        result = result.take(low, axis) * (1 - weight) + result.take(high, axis) * weight
    return result


def decode_ctc(scores: np.ndarray) -> tuple[list[int], list[float]]:
    """The best path of scores [T, C], class 0 being the blank: classes and the score of each at its first step."""
    path = scores.argmax(axis=1)
    kept = (path != 0) & np.append(True, path[1:] != path[:-1])
    return path[kept].tolist(), scores[kept, path[kept]].tolist()


class OnnxRuntimeEngine:
    """The ONNX files in onnxruntime; the stored steps, in NumPy."""

    def __init__(self, files: dict[str, Path], num_threads: int = 0) -> None:
        import onnxruntime  # an optional peer: pip install onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        self.sessions: dict[str, Any] = {
            kind: onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"]) for kind, file in files.items()
        }
        self.characters = ocr_models.characters_of(self.sessions["recognition"].get_modelmeta().custom_metadata_map)

    def _run(self, kind: str, picture: np.ndarray, mean: Any, deviation: Any) -> np.ndarray:
        x = (picture[..., ::-1].astype(np.float32) / 255 - np.float32(mean)) / np.float32(deviation)
        session = self.sessions[kind]
        return session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(x.transpose(2, 0, 1)[None])})[0]

    def detect(self, picture: np.ndarray) -> np.ndarray:
        return self._run("detection", picture, ocr_models.MEAN, ocr_models.DEVIATION)[0, 0]

    def is_upside_down(self, crop: np.ndarray) -> float:
        small = resize_bilinear(crop, ocr_models.DIRECTION_HEIGHT, ocr_models.DIRECTION_WIDTH)
        return float(self._run("direction", small, 0.5, 0.5)[0, 1])

    def recognize(self, crop: np.ndarray) -> tuple[list[int], list[float]]:
        return decode_ctc(self._run("recognition", crop, 0.5, 0.5)[0])
