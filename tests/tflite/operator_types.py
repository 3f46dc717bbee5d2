#!/usr/bin/env python3
"""Compares MACE with LiteRT's reference kernels on random one-operator models of each builtin operator and element type.

operator_types.py                       runs all, prints what is wrong
operator_types.py --only 'ADD|SUB'      operators whose names match; --type int8: of this type
operator_types.py --write PATH          writes the table (docs/tflite-operators.md)
"""

from __future__ import annotations

import argparse
import re
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from litert_worker import LitertWorker
from mace.checking.sources import as_floats
from operator_cases import FLOATS, TYPES, Case, Maker, load_makers

import mace

OK, REFUSED, UNSUPPORTED, WRONG = "ok", "refused", "unsupported", "wrong"


@dataclass
class Verdict:
    operator: str
    type_name: str
    state: str = REFUSED
    compared: int = 0  # models
    reasons: list[str] = field(default_factory=list)


def differs(got: np.ndarray, want: np.ndarray, tolerance: float) -> str:
    """What is different, or nothing."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}"
    if want.size == 0:
        return ""
    if want.dtype.name not in FLOATS:
        bad = got != want
    else:
        with np.errstate(invalid="ignore"):
            a, b = got.astype(np.float64), want.astype(np.float64)
        finite = np.isfinite(b)
        step = {"float16": 2e-3, "bfloat16": 1.6e-2}.get(want.dtype.name, 0)
        bound = max(tolerance, step) * max(np.abs(b[finite]).max(initial=0), 1e-30)
        with np.errstate(invalid="ignore"):
            bad = ~((a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= bound))
    if not bad.any():
        return ""
    if bad.ndim == 0:
        return f"{got}, expected {want}"
    where = tuple(int(axis[0]) for axis in np.nonzero(bad))
    return f"{np.count_nonzero(bad)} of {bad.size} differ, first at {list(where)}: {got[where]}, expected {want[where]}"


def judge_model(maker: Maker, case: Case, worker: LitertWorker, verdict: Verdict) -> None:
    model = case.finish()
    want = worker.run(model, [case.feeds] * case.runs, case.reference)
    if isinstance(want, str):
        verdict.reasons.append(want) if verdict.state == REFUSED else None
        return
    if maker.oracle is not None:
        want = maker.oracle(case)
    if verdict.state == REFUSED:
        verdict.state, verdict.reasons = OK, []
    try:
        network = mace.load(model)
        fed = {f"t{tensor}": as_floats(feed) for tensor, feed in zip(case.inputs, case.feeds, strict=True)}
        got = [result for _ in range(case.runs) for result in network(fed).values()]
    except mace.MaceError as error:
        verdict.state = UNSUPPORTED if verdict.state == OK else verdict.state
        verdict.reasons.append(str(error))
        return
    verdict.compared += 1
    for result, expected in zip(got, (array for run in want for array in run), strict=True):
        if text := differs(result, as_floats(expected), maker.tolerance):
            verdict.state = WRONG
            kinds = "; ".join(f"t{i} {kind}" for i, kind in enumerate(case.kinds))
            verdict.reasons.append(f"{text}; {kinds}")
            return


def judge(maker: Maker, type_name: str, worker: LitertWorker) -> Verdict:
    verdict = Verdict(maker.name, type_name)
    for i in range(maker.models):
        case = Case(type_name, zlib.crc32(f"{maker.name} {type_name}".encode()) + i)
        try:
            maker.build(case, maker.name)
        except NotImplementedError as reason:  # the maker has no such model
            verdict.reasons.append(str(reason))
            break
        judge_model(maker, case, worker, verdict)
        if verdict.state == REFUSED and i == 3:
            break
    return verdict


def judge_all(only: str = "", type_name: str | None = None, progress: bool = False) -> list[Verdict]:
    worker = LitertWorker()
    verdicts = []
    try:
        for maker in load_makers():
            if not re.fullmatch(only or ".*", maker.name):
                continue
            for name in maker.types:
                if type_name is None or name == type_name:
                    verdicts.append(judge(maker, name, worker))
                    if progress and verdicts[-1].state in (UNSUPPORTED, WRONG):
                        print_verdict(verdicts[-1])
    finally:
        worker.close()
    return verdicts


def print_verdict(verdict: Verdict) -> None:
    print(f"{verdict.operator} {verdict.type_name}: {verdict.state}, {verdict.compared} compared; {verdict.reasons[:1]}", flush=True)


def merged(verdicts: list[Verdict]) -> dict[tuple[str, str], Verdict]:
    """One verdict for each operator and type, the worst where several makers have that type."""
    order = [REFUSED, OK, UNSUPPORTED, WRONG]
    table: dict[tuple[str, str], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.operator, verdict.type_name)
        if key not in table or order.index(verdict.state) > order.index(table[key].state):
            table[key] = verdict
    return table


def table_text(verdicts: list[Verdict]) -> str:
    """The Markdown document."""
    table = merged(verdicts)
    operators = sorted({operator for operator, _ in table})
    mark = {OK: "ok", REFUSED: "", UNSUPPORTED: "no", WRONG: "**wrong**"}
    counts = {state: sum(verdict.state == state for verdict in table.values()) for state in mark}
    lines = [
        "# TensorFlow Lite operators and element types",
        "",
        "Written by `tests/tflite/operator_types.py --write docs/tflite-operators.md`; `tests/python/test_tflite_operators.py` runs",
        "the same. Each cell stands for random models of one operator (seeded: shapes, parameters, scales, operands that are constants",
        "or computed at run time), compared with LiteRT's reference kernels: integers and bools equal, floats within 1e-5 of the",
        "largest value unless the case file says otherwise.",
        "",
        "`ok`: equal. Empty: LiteRT refuses the operator with this type. `no`: LiteRT takes it, MACE does not; the reasons are below.",
        f"{counts[OK]} combinations are ok, {counts[UNSUPPORTED]} are not supported, {counts[REFUSED]} are refused by LiteRT.",
        "",
        "| operator | " + " | ".join(TYPES) + " |",
        "|---" * (len(TYPES) + 1) + "|",
    ]
    for operator in operators:
        cells = [mark[table[operator, name].state] if (operator, name) in table else "" for name in TYPES]
        if any(cells):
            lines.append(f"| {operator} | " + " | ".join(cells) + " |")
    lines += ["", "## Mixed types", "", "| operator | types | |", "|---|---|---|"]
    for (operator, name), verdict in sorted(table.items()):
        if name not in TYPES and verdict.state != REFUSED:
            lines.append(f"| {operator} | {name} | {mark[verdict.state]} |")
    lines += ["", "## Not supported", ""]
    if counts[UNSUPPORTED] == 0:
        lines.append("Nothing.")
    for (operator, name), verdict in sorted(table.items()):
        if verdict.state == UNSUPPORTED:
            lines.append(f"- {operator}, {name}: {first_line(verdict.reasons)}")
    lines += ["", "## Left out", "", "LiteRT runs these, but has no kernel for the type:", ""]
    lines += [f"- {maker.name}, {name}: {reason}" for maker in load_makers() for name, reason in maker.left_out.items()]
    refused = [operator for operator in operators if all(v.state == REFUSED for (o, _), v in table.items() if o == operator)]
    if refused:
        lines += ["", "## Refused by LiteRT with every type", ""]
        lines += [f"- {operator}: {first_line(next(v.reasons for (o, _), v in table.items() if o == operator))}" for operator in refused]
    return "\n".join(lines) + "\n"


def first_line(reasons: list[str]) -> str:
    text = reasons[0].strip().splitlines()[0] if reasons and reasons[0].strip() else "no reason given"
    return text.replace("<", "(").replace(">", ")")[:200]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--type", default=None)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--refused", action="store_true", help="prints why LiteRT refuses what it refuses")
    arguments = parser.parse_args()
    verdicts = judge_all(arguments.only, arguments.type, progress=True)
    if arguments.refused:
        for verdict in verdicts:
            if verdict.state == REFUSED:
                print_verdict(verdict)
    for state in (OK, REFUSED, UNSUPPORTED, WRONG):
        print(f"{state}: {sum(verdict.state == state for verdict in verdicts)}")
    if arguments.write is not None:
        arguments.write.write_text(table_text(verdicts), encoding="utf-8")
    return 1 if any(verdict.state == WRONG for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
