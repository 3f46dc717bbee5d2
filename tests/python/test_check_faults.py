"""`mace check` names what is wrong: 20 faults with fixed seeds in five networks (4 each), each a change of one node's output by at least
1e-2 of its range, and nothing in the networks as they are."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import make_models
import numpy as np
import pytest
from mace.checking.candidate import Candidate
from mace.checking.check import Checker, CheckResult, Reference, reference_for
from mace.checking.sources import open_source
from onnx import ModelProto, helper, numpy_helper

import mace

SMALLER = {
    "shufflenet_v2_64": lambda net: make_models.shufflenet_v2(net, 64),
    "transformer_l2_d64_t32": lambda net: make_models.transformer(net, 2, 64, 4, 256, 32, 512),
    "unet_64": lambda net: make_models.unet(net, 64),
}
NETWORKS = ("mobilenet_v1_0.25_128", "shufflenet_v2_64", "transformer_l2_d64_t32", "unet_64", "gru_stream")
FAULTS = 4
LEAST = 1e-2  # of the range


@cache
def network(name: str) -> ModelProto:
    """The networks of bench/make_models.py, three of them at a smaller size."""
    if name in make_models.MODELS:
        return make_models.build(name)[1]
    net = make_models.Net(name)
    SMALLER[name](net)
    return net.model()


@cache
def reference(name: str) -> Reference:
    data = network(name).SerializeToString()
    found, _ = reference_for(data, Candidate(data), open_source, None, None)
    shapes = {info.name: [int(dim) for dim in info.shape] for info in found.infos}
    found.add_generated(shapes, seed=0)
    return found


def check(name: str, candidate: Candidate) -> CheckResult:
    return Checker(reference(name), candidate).check(name)


def with_fault(name: str, seed: int) -> tuple[ModelProto, str]:
    """The network with one node's output changed, and that node's name. The change is added behind the node: noise, one element, a scale
    or a shift, by LEAST to ten times as much of the output's range."""
    rng = np.random.RandomState(seed)
    proto = copy.deepcopy(network(name))
    values = reference(name).samples[0]
    floats = [node for node in proto.graph.node if values.get(node.output[0], np.empty(0, int)).dtype == np.float32]
    node = floats[rng.randint(len(floats))]
    output, value = node.output[0], values[node.output[0]]
    size = LEAST * 10 ** rng.random_sample() * float(np.abs(value).max())
    kind = seed % 4
    change = np.zeros(value.shape, np.float32)
    if kind == 0:
        change = rng.uniform(-size, size, value.shape).astype(np.float32)
        change.flat[rng.randint(change.size)] = size
    elif kind == 1:
        change.flat[rng.randint(change.size)] = size
    elif kind == 2:
        change = (value * (size / np.abs(value).max())).astype(np.float32)
    else:
        change += np.float32(-size)
    assert np.abs(change).max() >= LEAST * np.abs(value).max() * (1 - 1e-6)
    proto.graph.initializer.append(numpy_helper.from_array(change, "fault"))
    node.output[0] = "before the fault"
    at = list(proto.graph.node).index(node) + 1
    proto.graph.node.insert(at, helper.make_node("Add", ["before the fault", "fault"], [output], name="the fault"))
    return proto, node.name


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_found_where_nothing_is_wrong(name: str) -> None:
    result = check(name, Candidate(network(name).SerializeToString()))
    assert result.agrees and result.unjudged == 0, [each.text for each in result.culprits]
    judged = {tensor.tensor for node in result.nodes for tensor in node.tensors}
    assert judged == {output for node in network(name).graph.node for output in node.output if output in reference(name).samples[0]}
    assert len(judged) >= 5 and len(result.whole) == len(network(name).graph.output)


def test_at_least_19_of_20_faults_are_named() -> None:
    named, missed = 0, []
    for number, name in enumerate(NETWORKS):
        for fault in range(FAULTS):
            proto, node = with_fault(name, seed=100 * number + fault)
            result = check(name, Candidate(proto.SerializeToString()))
            if [each.name for each in result.culprits] == [node]:
                named += 1
            else:
                missed.append((name, fault, node, [each.text for each in result.culprits]))
    print(f"{named} of {len(NETWORKS) * FAULTS} faults named")
    assert named >= 19, missed


def test_a_wrong_weight_and_a_wrong_attribute_are_named() -> None:
    proto = copy.deepcopy(network("unet_64"))
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    node = convolutions[len(convolutions) // 2]
    weights = next(each for each in proto.graph.initializer if each.name == node.input[1])
    array = numpy_helper.to_array(weights) * np.float32(1.05)
    weights.CopyFrom(numpy_helper.from_array(array, weights.name))
    result = check("unet_64", Candidate(proto.SerializeToString()))
    assert [each.name for each in result.culprits] == [node.name]
    proto = copy.deepcopy(network("mobilenet_v1_0.25_128"))
    node = next(node for node in proto.graph.node if node.op_type == "Softmax")
    node.op_type = "LogSoftmax"
    result = check("mobilenet_v1_0.25_128", Candidate(proto.SerializeToString()))
    assert [each.name for each in result.culprits] == [node.name]


def passes_with_a_fault(good: bytes, bad: bytes, first: int) -> Any:
    """mace.convert whose run of a pass of this number breaks the model."""

    def convert(data: bytes, **options: Any) -> tuple[bytes, dict[str, Any]]:
        runs = options.get("max_pass_runs")
        optimized = options.get("optimize", True) and (runs is None or runs >= first)
        return mace.convert(bad if optimized and data == good else data, **options)

    return convert


@pytest.mark.parametrize("first", [1, 5, 23])
def test_a_wrong_pass_is_named(first: int) -> None:
    good = network("unet_64").SerializeToString()
    bad, _ = with_fault("unet_64", seed=3)
    details = mace.convert(good)[1]
    result = check("unet_64", Candidate(good, convert=passes_with_a_fault(good, bad.SerializeToString(), first)))
    (culprit,) = result.culprits
    assert culprit.kind == "pass" and culprit.bad_pass is not None
    assert (culprit.bad_pass.run, culprit.name) == (first, details["passes"][first - 1]["name"])
    assert f"pass {culprit.name}" in culprit.text and not any(each.is_wrong for each in result.nodes)
    values = reference("unet_64").samples[0]
    feeds, (output,) = [values[info.name] for info in reference("unet_64").infos], reference("unet_64").outputs
    near = mace.load(culprit.bad_pass.before)(feeds)[output]
    np.testing.assert_allclose(near, values[output], atol=1e-4)
    assert np.abs(mace.load(culprit.bad_pass.after)(feeds)[output] - values[output]).max() > 1e-3


@pytest.mark.parametrize(("share", "is_found"), [(1e-5, False), (1e-3, True)])
def test_the_tolerance_is_what_it_is_said_to_be(share: float, is_found: bool) -> None:
    proto = copy.deepcopy(network("unet_64"))
    node = [node for node in proto.graph.node if node.op_type == "Conv"][3]
    value = reference("unet_64").samples[0][node.output[0]]
    change = np.full((1,), share * np.abs(value).max(), np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(change, "fault"))
    output, node.output[0] = node.output[0], "before the fault"
    proto.graph.node.insert(
        list(proto.graph.node).index(node) + 1, helper.make_node("Add", ["before the fault", "fault"], [output], name="the fault")
    )
    assert [each.name for each in check("unet_64", Candidate(proto.SerializeToString())).culprits] == [node.name] * is_found
