"""Texts stored with a model: from ONNX's metadata_props and the user to the file, and out of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import networks
import pytest
from command_line import mace as run_mace
from onnx import ModelProto, helper

import mace


def network(props: dict[str, str] | None = None) -> ModelProto:
    proto = networks.convolution_network()
    helper.set_model_props(proto, props or {})
    return proto


def test_onnx_metadata_arrive() -> None:
    props = {"labels": "cat\nd\u00f6g", "author": "me", "empty": ""}
    assert mace.load(network(props).SerializeToString()).metadata == props
    data, details = mace.convert(network(props).SerializeToString(), metadata={"author": "you", "version": "3"})
    assert details["warnings"] == []
    assert mace.load(data, verify="full").metadata == {**props, "author": "you", "version": "3"}
    # Beside a cut, without names, without passes.
    data, _ = mace.convert(network(props).SerializeToString(), outputs=["r0"], strip_names=True, optimize=False)
    assert mace.load(data, verify="full").metadata == props
    assert mace.load(network().SerializeToString()).metadata == {}


def test_strange_metadata_do_not_stop_a_conversion() -> None:
    proto = network({"a": "1"})
    for key, value in (("a", "2"), ("", "no key"), ("zero", "a\0b")):
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    data, details = mace.convert(proto.SerializeToString())
    assert mace.load(data).metadata == {"a": "2"}
    begins = ["metadata 'a' is there twice", "metadata '' was dropped", "metadata 'zero' was dropped"]
    assert all(warning.startswith(begin) for warning, begin in zip(details["warnings"], begins, strict=True))
    # Bytes that are no text.
    raw = network({"key": "value"}).SerializeToString()
    data, _ = mace.convert(raw.replace(b"value", b"v\xffl\xfee"))
    assert mace.load(data).metadata == {"key": "v\ufffdl\ufffde"}
    many = network({f"key {i}": str(i) for i in range(4200)})
    data, details = mace.convert(many.SerializeToString())
    assert len(mace.load(data).metadata) == 4096 and "more than 4096" in details["warnings"][0]


def test_wrong_metadata() -> None:
    proto = network().SerializeToString()
    for wrong in ("text", {"a": 1}, {1: "a"}, {"a": "b\0c"}, [("a", "b")], {"a": "\ud800"}):
        with pytest.raises(mace.InvalidArgumentError, match="metadata: expected a dict of text to text"):
            mace.convert(proto, metadata=wrong)
    with pytest.raises(mace.InvalidArgumentError, match="metadata: a key is empty"):
        mace.convert(proto, metadata={"": "a"})
    with pytest.raises(mace.ResourceExhaustedError, match="more than 4096 keys"):
        mace.convert(proto, metadata={str(i): "" for i in range(4097)})


def test_info_shows_metadata(tmp_path: Path) -> None:
    props = {"labels": "cat\ndog", "text": "x" * 500}
    (tmp_path / "net.onnx").write_bytes(network(props).SerializeToString())
    result: subprocess.CompletedProcess[str] = run_mace("info", tmp_path / "net.onnx")
    assert "metadata:\n  labels: cat\\ndog\n  text: " + "x" * 60 + "... (500 characters)\n" in result.stdout
    assert json.loads(run_mace("info", tmp_path / "net.onnx", "--json").stdout)["metadata"] == props
