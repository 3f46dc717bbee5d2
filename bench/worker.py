"""One engine in one process: reads a JSON command a line from standard input, answers a JSON line.

{"do": "load", "engine", "path", "num_threads", "isa", "shapes", "specs"} -> {"import_ms", "load_ms", "version"}
{"do": "run", "seed", "repeats", "warm"}  -> {"ms": mean of the repeats}; `warm` runs before them are not timed
{"do": "outputs", "seed", "file"}         -> writes the outputs to an .npz
{"do": "memory"}                          -> {"peak_bytes", "import_peak_bytes"}: the process's peak, now and after the import
A command that fails is answered by {"error": one sentence}. What the engine prints goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import TextIO

import numpy as np
from engines import ENGINES, MODULES, Engine, version_of


def make_inputs(specs: list, shapes: dict, seed: int) -> list[np.ndarray]:
    """The same arrays in every engine's worker for the same seed: floats in [-1, 1), the whole range of 8- and 16-bit integers (they
    are quantized activations), 0 .. 99 of wider ones (indices, lengths)."""
    rng = np.random.RandomState(seed)
    arrays = []
    for name, dtype, shape in specs:
        dims = shapes.get(name) or [d if isinstance(d, int) else 1 for d in shape]
        if dtype.startswith("float"):
            arrays.append(np.asarray(rng.random_sample(dims) * 2 - 1).astype(dtype))  # a scalar is an array too
        elif dtype == "bool":
            arrays.append(np.asarray(rng.randint(0, 2, dims)).astype(dtype))
        elif np.dtype(dtype).itemsize <= 2:
            limits = np.iinfo(dtype)
            arrays.append(np.asarray(rng.randint(limits.min, limits.max + 1, dims)).astype(dtype))
        else:
            arrays.append(np.asarray(rng.randint(0, 100, dims)).astype(dtype))
    return arrays


def peak_bytes() -> int:
    """The most memory that this process has had (VmHWM); 0 where the system does not say."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0


class State:
    """The engine of this process, and what its inputs are made from."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.specs: list = []
        self.shapes: dict = {}
        self.import_peak_bytes = 0

    def load(self, command: dict) -> dict:
        """Imports the engine and loads the model, each with its time."""
        begin = time.perf_counter()
        importlib.import_module(MODULES[command["engine"]])
        imported = time.perf_counter()
        self.import_peak_bytes = peak_bytes()
        self.shapes = command["shapes"]
        loading = time.perf_counter()
        self.engine = ENGINES[command["engine"]](command["path"], command["num_threads"], command["isa"])
        loaded = time.perf_counter()
        self.specs = command.get("specs") or self.engine.inputs
        version = version_of(command["engine"])
        return {"import_ms": (imported - begin) * 1e3, "load_ms": (loaded - loading) * 1e3, "version": version}

    def feeds(self, seed: int) -> object:
        """The inputs of a seed as the engine takes them: a user of LiteRT has NHWC pictures, and is charged for no transposition."""
        assert self.engine
        return self.engine.prepare(make_inputs(self.specs, self.shapes, seed))

    def run(self, command: dict) -> dict:
        """Hands the input over, runs, and takes the outputs back, `repeats` times."""
        assert self.engine
        feeds, run = self.feeds(command["seed"]), self.engine.run
        for _ in range(command.get("warm", 0)):
            run(feeds)
        begin = time.perf_counter()
        for _ in range(command["repeats"]):
            run(feeds)
        return {"ms": (time.perf_counter() - begin) * 1e3 / command["repeats"]}

    def outputs(self, command: dict) -> dict:
        """Writes the outputs, in the source's layout."""
        assert self.engine
        np.savez(command["file"], *self.engine.finish(self.engine.run(self.feeds(command["seed"]))))
        return {}

    def memory(self, command: dict) -> dict:
        """The peaks of this process."""
        return {"peak_bytes": peak_bytes(), "import_peak_bytes": self.import_peak_bytes}


def claim_standard_output() -> TextIO:
    """The pipe to the parent; from here on what engines print (also from C) goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def main() -> None:
    """Answers commands until standard input ends."""
    answers = claim_standard_output()
    state = State()
    actions = {"load": state.load, "run": state.run, "outputs": state.outputs, "memory": state.memory}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = actions[command["do"]](command)
        except Exception as error:  # any engine's own kind; the parent decides what it means
            text = " ".join(str(error).split()) or "no message"
            answer = {"error": f"{type(error).__name__}: {text[:300]}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
