"""Models of elementwise operators."""

from __future__ import annotations

from operator_cases import Case, cases


def pair(case: Case, **arguments: object) -> tuple[int, int]:
    """Two inputs that broadcast, one of them now and then a constant."""
    a, b = case.broadcast_pair()
    return case.input(a, **arguments), case.input(b, constant=case.flip(4), **arguments)


@cases("ADD", "SUB", "MUL", "DIV")
def arithmetic(case: Case, name: str) -> None:
    a, b = pair(case)
    case.add(name, [a, b], [case.output(scale=2.0 if case.dtype in ("int8", "uint8") else None)], name.capitalize() + "Options")
