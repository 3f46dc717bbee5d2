"""Models that only TensorFlow can read, because their variables lie in files of its own: SavedModel folders, .keras and .h5 files.
It freezes them, its variables becoming constants; MACE reads the graph that is left (docs/tensorflow.md)."""

from __future__ import annotations

import os
from typing import Any

from mace.errors import DataLossError, InvalidArgumentError, UnsupportedError

_KERAS = (".keras", ".h5", ".hdf5")
_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")


def needs_tensorflow(path: str) -> bool:
    """Whether `path` names such a model."""
    if os.path.isdir(path):
        return any(os.path.isfile(os.path.join(path, name)) for name in _SAVED_MODEL)
    return path.lower().endswith(_KERAS) and os.path.isfile(path)


DEFAULT_SIGNATURE = "serving_default"


def frozen(path: str, signature: str | None = None) -> bytes:
    """The bytes of the frozen GraphDef of the model: of a SavedModel's signature, by default ``serving_default`` or the only one."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow as tf
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    except ImportError as error:
        raise UnsupportedError(
            f"this model can only be read by TensorFlow, which is not installed: pip install 'mace-engine[tensorflow]' ({error})"
        ) from None
    function, owner = _function_of(tf, path, signature)
    try:
        graph = convert_variables_to_constants_v2(function, lower_control_flow=False).graph.as_graph_def()
    except Exception as error:  # TensorFlow raises of many kinds
        raise UnsupportedError(f"TensorFlow cannot freeze it: {error}") from error
    del owner  # variables live as long as it does
    return graph.SerializeToString()


def _function_of(tf: Any, path: str, signature: str | None) -> tuple[Any, Any]:
    """The concrete function that computes the model, and what owns its variables."""
    if signature is not None and not os.path.isdir(path):
        raise InvalidArgumentError("Keras' files have no signatures")
    try:
        if os.path.isdir(path):
            owner = tf.saved_model.load(path)
            signatures = owner.signatures
        else:
            model = tf.keras.models.load_model(path, compile=False)
            specs = [tf.TensorSpec(value.shape, value.dtype, name=value.name.split(":")[0]) for value in model.inputs]
            call = tf.function(lambda *inputs: model(list(inputs) if len(inputs) > 1 else inputs[0], training=False))
            return call.get_concrete_function(*specs), model
    except Exception as error:
        raise DataLossError(f"TensorFlow cannot load it: {error}") from error
    if not signatures:
        raise InvalidArgumentError("the SavedModel has no signatures: save it with tf.saved_model.save(module, folder, signatures=...)")
    if signature is None and len(signatures) == 1:
        return next(iter(signatures.values())), owner
    if (signature or DEFAULT_SIGNATURE) in signatures:
        return signatures[signature or DEFAULT_SIGNATURE], owner
    names = ", ".join(repr(name) for name in sorted(signatures))
    asked = "no 'serving_default'" if signature is None else f"no signature {signature!r}"
    raise InvalidArgumentError(f"the SavedModel has {asked}, but {names}: choose one with signature= (--signature)")
