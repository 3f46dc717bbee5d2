"""Converts an ONNX file into one engine's own format: what bench/model_files.py runs as a process of its own, with a time limit.

  PYTHON bench/conversions.py ENGINE MODEL.onnx OUTPUT_DIR [SHAPES]

Writes the converted file and interface.json (see bench/engines.py) to OUTPUT_DIR. SHAPES is a JSON object of the shapes of dynamic
inputs. Ends with exit status 1 and one line that begins with "reason: " where the engine cannot take the network.

MNN's command-line programs are not run: on start they install a package that reports conversions. Its converter is an extension module
and is called directly. pnnx is a program of its own and needs no PyTorch.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

from onnx_inputs import InputError, read_interface

NCNN_LACKS = re.compile(r"^(\w+(?:\.\w+)+|aten::\w+|pnnx\.\w+|torch\.\w+|F\.\w+)$")


class Refusal(Exception):
    """The engine cannot take this network: a few words."""


def symmetric_deconvolutions(source: Path, target: Path) -> None:
    """pnnx takes only equal paddings at the begin and end of a ConvTranspose. One that takes less away at the end is the same as one
    with equal paddings and an output padding of the difference; written so, the function stays the same to the bit."""
    import onnx
    from onnx import helper

    model = onnx.load(source)
    for node in model.graph.node:
        if node.op_type != "ConvTranspose":
            continue
        values = {a.name: list(a.ints) for a in node.attribute if a.ints}
        pads = values.get("pads", [])
        half = len(pads) // 2
        extra = [begin - end for begin, end in zip(pads[:half], pads[half:], strict=True)]
        if not any(extra) or min(extra) < 0 or "output_padding" in values or "output_shape" in values:
            continue
        if any(e >= s for e, s in zip(extra, values.get("strides", [1] * half), strict=True)):
            continue
        kept = [a for a in node.attribute if a.name != "pads"]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("pads", pads[:half] * 2), helper.make_attribute("output_padding", extra)])
    onnx.save(model, target)


def embed_gathers(source: Path, param: Path, binary: Path) -> None:
    """pnnx leaves rows taken from a constant matrix as Gather, which ncnn lacks. Each becomes ncnn's Embed, whose weights have four
    zero bytes (the mark of float32) before them. A Gather that is anything else stays, and ncnn refuses the file."""
    import onnx
    from onnx import numpy_helper

    lines = [line.split() for line in param.read_text().splitlines()]
    layers, data = lines[2:], binary.read_bytes()
    weights = {t.name: t for t in onnx.load(source).graph.initializer}
    for gather in [layer for layer in layers if layer[0] == "Gather"]:
        matrix, indices, output = gather[4:7]
        memory = next((layer for layer in layers if layer[0] == "MemoryData" and layer[4] == matrix), None)
        readers = [layer for layer in layers if matrix in layer[4 : 4 + int(layer[2])]]
        is_input = any(layer[0] == "Input" and layer[4] == indices for layer in layers)
        if memory is None or memory[1] not in weights or len(readers) != 1 or not is_input:
            continue
        values = numpy_helper.to_array(weights[memory[1]])
        raw = values.astype("<f4").tobytes()
        if values.ndim != 2 or data.count(raw) != 1:
            continue
        at = data.index(raw)
        data = data[:at] + b"\0\0\0\0" + data[at:]
        rows, columns = values.shape
        embed = ["Embed", gather[1], "1", "1", indices, output, f"0={columns}", f"1={rows}", "2=0", f"3={values.size}"]
        layers[layers.index(memory)] = embed  # the order of layers is the order of their weights
        layers.remove(gather)
    blobs = {blob for layer in layers for blob in layer[4 + int(layer[2]) : 4 + int(layer[2]) + int(layer[3])]}
    param.write_text("\n".join(" ".join(line) for line in [lines[0], [str(len(layers)), str(len(blobs))], *layers]) + "\n")
    binary.write_bytes(data)


def to_ncnn(source: Path, folder: Path, shapes: dict[str, list[int]]) -> None:
    """pnnx, then what ncnn reads: model.param, model.bin."""
    found = importlib.util.find_spec("pnnx")  # importing the package would ask for PyTorch
    if not found or not found.submodule_search_locations:
        raise ModuleNotFoundError(name="pnnx")
    program = Path(found.submodule_search_locations[0]) / "pnnx"
    inputs, _ = read_interface(source, shapes)
    symmetric_deconvolutions(source, folder / "model.onnx")
    types = {"float32": "f32", "int64": "i64", "int32": "i32", "float16": "f16", "uint8": "u8", "int8": "i8"}
    texts = [f"[{','.join(map(str, shape))}]{types.get(dtype, 'f32')}" for _, dtype, shape in inputs]
    subprocess.run([program, "model.onnx", "fp16=0", f"inputshape={','.join(texts)}"], cwd=folder, check=True)
    (folder / "model.ncnn.param").rename(folder / "model.param")
    (folder / "model.ncnn.bin").rename(folder / "model.bin")
    embed_gathers(source, folder / "model.param", folder / "model.bin")
    layers = [line.split() for line in (folder / "model.param").read_text().splitlines()[2:]]
    if left := sorted({layer[0] for layer in layers if NCNN_LACKS.match(layer[0]) or layer[0] in ("Gather", "ConvTranspose")}):
        raise Refusal(f"pnnx leaves {', '.join(left)}, which ncnn lacks")
    # The program that pnnx writes says how arrays become ncnn's matrices: which axis, if any, is the batch.
    written = (folder / "model_ncnn.py").read_text()
    taken = re.findall(r'ex\.input\("(\w+)", ncnn\.Mat\(\w+(?:\.squeeze\(\d+\))?\.numpy\(\)(?:, batch_index=(\d+))?\)', written)
    given = re.findall(r'extract\("(\w+)"\)\s+out\.append\(torch\.from_numpy\(\w+\.numpy\((?:batch_index=(\d+))?\)\)', written)
    if len(taken) != len(inputs) or not given:
        raise Refusal("what pnnx wrote about the inputs is not understood")
    axes = {"inputs": taken, "outputs": given}
    write_interface(folder, {key: [(blob, int(axis) if axis else None) for blob, axis in pairs] for key, pairs in axes.items()})
    for left_over in ("model.onnx", "model.pnnx.bin", "model.pnnx.param", "model.pnnx.onnx", "model.pnnxsim.onnx"):
        (folder / left_over).unlink(missing_ok=True)


def to_mnn(source: Path, folder: Path, shapes: dict[str, list[int]]) -> None:
    """The extension module of MNN's converter; nothing of the package MNN is imported, least of all MNN.tools."""
    converter = importlib.import_module("_tools")
    inputs, outputs = read_interface(source, shapes)
    arguments = ["mnnconvert", "-f", "ONNX", "--modelFile", str(source), "--MNNModel", str(folder / "model.mnn"), "--bizCode", "bench"]
    converter.mnnconvert(arguments)
    if not (folder / "model.mnn").exists():
        raise Refusal("its converter writes no file")
    write_interface(folder, {"inputs": [name for name, _, _ in inputs], "outputs": outputs})


def to_litert(source: Path, folder: Path, shapes: dict[str, list[int]]) -> None:
    """A TensorFlow Lite file that stands beside the source, or one that bench/make_tflite.py writes of a network of its own."""
    import shutil

    import make_models

    sibling = source.with_suffix(".tflite")
    if sibling.exists():
        shutil.copyfile(sibling, folder / "model.tflite")
    elif source.stem in make_models.MODELS:
        import make_tflite

        (folder / "model.tflite").write_bytes(make_tflite.convert(source.stem))
    else:
        raise Refusal(f"no {sibling.name} beside the file (only the default networks are converted)")
    write_interface(folder, {"layout": "NHWC"})


def to_mace(source: Path, folder: Path, shapes: dict[str, list[int]]) -> None:
    """What `mace convert` writes."""
    import mace

    data, _ = mace.convert(str(source))
    (folder / "model.mace").write_bytes(data)


def write_interface(folder: Path, interface: dict) -> None:
    """See bench/engines.py."""
    (folder / "interface.json").write_text(json.dumps(interface))


CONVERSIONS = {"ncnn": to_ncnn, "mnn": to_mnn, "litert": to_litert, "mace": to_mace}
FILES = {"ncnn": "model.param", "mnn": "model.mnn", "litert": "model.tflite", "mace": "model.mace"}


def main() -> int:
    """Converts; 1 with a reason where that fails."""
    engine, source, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    try:
        CONVERSIONS[engine](source, folder, json.loads(sys.argv[4]) if len(sys.argv) > 4 else {})
    except (Refusal, InputError) as error:
        print(f"reason: {error}", flush=True)
        return 1
    except ModuleNotFoundError as error:
        print(f"reason: {error.name} is not installed", flush=True)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"reason: {Path(error.cmd[0]).name} ends with status {error.returncode}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
