"""One engine in one process: reads a JSON command a line from standard input, answers a JSON line.

{"do": "load", "engine", "path", "num_threads", "isa", "shapes"} -> {"ok": true, "load_ms"}
{"do": "run", "seed", "repeats"}                                 -> {"ms": mean of the repeats}
{"do": "outputs", "seed", "file"}                                -> writes the outputs to an .npz
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from engines import ENGINES


def make_inputs(specs: list, shapes: dict, seed: int) -> list[np.ndarray]:
    """The same arrays in every engine's worker for the same seed: floats in [-1, 1), the whole range of 8- and 16-bit integers (they
    are quantized activations), 0 .. 99 of wider ones (indices, lengths)."""
    rng = np.random.RandomState(seed)
    arrays = []
    for name, dtype, shape in specs:
        dims = shapes.get(name) or [d if isinstance(d, int) else 1 for d in shape]
        if dtype.startswith("float"):
            arrays.append((rng.random_sample(dims) * 2 - 1).astype(dtype))
        elif dtype == "bool":
            arrays.append(rng.randint(0, 2, dims).astype(dtype))
        elif np.dtype(dtype).itemsize <= 2:
            limits = np.iinfo(dtype)
            arrays.append(rng.randint(limits.min, limits.max + 1, dims).astype(dtype))
        else:
            arrays.append(rng.randint(0, 100, dims).astype(dtype))
    return arrays


def main() -> None:
    """Answers commands until standard input ends."""
    specs, run, shapes = [], None, {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "load":
            shapes = command["shapes"]
            begin = time.perf_counter()
            specs, run = ENGINES[command["engine"]](command["path"], command["num_threads"], command["isa"])
            answer = {"ok": True, "load_ms": (time.perf_counter() - begin) * 1e3}
        elif command["do"] == "run":
            feeds = make_inputs(specs, shapes, command["seed"])
            begin = time.perf_counter()
            for _ in range(command["repeats"]):
                run(feeds)
            answer = {"ms": (time.perf_counter() - begin) * 1e3 / command["repeats"]}
        else:
            np.savez(command["file"], *run(make_inputs(specs, shapes, command["seed"])))
            answer = {"ok": True}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
