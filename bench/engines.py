"""Engines behind one small interface, each run in a process of its own by bench/worker.py.

An engine is a function (path, num_threads, isa) -> Engine. It is imported only in its worker, so no engine shares a process, a thread
pool or an allocator with another. `isa` limits MACE's instruction set; the others choose theirs themselves.
A file that was converted from ONNX has an interface.json beside it (bench/conversions.py): names, numbers of batch axes, the layout.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

InputSpec = tuple[str, str, tuple[int | str | None, ...]]


@dataclass
class Engine:
    """A loaded model. `run` is timed: it takes what `prepare` made of the arrays and gives what `finish` makes arrays of."""

    inputs: list[InputSpec]
    run: Callable[[Any], Any]
    prepare: Callable[[list[np.ndarray]], Any] = lambda arrays: arrays
    finish: Callable[[Any], list[np.ndarray]] = list


def load_mace(path: str, num_threads: int, isa: str | None = None) -> Engine:
    """MACE: converts the model in process if it is no .mace file."""
    import mace

    model = mace.load(path, num_threads, isa=isa)
    return Engine([(t.name, t.dtype, t.shape) for t in model.inputs], lambda feeds: list(model(feeds).values()))


def load_onnxruntime(path: str, num_threads: int, isa: str | None = None) -> Engine:
    """onnxruntime on the CPU with its default options (all optimisations) but the number of threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()  # default options otherwise
    options.intra_op_num_threads = num_threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    dtypes = {"float": "float32", "double": "float64"}
    types = [i.type.removeprefix("tensor(").removesuffix(")") for i in session.get_inputs()]
    specs = [(i.name, dtypes.get(t, t), tuple(i.shape)) for i, t in zip(session.get_inputs(), types, strict=True)]
    names = [name for name, _, _ in specs]
    return Engine(specs, lambda feeds: session.run(None, dict(zip(names, feeds, strict=True))))


def load_openvino(path: str, num_threads: int, isa: str | None = None) -> Engine:
    """OpenVINO's CPU plugin, tuned for latency, in float32."""
    import openvino

    core = openvino.Core()
    options = {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": num_threads,
        "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    model = core.compile_model(path, "CPU", options)
    request = model.create_infer_request()
    names = [i.any_name for i in model.inputs]

    def run(feeds: list[np.ndarray]) -> list[np.ndarray]:
        results = request.infer(dict(zip(names, feeds, strict=True)), share_inputs=True)
        return [results[i] for i in range(len(model.outputs))]

    return Engine([], run)


def read_interface(path: str) -> dict:
    """What the conversion wrote about a file; empty for a file that was not converted here."""
    file = Path(path).parent / "interface.json"
    return json.loads(file.read_text()) if file.exists() else {}


def narrow(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Indices as the phone engines take them: int32."""
    return [array.astype(np.int32) if array.dtype == np.int64 else array for array in arrays]


def load_ncnn(path: str, num_threads: int, isa: str | None = None) -> Engine:
    """ncnn on the CPU, weights and activations stored as float32; `path` is the .param file, the .bin stands beside it."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = num_threads
    net.opt.use_vulkan_compute = False
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage"):
        if hasattr(net.opt, name):
            setattr(net.opt, name, False)
    if net.load_param(path) or net.load_model(path.removesuffix(".param") + ".bin"):
        raise ValueError("ncnn does not load the converted network")
    interface = read_interface(path)

    def run(feeds: list[np.ndarray]) -> list[np.ndarray]:
        results = []
        with net.create_extractor() as extractor:
            for (blob, axis), feed in zip(interface["inputs"], feeds, strict=True):
                mat = ncnn.Mat(feed) if axis is None else ncnn.Mat(feed, batch_index=axis)
                extractor.input(blob, mat.clone())
            for blob, axis in interface["outputs"]:
                status, mat = extractor.extract(blob)
                if status:
                    raise ValueError(f"ncnn does not compute the output {blob} (status {status})")
                # A copy: the array is a view of memory that the extractor's end gives back.
                results.append(np.array(mat.numpy() if axis is None else mat.numpy(batch_index=axis)))
        return results

    return Engine([], run, narrow)


def load_mnn(path: str, num_threads: int, isa: str | None = None) -> Engine:
    """MNN's CPU backend at precision high, by its module interface."""
    import MNN

    interface = read_interface(path)
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "precision": "high", "numThread": num_threads},))
    module = MNN.nn.load_module_from_file(path, interface["inputs"], interface["outputs"], runtime_manager=manager)
    types = {"float32": MNN.expr.float, "int32": MNN.expr.int, "uint8": MNN.expr.uint8, "int8": MNN.expr.int8}

    def run(feeds: list[np.ndarray]) -> list[np.ndarray]:
        variables = [MNN.expr.const(feed, list(feed.shape), MNN.expr.NCHW, types[feed.dtype.name]) for feed in feeds]
        results = []
        for result in module.forward(variables):
            plain = MNN.expr.convert(result, MNN.expr.NCHW) if result.data_format == MNN.expr.NC4HW4 else result
            results.append(np.array(plain.read()))  # a copy: the next run reuses the memory
        return results

    return Engine([], run, narrow)


def load_litert(path: str, num_threads: int, isa: str | None = None) -> Engine:
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

    if read_interface(path).get("layout") != "NHWC":  # a .tflite file of its own
        return Engine(specs, run)
    return Engine(
        specs,
        run,
        lambda arrays: [np.ascontiguousarray(a.transpose(0, 2, 3, 1)) if a.ndim == 4 else a for a in narrow(arrays)],
        lambda arrays: [a.transpose(0, 3, 1, 2) if a.ndim == 4 else a for a in arrays],
    )


ENGINES = {
    "mace": load_mace, "onnxruntime": load_onnxruntime, "openvino": load_openvino, "ncnn": load_ncnn, "mnn": load_mnn,
    "litert": load_litert,
}  # fmt: skip
MODULES = {
    "mace": "mace", "onnxruntime": "onnxruntime", "openvino": "openvino", "ncnn": "ncnn", "mnn": "MNN",
    "litert": "ai_edge_litert.interpreter",
}  # fmt: skip
DISTRIBUTIONS = {"mace": "mace-engine", "mnn": "MNN", "litert": "ai-edge-litert"}
# What is set; all else is the default of the wheel from PyPI. N is the number of threads.
SETTINGS = {
    "mace": "num_threads N, from the .mace file",
    "onnxruntime": "CPUExecutionProvider, all graph optimisations, intra_op N",
    "openvino": "CPU, hint LATENCY, f32, N threads, CPU pinning off, from ONNX",
    "ncnn": "CPU, f32 storage (fp16, bf16 off), N threads, converted by pnnx",
    "mnn": "CPU, precision high, N threads, module interface, its own converter",
    "litert": "XNNPACK (default delegate), N threads, NHWC, from TensorFlow's converter",
}
PEERS = tuple(name for name in ENGINES if name != "mace")


def version_of(engine: str) -> str:
    """The version of the installed engine."""
    try:
        return importlib.metadata.version(DISTRIBUTIONS.get(engine, engine))
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
