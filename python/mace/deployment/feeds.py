"""What a model is fed and what it is compared with: files (.npy, or raw as the original has them), or seeded random numbers."""

from __future__ import annotations

import numpy as np

from mace.arrays import MAGIC, read_npy
from mace.deployment.convert import Bound
from mace.deployment.files import Files
from mace.deployment.load import Deployment, ModelSpec, Source
from mace.deployment.problems import DeploymentError
from mace.errors import MaceError, UnsupportedError
from mace.model import TensorInfo

DEFAULT_RANGE = (-1.0, 1.0)
INTEGER_END = 100  # random integers without a range lie in [0, 100), within the dtype's


def dtype_of(info: TensorInfo) -> np.dtype:
    """NumPy's dtype of a tensor."""
    try:
        return np.dtype(info.dtype)
    except TypeError:
        raise UnsupportedError(f"{info}: NumPy has no {info.dtype}") from None


def random_array(info: TensorInfo, limits: tuple[float, float] | None, rng: np.random.RandomState) -> np.ndarray:
    """Random numbers in the range of input_ranges, ends included where they are integers."""
    dtype, shape = dtype_of(info), [int(dim or 1) for dim in info.shape]
    if dtype.kind == "f":
        most = float(np.finfo(dtype).max)
        low, high = (min(max(limit, -most), most) for limit in limits or DEFAULT_RANGE)
        return rng.uniform(low, high, shape).astype(dtype)
    if dtype.kind == "b":
        return rng.randint(0, 2, shape).astype(dtype)
    low, high = limits or (0, INTEGER_END - 1)
    ends = np.iinfo(dtype)
    least, most = max(int(np.ceil(low)), ends.min), min(int(np.floor(high)), ends.max)
    return rng.randint(least, max(least, most) + 1, shape, np.int64 if dtype.itemsize < 8 else dtype).astype(dtype)


class Data:
    """Reads the tensors that a deployment file names."""

    def __init__(self, deployment: Deployment, files: Files) -> None:
        self._deployment, self._files = deployment, files

    def _fail(self, source: Source, message: str) -> DeploymentError:
        return DeploymentError([self._deployment.problem(source.path, message)])

    def array(self, source: Source, info: TensorInfo) -> np.ndarray:
        """A file's array with the tensor's shape and dtype. Raw files hold four bytes an element, as the original and mace_run have
        them: int32 where the tensor has integers of 32 bits and more or bools, else float32; a name that ends in .npy does not make a
        raw file a NumPy file."""
        data, path = self._files.read(source)
        is_npy = data[: len(MAGIC)] == MAGIC
        dtype, shape = dtype_of(info), tuple(int(dim or 1) for dim in info.shape)
        count = int(np.prod(shape))
        if is_npy:
            try:
                array = read_npy(path)
            except MaceError as error:
                raise self._fail(source, str(error)) from None
            if [dim for dim in array.shape if dim != 1] != [dim for dim in shape if dim != 1]:
                raise self._fail(source, f"{path} holds {list(array.shape)}, {info} is wanted; correct the file or the shape")
        else:
            raw = np.dtype("<i4" if dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize > 2) else "<f4")
            raw = raw if len(data) == count * raw.itemsize else dtype
            if len(data) != count * raw.itemsize:
                wanted = f"{count * 4} are wanted for {info} (four bytes an element)"
                text = f"{path} has {len(data)} bytes, {wanted}; correct the file or the shape"
                raise self._fail(source, text)
            array = np.frombuffer(data, raw)
        if is_npy and array.dtype != dtype and (array.dtype.kind not in "fiub" or (array.dtype.kind == "f") != (dtype.kind == "f")):
            raise self._fail(source, f"{path} holds {array.dtype}, {info} is wanted; convert the file")
        with np.errstate(invalid="ignore", over="ignore"):
            result = array.astype(dtype)
        if dtype.kind in "iu" and not np.array_equal(result, array):
            raise self._fail(source, f"{path} holds {array.dtype} values that {dtype} cannot hold; correct the file")
        return np.ascontiguousarray(result.reshape(shape))

    def feeds(self, spec: ModelSpec, infos: tuple[TensorInfo, ...]) -> list[np.ndarray]:
        """What run feeds, in model order: validation_inputs_data, or random numbers that are the same every time."""
        sources = spec.data("input")
        if sources:
            return [self.array(source, info) for source, info in zip(sources, infos, strict=True)]
        rng = np.random.RandomState(0)
        return [random_array(info, tensor.range, rng) for tensor, info in zip(spec.inputs, infos, strict=True)]

    def expected(self, spec: ModelSpec, infos: tuple[TensorInfo, ...]) -> list[np.ndarray]:
        """What validation_outputs_data names; empty where it names nothing."""
        return [self.array(source, info) for source, info in zip(spec.data("output"), infos, strict=True)] if spec.data("output") else []


def to_source(arrays: list[np.ndarray], bounds: list[Bound]) -> dict[str, np.ndarray]:
    """The model's inputs in the source's layout, by name."""
    return {bound.tensor.name: bound.to_source(array) for array, bound in zip(arrays, bounds, strict=True)}
