"""Recurrent layers of TensorFlow Lite, a step, a sequence or both directions, over several runs that keep their states, beside
ai-edge-litert's reference kernels."""

from __future__ import annotations

import numpy as np
import pytest
from test_tflite_layers import tries
from tflite_writer import TfliteWriter

ACTIVATIONS = {"none": 0, "relu": 1, "tanh": 4}


def weights(rng: np.random.Generator, writer: TfliteWriter, *shape: int) -> int:
    return writer.add_constant((rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32))


def cell(rng: np.random.Generator, writer: TfliteWriter, batch: int, inputs: int, units: int) -> list[int]:
    """Weights of x and h, bias and state."""
    return [
        weights(rng, writer, units, inputs),
        weights(rng, writer, units, units),
        weights(rng, writer, units),
        writer.add_tensor([batch, units], "float32", is_variable=True),
    ]


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("kind", ["step", "sequence", "time_major"])
def test_rnn(kind: str, activation: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        batch, steps, inputs, units = (int(n) for n in rng.integers(1, 7, 4))
        shape = {"step": [batch], "sequence": [batch, steps], "time_major": [steps, batch]}[kind]
        x = writer.add_tensor([*shape, inputs], "float32")
        y = writer.add_tensor([*shape, units], "float32")
        operands = [x, *cell(rng, writer, batch, inputs, units)]
        if kind == "step":
            writer.add_operator("RNN", operands, [y], "RNNOptions", fusedActivationFunction=ACTIVATIONS[activation])
        else:
            writer.add_operator(
                "UNIDIRECTIONAL_SEQUENCE_RNN", operands, [y], "SequenceRNNOptions",
                timeMajor=kind == "time_major", fusedActivationFunction=ACTIVATIONS[activation],
            )  # fmt: skip
        return [x], [y], lambda: [rng.standard_normal([*shape, inputs]).astype(np.float32)]

    tries(build, 9, count=4, reference_steps=None, steps=3, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("second", ["none", "other", "joined"])
@pytest.mark.parametrize("time_major", [False, True])
def test_bidirectional_rnn(second: str, merge: bool, time_major: bool) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        batch, steps, inputs, forward, backward = (int(n) for n in rng.integers(1, 6, 5))
        order = [steps, batch] if time_major else [batch, steps]
        x = writer.add_tensor([*order, inputs], "float32")
        operands = [x, *cell(rng, writer, batch, inputs, forward), *cell(rng, writer, batch, inputs, backward)]
        fed = [x]
        if second == "none":
            operands += [-1, -1, -1]
        else:
            fed.append(writer.add_tensor([*order, inputs], "float32"))
            joined = second == "joined"
            operands += [
                fed[1],
                weights(rng, writer, forward, inputs) if joined else -1,
                weights(rng, writer, backward, inputs) if joined else -1,
            ]
        sizes = [forward + backward] if merge else [forward, backward]
        y = [writer.add_tensor([*order, size], "float32") for size in sizes]
        writer.add_operator(
            "BIDIRECTIONAL_SEQUENCE_RNN", operands, y, "BidirectionalSequenceRNNOptions",
            timeMajor=time_major, fusedActivationFunction=4, mergeOutputs=merge,
        )  # fmt: skip
        return fed, y, lambda: [rng.standard_normal([*order, inputs]).astype(np.float32) for _ in fed]

    tries(build, 9, count=3, reference_steps=None, steps=3, rtol=1e-5, atol=1e-5)


def lstm_weights(
    rng: np.random.Generator, writer: TfliteWriter, inputs: int, cells: int, outputs: int, coupled: bool, peephole: bool
) -> list[int]:
    """The seventeen operands of one direction."""
    gates = [not coupled, True, True, True]
    result = [weights(rng, writer, cells, inputs) if there else -1 for there in gates]
    result += [weights(rng, writer, cells, outputs) if there else -1 for there in gates]
    result += [weights(rng, writer, cells) if peephole and there else -1 for there in (not coupled, True, True)]
    result += [weights(rng, writer, cells) if there else -1 for there in gates]
    return result + ([weights(rng, writer, outputs, cells), -1] if outputs != cells else [-1, -1])


def states(writer: TfliteWriter, batch: int, *sizes: int) -> list[int]:
    return [writer.add_tensor([batch, size], "float32", is_variable=True) for size in sizes]


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("projection", [False, True])
def test_lstm_of_one_step(coupled: bool, projection: bool) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        batch, inputs, cells = (int(n) for n in rng.integers(1, 6, 3))
        outputs = cells + 1 if projection else cells
        x = writer.add_tensor([batch, inputs], "float32")
        operands = [x, *lstm_weights(rng, writer, inputs, cells, outputs, coupled, bool(rng.integers(2)))]
        operands += states(writer, batch, outputs, cells)
        y = writer.add_tensor([batch, outputs], "float32")
        writer.add_operator("LSTM", operands, [y], "LSTMOptions", fusedActivationFunction=4, kernelType=0, cellClip=0.7)
        return [x], [y], lambda: [rng.standard_normal([batch, inputs]).astype(np.float32)]

    tries(build, 9, count=4, reference_steps=None, steps=3, rtol=1e-5, atol=1e-5)


def test_basic_lstm() -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        batch, inputs, cells = (int(n) for n in rng.integers(1, 6, 3))
        shapes = [[batch, inputs], [batch, cells], [batch, cells]]
        x, h, c = (writer.add_tensor(shape, "float32") for shape in shapes)
        kernel, bias = weights(rng, writer, 4 * cells, inputs + cells), weights(rng, writer, 4 * cells)
        y = [writer.add_tensor([batch, size], "float32") for size in (cells, cells, inputs + cells, 4 * cells)]
        writer.add_operator("LSTM", [x, h, kernel, bias, c], y, "LSTMOptions", fusedActivationFunction=4, kernelType=1)
        return [x, h, c], y[:2], lambda: [rng.standard_normal(shape).astype(np.float32) for shape in shapes]

    tries(build, 9, count=6, reference_steps=None, steps=2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("second", ["none", "other", "joined"])
@pytest.mark.parametrize("time_major", [False, True])
def test_bidirectional_lstm(second: str, merge: bool, time_major: bool) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        batch, steps, inputs, cells = (int(n) for n in rng.integers(1, 6, 4))
        if merge and not time_major:  # LiteRT 2.3 then takes the states of further batch rows from a wrong place
            batch = 1
        coupled, peephole, outputs = bool(rng.integers(2)), bool(rng.integers(2)), cells + int(rng.integers(2))
        order = [steps, batch] if time_major else [batch, steps]
        x = writer.add_tensor([*order, inputs], "float32")
        operands = [x]
        for _ in range(2):
            operands += lstm_weights(rng, writer, inputs, cells, outputs, coupled, peephole)
        operands += states(writer, batch, outputs, cells, outputs, cells)
        fed = [x]
        if second == "none":
            operands += [-1] * 9
        else:
            fed.append(writer.add_tensor([*order, inputs], "float32"))
            operands.append(fed[1])
            for _ in range(2):
                there = [second == "joined" and not coupled] + [second == "joined"] * 3
                operands += [weights(rng, writer, cells, inputs) if each else -1 for each in there]
        y = [writer.add_tensor([*order, size], "float32") for size in ([2 * outputs] if merge else [outputs, outputs])]
        writer.add_operator(
            "BIDIRECTIONAL_SEQUENCE_LSTM", operands, y, "BidirectionalSequenceLSTMOptions",
            timeMajor=time_major, fusedActivationFunction=4, mergeOutputs=merge,
        )  # fmt: skip
        return fed, y, lambda: [rng.standard_normal([*order, inputs]).astype(np.float32) for _ in fed]

    tries(build, 9, count=3, reference_steps=None, steps=3, rtol=1e-5, atol=1e-5)
