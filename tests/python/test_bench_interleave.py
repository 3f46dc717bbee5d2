"""bench/interleave.py with engines that are no processes: who runs when, on what, and what happens when one fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench_fakes import FakeWorker, failing
from interleave import Bench, Lane, Network, Settings, alone_blocks, alone_over_interleaved, rotated, rounds_per_block
from model_files import Unavailable
from results import summarise_network


class Files:
    """Conversions: an engine called `refused` has none."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder

    def converted(self, engine: str, source: Path, shapes: dict) -> Path:
        if engine == "mnn":
            raise Unavailable("its converter writes no file", self.logs / "mnn.log")
        return source


def measure(tmp_path: Path, engines: list[str], settings: Settings, ms=lambda engine, seed: 2.0, outputs=None) -> tuple[Network, list]:
    diary: list = []
    outputs = outputs or {}
    bench = Bench(
        settings, Files(tmp_path), lambda engine, log: FakeWorker(engine, ms, diary, outputs.get(engine, 1.0)), lambda seconds, text: None
    )  # fmt: skip
    network = Network("net", "net.onnx")
    bench.check(network, engines)
    bench.measure([network])
    return network, diary


def test_orders() -> None:
    assert [rotated("abc", turn, False) for turn in range(3)] == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]
    assert rotated("abc", 1, True) == ["a", "c", "b"] and rotated("", 3, False) == []


def test_rounds_and_blocks() -> None:
    assert rounds_per_block(40, 8, 0.1) == 5
    assert rounds_per_block(40, 8, 2.6) == 3  # 24 rounds of a slow network
    assert rounds_per_block(40, 8, 1.0) == 3 and rounds_per_block(40, 8, 0.9) == 4
    assert rounds_per_block(4, 2, 100.0) == 2
    assert alone_blocks(8, 3) == [1, 4, 6] and alone_blocks(2, 1) == [0] and alone_blocks(8, 0) == [] and alone_blocks(2, 9) == [0, 1]


def test_every_engine_gets_the_same_new_input_each_round_in_a_changing_order(tmp_path: Path) -> None:
    engines = ["mace", "onnxruntime", "ncnn"]
    network, diary = measure(tmp_path, engines, Settings(rounds=6, blocks=2, alone=0, min_ms=4))
    turns = [(engine, command["seed"]) for engine, what, command in diary if what == "run" and command["seed"] >= 1000]
    assert len(turns) == 18 and all(command["repeats"] == 2 for _, what, command in diary if what == "run" and command["seed"] >= 1000)
    rounds = [turns[i : i + 3] for i in range(0, 18, 3)]
    seeds = [{seed for _, seed in one} for one in rounds]
    assert all(len(seed) == 1 for seed in seeds) and len(set.union(*seeds)) == 6
    assert all({engine for engine, _ in one} == set(engines) for one in rounds)
    assert [one[0][0] for one in rounds[:3]] == engines and len({tuple(e for e, _ in one) for one in rounds}) == 6
    assert [len(lane.blocks) for lane in network.lanes] == [2, 2, 2]
    assert sum(what == "load" for _, what, _ in diary) == 3 + 2 * 3  # the check, then fresh processes in each block


def test_an_engine_that_fails_in_a_round_is_na_and_the_others_go_on(tmp_path: Path) -> None:
    network, _ = measure(
        tmp_path, ["mace", "onnxruntime", "ncnn", "mnn"], Settings(rounds=4, blocks=2, alone=1), failing("ncnn", "its process died")
    )
    engines = summarise_network(network, 1e-3)["engines"]
    assert engines["ncnn"]["reason"] == "its process died" and engines["ncnn"]["log"].endswith("net_ncnn_run.log")
    assert engines["mnn"]["reason"] == "its converter writes no file" and engines["mnn"]["log"].endswith("mnn.log")
    assert engines["onnxruntime"]["status"] == "ok" and len(engines["onnxruntime"]["blocks"]) == 2
    assert engines["onnxruntime"]["ratio"] == 1.0 and "ratio" not in engines["mace"]


def test_mace_failing_leaves_no_ratio(tmp_path: Path) -> None:
    network, _ = measure(tmp_path, ["mace", "onnxruntime"], Settings(rounds=2, blocks=1, alone=1), failing("mace", "Error: no"))
    engines = summarise_network(network, 1e-3)["engines"]
    assert engines["mace"]["status"] == "n/a" and "ratio" not in engines["onnxruntime"] and engines["onnxruntime"]["ms"] == 1.0


def test_ratios_alone_and_memory(tmp_path: Path) -> None:
    def ms(engine: str, seed: int) -> float:
        return {"mace": 2.0, "onnxruntime": 3.0}[engine] * (1.2 if seed % 2 else 1.0)

    network, _ = measure(tmp_path, ["mace", "onnxruntime"], Settings(rounds=8, blocks=4, alone=2), ms)
    entry = summarise_network(network, 1e-3)["engines"]["onnxruntime"]
    assert entry["ratio"] == pytest.approx(1.5) and entry["lower"] == pytest.approx(1.5) and entry["ms"] == pytest.approx(3.3)
    assert entry["alone_over_interleaved"] == pytest.approx(1.0) and not entry["alone_outside"]
    assert entry["peak_bytes"] == 3 << 20 and entry["load_ms"] == 5.0 and entry["first_ms"] == pytest.approx(3.6)


def test_time_alone_is_compared_within_its_blocks() -> None:
    lane = Lane("ncnn", blocks=[[10.0, 12.0], [20.0, 20.0], [1.0, 1.0]], alone=[[11.0], [30.0]], alone_blocks=[0, 1])
    assert alone_over_interleaved(lane) == pytest.approx(1.25)
    assert alone_over_interleaved(Lane("ncnn", blocks=[[1.0]])) is None


def test_outputs_are_judged_by_onnxruntime_even_where_it_is_not_listed(tmp_path: Path) -> None:
    settings = Settings(rounds=1, blocks=1, alone=0)
    network, _ = measure(tmp_path, ["mace", "ncnn"], settings, outputs={"ncnn": 1.1, "onnxruntime": 1.0})
    engines = summarise_network(network, settings.tolerance)["engines"]
    assert set(engines) == {"mace", "ncnn"} and engines["mace"]["status"] == "ok"
    assert engines["ncnn"]["status"] == "wrong" and engines["ncnn"]["difference"] == pytest.approx(0.1, rel=1e-5)
    assert summarise_network(network, 0.2)["engines"]["ncnn"]["status"] == "ok"


def test_more_threads_than_one_leave_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("interleave.time.sleep", pauses.append)
    _, diary = measure(tmp_path, ["mace", "onnxruntime"], Settings(rounds=3, blocks=1, alone=0, num_threads=2))
    assert len(pauses) == 6 and all(loaded["num_threads"] == 2 for _, what, loaded in diary if what == "load")
