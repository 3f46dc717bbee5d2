"""A Caffe network by OpenCV (opencv-python-headless 4.14; version 5 has no importer for Caffe)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mace.checking.sources import Node, first_line, import_engine, version_of
from mace.errors import FailedPreconditionError, InvalidArgumentError

PACKAGE = "opencv-python-headless==4.14.0.94"
TOKEN = re.compile(r"#[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[{}]|[^\s{}:;,<>]+|[:;,<>]")


def layers_of(text: str) -> list[dict[str, list[str]]]:
    """Name, type, bottoms and tops of each layer of a prototxt, those of the training phase left out."""
    tokens = [token for token in TOKEN.findall(text) if not token.startswith("#") and token not in (":", ";", ",")]
    layers: list[dict[str, list[str]]] = []
    path: list[str] = []
    for at, token in enumerate(tokens):
        if token in ("{", "<"):
            path.append(tokens[at - 1] if at else "")
            if len(path) == 1 and path[0] in ("layer", "layers"):
                layers.append({})
        elif token in ("}", ">"):
            if path:
                path.pop()
        elif at + 1 < len(tokens) and tokens[at + 1] not in ("{", "<") and path and path[0] in ("layer", "layers"):
            if len(path) == 1 and token in ("name", "type", "bottom", "top"):
                layers[-1].setdefault(token, []).append(tokens[at + 1].strip("\"'"))
            elif path[1:] == ["include"] and token == "phase":
                layers[-1].setdefault("phase", []).append(tokens[at + 1])
    return [layer for layer in layers if "TRAIN" not in layer.get("phase", ()) and "bottom" in layer]


class CaffeReference:
    """OpenCV's importer of Caffe. Layers that work in place give their blob several values: the blob is known by its last one, and a
    node is all the layers up to it."""

    def __init__(self, data: bytes, weights: bytes | None, inputs: Sequence[str]) -> None:
        engine: Any = import_engine("cv2", PACKAGE)
        if not hasattr(engine.dnn, "readNetFromCaffe"):
            raise FailedPreconditionError(f"OpenCV {engine.__version__} has no importer for Caffe: pip install {PACKAGE}")
        self.runtime = version_of("opencv-python-headless")
        self._engine, self._inputs = engine, list(inputs)
        self._layers = layers_of(data.decode(errors="replace"))
        try:
            self._net = engine.dnn.readNetFromCaffe(np.frombuffer(data, np.uint8), np.frombuffer(weights or b"", np.uint8))
            self._net.enableFusion(False)
            self._net.enableWinograd(False)
        except Exception as error:
            raise FailedPreconditionError(f"OpenCV cannot load the source: {first_line(error)}") from None

    def nodes(self) -> list[Node]:
        """See Source."""
        known, found = set(self._inputs), []
        last = {top: i for i, layer in enumerate(self._layers) for top in layer.get("top", ())}
        pending: dict[str, tuple[list[str], list[str]]] = {}  # of a blob that is overwritten later: its names, operators and inputs
        for i, layer in enumerate(self._layers):
            names, tops = layer["bottom"], layer.get("top", [])
            if known.isdisjoint(names) and pending.keys().isdisjoint(names):
                continue
            label = f"{layer.get('name', [''])[0]} ({layer.get('type', ['?'])[0]})"
            before = [pending[name] for name in names if name in pending]
            labels = [*(text for each in before for text in each[0]), label]
            sources = [name for name in names if name not in pending] + [name for each in before for name in each[1]]
            for top in tops:
                pending.pop(top, None)
                if last[top] > i and top in self._overwritten(i):
                    pending[top] = (labels, sources)
                else:
                    known.add(top)
            if not any(top in pending for top in tops):
                name, op = layer.get("name", [""])[0], "+".join(text.rpartition(" (")[2][:-1] for text in labels)
                found.append(Node(name, op, tuple(dict.fromkeys(sources)), tuple(tops)))
        return found

    def _overwritten(self, index: int) -> set[str]:
        """Blobs that a layer behind this one changes in place."""
        return {top for layer in self._layers[index + 1 :] for top in layer.get("top", ()) if top in layer["bottom"]}

    def computed(self) -> list[str]:
        """See Source."""
        return [name for node in self.nodes() for name in node.outputs if name not in self._inputs]

    def _producer(self, name: str) -> str:
        """OpenCV gives values of layers, by the layer's name: the last one that writes the blob."""
        for layer in reversed(self._layers):
            if name in layer.get("top", ()):
                at = layer["top"].index(name)
                return layer["name"][0] if at == 0 else f"{layer['name'][0]}.{at}"
        raise InvalidArgumentError(f"the source has no blob {name}")

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """See Source."""
        producers = {name: self._producer(name) for name in outputs if name not in feeds}
        try:
            for name, array in feeds.items():
                self._net.setInput(array, name)
            results = self._net.forward(list(producers.values())) if producers else ()
        except Exception as error:
            raise FailedPreconditionError(f"OpenCV cannot run the source: {first_line(error)}") from None
        return {name: np.array(value) for name, value in zip(producers, results, strict=True)} | {
            name: feeds[name] for name in outputs if name in feeds
        }
