"""Operators that the application brings: functions that compute the nodes of a model which MACE does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mace.element_types import BITS, from_native, numpy_dtype, to_raw
from mace.errors import InvalidArgumentError

# inputs (None: absent), the bytes of the node's options -> the outputs (None for one that nobody reads)
CustomOperator = Callable[[list[Any], bytes], Sequence[Any]]


def register(runtime: Any, operators: Mapping[str, CustomOperator] | None) -> list[Any]:
    """Registers the functions with a native runtime; what it gives must live as long as the runtime's models."""
    if operators is None:
        return []
    if not isinstance(operators, Mapping) or not all(isinstance(name, str) and name and callable(f) for name, f in operators.items()):
        raise InvalidArgumentError(f"custom_operators: expected a dict of name to function, got {operators!r}")
    adapted = []
    for name, function in operators.items():
        adapted.append(_adapted(function))
        runtime.register_operator(name, adapted[-1])
    return adapted


def _adapted(function: CustomOperator) -> Callable[[list[Any], bytes, list[str | None]], list[Any]]:
    def call(inputs: list[Any], options: bytes, dtypes: list[str | None]) -> list[Any]:
        results = function([None if each is None else from_native(each) for each in inputs], options)
        if not isinstance(results, (list, tuple)) or len(results) != len(dtypes):
            got = f"{len(results)} of them" if isinstance(results, (list, tuple)) else f"a {type(results).__name__}"
            raise TypeError(f"the function has to return a list of {len(dtypes)} arrays, it returned {got}")
        return [None if dtype is None else _array(result, dtype, i) for i, (result, dtype) in enumerate(zip(results, dtypes, strict=True))]

    return call


def _array(result: Any, dtype: str, index: int) -> Any:
    array = np.asarray(result)
    if array.dtype != numpy_dtype(dtype):
        raise TypeError(f"output {index} has to be {dtype}, the function returned {array.dtype.name}")
    array = np.ascontiguousarray(array).reshape(array.shape)
    return to_raw(array, dtype) if dtype in BITS else array
