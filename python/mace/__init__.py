"""MACE, the mobile AI compute engine.

    import mace, numpy as np
    m = mace.load("model.onnx", num_threads=1)            # or .tflite, .mace
    y = m({"input": np.zeros((1, 3, 224, 224), np.float32)})   # {output name: array}

``mace.convert`` makes the .mace file that a device runs; ``mace --help`` is the command line.
"""

from mace import _native
from mace.conversion import convert, passes
from mace.errors import (
    CancelledError,
    DataLossError,
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    IoError,
    MaceError,
    NotFoundError,
    OutOfMemoryError,
    ResourceExhaustedError,
    UnsupportedError,
)
from mace.model import ISAS, Model, Session, TensorInfo, load, measure
from mace.torch_source import from_torch

__version__: str = _native.version

__all__ = [
    "ISAS",
    "CancelledError",
    "DataLossError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "IoError",
    "MaceError",
    "Model",
    "NotFoundError",
    "OutOfMemoryError",
    "ResourceExhaustedError",
    "Session",
    "TensorInfo",
    "UnsupportedError",
    "__version__",
    "convert",
    "from_torch",
    "load",
    "measure",
    "passes",
]
