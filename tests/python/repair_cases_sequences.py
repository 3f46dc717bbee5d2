"""ONNX models with sequences and optional values, as PyTorch's exporter writes them for lists."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper
from repair_cases import FLOAT, INT64, Case, Feeds, make, noise

SEQUENCE = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
INTEGERS = {name: np.array(value, np.int64) for name, value in {"zero": 0, "one": 1, "minus": -1, "two": 2}.items()}
FORM = "sequences of tensors"


def chain(name: str, form: str, nodes: list[onnx.NodeProto], feeds: Feeds, outputs: dict[str, int], opset: int = 17) -> Case:
    """A model with the integers above as constants. `outputs` have the given element types; all nodes are called after their output."""
    for node in nodes:
        node.name = node.output[0]
    used = {operand for node in nodes for operand in [*node.input, *captured(node)]}
    constants = {key: value for key, value in INTEGERS.items() if key in used}
    types = {key: (element, None) for key, element in outputs.items()}
    return Case(name, form, nodes[0].name, make(nodes, feeds, list(outputs), opset, constants, output_types=types), feeds)


def captured(node: onnx.NodeProto) -> set[str]:
    return {operand for attribute in node.attribute for inner in attribute.g.node for operand in inner.input}


def growing_loop(name: str, new_axis: int, axis: int) -> Case:
    """for i in range(n): list.append(x * i), then torch.stack or torch.cat."""
    body = helper.make_graph(
        [
            helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
            helper.make_node("Mul", ["x", "f"], ["element"]),
            helper.make_node("SequenceInsert", ["list_in", "element"], ["list_out"]),
            helper.make_node("Add", ["sum_in", "element"], ["sum_out"]),
            helper.make_node("Identity", ["go_in"], ["go_out"]),
        ],
        "body",
        [helper.make_tensor_value_info("i", INT64, []), helper.make_tensor_value_info("go_in", TensorProto.BOOL, []),
         helper.make_value_info("list_in", SEQUENCE), helper.make_tensor_value_info("sum_in", FLOAT, [2, 3])],
        [helper.make_tensor_value_info("go_out", TensorProto.BOOL, []), helper.make_value_info("list_out", SEQUENCE),
         helper.make_tensor_value_info("sum_out", FLOAT, [2, 3]), helper.make_tensor_value_info("element", FLOAT, [2, 3])],
    )  # fmt: skip
    nodes = [
        helper.make_node("SequenceEmpty", [], ["empty"]),
        helper.make_node("Loop", ["n", "", "empty", "x"], ["list", "sum", "all"], body=body),
        helper.make_node("SequenceLength", ["list"], ["length"]),
        helper.make_node("SequenceAt", ["list", "minus"], ["last"]),
        helper.make_node("ConcatFromSequence", ["list"], ["y"], axis=axis, new_axis=new_axis),
    ]
    feeds = {"x": noise(2, 3), "n": np.array(4, np.int64)}
    outputs = {"y": FLOAT, "last": FLOAT, "length": INT64, "sum": FLOAT, "all": FLOAT}
    return chain(name, "a Loop that adds to a sequence", nodes, feeds, outputs)


def cases() -> list[Case]:
    """All of them."""
    x, two = {"x": noise(4, 3, 2)}, {"a": noise(2, 3), "b": noise(2, 3, seed=1)}
    position = {"i": np.array(1, np.int64)}
    return [
        chain("sequence_stack", FORM, [
            helper.make_node("SequenceConstruct", ["a", "b"], ["s"]),
            helper.make_node("SequenceInsert", ["s", "a", "one"], ["t"]),
            helper.make_node("SequenceErase", ["t", "minus"], ["u"]),
            helper.make_node("ConcatFromSequence", ["u"], ["y"], axis=1, new_axis=1),
            helper.make_node("SequenceLength", ["t"], ["length"]),
        ], two, {"y": FLOAT, "length": INT64}),
        chain("sequence_cat", FORM, [
            helper.make_node("SequenceConstruct", ["a", "b"], ["s"]), helper.make_node("ConcatFromSequence", ["s"], ["y"], axis=-1),
        ], two, {"y": FLOAT}),
        chain("sequence_computed_position", FORM, [
            helper.make_node("SequenceConstruct", ["a", "b"], ["s"]), helper.make_node("SequenceAt", ["s", "i"], ["y"]),
        ], two | position, {"y": FLOAT}),
        chain("split_to_sequence", FORM, [
            helper.make_node("SplitToSequence", ["x", "two"], ["s"], axis=1), helper.make_node("SequenceAt", ["s", "one"], ["y"]),
        ], x, {"y": FLOAT}),
        chain("unbind", FORM, [
            helper.make_node("SplitToSequence", ["x"], ["s"], axis=1, keepdims=0),
            helper.make_node("SequenceAt", ["s", "two"], ["y"]),
            helper.make_node("ConcatFromSequence", ["s"], ["z"], axis=1),
        ], x, {"y": FLOAT, "z": FLOAT}),
        chain("split_keeping_dimensions", FORM, [
            helper.make_node("SplitToSequence", ["x"], ["s"], axis=1),
            helper.make_node("SequenceAt", ["s", "minus"], ["y"]),
            helper.make_node("ConcatFromSequence", ["s"], ["z"], axis=2),
        ], x, {"y": FLOAT, "z": FLOAT}),
        growing_loop("loop_stack", 1, 1), growing_loop("loop_cat", 0, 0), growing_loop("loop_cat_inner", 0, 1),
        chain("sequence_map", "SequenceMap", [
            helper.make_node("SequenceConstruct", ["a", "b"], ["s"]),
            helper.make_node("SequenceMap", ["s", "a"], ["m"], body=helper.make_graph(
                [helper.make_node("Sub", ["e", "o"], ["d"])], "body",
                [helper.make_tensor_value_info("e", FLOAT, None), helper.make_tensor_value_info("o", FLOAT, None)],
                [helper.make_tensor_value_info("d", FLOAT, None)])),
            helper.make_node("ConcatFromSequence", ["m"], ["y"], axis=0),
        ], two, {"y": FLOAT}),
        chain("optional", "optional values", [
            helper.make_node("Optional", ["a"], ["o"]), helper.make_node("OptionalHasElement", ["o"], ["h"]),
            helper.make_node("OptionalGetElement", ["o"], ["y"]),
        ], {"a": noise(2, 3)}, {"y": FLOAT, "h": TensorProto.BOOL}),
    ]  # fmt: skip
