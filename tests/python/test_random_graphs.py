"""Random networks of a dozen nodes, judged by onnx's reference evaluator in float64, with and without the passes."""

from __future__ import annotations

import os

import numpy as np
import onnx.printer
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from onnx import AttributeProto, ModelProto, TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from random_graphs import random_graphs

import mace

# MACE_RANDOM_GRAPHS: how many networks; any other number than the default's draws anew each time.
EXAMPLES = int(os.environ.get("MACE_RANDOM_GRAPHS", "120"))
CHECKS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 120,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
# (threads, instruction set, reference kernels)
WAYS = ((1, None, False), (2, None, False), (1, "scalar", False), (1, None, True))


def in_float64(proto: ModelProto) -> ModelProto:
    """The same network with every float32 constant and type as float64."""
    wide = ModelProto()
    wide.CopyFrom(proto)
    for tensor in wide.graph.initializer:
        # Scales of Resize stay float32, as their type is fixed.
        if tensor.data_type == TensorProto.FLOAT and not any(n.op_type == "Resize" and tensor.name in n.input for n in wide.graph.node):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    for info in (*wide.graph.input, *wide.graph.output):
        info.type.tensor_type.elem_type = TensorProto.DOUBLE
    assert not any(a.type == AttributeProto.TENSOR for n in wide.graph.node for a in n.attribute)
    return wide


def expected(proto: ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return ReferenceEvaluator(in_float64(proto)).run(None, {name: a.astype(np.float64) for name, a in feeds.items()})


@CHECKS
@given(random_graphs())
def test_random_graphs(case: tuple[ModelProto, dict[str, np.ndarray]]) -> None:
    proto, feeds = case
    note(onnx.printer.to_text(proto.graph))
    wanted = expected(proto, feeds)
    assume(all(np.isfinite(w).all() and (w.size == 0 or np.abs(w).max() < 1e6) for w in wanted))
    names = [output.name for output in proto.graph.output]
    for optimize in (True, False):
        data, _ = mace.convert(proto.SerializeToString(), optimize=optimize)
        for threads, isa, reference in WAYS:
            got = mace.load(data, threads, isa=isa, reference_kernels=reference)(feeds)
            assert list(got) == names
            for name, want in zip(names, wanted, strict=True):
                what = f"{name} optimize={optimize} threads={threads} isa={isa} reference={reference}"
                assert got[name].shape == want.shape and got[name].dtype == np.float32, what
                scale = max(1.0, float(np.abs(want).max())) if want.size else 1.0
                np.testing.assert_allclose(got[name], want, rtol=1e-3, atol=1e-4 * scale, err_msg=what)
