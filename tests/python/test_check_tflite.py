"""`mace check` of TensorFlow Lite models with loops and variables, and outputs that cannot be compared; models that need TensorFlow."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
from command_line import mace as run_mace
from command_line import one_line
from mace.checking.candidate import Candidate
from mace.checking.check import Checker, reference_for
from mace.checking.report import summary
from mace.checking.sources import open_source
from tflite_writer import TfliteWriter


def growing(step: int, third: str | None = None) -> bytes:
    """x is doubled until its sum of squares is 1000, the turns are counted in steps: the count depends on x through the condition only.
    `third` names the loop's output of a value that the body adds and hands on as it is."""
    main = TfliteWriter()
    shapes = [[3], [], *([[3]] if third else [])]
    dtypes = ["float32", "int32", "float32"]

    def values(writer: TfliteWriter, names: list[str | None]) -> list[int]:
        return [writer.add_tensor(shape, dtype, name=name) for shape, dtype, name in zip(shapes, dtypes, names, strict=False)]

    condition, body = main.new_subgraph(), main.new_subgraph()
    own = values(condition, [None] * 3)
    squares, total, goes_on = condition.add_tensor([3], "float32"), condition.add_tensor([], "float32"), condition.add_tensor([], "bool")
    condition.add_operator("MUL", [own[0], own[0]], [squares], "MulOptions")
    condition.add_operator("SUM", [squares, condition.add_constant(np.array([0], np.int32))], [total], "ReducerOptions")
    condition.add_operator("LESS", [total, condition.add_constant(np.array(1000, np.float32))], [goes_on], "LessOptions")
    condition.set_edges(own, [goes_on])
    own, following = values(body, [None] * 3), values(body, [None] * 3)
    body.add_operator("ADD", [own[0], own[-1] if third else own[0]], [following[0]], "AddOptions")
    body.add_operator("ADD", [own[1], body.add_constant(np.array(step, np.int32))], [following[1]], "AddOptions")
    body.set_edges(own, [*following[:2], *own[2:]])
    x = main.add_tensor([3], "float32", name="x")
    first = [x, main.add_constant(np.array(0, np.int32)), *([x] if third else [])]
    last = values(main, ["y", "count", third])
    indices = {"condSubgraphIndex": condition.index, "bodySubgraphIndex": body.index}
    main.add_operator("WHILE", first, last, "WhileOptions", **indices)
    return main.finish([x], last[:2])


def with_variable(initial: float | None) -> bytes:
    """v += x; the result is v * 2. None: nothing sets v before it is read."""
    main = TfliteWriter()
    names = {"container": "", "sharedName": "v"}
    if initial is not None:
        start = main.new_subgraph()
        handle = start.add_tensor([], "resource")
        start.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", **names)
        value = start.add_constant(np.full(3, initial, np.float32))
        start.add_operator("ASSIGN_VARIABLE", [handle, value], [], "AssignVariableOptions")
        start.set_edges([], [])
        main.add_operator("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=start.index)
    x, handle = main.add_tensor([3], "float32", name="x"), main.add_tensor([], "resource", name="handle")
    old, new, again, y = (main.add_tensor([3], "float32", name=name) for name in ("old", "new", "again", "y"))
    main.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", **names)
    main.add_operator("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
    main.add_operator("ADD", [old, x], [new], "AddOptions")
    main.add_operator("ASSIGN_VARIABLE", [handle, new], [], "AssignVariableOptions")
    main.add_operator("READ_VARIABLE", [handle], [again], "ReadVariableOptions")
    main.add_operator("MUL", [again, main.add_constant(np.array(2, np.float32))], [y], "MulOptions")
    return main.finish([x], [y])


def two_outputs(*, both: bool) -> bytes:
    """x + x and, where both, x * x."""
    writer = TfliteWriter()
    x, total, square = (writer.add_tensor([3], "float32", name=name) for name in ("x", "total", "square"))
    writer.add_operator("ADD", [x, x], [total], "AddOptions")
    writer.add_operator("MUL", [x, x], [square], "MulOptions")
    return writer.finish([x], [total, square] if both else [total])


def written(folder: Path, data: bytes, name: str = "net") -> Path:
    path = folder / f"{name}.tflite"
    path.write_bytes(data)
    return path


def test_what_a_loop_counts_is_compared(tmp_path: Path) -> None:
    net, other = written(tmp_path, growing(1)), written(tmp_path, growing(7), "other")
    assert "1 nodes and 2 outputs" in run_mace("check", net).stdout
    found = json.loads(run_mace("check", net, f"--against={other}", "--json", status=1).stdout)
    assert {each["tensor"]: each["right"] for each in found["whole"]} == {"y": True, "count": False}
    assert not found["agrees"] and not found["missing"] and not found["lacking"]


class Noisy:
    """An interpreter whose tensors hold noise where they have no value: what LiteRT gives where it had allocated them."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._interpreter, name)

    def get_tensor(self, index: int) -> np.ndarray:
        try:
            return self._interpreter.get_tensor(index)
        except ValueError:
            return np.full(3, 3e35, np.float32)


def test_what_litert_leaves_out_of_a_loop_is_not_judged() -> None:
    """LiteRT does not write a loop's output that nothing reads."""
    data = growing(1, "unread")
    reference, _ = reference_for(data, Candidate(data), open_source, None, None)
    assert reference.source.computed() == ["y", "count", "unread"]
    reference.source._interpreter = Noisy(reference.source._interpreter)
    reference.add({"x": networks.random(1, 3)})
    result = Checker(reference, Candidate(data)).check("net")
    assert result.agrees and [each.tensor for node in result.nodes for each in node.tensors] == ["y", "count"]


def test_variables_keep_their_initial_values(tmp_path: Path) -> None:
    """Also in the parts that the model is cut into."""
    net = written(tmp_path, with_variable(0.5))
    found = json.loads(run_mace("check", net, "--json").stdout)
    assert found["agrees"] and found["unjudged"] == 0 and [each["op"] for each in found["nodes"]] == ["ADD"]
    found = json.loads(run_mace("check", net, f"--against={written(tmp_path, with_variable(1), 'other')}", "--json", status=1).stdout)
    assert not found["whole"][0]["right"]


def test_what_litert_complains_about_is_told_once(tmp_path: Path) -> None:
    result = run_mace("check", written(tmp_path, with_variable(None)), status=1)
    one_line(result, "ai-edge-litert cannot run the source", "before it has set it: convert it again")
    assert result.stderr.count("READ_VARIABLE") == 1


def test_an_output_that_the_other_model_lacks_is_told(tmp_path: Path) -> None:
    net, other = written(tmp_path, two_outputs(both=True)), written(tmp_path, two_outputs(both=False), "other")
    text = " ".join(run_mace("check", net, f"--against={other}", status=1).stdout.split())
    assert "Not all was compared: MACE's model lacks the output 'square'" in text and "agrees" not in text
    found = json.loads(run_mace("check", net, f"--against={other}", "--json", status=1).stdout)
    assert found["lacking"] == ["square"] and not found["missing"] and not found["agrees"] and not found["culprits"]


def test_an_output_without_a_value_in_one_sample_is_told() -> None:
    data = two_outputs(both=True)
    reference, _ = reference_for(data, Candidate(data), open_source, None, None)
    for seed in range(2):
        reference.add({"x": networks.random(seed, 3)})
    assert Checker(reference, Candidate(data)).check("net").agrees
    del reference.samples[1]["square"]
    result = Checker(reference, Candidate(data)).check("net")
    assert not result.agrees and result.missing == ["square"] and "no value of the output 'square'" in summary(result)


def test_folders(tmp_path: Path) -> None:
    """A folder that holds no SavedModel; one that does, without TensorFlow."""
    one_line(run_mace("check", tmp_path, status=1), "not a regular file")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "tensorflow.py").write_text("raise ImportError('not here')\n")
    path = f"{hidden}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    one_line(run_mace("check", tmp_path, status=1, env={**os.environ, "PYTHONPATH": path}), "pip install 'mace-engine[tensorflow]'")
    net = written(tmp_path, two_outputs(both=True))
    assert "SavedModel" in run_mace("check", net, "--signature=a", status=2).stderr


def test_saved_models(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    module.v = tf.Variable([[1.0, -2.0], [0.5, 3.0]])
    spec = tf.TensorSpec([3, 2], tf.float32, name="x")
    module.one = tf.function(lambda x: {"y": tf.nn.relu(x @ module.v)}, input_signature=[spec])
    module.two = tf.function(lambda x: {"y": tf.nn.tanh(x @ module.v)}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path), signatures={"one": module.one, "two": module.two})
    one_line(run_mace("check", tmp_path, status=1), "'one', 'two'", "--signature")
    for name, op in (("one", "Relu"), ("two", "Tanh")):
        found = json.loads(run_mace("check", tmp_path, f"--signature={name}", "--json").stdout)
        assert found["agrees"] and op in [each["op"] for each in found["nodes"]]
