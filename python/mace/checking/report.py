"""What a check found: as a table, as JSON, as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mace.checking.check import CheckResult
from mace.checking.nodes import NodeVerdict, Verdict
from mace.report import Cell, Report, Table, Text

HEADINGS = ("node", "operator", "tensor", "type", "difference", "of the range", "cosine", "allowed", "verdict")
LEAST, MOST = 1e-9, 1.0  # the ends of a bar's logarithmic scale
RIGHT, WRONG, UNJUDGED = "right", "WRONG", "not judged"
SHOWN, NEXT = 20, 5  # nodes in the terminal's table: odd ones, and those that are nearest to being wrong
SHORT_HEADINGS = ("node", "tensor", "of the range", "cosine", "verdict")


def _shape(verdict: Verdict) -> str:
    return f"{verdict.dtype}[{', '.join(map(str, verdict.shape))}]"


def _numbers(verdict: Verdict) -> list[str]:
    found = verdict.difference
    if found.trouble:
        return [found.trouble, "", ""]
    return [f"{found.largest:.3g}", f"{found.relative:.2g}", f"{found.cosine:.7f}"]


def rows_of(node: NodeVerdict) -> list[list[str]]:
    """The rows of a table, one a tensor."""
    region = node.region
    if node.trouble:
        return [[region.label, region.op, ", ".join(region.outputs), "", "", "", "", "", f"{UNJUDGED}: {node.trouble}"]]
    return [
        [region.label, region.op, each.tensor, _shape(each), *_numbers(each), str(each.tolerance), RIGHT if each.is_right else WRONG]
        for each in node.tensors
    ]


def whole_rows(result: CheckResult) -> list[list[str]]:
    """The outputs of the whole model."""
    return [
        ["the whole model", "", each.tensor, _shape(each), *_numbers(each), str(each.tolerance), RIGHT if each.is_right else WRONG]
        for each in result.whole
    ]


def table_rows(result: CheckResult, verbose: bool) -> list[list[str]]:
    """What the terminal shows, under SHORT_HEADINGS: all nodes, or those that are wrong or could not be judged and those that come next
    to being wrong."""
    chosen: Sequence[NodeVerdict] = result.nodes
    if not verbose:
        odd = [node for node in result.nodes if node.is_wrong or node.trouble]
        rest = sorted((node for node in result.nodes if not (node.is_wrong or node.trouble)), key=_worst, reverse=True)
        keep = {id(node) for node in [*odd[:SHOWN], *rest[:NEXT]]}
        chosen = [node for node in result.nodes if id(node) in keep]
    rows = [row for node in chosen for row in rows_of(node)] + whole_rows(result)
    return [[f"{row[0]} {row[1]}".strip(), "" if row[2] == row[0] else row[2], *row[5:7], row[8]] for row in rows]


def _worst(node: NodeVerdict) -> float:
    shares = [each.difference.relative / each.tolerance.relative for each in node.tensors if each.tolerance.relative]
    return max(shares, default=0.0)


def uncompared(result: CheckResult) -> list[str]:
    """Which outputs were not compared, and why."""
    found = ((f"{result.runtime} has no value of the output", result.missing), ("MACE's model lacks the output", result.lacking))
    return [f"{text} {', '.join(map(repr, names[:5]))}{' ...' if len(names) > 5 else ''}" for text, names in found if names]


def summary(result: CheckResult) -> str:
    """One line."""
    judged = len(result.nodes) - result.unjudged
    unjudged = f", {result.unjudged} could not be judged" if result.unjudged else ""
    if not result.agrees and not result.culprits:
        agree = f"{judged} nodes and {len(result.whole)} outputs agree{unjudged}"
        return f"Not all was compared: {'; '.join(uncompared(result))}; {agree}"
    if result.agrees:
        return f"MACE agrees with {result.runtime}: {judged} nodes and {len(result.whole)} outputs{unjudged}"
    return f"MACE differs from {result.runtime}: {result.culprits[0].text}"


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _values(verdict: Verdict) -> dict[str, Any]:
    found = verdict.difference
    return {
        "tensor": verdict.tensor, "dtype": verdict.dtype, "shape": list(verdict.shape), "largest": _json_number(found.largest),
        "range": found.range, "relative": _json_number(found.relative), "cosine": found.cosine, "equal": found.equal,
        "trouble": found.trouble, "allowed": str(verdict.tolerance), "sample": verdict.sample, "right": verdict.is_right,
    }  # fmt: skip


def values_of(result: CheckResult) -> dict[str, Any]:
    """For JSON, which has no infinity: null stands for it."""
    nodes = [
        {"node": node.region.label, "op": node.region.op, "trouble": node.trouble, "tensors": [_values(each) for each in node.tensors]}
        for node in result.nodes
    ]
    culprits = [{"kind": each.kind, "name": each.name, "text": each.text} for each in result.culprits]
    return {
        "model": result.model, "runtime": result.runtime, "agrees": result.agrees, "culprits": culprits, "unjudged": result.unjudged,
        "missing": result.missing, "lacking": result.lacking,
        "seconds": result.seconds, "nodes": nodes, "whole": [_values(each) for each in result.whole],
    }  # fmt: skip


def _bar(relative: float) -> float:
    if not relative > LEAST:
        return 0.0
    return min(1.0, (math.log10(min(relative, MOST)) - math.log10(LEAST)) / (math.log10(MOST) - math.log10(LEAST)))


def _cells(texts: Sequence[str], verdict: Verdict | None) -> list[Cell | str]:
    cells: list[Cell | str] = list(texts)
    states = {RIGHT: "good", WRONG: "bad"}
    cells[-1] = Cell(texts[-1], state=states.get(texts[-1], "unsure"))
    if verdict is not None and not verdict.difference.trouble:
        found = verdict.difference
        cells[4:7] = [Cell(texts[4], found.largest), Cell(texts[5], found.relative, bar=_bar(found.relative)), Cell(texts[6], found.cosine)]
    return cells


def page(result: CheckResult, facts: dict[str, str]) -> bytes:
    """The HTML report."""
    nodes = [
        _cells(row, verdict)
        for node in result.nodes
        for row, verdict in zip(rows_of(node), node.tensors or [None], strict=True)
    ]  # fmt: skip
    whole = [_cells(row, verdict)[2:] for row, verdict in zip(whole_rows(result), result.whole, strict=True)]
    inputs = [
        [str(number), info.name, f"{array.dtype.name}{list(array.shape)}", f"{array.min():.4g} to {array.max():.4g}" if array.size else ""]
        for number, values in enumerate(result.samples)
        for info in result.inputs
        for array in [np.asarray(values[info.name]).astype(np.float64) if values[info.name].dtype.kind == "V" else values[info.name]]
    ]
    sections: list[Any] = []
    if result.culprits:
        sections.append(Text("What was found", [each.text for each in result.culprits], "bad"))
    sections.append(Table("The whole model", HEADINGS[2:], whole))
    note = "Each node was fed with the values that the source's runtime computes. The bar is logarithmic: 1e-9 to 1."
    sections.append(Table("Nodes", HEADINGS, nodes, note))
    sections.append(Table("Inputs", ["sample", "input", "type", "values"], inputs))
    facts = {"source": result.runtime, **facts, "time": f"{result.seconds:.1f} s"}
    return Report(f"mace check {result.model}", summary(result), "good" if result.agrees else "bad", facts, sections).render()
