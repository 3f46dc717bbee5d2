"""The networks of tests/models/make_dynamic_models.py: each at three sizes on one loaded model, beside onnxruntime."""

from __future__ import annotations

import make_dynamic_models
import numpy as np
import onnxruntime
import pytest
from make_dynamic_models import MODELS, SIZES, DynamicModel

import mace

# The strict rules: shapes and types are equal, integers too; of floats the cosine is at least this, and no difference is larger than
# this part of the largest magnitude.
COSINE, RELATIVE = 0.99999, 1e-3


def judge(name: str, got: np.ndarray, want: np.ndarray) -> None:
    assert got.shape == want.shape and got.dtype == want.dtype, f"{name}: {got.dtype} {got.shape}, not {want.dtype} {want.shape}"
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, name)
        return
    a, b = got.reshape(-1).astype(np.float64), want.reshape(-1).astype(np.float64)
    assert np.isfinite(a).all(), name
    largest = np.abs(b).max() if b.size else 0.0
    if largest == 0:
        assert not a.size or np.abs(a).max() <= 1e-6, name
        return
    assert a @ b >= COSINE * np.linalg.norm(a) * np.linalg.norm(b), name
    assert np.abs(a - b).max() <= RELATIVE * largest + 1e-6, name


def judge_run(model: mace.Model, session: onnxruntime.InferenceSession, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    got, want = model(feeds), session.run(None, feeds)
    for output, value in zip(session.get_outputs(), want, strict=True):
        judge(output.name, np.asarray(got[output.name]), np.asarray(value))
    return got


def judge_of(model: DynamicModel) -> tuple[bytes, onnxruntime.InferenceSession]:
    data = model.make().SerializeToString()
    return data, onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
def test_three_sizes_without_loading_again(case: DynamicModel) -> None:
    data, session = judge_of(case)
    model = mace.load(data)
    for size in [*range(SIZES), 0]:  # the first size once more: its plan is kept
        judge_run(model, session, case.inputs(size))


@pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
def test_the_same_from_a_file(case: DynamicModel, tmp_path) -> None:
    data, session = judge_of(case)
    path = tmp_path / "model.mace"
    path.write_bytes(mace.convert(data)[0])
    model = mace.load(path)
    for size in range(SIZES):
        judge_run(model, session, case.inputs(size))


def test_models_are_the_same_in_every_call() -> None:
    for case in MODELS:
        assert case.make().SerializeToString(deterministic=True) == case.make().SerializeToString(deterministic=True)


def test_sizes_differ() -> None:
    for case in MODELS:
        shapes = {tuple((name, value.shape) for name, value in case.inputs(size).items()) for size in range(SIZES)}
        assert len(shapes) == SIZES, case.name


def decoder() -> DynamicModel:
    return next(case for case in MODELS if case.make is make_dynamic_models.sequences.decoder)


def decoder_steps() -> list[np.ndarray]:
    """A prompt of five tokens, single ones, two at once."""
    ids = np.random.default_rng(7).integers(0, make_dynamic_models.sequences.VOCABULARY, (2, 12))
    return [ids[:, :5], ids[:, 5:6], ids[:, 6:7], ids[:, 7:9], ids[:, 9:10]]


def test_a_cache_that_is_fed_back() -> None:
    case = decoder()
    data, session = judge_of(case)
    model = mace.load(data)
    cache = {name: value[:1, :, :0].repeat(2, axis=0) for name, value in case.inputs(0).items() if name != "ids"}
    for ids in decoder_steps():
        got = judge_run(model, session, {"ids": ids, **cache})
        cache = {past: np.array(got[present]) for present, past in case.states}


def test_a_cache_as_declared_state() -> None:
    """Only the first call feeds it, empty; then the session keeps it, while it grows."""
    case = decoder()
    data, session = judge_of(case)
    model = mace.load(data, states=case.states)
    cache = {name: value[:1, :, :0].repeat(2, axis=0) for name, value in case.inputs(0).items() if name != "ids"}
    for step, ids in enumerate(decoder_steps()):
        names = [output.name for output in session.get_outputs()]
        want = dict(zip(names, session.run(None, {"ids": ids, **cache}), strict=True))
        got = model({"ids": ids, **cache} if step == 0 else {"ids": ids})
        judge("logits", np.asarray(got[names[0]]), want[names[0]])
        cache = {past: want[present] for present, past in case.states}
