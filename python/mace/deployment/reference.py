"""What a deployment's model should give: the runtimes of mace.checking.sources under the names of a deployment file."""

from __future__ import annotations

from mace.checking.sources import OnnxReference, Source, TfliteReference
from mace.checking.sources_caffe import CaffeReference
from mace.checking.sources_tensorflow import TensorflowReference
from mace.deployment.load import ModelSpec
from mace.errors import FailedPreconditionError


def reference_of(spec: ModelSpec, data: bytes, weights: bytes | None) -> Source:
    """The source model behind another engine."""
    inputs = [tensor.name for tensor in spec.inputs]
    try:
        if spec.keys.platform == "tflite":
            return TfliteReference(data, inputs)
        if spec.keys.platform == "caffe":
            return CaffeReference(data, weights, inputs)
        if spec.keys.platform == "tensorflow":
            return TensorflowReference(data, inputs)
        graphs = [([t.name for t in graph.inputs], [t.name for t in graph.outputs]) for graph in spec.subgraphs]
        return OnnxReference(data, inputs, graphs, spec.joins)
    except FailedPreconditionError as error:
        if "not installed" in str(error):
            raise FailedPreconditionError(f"{error} (or name validation_outputs_data)") from None
        raise
