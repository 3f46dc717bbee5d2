"""The keys of a deployment file and of device.yml, as pydantic models: what each may hold, what it means and what MACE does with it.
docs/deployment_files.md prints these models as tables (documents.py)."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# What MACE does with a key.
WORKS = "works"
NO_EFFECT = "accepted without effect"
NOT_BUILT_YET = "not built yet"

DTYPES = ("float32", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool")
ABI_NAMES = {
    "armeabi-v7a": "armeabi-v7a", "arm64-v8a": "arm64-v8a", "arm64": "arm64", "aarch64": "aarch64", "armhf": "armhf", "host": "host",
    "arm-linux-gnueabihf": "armhf", "aarch64-linux-gnu": "aarch64", "armeabi_v7a": "armeabi-v7a", "arm64_v8a": "arm64-v8a",
    "arm_linux_gnueabihf": "armhf", "aarch64_linux_gnu": "aarch64",
}  # fmt: skip
MAX_RANK = 8
MOST = 3.4028234663852886e38  # that float32 holds
KEYWORDS = frozenset((
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char", "char8_t",
    "char16_t", "char32_t", "class", "compl", "concept", "const", "consteval", "constexpr", "constinit", "const_cast", "continue",
    "co_await", "co_return", "co_yield", "decltype", "default", "delete", "do", "double", "dynamic_cast", "else", "enum", "explicit",
    "export", "extern", "false", "float", "for", "friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new",
    "noexcept", "not", "not_eq", "nullptr", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "requires", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
    "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void",
    "volatile", "wchar_t", "while", "xor", "xor_eq",
))  # fmt: skip


def key(status: str, description: str, default: Any = None, shown: str = "") -> Any:
    """A key that may be left out; `shown` is its default as the documents say it."""
    return Field(default, description=description, json_schema_extra={"status": status, "default": shown})


def required(status: str, description: str) -> Any:
    """A key that must be there."""
    return Field(description=description, json_schema_extra={"status": status, "default": "required"})


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got a {'list' if isinstance(value, list) else 'map'}")
    return value


def parse_shape(value: Any) -> tuple[int, ...]:
    """1,224,224,3 as dimensions; an empty text is a scalar's shape."""
    dims = [dim.strip() for dim in _text(value).strip().strip("[]").split(",")] if _text(value).strip(" []") else []
    if not all(re.fullmatch("[0-9]{1,18}", dim, re.ASCII) and int(dim) > 0 for dim in dims):
        raise ValueError(f"expected dimensions above zero such as 1,224,224,3, got {value!r}")
    if len(dims) > MAX_RANK or math.prod(map(int, dims)) >= 2**40:
        raise ValueError(f"{value!r} has more than {MAX_RANK} dimensions or more than 2^40 elements")
    return tuple(map(int, dims))


def _parse_range(value: Any) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in _text(value).split(","))
    except ValueError:
        low, high = 1.0, 0.0
    if not -MOST <= low <= high <= MOST:
        raise ValueError(f"expected two numbers of float32, the lower one first, such as -1.0,1.0, got {value!r}")
    return low, high


def _parse_flag(value: Any) -> bool:
    flags = {"0": False, "1": True, "false": False, "true": True}
    if not isinstance(value, str) or value.lower() not in flags:
        raise ValueError(f"expected 0 or 1, got {value!r}")
    return flags[value.lower()]


def _parse_count(value: Any) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,9}", value.strip(), re.ASCII):
        raise ValueError(f"expected a whole number, got {value!r}")
    return int(value)


def _parse_checksum(value: Any) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", _text(value)):
        raise ValueError(f"expected the 64 hexadecimal digits that sha256sum prints, got {value!r}")
    return value.lower()


def _parse_abi(value: Any) -> str:
    name = ABI_NAMES.get(_text(value).strip().lower())
    if name is None:
        raise ValueError(f"expected one of {', '.join(dict.fromkeys(ABI_NAMES.values()))}, got {value!r}")
    return name


def parse_abis(text: str) -> list[str]:
    """The comma separated list of --target_abis."""
    return list(dict.fromkeys(_parse_abi(part) for part in text.split(",")))


def _parse_library_name(value: Any) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", _text(value), re.ASCII):
        raise ValueError(f"names a folder: expected letters, digits, '_', '-', '.', not first '.' or '-', got {value!r}")
    return value


def _parse_threshold(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected a number such as 0.999, got {value!r}")
    return number


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def check_model_name(name: str) -> str:
    """Model names are identifiers, as in the original, where they became part of C++ code."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", name, re.ASCII) or name in KEYWORDS:
        better = re.sub("[^A-Za-z0-9_]", "_", name)[:90]
        better = better if re.match("[A-Za-z_]", better) and better not in KEYWORDS else f"model_{better}"
        raise ValueError(f"a model's name must be an identifier of C and no keyword of C++; write {better}")
    return name


Text = Annotated[str, BeforeValidator(_text)]
Names = Annotated[list[Text], BeforeValidator(_as_list)]
Shapes = Annotated[list[Annotated[tuple[int, ...], BeforeValidator(parse_shape)]], BeforeValidator(_as_list)]
Ranges = Annotated[list[Annotated[tuple[float, float], BeforeValidator(_parse_range)]], BeforeValidator(_as_list)]
Format = Annotated[Literal["NONE", "NHWC", "NCHW", "OIHW"], BeforeValidator(_upper)]
Formats = Annotated[list[Format], BeforeValidator(_as_list)]
DTypes = Annotated[list[Annotated[Literal[DTYPES], BeforeValidator(_lower)]], BeforeValidator(_as_list)]  # type: ignore[valid-type]
Flag = Annotated[bool, BeforeValidator(_parse_flag)]
Count = Annotated[int, BeforeValidator(_parse_count)]
Checksum = Annotated[str, BeforeValidator(_parse_checksum)]
Abis = Annotated[list[Annotated[str, BeforeValidator(_parse_abi)]], BeforeValidator(_as_list)]
Threshold = Annotated[float, BeforeValidator(_parse_threshold)]
Runtime = Annotated[
    Literal["cpu", "gpu", "cpu+gpu", "dsp", "hexagon", "hta", "apu", "htp"],
    BeforeValidator(_lower),
]
DataType = Annotated[Literal["fp16_fp32", "bf16_fp32", "fp32_fp32", "fp16_fp16", "uint8"], BeforeValidator(_lower)]
GraphFormat = Annotated[Literal["file", "code"], BeforeValidator(_lower)]


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class Thresholds(Strict):
    """Least cosine similarity by runtime; upper and lower case are one. On host every runtime is the CPU."""

    cpu: Threshold = key(WORKS, "On the CPU.", 0.999, "0.999")
    gpu: Threshold = key(NO_EFFECT, "On the GPU.", 0.995, "0.995")
    hexagon: Threshold = key(NO_EFFECT, "On a Hexagon DSP.", 0.980, "0.980")
    dsp: Threshold = key(NO_EFFECT, "The same as hexagon.", 0.980, "0.980")
    hta: Threshold = key(NO_EFFECT, "On a Hexagon tensor accelerator.", 0.980, "0.980")
    htp: Threshold = key(NO_EFFECT, "On a Hexagon tensor processor.", 0.980, "0.980")
    apu: Threshold = key(NO_EFFECT, "On a MediaTek APU.", 0.980, "0.980")
    quantize: Threshold = key(NO_EFFECT, "Of a quantized model.", 0.980, "0.980")


class Micro(Strict):
    """The library for microcontrollers."""

    backend: Annotated[Literal["cmsis", "xtensa"], BeforeValidator(_lower)] | None = key(NOT_BUILT_YET, "Kernels to link.", None, "none")


class GraphKeys(Strict):
    """Keys of a sub-graph. A model may have them too: they count for all its sub-graphs that lack them."""

    input_tensors: Names | None = key(WORKS, "Tensors of the source that are fed; any tensor, the graph is cut there.", None, "required")
    input_shapes: Shapes | None = key(
        WORKS, "1,224,224,3 each, in the tensor's data format. The converted model has this shape and no other.", None, "required"
    )
    output_tensors: Names | None = key(WORKS, "Tensors of the source that are the results.", None, "required")
    output_shapes: Shapes | None = key(WORKS, "Their shapes, in the tensor's data format.", None, "required")
    input_data_formats: Formats | None = key(
        WORKS,
        "NONE, NHWC or NCHW: the layout that a program feeds. One for all, or one each. OIHW is no layout of a fed tensor.",
        None,
        "NHWC",
    )
    output_data_formats: Formats | None = key(WORKS, "Likewise, the layout that a program gets.", None, "NHWC")
    input_data_types: DTypes | None = key(WORKS, f"{', '.join(DTYPES)}: must be the source's.", None, "the source's")
    output_data_types: DTypes | None = key(WORKS, "Likewise.", None, "the source's")
    input_ranges: Ranges | None = key(WORKS, "lo,hi each: random inputs lie there.", None, "-1,1")
    check_tensors: Names | None = key(WORKS, "Tensors of the source that --validate compares, in place of the outputs.", None, "none")
    check_shapes: Shapes | None = key(WORKS, "Their shapes.", None, "none")
    input_aliases: Names | None = key(WORKS, "Names by which an earlier sub-graph's outputs are joined to these inputs.", None, "none")
    output_aliases: Names | None = key(WORKS, "Names by which later sub-graphs know these outputs.", None, "none")
    order: Count | None = key(WORKS, "Sub-graphs run in ascending order.", None, "0")
    runtime: Runtime | None = key(
        WORKS, "cpu, gpu, cpu+gpu, dsp (hexagon), hta, htp or apu. On host each becomes cpu, with a warning.", None, "cpu"
    )
    data_type: DataType | None = key(
        WORKS,
        "fp32_fp32, fp16_fp32, bf16_fp32, fp16_fp16: storage and arithmetic. All are kept and "
        "computed in fp32 (larger, not less exact), with a warning; uint8 is refused: not built yet.",
        None,
        "fp16_fp32",
    )
    backend: Text | None = key(NO_EFFECT, "What the original validated with; MACE takes onnxruntime or ai-edge-litert.", None, "none")
    validation_inputs_data: Names | None = key(WORKS, ".npy or raw files, or their URLs: what run feeds.", None, "random")
    validation_outputs_data: Names | None = key(
        WORKS, "Likewise: what --validate compares with, in place of the source model.", None, "none"
    )
    validation_threshold: Thresholds | None = key(WORKS, "Least cosine similarity.", None, "by runtime")
    accuracy_validation_script: Text | None = key(
        WORKS, "A Python file with a class AccuracyValidator (below); run --validate executes it.", None, "none"
    )
    quantize: Flag | None = key(NOT_BUILT_YET, "1: integer arithmetic. Models that are quantized already need no key.", None, "0")
    quantize_schema: Text | None = key(NOT_BUILT_YET, "How; without effect where quantize is 0.", None, "uint8")
    quantize_large_weights: Flag | None = key(
        NO_EFFECT, "1: large weights in 8 bits. They stay as the source has them, with a warning.", None, "0"
    )
    quantize_range_file: Text | None = key(NOT_BUILT_YET, "Ranges of activations; without effect where quantize is 0.", None, "none")
    change_concat_ranges: Flag | None = key(
        NOT_BUILT_YET, "One range for what a concatenation joins; without effect where quantize is 0.", None, "0"
    )
    winograd: Annotated[Literal["0", "2", "4"], BeforeValidator(_lower)] | None = key(
        NO_EFFECT, "The GPU's Winograd tile; the CPU chooses its own.", None, "0"
    )
    limit_opencl_kernel_time: Flag | None = key(NO_EFFECT, "Of the GPU.", None, "0")
    opencl_queue_window_size: Count | None = key(NO_EFFECT, "Of the GPU.", None, "0")
    cl_mem_type: Annotated[Literal["image", "buffer"], BeforeValidator(_lower)] | None = key(NO_EFFECT, "Of the GPU.", None, "image")
    nnlib_graph_mode: Count | None = key(NO_EFFECT, "Of the DSP.", None, "0")
    dsp_mode: Count | None = key(NO_EFFECT, "Of the DSP, in old files.", None, "0")
    obfuscate: Flag | None = key(WORKS, "1: names inside the model are removed; inputs and outputs keep theirs.", None, "0")


class ModelKeys(GraphKeys):
    """Keys of a model."""

    platform: Annotated[Literal["onnx", "tflite", "tensorflow", "caffe", "keras", "pytorch", "megengine"], BeforeValidator(_lower)] = (
        required(
            WORKS,
            "onnx, tensorflow (frozen graphs), caffe and tflite (MACE's addition) work; keras, pytorch and megengine are not built yet.",
        )
    )
    model_file_path: Text = required(
        WORKS, "The source: a path (absolute, or relative to the deployment file or to the current folder) or an http(s) URL."
    )
    model_sha256_checksum: Checksum = required(WORKS, "sha256sum of the source; always checked.")
    weight_file_path: Text | None = key(WORKS, "The .caffemodel of a Caffe model, whose prototxt is model_file_path.", None, "none")
    weight_sha256_checksum: Checksum | None = key(WORKS, "Required where weight_file_path is there.", None, "none")
    subgraphs: dict[str, GraphKeys] = required(WORKS, "A list of one sub-graph, or a map of name to sub-graph: these become one model.")
    graph_optimize_options: Names | None = key(NO_EFFECT, "The original's passes by name; MACE has its own, see --optimize.", None, "none")
    accelerator_api: Text | None = key(NO_EFFECT, "qnn: of Qualcomm's accelerators.", None, "none")
    dockerfile_path: Text | None = key(NO_EFFECT, "The original's reference for Caffe.", None, "none")
    dockerfile_sha256_checksum: Checksum | None = key(NO_EFFECT, "Likewise.", None, "none")
    docker_image_tag: Text | None = key(NO_EFFECT, "Likewise.", None, "none")
    micro: Micro | None = key(
        NOT_BUILT_YET, "A package for microcontrollers; without effect unless --enable_micro asks for it.", None, "none"
    )


class DeploymentKeys(Strict):
    """Keys of the file."""

    library_name: Annotated[str, BeforeValidator(_parse_library_name)] = required(WORKS, "Names the folder build/<library_name>.")
    target_abis: Abis = required(
        WORKS,
        "host works; armeabi-v7a, arm64-v8a, arm64, aarch64 and armhf are not built yet: where host is "
        "not among them, --target_abis=host is needed.",
    )
    target_socs: Names | None = key(NO_EFFECT, "Phones whose GPU is tuned for.", None, "none")
    model_graph_format: GraphFormat | None = key(WORKS, "file works; code is refused: not built yet.", None, "file")
    model_data_format: GraphFormat | None = key(WORKS, "Likewise.", None, "file")
    models: dict[str, ModelKeys] = required(WORKS, "A map of name to model; a name is an identifier of C.")
    apu_version_with_no_device: Text | None = key(NO_EFFECT, "Of MediaTek's accelerators.", None, "-1")


class DeviceKeys(Strict):
    """Keys of a device."""

    target_abis: Abis = required(WORKS, "ABIs that it runs.")
    target_socs: Names | None = key(NO_EFFECT, "Its chip.", None, "none")
    models: Text | None = key(NO_EFFECT, "Its name.", None, "none")
    address: Text | None = key(NOT_BUILT_YET, "Where ssh finds it.", None, "none")
    username: Text | None = key(NOT_BUILT_YET, "For ssh.", None, "none")
    password: Text | None = key(NOT_BUILT_YET, "For ssh.", None, "none")


class DeviceFileKeys(Strict):
    """Keys of device.yml."""

    devices: dict[str, DeviceKeys] = required(WORKS, "A map of name to device.")
