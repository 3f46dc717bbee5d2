"""What of a deployment MACE cannot do yet, and what it does in another way than the file says. Where the result would be another than
what was asked for, that is an error; where it is right and only larger or slower, a warning (docs/design/23-compatibility.md)."""

from __future__ import annotations

from collections.abc import Sequence

from mace.deployment.load import Deployment, ModelSpec
from mace.deployment.problems import NotBuiltYetError, Problem

LATER = {
    "keras": "export the model to ONNX (python -m tf2onnx.convert) or to TensorFlow Lite (tf.lite.TFLiteConverter)",
    "pytorch": "export the model to ONNX (torch.onnx.export)",
    "megengine": "export the model to ONNX (mgeconvert)",
}


def refuse_flags(flags: Sequence[tuple[str, str]]) -> None:
    """Ends with an error where flags ask for what is not built yet: pairs (flag, what is not there and what to do)."""
    if flags:
        raise NotBuiltYetError([Problem("", 0, flag, f"not built yet: {text}") for flag, text in flags])


def deployment_lacks(deployment: Deployment, abis: Sequence[str], graph_format: str, data_format: str) -> list[Problem]:
    """What stands in the way of the whole file: its ABIs and formats, as the command line may have changed them."""
    problems = []
    if "host" not in abis:
        names = ", ".join(abis)
        text = f"not built yet: libraries for {names}; the model file is the same for every ABI: add --target_abis=host to make it"
        problems.append(deployment.problem(("target_abis",), text))
    for key, value in (("model_graph_format", graph_format), ("model_data_format", data_format)):
        if value == "code":
            problems.append(deployment.problem((key,), f"not built yet: models as C++ code; write file, or add --{key}=file"))
    return problems


def model_lacks(deployment: Deployment, spec: ModelSpec) -> list[Problem]:
    """What stands in the way of one model."""
    problems = []
    keys = spec.keys
    if keys.platform in LATER:
        text = f"{keys.platform} is not built yet; {LATER[keys.platform]} and write platform: onnx or tflite"
        problems.append(deployment.problem((*spec.path, "platform"), text))
    for graph in spec.subgraphs:
        for key, asked, text in (
            ("quantize", graph.keys.quantize, "making integer models; quantize before (ONNX QDQ, TensorFlow Lite) and remove the key"),
            ("data_type", graph.keys.data_type == "uint8", "making integer models; write fp32_fp32"),
        ):
            if asked:
                own = getattr(spec.keys.subgraphs[graph.name], key) is not None
                problems.append(deployment.problem((*(graph.path if own else spec.path), key), f"not built yet: {text}"))
    unique = {(problem.line, problem.key): problem for problem in problems}  # sub-graphs inherit what is said once
    return list(unique.values())


def model_warnings(spec: ModelSpec) -> list[str]:
    """What is done in another way than the file says, with the same results."""
    warnings = []
    other = sorted(set(spec.runtimes) - {"cpu"})
    if other:
        warnings.append(f"{spec.name}: runtime {', '.join(other)} becomes cpu on host")
    types = sorted({graph.keys.data_type for graph in spec.subgraphs if graph.keys.data_type} - {"fp32_fp32", "uint8"})
    if types:
        warnings.append(f"{spec.name}: data_type {', '.join(types)}: kept and computed as the source has it")
    if any(graph.keys.quantize_large_weights for graph in spec.subgraphs):
        warnings.append(f"{spec.name}: quantize_large_weights: weights stay as the source has them (larger file, same results)")
    if spec.keys.graph_optimize_options:
        warnings.append(f"{spec.name}: graph_optimize_options: MACE runs its own passes (--optimize, --no_optimize)")
    if any(graph.keys.obfuscate for graph in spec.subgraphs):
        warnings.append(f"{spec.name}: obfuscate: names inside the model are removed; inputs and outputs keep theirs")
    return warnings


def abi_warnings(abis: Sequence[str]) -> list[str]:
    """ABIs beside host: their model file is there, their library is not."""
    rest = [abi for abi in abis if abi != "host"]
    return [f"target_abis: no library is built for {', '.join(rest)} yet; the model file is the same for every ABI"] if rest else []
