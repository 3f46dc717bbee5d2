"""TensorFlow Lite models that work on text: what LiteRT takes, and what MACE says."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_writer import ELEMENT_TYPES, Rejected, TfliteWriter, litert_interpreter

import mace

NUMBERS = {**ELEMENT_TYPES, "string": 5, "resource": 13}


def table_model(keys: str, values: str) -> bytes:
    """y = 1 + what a table has for the keys."""
    writer = TfliteWriter()
    tensors = [
        writer.add_tensor([2], "int64", name="keys"),
        writer.add_tensor([1], "int64", name="missing"),
        writer.add_tensor([1], "int64", name="handle"),
        writer.add_tensor([2], "int64", name="found"),
    ]
    for tensor, dtype in zip(tensors, (keys, values, "resource", values), strict=True):
        writer._graph.tensors[tensor].type = NUMBERS[dtype]
    wanted, missing, handle, found = tensors
    one = writer.add_constant(np.array([1], np.int64))
    y = writer.add_tensor([2], "int64", name="y")
    writer.add_operator("HASHTABLE", [], [handle], "HashtableOptions", tableId=1, keyDtype=NUMBERS[keys], valueDtype=NUMBERS[values])
    writer.add_operator("HASHTABLE_FIND", [handle, wanted, missing], [found], "HashtableFindOptions")
    outputs = [found]
    if values == "int64":
        writer.add_operator("ADD", [found, one], [y], "AddOptions")
        outputs = [y]
    return writer.finish([wanted, missing], outputs)


@pytest.mark.parametrize("keys", ["int64", "int32", "float32"])
@pytest.mark.parametrize("values", ["int64", "int32", "float32"])
def test_litert_has_no_table_without_text(keys: str, values: str) -> None:
    with pytest.raises(Rejected, match="key_dtype"):
        litert_interpreter(table_model(keys, values))


@pytest.mark.parametrize(("keys", "values"), [("string", "int64"), ("int64", "string")])
def test_tables_are_refused_with_what_to_do(keys: str, values: str) -> None:
    model = table_model(keys, values)
    litert_interpreter(model)
    with pytest.raises(
        mace.UnsupportedError, match=r"HASHTABLE_FIND.*tensors of text are not supported.*inputs=.*in the application"
    ) as error:
        mace.load(model)
    assert "\n" not in str(error.value) and str(error.value).count("tensors of text") == 1
    assert {"HASHTABLE", "HASHTABLE_FIND", "text"} == {problem["reason"] for problem in error.value.problems}
    assert all("--input_tensor" in problem["action"] for problem in error.value.problems)


def test_what_the_message_says_works() -> None:
    data, _ = mace.convert(table_model("string", "int64"), inputs=["found"])
    assert mace.load(data)([np.array([4, 5], np.int64)])["y"].tolist() == [5, 6]


def test_skip_gram_is_refused_with_what_to_do() -> None:
    writer = TfliteWriter()
    x, y = (writer.add_tensor([1], "int64", name=name) for name in ("x", "y"))
    for tensor in (x, y):
        writer._graph.tensors[tensor].type = NUMBERS["string"]
    writer.add_operator("SKIP_GRAM", [x], [y], "SkipGramOptions", ngramSize=2, maxSkipSize=1, includeAllNgrams=False)
    with pytest.raises(mace.UnsupportedError, match=r"SKIP_GRAM.*begin the model behind them"):
        mace.load(writer.finish([x], [y]))
