"""Engines behind one small interface, each run in a process of its own by bench/worker.py.

An engine is a function (path, num_threads, isa) -> (names, types and shapes of the inputs, callable on a list of arrays). It is
imported only in its worker, so no engine shares a process, a thread pool or an allocator with another. `isa` limits MACE's
instruction set; the others choose theirs themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

InputSpec = tuple[str, str, tuple[int | str | None, ...]]
Run = Callable[[list[np.ndarray]], list[np.ndarray]]


def load_mace(path: str, num_threads: int, isa: str | None = None) -> tuple[list[InputSpec], Run]:
    """MACE: converts the model in process."""
    import mace

    model = mace.load(path, num_threads, isa=isa)
    return [(t.name, t.dtype, t.shape) for t in model.inputs], lambda feeds: list(model(feeds).values())


def load_onnxruntime(path: str, num_threads: int, isa: str | None = None) -> tuple[list[InputSpec], Run]:
    """onnxruntime on the CPU with its default options but the number of threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()  # default options otherwise
    options.intra_op_num_threads = num_threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    dtypes = {"float": "float32", "double": "float64", "float16": "float16"}
    names = {i.name: i.type.removeprefix("tensor(").removesuffix(")") for i in session.get_inputs()}
    specs = [(i.name, dtypes.get(names[i.name], names[i.name]), tuple(i.shape)) for i in session.get_inputs()]
    return specs, lambda feeds: session.run(None, dict(zip(names, feeds, strict=True)))


def load_litert(path: str, num_threads: int, isa: str | None = None) -> tuple[list[InputSpec], Run]:
    """LiteRT (ai-edge-litert) as its users get it: XNNPACK for what it takes, its own kernels for the rest."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=num_threads)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    specs = []
    for i in inputs:
        signature = i["shape_signature"] if len(i["shape_signature"]) else i["shape"]
        specs.append((i["name"], np.dtype(i["dtype"]).name, tuple(int(d) if d >= 0 else None for d in signature)))

    def run(feeds: list[np.ndarray]) -> list[np.ndarray]:
        shapes = [tuple(i["shape"]) for i in inputs]
        if shapes != [feed.shape for feed in feeds]:
            for i, feed in zip(inputs, feeds, strict=True):
                interpreter.resize_tensor_input(i["index"], feed.shape)
                i["shape"] = feed.shape
            interpreter.allocate_tensors()
        for i, feed in zip(inputs, feeds, strict=True):
            interpreter.set_tensor(i["index"], feed)
        interpreter.invoke()
        return [interpreter.get_tensor(o["index"]) for o in outputs]

    return specs, run


ENGINES = {"mace": load_mace, "onnxruntime": load_onnxruntime, "litert": load_litert}
