"""Models of recurrent layers, one step or a sequence, in one direction or both; each runs three times with the states that it keeps.

Of "float32 x int8" the weights are quantized: LiteRT then quantizes the inputs too, with an error that this runtime does not make.
The oracle is LiteRT with the same weights as floats.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from operator_cases import FLOATS, QUANTIZED, Case, cases

TYPES = (*FLOATS, *QUANTIZED)
HYBRID, TWIN = "float32 x int8", "float32 of int8"
CLIPPED_TANH = {"fusedActivationFunction": 4, "cellClip": 0.7}


def vector(case: Case, size: int) -> int:
    return case.constant(case.random.normal(0, size**-0.5, size), case.dtype)


def weights(case: Case, *shape: int) -> int:
    """A matrix, or what is quantized with the matrices."""
    if case.type_name not in (HYBRID, TWIN):
        return case.constant(case.random.normal(0, shape[-1] ** -0.5, shape), case.dtype)
    data, scale = case.random.integers(-127, 127, shape, endpoint=True), np.float32(2 / 127 / shape[-1] ** 0.5)
    return case.constant(data, "int8", float(scale)) if case.type_name == HYBRID else case.constant(data * scale, "float32")


def sequence(case: Case, shape: list[int]) -> int:
    """An input of the model; small, because 1 - sigmoid(large) has few bits left."""
    return case.input(shape, low=-1, high=1, plain=True) if case.dtype in FLOATS else case.input(shape, plain=True)


def hybrid(build: Callable) -> Callable:
    """The oracle for the models of `build` with quantized weights."""

    def oracle(case: Case) -> list[list[np.ndarray]]:
        from tflite_writer import run_litert

        twin = Case(TWIN, case.seed)
        build(twin, case.notes["operator"])
        return run_litert(twin.finish(), [twin.feeds] * twin.runs)

    return oracle


def layer(*names: str, **arguments: object) -> Callable:
    """Registers a maker for all types, and once more for quantized weights."""

    def register(build: Callable) -> Callable:
        def noted(case: Case, name: str) -> None:
            case.notes["operator"] = name
            build(case, name)

        cases(*names, types=(HYBRID,), oracle=hybrid(build), **arguments)(noted)
        return cases(*names, types=TYPES, **arguments)(build)

    return register


def whole(case: Case, shape: tuple[int, ...], dtype: str, scale: float, largest: int) -> int:
    """Constant integers."""
    return case.constant(case.random.integers(-largest, largest, shape, endpoint=True), dtype, scale)


def floats_only(case: Case, name: str) -> None:
    """Integers of these layers have makers of their own: their operands differ in type."""
    if case.dtype in QUANTIZED and name in ("UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"):
        raise NotImplementedError("has another maker")


def order(case: Case, time_major: bool, batch: int) -> list[int]:
    steps = case.integer(1, 5)
    return [steps, batch] if time_major else [batch, steps]


def rnn_cell(case: Case, batch: int, inputs: int, units: int) -> list[int]:
    """Weights of x and h, bias and state."""
    operands = [weights(case, units, inputs), weights(case, units, units), vector(case, units)]
    return [*operands, case.variable([batch, units], case.dtype)]


@layer("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN")
def rnn(case: Case, name: str) -> None:
    batch, inputs, units = (case.integer(1, 6) for _ in range(3))
    options = {"fusedActivationFunction": case.choose([0, 1, 4])}
    places, table = [batch], "RNNOptions"
    if name != "RNN":
        table, options["timeMajor"] = "SequenceRNNOptions", case.flip()
        places = order(case, options["timeMajor"], batch)
    x = sequence(case, [*places, inputs])
    case.add(name, [x, *rnn_cell(case, batch, inputs, units)], [case.output(plain=True)], table, **options)


@layer("BIDIRECTIONAL_SEQUENCE_RNN", models=9)
def bidirectional_rnn(case: Case, name: str) -> None:
    batch, inputs, forward, backward = (case.integer(1, 5) for _ in range(4))
    time_major, merge = case.flip(), case.flip()
    places = order(case, time_major, batch)
    x = sequence(case, [*places, inputs])
    operands = [x, *rnn_cell(case, batch, inputs, forward), *rnn_cell(case, batch, inputs, backward)]
    second = case.choose(["none", "other", "joined"])
    if second == "none":
        operands += [-1, -1, -1]
    else:
        joined = second == "joined"
        operands.append(sequence(case, [*places, inputs]))
        operands += [weights(case, units, inputs) if joined else -1 for units in (forward, backward)]
    outputs = [case.output(plain=True) for _ in range(1 if merge else 2)]
    options = {"timeMajor": time_major, "mergeOutputs": merge, "fusedActivationFunction": 4}
    case.add(name, operands, outputs, "BidirectionalSequenceRNNOptions", **options)


def lstm_weights(case: Case, inputs: int, cells: int, outputs: int, coupled: bool) -> list[int]:
    """The seventeen operands of one direction."""
    gates, peephole = [not coupled, True, True, True], case.flip()
    result = [weights(case, cells, inputs) if there else -1 for there in gates]
    result += [weights(case, cells, outputs) if there else -1 for there in gates]
    result += [weights(case, cells) if peephole and there else -1 for there in gates[:3]]
    result += [vector(case, cells) if there else -1 for there in gates]
    return result + ([weights(case, outputs, cells), -1] if outputs != cells else [-1, -1])


@layer("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", models=9)
def lstm(case: Case, name: str) -> None:
    floats_only(case, name)
    batch, inputs, cells = (case.integer(1, 6) for _ in range(3))
    outputs = cells + case.integer(0, 1)
    places, table, options = [batch], "LSTMOptions", dict(CLIPPED_TANH)
    if name != "LSTM":
        table, options["timeMajor"] = "UnidirectionalSequenceLSTMOptions", case.flip()
        places = order(case, options["timeMajor"], batch)
    operands = [sequence(case, [*places, inputs]), *lstm_weights(case, inputs, cells, outputs, case.flip())]
    operands += [case.variable([batch, size], case.dtype) for size in (outputs, cells)]
    case.add(name, operands, [case.output(plain=True)], table, **options)


@cases("LSTM", types=["float32 basic"])
def basic_lstm(case: Case, name: str) -> None:
    """The older kernel: the states are operands and results."""
    batch, inputs, cells = (case.integer(1, 6) for _ in range(3))
    x, h = case.input([batch, inputs]), case.input([batch, cells])
    operands = [x, h, weights(case, 4 * cells, inputs + cells), vector(case, 4 * cells), case.input([batch, cells])]
    results = [case.output() for _ in range(4)]
    case.writer.add_operator(name, operands, results, "LSTMOptions", fusedActivationFunction=4, kernelType=1)
    case.outputs += results[:2]  # the others are LiteRT's workspace


@layer("BIDIRECTIONAL_SEQUENCE_LSTM", models=9)
def bidirectional_lstm(case: Case, name: str) -> None:
    batch, inputs, cells = (case.integer(1, 5) for _ in range(3))
    time_major, merge, coupled = case.flip(), case.flip(), case.flip()
    if merge and not time_major:  # LiteRT 2.3 then takes the states of further batch rows from a wrong place
        batch = 1
    outputs, places = cells + case.integer(0, 1), order(case, time_major, batch)
    operands = [sequence(case, [*places, inputs])]
    for _ in range(2):
        operands += lstm_weights(case, inputs, cells, outputs, coupled)
    operands += [case.variable([batch, size], case.dtype) for size in (outputs, cells, outputs, cells)]
    second = case.choose(["none", "other", "joined"])
    operands.append(-1 if second == "none" else sequence(case, [*places, inputs]))
    for there in [not coupled, True, True, True] * 2:
        operands.append(weights(case, cells, inputs) if there and second == "joined" else -1)
    results = [case.output(plain=True) for _ in range(1 if merge else 2)]
    options = {"timeMajor": time_major, "mergeOutputs": merge, "fusedActivationFunction": 4}
    case.add(name, operands, results, "BidirectionalSequenceLSTMOptions", **options)


def integer_lstm_operands(case: Case, x: int, places: dict[str, int], hidden: tuple[float, int], projection: bool) -> list[int]:
    """The 24 operands of int8 activations: 8 bits of weights, 16 of peepholes and norms, 32 of biases."""
    batch, inputs, cells, outputs = (places[key] for key in ("batch", "inputs", "cells", "outputs"))
    gates = [case.flip(), True, True, True]  # the input gate may be coupled to the forget gate
    peephole, norm = case.flip() and not projection, case.flip()  # with a projection LiteRT takes outputs for cells

    def matrix(rows: int, columns: int) -> int:
        return whole(case, (rows, columns), "int8", case.random.uniform(1, 3) / 127 / columns**0.5, 127)

    def numbers(dtype: str, size: int) -> int:
        if dtype == "int32":
            return whole(case, (size,), dtype, 1e-5, 20000)
        return whole(case, (size,), dtype, case.random.uniform(1, 3) / 32767, 32767)

    operands = [x, *(matrix(cells, inputs) if there else -1 for there in gates)]
    operands += [matrix(cells, outputs) if there else -1 for there in gates]
    operands += [numbers("int16", cells) if peephole and there else -1 for there in gates[:3]]
    operands += [numbers("int32", cells) if there else -1 for there in gates]
    operands += [matrix(outputs, cells), numbers("int32", outputs) if case.flip() else -1] if projection else [-1, -1]
    operands += [case.variable([batch, outputs], "int8", *hidden), case.variable([batch, cells], "int16", 2.0 ** -case.integer(9, 15))]
    return operands + [numbers("int16", cells) if norm and there else -1 for there in gates]


@cases("UNIDIRECTIONAL_SEQUENCE_LSTM", types=["int8"], models=40)
def integer_lstm(case: Case, name: str) -> None:
    places = {key: case.integer(1, most) for key, most in (("batch", 3), ("inputs", 20), ("cells", 18))}
    projection, time_major = case.flip(), case.flip()
    places["outputs"] = case.integer(1, 12) if projection else places["cells"]
    steps = order(case, time_major, places["batch"])
    hidden = (case.scale(0.005, 0.05), case.zero_point("int8"))
    x = case.input([*steps, places["inputs"]], scale=case.scale(0.005, 0.05))
    operands = integer_lstm_operands(case, x, places, hidden, projection)
    inner = [case.writer.add_tensor([0], "int16", [case.random.uniform(0.5, 2) / 4096]) for _ in range(4)]
    projected = (case.scale(0.005, 0.02), case.zero_point("int8")) if projection else hidden
    inner.append(case.writer.add_tensor([0], "int8", [projected[0]], [projected[1]]))
    case.kinds += [([0], "int16", None, 0)] * 5
    options = CLIPPED_TANH | {"timeMajor": time_major, "intermediates": inner}
    case.add(name, operands, [case.output("int8", *hidden)], "UnidirectionalSequenceLSTMOptions", **options)


def svdf_sizes(case: Case) -> list[int]:
    return [case.integer(1, most) for most in (3, 40, 12, 3, 12)]


@layer("SVDF", tolerance=1e-4)
def svdf(case: Case, name: str) -> None:
    floats_only(case, name)
    batch, inputs, units, rank, memory = svdf_sizes(case)
    operands = [sequence(case, [batch, inputs]), weights(case, units * rank, inputs), weights(case, units * rank, memory)]
    operands += [vector(case, units) if case.flip() else -1, case.variable([batch, units * rank * memory], case.dtype)]
    case.add(name, operands, [case.output(plain=True)], "SVDFOptions", rank=rank, fusedActivationFunction=case.integer(0, 1))


@cases("SVDF", types=["int8"], models=40)
def integer_svdf(case: Case, name: str) -> None:
    batch, inputs, units, rank, memory = svdf_sizes(case)
    relu = case.integer(0, 1)  # of integers: the saturation at the lowest value of the output
    scales = case.random.uniform(0.5, 2, 5) * [0.02, 0.01, 1e-4, 1e-6, 1e-3]
    operands = [
        case.input([batch, inputs], scale=scales[0]),
        whole(case, (units * rank, inputs), "int8", scales[1], 127),
        whole(case, (units * rank, memory), "int16", scales[2], 32767),
        whole(case, (units,), "int32", scales[3], 9000),
        case.variable([batch, units * rank * memory], "int16", scales[4]),
    ]
    y = case.output("int8", float(case.random.uniform(0.05, 0.5)), -128 if relu else 3)
    case.add(name, operands, [y], "SVDFOptions", rank=rank, fusedActivationFunction=relu)
