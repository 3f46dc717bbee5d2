"""MACE's side of a check: the model or parts of it, converted and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import mace
from mace.files import MACE_MAGIC

Convert = Callable[..., tuple[bytes, dict[str, Any]]]


class Candidate:
    """A model as MACE computes it. `convert` is mace.convert; tests put another in its place."""

    def __init__(
        self, data: bytes, folder: str | None = None, weights: bytes | None = None, num_threads: int = 1, convert: Convert = mace.convert
    ) -> None:
        self._data, self._convert, self._num_threads = data, convert, num_threads
        self._options = {"folder": folder, "weights": weights}

    @property
    def is_converted(self) -> bool:
        """Whether it is a .mace file, which cannot be cut."""
        return self._data[: len(MACE_MAGIC)] == MACE_MAGIC

    @property
    def data(self) -> bytes:
        """The file."""
        return self._data

    def convert(self, **options: Any) -> tuple[bytes, dict[str, Any]]:
        """The .mace file and what the conversion tells."""
        if self.is_converted:
            return self._data, {"format": "mace", "warnings": [], "passes": []}
        return self._convert(self._data, **self._options, **options)

    def cut(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> bytes:
        """The .mace file that computes these tensors from those, without passes."""
        shapes = {name: list(array.shape) for name, array in feeds.items()}
        return self.convert(inputs=shapes or None, outputs=list(outputs), optimize=False)[0]

    def run(self, data: bytes, feeds: Mapping[str, np.ndarray], *, reference_kernels: bool = False) -> dict[str, np.ndarray]:
        """Runs a .mace file from its initial state on those of the arrays that it has inputs for."""
        model = mace.load(data, num_threads=self._num_threads, reference_kernels=reference_kernels)
        return model({info.name: feeds[info.name] for info in model.inputs if info.name in feeds})

    def outputs(self, data: bytes) -> list[str]:
        """The names of a .mace file's outputs."""
        return [info.name for info in mace.load(data, num_threads=self._num_threads).outputs]
