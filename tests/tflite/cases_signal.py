"""Models of complex numbers, spectra and what they are read with."""

from __future__ import annotations

from dataclasses import replace

import cases_elementwise  # noqa: F401
import cases_movement  # noqa: F401
import cases_segments  # noqa: F401
import cases_stablehlo  # noqa: F401
import numpy as np
from operator_cases import COMPLEX, MAKERS, TYPES, Case, cases

ALL = (*TYPES, *COMPLEX)

# Of the operators that move elements of any type, LiteRT has these for complex64 too.
MOVING = (
    "BATCH_TO_SPACE_ND", "BITCAST", "BROADCAST_TO", "DILATE", "DYNAMIC_UPDATE_SLICE", "FILL", "HASHTABLE_LOOKUP", "MIRROR_PAD", "RANK",
    "SELECT", "SELECT_V2", "SHAPE", "SLICE", "SPACE_TO_BATCH_ND", "STABLEHLO_PAD", "STRIDED_SLICE", "TILE", "TRANSPOSE",
)  # fmt: skip
MAKERS += [replace(maker, types=("complex64",), left_out={}) for maker in list(MAKERS) if maker.name in MOVING and "float32" in maker.types]


@cases("MUL", types=COMPLEX)
def product(case: Case, name: str) -> None:
    a, b = case.broadcast_pair()
    case.add(name, [case.input(a), case.input(b, constant=case.flip())], [case.output()], "MulOptions", fusedActivationFunction=0)


@cases("RFFT2D", types=ALL, models=10)
def spectrum(case: Case, name: str) -> None:
    sizes = [2 ** case.integer(0, 5) for _ in range(2)]
    if sizes[1] == 1:
        sizes[1] = 2  # LiteRT's transform reads in front of its buffer
    shape = [*case.shape(ranks=(0, 2), high=3), *(case.integer(1, 34) for _ in range(2))]
    if case.flip(3):
        shape[-2] = sizes[0] = 1
    case.add(name, [case.input(shape, plain=True), case.operand(sizes)], [case.output("complex64")], "Rfft2dOptions")


@cases("REAL", "IMAG", "COMPLEX_ABS", types=ALL)
def part(case: Case, name: str) -> None:
    x = case.input(case.shape(), plain=True)
    case.add(name, [x], [case.output("float64" if case.dtype in ("complex128", "float64") else "float32", plain=True)])


@cases("COMPLEX_ABS", types=("complex64",), tolerance=1e-6)
def extreme_magnitude(case: Case, name: str) -> None:
    """Squares of these are no floats."""
    shape = case.shape()
    size = float(case.choose([1e-30, 1e25]))
    x = case.input(shape, data=case.data(shape) * size)
    case.add(name, [x], [case.output("float32")])


@cases("RESHAPE", "SQUEEZE", "EXPAND_DIMS", types=COMPLEX)
def moved(case: Case, name: str) -> None:
    """Between a spectrum and its parts."""
    shape = case.shape(ranks=(1, 3))
    y = case.output()
    if name == "RESHAPE":
        wanted = [int(np.prod(shape[:1])), -1] if case.flip() else [int(np.prod(shape))]
        case.add(name, [case.input(shape), case.operand(wanted)], [y], "ReshapeOptions")
    elif name == "EXPAND_DIMS":
        axis = case.integer(-len(shape) - 1, len(shape))
        case.add(name, [case.input(shape), case.constant(axis)], [y], "ExpandDimsOptions")
    else:
        place = case.integer(0, len(shape))
        shape.insert(place, 1)
        axes = [] if case.flip(3) else [place - len(shape) if case.flip() else place]
        case.add(name, [case.input(shape)], [y], "SqueezeOptions", squeezeDims=axes)


@cases(
    "CAST",
    types=[f"{a} to {b}" for a in ALL for b in ALL if a != b and (a in COMPLEX or b in COMPLEX)],
    models=3,
)
def complex_cast(case: Case, name: str) -> None:
    target = case.type_name.split()[2]
    low, high = (0, 100) if target.startswith("u") else (-100, 100)
    x = case.input(case.shape(), plain=True, low=low, high=high)
    y = case.output(target, plain=True)
    tensors = case.writer._graph.tensors
    case.add(name, [x], [y], "CastOptions", inDataType=tensors[x].type, outDataType=tensors[y].type)


@cases("REAL", types=("complex64 of a spectrum",), models=12)
def spectrum_of_rows(case: Case, name: str) -> None:
    """tf.signal.rfft as TensorFlow Lite's converter writes it, then one number for each frequency."""
    size = 2 ** case.integer(1, 7)
    shape = [*case.shape(ranks=(1, 2), high=3), case.integer(1, 140)]
    x = case.input(shape, "float32")
    rows, spectrum, squeezed = case.output("float32"), case.output("complex64"), case.output("complex64")
    case.writer.add_operator("EXPAND_DIMS", [x, case.constant(-2)], [rows], "ExpandDimsOptions")
    case.writer.add_operator("RFFT2D", [rows, case.constant([1, size])], [spectrum], "Rfft2dOptions")
    case.writer.add_operator("SQUEEZE", [spectrum], [squeezed], "SqueezeOptions", squeezeDims=[-2])
    outputs = [case.output("float32") for _ in range(3)]
    for operator, y in zip(("REAL", "IMAG", "COMPLEX_ABS"), outputs, strict=True):
        case.add(operator, [squeezed], [y])


def audio_options(**numbers: object) -> bytes:
    from flatbuffers import flexbuffers

    return bytes(flexbuffers.Dumps(numbers))


@cases("CUSTOM", types=("float32 AudioSpectrogram",), models=12)
def audio_spectrogram(case: Case, name: str) -> None:
    x = case.input([case.integer(1, 400), case.integer(1, 3)], "float32")
    window = case.choose([2, 3, 16, 60, 64, 100])
    options = audio_options(window_size=window, stride=case.integer(1, 50), magnitude_squared=case.flip())
    case.add(name, [x], [case.output("float32")], custom_code="AudioSpectrogram", custom_options=options)


@cases("CUSTOM", types=("float32 Mfcc",), models=12)
def mfcc(case: Case, name: str) -> None:
    bins = case.choose([65, 129, 257])
    x = case.input([case.integer(1, 2), case.integer(1, 6), bins], "float32", low=0, high=9 if case.flip() else 1e-6)
    rate = case.choose([8000, 16000])
    bands = case.integer(1, 40)
    options = audio_options(
        upper_frequency_limit=float(case.choose([2000, 4000])), lower_frequency_limit=float(case.choose([0, 20, 300])),
        filterbank_channel_count=bands, dct_coefficient_count=case.integer(1, bands),
    )  # fmt: skip
    case.add(name, [x, case.constant([rate])], [case.output("float32")], custom_code="Mfcc", custom_options=options)
