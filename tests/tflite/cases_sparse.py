"""Models of sparse constants, and of projections by hashing."""

from __future__ import annotations

import numpy as np
from operator_cases import TYPES, Case, cases
from sparse_tensors import compressed
from tflite_writer import run_litert


def with_zeros(case: Case, shape: list[int], dtype: str, block: list[int]) -> np.ndarray:
    """An array in which whole blocks are zero; at least one is not."""
    keep = case.random.random([size // b for size, b in zip(shape, block, strict=True)]) < 0.4
    keep.reshape(-1)[case.integer(0, keep.size - 1)] = True
    data = case.data(shape, dtype)
    if not np.any(data[tuple(slice(b) for b in block)]):
        data = np.ones_like(data)
    return (data * np.kron(keep, np.ones(block, int)).astype(bool)).astype(data.dtype)


def sparse_constant(case: Case, dense: np.ndarray, dtype: str, scale: float | None = None, **form: object) -> int:
    sparsity, stored = compressed(dense, **form)
    case.kinds.append((list(dense.shape), dtype, scale, 0))
    quantization = ([], []) if scale is None else ([scale], [0])
    return case.writer.add_tensor(dense.shape, dtype, *quantization, data=stored, sparsity=sparsity)


@cases("DENSIFY", types=TYPES, models=12)
def densify(case: Case, name: str) -> None:
    rank = case.integer(1, 4)
    has_blocks = case.flip()
    block_map = [d for d in range(rank) if has_blocks and case.flip()]
    block_sizes = [case.integer(2, 4) for _ in block_map]
    block = [block_sizes[block_map.index(d)] if d in block_map else 1 for d in range(rank)]
    shape = [b * case.integer(1, 5) for b in block]
    dense = with_zeros(case, shape, case.dtype, block)
    if not np.any(dense):
        dense = np.ones_like(dense)  # a constant without elements is none
    order = list(range(rank))
    if case.flip(3):
        case.random.shuffle(order)
    formats = [case.flip() for _ in range(rank)]
    formats[-1] = True
    form = {
        "order": [*(int(axis) for axis in order), *range(rank, rank + len(block_map))],
        "is_compressed": formats + [False] * len(block_map),
        "block_map": block_map,
        "block_sizes": block_sizes,
        "lists": case.choose(["int32", "uint16", "uint8"]),
    }
    scale = case.scale() if case.dtype == "int8" else None
    s = sparse_constant(case, dense, case.dtype, scale, **form)
    output = case.output(plain=True) if scale is None else case.output(scale=scale, zero_point=0)
    case.notes["dense"] = dense
    case.add(name, [s], [output], "DensifyOptions")


def product(case: Case) -> list[list[np.ndarray]]:
    x, dense, bias = case.feeds[0].astype(np.float64), case.notes["dense"].astype(np.float64), case.notes["bias"]
    return [[(x @ dense.T + bias).astype(np.float32)]]


# LiteRT's reference kernel reads the stored elements as if they were all: its optimized kernel takes sparse weights, of these two forms.
@cases("FULLY_CONNECTED", types=["float32 x sparse", "float32 x sparse blocks"], oracle=product, models=8)
def sparse_fully_connected(case: Case, name: str) -> None:
    case.reference = False
    blocks = case.type_name.endswith("blocks")
    depth, units = 4 * case.integer(1, 6) if blocks else case.integer(2, 20), case.integer(2, 9)
    dense = with_zeros(case, [units, depth], "float32", [1, 4 if blocks else 1])
    form = {"order": [0, 1, 2], "is_compressed": [False, True, False], "block_map": [1], "block_sizes": [4]}
    w = sparse_constant(case, dense, "float32", **(form if blocks else {"order": [0, 1], "is_compressed": [False, True]}))
    bias = case.data([units], "float32")
    case.notes = {"dense": dense, "bias": bias}
    x = case.input([case.integer(1, 4), depth])
    case.add(name, [x, w, case.constant(bias, "float32")], [case.output()], "FullyConnectedOptions", version=8)


def quantized_product(case: Case, is_sparse: bool) -> None:
    depth, units = 16 * case.integer(1, 4), case.integer(2, 9)
    dense = with_zeros(case, [units, depth], "int8", [1, 16])
    x, scale = case.input([case.integer(1, 4), depth]), case.scale(1e-3, 1e-2)
    if is_sparse:
        form = {"order": [0, 1, 2], "is_compressed": [False, True, False], "block_map": [1], "block_sizes": [16]}
        w = sparse_constant(case, dense, "int8", scale, **form)
    else:
        w = case.constant(dense, "int8", scale)
    bias = case.constant(case.random.integers(-1000, 1000, units), "int32", case.kinds[x][2] * scale)
    case.add("FULLY_CONNECTED", [x, w, bias], [case.output(scale=case.scale(0.05, 0.5))], "FullyConnectedOptions", version=8)


def product_of_dense(case: Case) -> list[list[np.ndarray]]:
    """What LiteRT's reference kernel makes of the same numbers with their zeros."""
    twin = Case(case.type_name, case.seed)
    quantized_product(twin, is_sparse=False)
    return run_litert(twin.finish(), [twin.feeds])


@cases("FULLY_CONNECTED", types=["int8 x sparse blocks"], oracle=product_of_dense, models=8)
def sparse_quantized(case: Case, name: str) -> None:
    case.reference = False
    quantized_product(case, is_sparse=True)


@cases("LSH_PROJECTION", types=TYPES, models=16)
def projection(case: Case, name: str) -> None:
    kind = case.integer(1, 2)  # sparse, dense
    seeds = case.input([case.integer(1, 6), case.integer(1, 20)], "float32", constant=case.flip())
    shape = case.shape(ranks=(1, 3))
    if case.flip(3):  # items of many blocks of what is hashed
        shape = [case.integer(1, 3), case.integer(30, 200)]
    inputs = [seeds, case.input(shape, plain=True)]
    if case.flip():
        inputs.append(case.input([shape[0]], "float32"))
    case.add(name, inputs, [case.output("int32", plain=True)], "LSHProjectionOptions", type=kind)
