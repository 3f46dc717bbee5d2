"""bench/compare_runs.py and bench/performance_page.py on files that are written here."""

from __future__ import annotations

import json
from pathlib import Path

import compare_runs
import performance_page
import pytest
from results import means

MACHINE = {"slug": "a", "cpu": "A", "family_model_stepping": "", "cores": 2, "memory_bytes": 0, "system": "", "features": []}


def write(path: Path, ratios: dict[str, tuple[float, float, float]], **facts: object) -> Path:
    engines = {
        peer: {"status": "ok", "ms": 2.0, "ratio": r, "lower": low, "upper": high} for peer, (r, low, high) in ratios.items()
    }  # fmt: skip
    networks = [{"name": "net", "rounds": 24, "engines": {"mace": {"status": "ok", "ms": 1.0}, **engines}}]
    results = {
        "format": 1, "networks": networks, "means": means(networks), "losses": [], "seconds": 60.0, "load_average_before": 0.0,
        "engines": {name: {"version": "1", "settings": "s"} for name in ["mace", *ratios]}, "date": "2026-01-01", "commit": "c",
        "settings": {"num_threads": 1, "isa": None, "blocks": 8, "min_ms": 20, "tolerance": 1e-3}, "changed": False,
        "machine": MACHINE, **facts,
    }  # fmt: skip
    path.write_text(json.dumps(results))
    return path


def test_shares(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    first = write(tmp_path / "1.json", {f"p{i}": (1.0, 0.9, 1.1) for i in range(10)} | {"gone": (1.0, 0.9, 1.1)})
    second = write(tmp_path / "2.json", {f"p{i}": (1.15 if i else 1.2, 1.0, 1.3) for i in range(10)})
    assert compare_runs.main([str(first), str(second)]) == 0
    printed = capsys.readouterr().out
    assert "9 of 10 ratios (90.0%)" in printed and "net, p0: 1.200 is outside 1.000 [0.900, 1.100]" in printed
    assert "net, gone: in one of the runs only" in printed
    assert compare_runs.main([str(first), str(second), "--share", "0.95"]) == 1
    assert compare_runs.main([str(first), str(second), "--widen", "0"]) == 1
    capsys.readouterr()
    assert compare_runs.main([str(first), str(second), "--widen", "0.1", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert counts["share"] == 1.0 and counts["outside"] == [] and counts["in_one_run_only"] == [["net", "gone"]]


def test_files_that_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    good, other = write(tmp_path / "1.json", {"a": (1, 1, 1)}), write(tmp_path / "2.json", {"b": (1, 1, 1)})
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "old.json").write_text('{"format": 0}')
    for second, says in (
        (other, "nothing"),
        (tmp_path / "bad.json", "no JSON"),
        (tmp_path / "old.json", "no results"),
        (tmp_path / "x", "No such"),
    ):
        assert compare_runs.main([str(good), str(second)]) == 2
        assert says.replace("nothing", "in common") in capsys.readouterr().err
    settings = {"num_threads": 2, "isa": None, "blocks": 8, "min_ms": 20, "tolerance": 1e-3}
    two_threads = write(tmp_path / "3.json", {"a": (1, 1, 1)}, settings=settings)
    elsewhere = write(tmp_path / "4.json", {"a": (1, 1, 1)}, machine=MACHINE | {"slug": "b"})
    for second, says in ((two_threads, "num_threads is 1 in"), (elsewhere, "another machine")):
        assert compare_runs.main([str(good), str(second)]) == 2
        assert says in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        compare_runs.main([str(good), str(good), "--share", "2"])
    assert caught.value.code == 2 and "from 0 to 1" in capsys.readouterr().err


def test_files_that_were_edited_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    good = write(tmp_path / "1.json", {"a": (1, 1, 1)})
    text = good.read_text()
    for old, new in (
        ('"lower": 1', '"low": 1'), ('"upper": 1', '"upper": "1"'), ('"ratio": 1', '"ratio": null'), ('"ratio": 1', '"ratio": NaN'),
        ('"name": "net"', '"title": "net"'), ('"networks": [', '"networks": 5, "others": ['),
        ('"engines": {"mace"', '"engines": [], "x": {"mace"'),
        (text, "[" * 100000),
    ):  # fmt: skip
        assert old in text
        (tmp_path / "2.json").write_text(text.replace(old, new, 1))
        assert compare_runs.main([str(good), str(tmp_path / "2.json")]) == 2, new
        assert capsys.readouterr().err.startswith(f"compare_runs: {tmp_path / '2.json'}: is no ")


def test_the_page_takes_the_newest_of_each_number_of_threads(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    kept, docs = tmp_path / "kept", tmp_path / "docs"
    kept.mkdir(), docs.mkdir()
    page = docs / "performance.md"
    page.write_text(f"{performance_page.BEGIN}\n{performance_page.END}\n")
    arguments = ["--results_dir", str(kept), "--docs_dir", str(docs), "--plots_python", ""]
    assert performance_page.main(arguments) == 0 and "no results" in capsys.readouterr().out
    write(kept / "old.json", {"ncnn": (1.5, 1.4, 1.6)}, date="2026-01-01")
    write(kept / "new.json", {"ncnn": (1.7, 1.6, 1.8)}, date="2026-01-02")
    limited = {"num_threads": 1, "isa": "avx2", "blocks": 8, "min_ms": 20, "tolerance": 1e-3}
    write(kept / "limited.json", {"ncnn": (9, 9, 9)}, date="2026-01-03", settings=limited)
    assert performance_page.main(arguments) == 0
    text = page.read_text()
    assert "1.70 [1.60, 1.80]" in text and "1.50 [" not in text and "9.00" not in text and "No peer is faster" in text
    write(kept / "two.json", {"ncnn": (0.5, 0.4, 0.6)}, date="2026-01-01", settings=limited | {"isa": None, "num_threads": 2})
    assert performance_page.main(arguments) == 0 and "**0.50 [0.40, 0.60]**" in page.read_text()
    page.unlink()
    assert performance_page.main(arguments) == 1 and "performance.md: No such file" in capsys.readouterr().err
