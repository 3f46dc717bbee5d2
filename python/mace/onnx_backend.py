"""ONNX's backend interface (``onnx.backend.base``) over MACE: what ONNX's own test suite, and tools written for it, drive.

It needs the ``onnx`` package. Only the device ``"CPU"`` is there. Thread-safety is that of :class:`mace.Model`.

>>> import mace.onnx_backend as backend
>>> y = backend.run_model(model_proto, [x])[0]      # doctest: +SKIP
>>> rep = backend.prepare("net.onnx")               # doctest: +SKIP
>>> rep.run([x])                                    # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep, namedtupledict

from mace.errors import InvalidArgumentError, MaceError
from mace.model import Model, load


class MaceRep(BackendRep):
    """A loaded model. ``model`` is the :class:`mace.Model` behind it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._tuple = namedtupledict("Outputs", [output.name for output in model.outputs])

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """``inputs``: a list or tuple in model order, a dict of name to array, or one array. Gives a tuple whose fields carry the outputs'
        names. Keyword arguments are those of :meth:`mace.Session.run`; others raise :class:`TypeError`."""
        if not isinstance(inputs, (Mapping, list, tuple)):
            inputs = [inputs]
        return self._tuple(*self.model(inputs, **kwargs).values())


class MaceBackend(Backend):
    """See :class:`onnx.backend.base.Backend`."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto | bytes | str | os.PathLike[str], device: str = "CPU", **kwargs: Any) -> bool:
        """Whether :meth:`prepare` accepts it."""
        try:
            cls.prepare(model, device, **kwargs)
        except MaceError:
            return False
        return True

    @classmethod
    def prepare(cls, model: onnx.ModelProto | bytes | str | os.PathLike[str], device: str = "CPU", **kwargs: Any) -> MaceRep:
        """Loads a ModelProto, a file or its bytes. Keyword arguments are those of :func:`mace.load`. A ModelProto with external data
        must be given as a file: where the data lies cannot be told otherwise. Raises :class:`mace.MaceError`."""
        if not cls.supports_device(device):
            raise InvalidArgumentError(f"device: expected 'CPU', got {device!r}")
        if isinstance(model, onnx.ModelProto):
            model = model.SerializeToString()
        return MaceRep(load(model, **kwargs))

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Runs one node on ``inputs``, one array for each input name that is not empty. ``opset_version`` is that of the node's domain (the
        newest that ``onnx`` knows where it is missing). Types of the outputs are computed; ``outputs_info`` is not needed."""
        opset = kwargs.pop("opset_version", None)
        names = [name for name in dict.fromkeys(node.input) if name]
        if len(names) != len(inputs):
            raise InvalidArgumentError(f"node '{node.name}' ({node.op_type}): expected {len(names)} inputs, got {len(inputs)}")
        arrays = [np.asarray(array) for array in inputs]
        infos = [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(names, arrays, strict=True)
        ]
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], "node", infos, outputs)
        opsets = [onnx.helper.make_opsetid(node.domain, opset or onnx.defs.onnx_opset_version())]
        if node.domain not in ("", "ai.onnx"):
            opsets = [onnx.helper.make_opsetid(node.domain, opset or 1), onnx.helper.make_opsetid("", onnx.defs.onnx_opset_version())]
        return cls.run_model(onnx.helper.make_model(graph, opset_imports=opsets), arrays, device, **kwargs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """``"CPU"``, with or without a number behind a colon."""
        return device.split(":")[0] == "CPU"


is_compatible = MaceBackend.is_compatible
prepare = MaceBackend.prepare
run_model = MaceBackend.run_model
run_node = MaceBackend.run_node
supports_device = MaceBackend.supports_device
