"""Engines behind one small interface, each run in a process of its own by bench/worker.py.

An engine is a function (path, num_threads) -> (names and shapes of the inputs, callable on a list of arrays). It is
imported only in its worker, so no engine shares a process, a thread pool or an allocator with another.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

InputSpec = tuple[str, str, tuple[int | str | None, ...]]
Run = Callable[[list[np.ndarray]], list[np.ndarray]]


def load_mace(path: str, num_threads: int) -> tuple[list[InputSpec], Run]:
    """MACE: converts the model in process."""
    import mace

    model = mace.load(path, num_threads)
    return [(t.name, t.dtype, t.shape) for t in model.inputs], lambda feeds: list(model(feeds).values())


def load_onnxruntime(path: str, num_threads: int) -> tuple[list[InputSpec], Run]:
    """onnxruntime on the CPU with its default options but the number of threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()  # default options otherwise
    options.intra_op_num_threads = num_threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    dtypes = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(uint8)": "uint8"}
    specs = [(i.name, dtypes[i.type], tuple(i.shape)) for i in session.get_inputs()]
    names = [spec[0] for spec in specs]
    return specs, lambda feeds: session.run(None, dict(zip(names, feeds, strict=True)))


ENGINES = {"mace": load_mace, "onnxruntime": load_onnxruntime}
