"""PyTorch modules through mace.from_torch against the modules themselves. Skipped where torch is not installed."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

import mace
from mace import torch_source

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn
pytestmark = pytest.mark.filterwarnings("ignore")


def flat(result: object) -> list[np.ndarray]:
    if isinstance(result, torch.Tensor):
        return [result.detach().numpy()]
    if isinstance(result, dict):
        return [array for each in result.values() for array in flat(each)]
    return [array for each in result or () for array in flat(each)] if isinstance(result, (tuple, list)) else []


def judge(module: nn.Module, args: tuple, names: list[str], outputs: list[str] | None = None, dynamic=None, others=(), atol=2e-5):
    """The module and MACE on the example, and on `others`: arguments of other sizes."""
    module.eval()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = mace.from_torch(module, args, dynamic)
    assert not [str(each.message) for each in seen if str(each.message).startswith("from_torch")]
    assert [info.name for info in model.inputs] == names
    if outputs is not None:
        assert [info.name for info in model.outputs] == outputs
    for arguments in (args, *others):
        with torch.no_grad():
            expected = flat(module(*arguments))
        got = model(dict(zip(names, flat(list(arguments)), strict=True)))
        assert len(got) == len(expected)
        for (name, array), want in zip(got.items(), expected, strict=True):
            assert array.shape == want.shape and array.dtype == want.dtype, name
            np.testing.assert_allclose(array, want, rtol=2e-4, atol=atol, err_msg=name)


class Residual(nn.Module):
    """A small picture network: convolutions, normalisation, depthwise parts, pooling, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), nn.MaxPool2d(3, 2, 1))
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.BatchNorm2d(8), nn.Hardswish(), nn.Conv2d(8, 8, 1))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 5))

    def forward(self, image):
        x = self.stem(image)
        return self.head(x + self.block(x))


def test_picture_network_with_a_dynamic_batch() -> None:
    batch = torch.export.Dim("batch", min=1, max=8)
    others = [(torch.randn(1, 3, 32, 32),), (torch.randn(5, 3, 32, 32),)]
    judge(Residual(), (torch.randn(2, 3, 32, 32),), ["image"], ["output"], {"image": {0: batch}}, others)


def test_upsampling_network() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.PReLU(4), nn.ConvTranspose2d(4, 4, 2, 2), nn.Upsample(scale_factor=2), nn.PixelShuffle(2)
    )
    judge(module, (torch.randn(1, 3, 6, 7),), ["input"])


class Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x):
        y, (h, c) = self.lstm(x)
        return y, h, c


def test_lstm() -> None:
    judge(Lstm(), (torch.randn(2, 7, 6),), ["x"], ["output_0", "output_1", "output_2"])


class Gru(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(6, 5)

    def forward(self, x, h):
        return self.gru(x, h)


def test_gru_with_a_state() -> None:
    judge(Gru(), (torch.randn(4, 2, 6), torch.randn(1, 2, 5)), ["x", "h"])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.norm = nn.LayerNorm(16)

    def forward(self, query, key):
        y, weights = self.attention(query, key, key, need_weights=True)
        return {"tokens": self.norm(query + y), "weights": weights}


def test_multihead_attention_gives_a_dict() -> None:
    judge(Attention(), (torch.randn(2, 5, 16), torch.randn(2, 7, 16)), ["query", "key"], ["tokens", "weights"])


def test_transformer_layer() -> None:
    judge(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu"), (torch.randn(2, 5, 16),), ["src"])


class Embedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 8)
        self.register_buffer("positions", torch.arange(6))

    def forward(self, ids, mask):
        x = self.table(ids) + self.positions.to(torch.float32)[None, :, None]
        return x.masked_fill(~mask[..., None], 0).sum(1), ids * 2


def test_integers_booleans_and_buffers() -> None:
    mask = torch.tensor([[True, True, False, True, False, False]])
    judge(Embedding(), (torch.tensor([[1, 0, 10, 4, 2, 2]]), mask), ["ids", "mask"], ["output_0", "output_1"])


class Nested(nn.Module):
    def forward(self, pair, scale):
        return {"sum": pair[0] + pair[1] * scale["factor"], "rest": (pair[0].abs(), None)}


def test_arguments_and_results_inside_one_another() -> None:
    args = ((torch.randn(3), torch.randn(3)), {"factor": torch.tensor(2.0)})
    judge(Nested(), args, ["pair_0", "pair_1", "scale_factor"], ["sum", "rest_0"])


class Einsum(nn.Module):
    def forward(self, a, b):
        return torch.einsum("bij,bjk->bik", a, b).softmax(-1), torch.topk(a, 2).values, a.cumsum(1)


def test_functions() -> None:
    judge(Einsum(), (torch.randn(2, 3, 4), torch.randn(2, 4, 5)), ["a", "b"])


def test_keyword_arguments_and_an_exported_program() -> None:
    module = Gru().eval()
    example = {"x": torch.randn(4, 2, 6), "h": torch.randn(1, 2, 5)}
    by_name = mace.from_torch(module, example)
    program = mace.from_torch(torch.export.export(module, tuple(example.values())), tuple(example.values()))
    feeds = {name: tensor.numpy() for name, tensor in example.items()}
    for name, array in by_name(feeds).items():
        np.testing.assert_array_equal(program(feeds)[name], array)


def test_training_mode_comes_back_and_does_not_count() -> None:
    module = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4)).train()
    model = mace.from_torch(module, torch.ones(2, 4))
    assert module.training
    module.eval()
    np.testing.assert_allclose(model({"input": np.ones((2, 4), np.float32)})["output"], module(torch.ones(2, 4)).detach(), atol=1e-6)


def test_what_the_exporter_loses_is_told() -> None:
    class Means(nn.Module):
        def forward(self, x, places, values):
            return x.scatter_reduce(0, places, values, reduce="mean")  # torch 2.13 exports it as another reduction

    example = (torch.ones(4), torch.tensor([0, 0, 1, 1]), torch.tensor([1.0, 2, 3, 4]))
    with pytest.warns(UserWarning, match="from_torch: output 'output' is off by .* exporter lost something"):
        mace.from_torch(Means(), example)


def test_differences_that_are_told() -> None:
    want = np.array([1.0, -2.0, np.inf, np.nan])
    assert torch_source._difference(want.copy(), want, True) == ""
    assert torch_source._difference(want * (1 + 5e-3), want, True) == ""
    assert "off by" in torch_source._difference(want * 1.05, want, True)
    for place, value in ((0, np.nan), (1, np.inf), (2, 3.0), (2, -np.inf), (2, np.nan), (3, 0.5), (3, 0.0)):
        got = want.copy()
        got[place] = value
        assert "infinities or NaNs" in torch_source._difference(got, want, True), (place, value)
    assert "has 1 of 3" in torch_source._difference(np.array([1.0, 2, 3]), np.array([1.0, 2, 4]), False)
    assert "shape [1, 2], not [2]" in torch_source._difference(np.zeros((1, 2)), np.zeros(2), True)


def test_external_data_in_a_folder(tmp_path) -> None:
    module = nn.Linear(300, 200).eval()
    x = torch.randn(1, 300)
    data = torch_source.to_onnx(module, x, folder=tmp_path)
    assert len(data) < 100_000
    model = mace.load(tmp_path / "model.onnx")
    np.testing.assert_allclose(model({"input": x.numpy()})["output"], module(x).detach(), atol=1e-4)


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(mace.InvalidArgumentError, match=r"expected a torch\.nn\.Module, got int"):
        mace.from_torch(3, ())
    with pytest.raises(mace.InvalidArgumentError, match=r"do not fit Gru\.forward"):
        mace.from_torch(Gru(), (torch.zeros(1),))

    class Data(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(mace.UnsupportedError, match="PyTorch cannot export the module"):
        mace.from_torch(Data(), torch.ones(2))


def test_without_torch_it_names_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(mace.UnsupportedError, match=r"from_torch needs onnxscript: pip install 'mace-engine\[torch\]'"):
        mace.from_torch(nn.Linear(1, 1), torch.zeros(1, 1))
