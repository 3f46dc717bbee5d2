#!/usr/bin/env python3
"""Fails where an inner loop of a kernel keeps vectors on the stack.

A compiler that spills accumulators makes a GEMM three times slower without any other sign (docs/design/14-simd.md), so the objects
themselves are looked at: in every innermost loop that multiplies and adds vectors, moves of vector registers to or from the
stack are counted.

usage: check_inner_loops.py [--objdump objdump] object...
"""

import argparse
import re
import subprocess
import sys

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(?:[0-9a-f]{2,8} )+\s*(.*)$")
X86_JUMP = re.compile(r"^j[a-z]+\s+([0-9a-f]+)")
ARM_JUMP = re.compile(r"^(?:b\.[a-z]+|b|cbn?z\s+\w+,|tbn?z\s+\w+,\s*#\d+,)\s+([0-9a-f]+)")
MULTIPLY_ADD = re.compile(r"^(?:vfmadd|vfnmadd|mulps|vpdp|v?pmadd|fmla|sdot|udot|smmla|smull)")
VECTOR = re.compile(r"%[xyz]mm|\bq\d+\b|\bz\d+\b")


def functions(text):
    """Yields (name, [(address, instruction)])."""
    name, body = None, []
    for line in text.splitlines():
        header = re.match(r"^[0-9a-f]+ <(.*)>:$", line)
        if header:
            if name:
                yield name, body
            name, body = header.group(1), []
            continue
        match = INSTRUCTION.match(line)
        if match and match.group(2):
            body.append((int(match.group(1), 16), match.group(2)))
    if name:
        yield name, body


def innermost_loops(body):
    """Ranges of addresses [begin, end] of loops that hold no other loop."""
    loops = []
    for address, instruction in body:
        jump = X86_JUMP.match(instruction) or ARM_JUMP.match(instruction)
        if jump and int(jump.group(1), 16) <= address:
            loops.append((int(jump.group(1), 16), address))
    return [a for a in loops if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in loops)]


def stack_moves(body, begin, end):
    """Instructions of the loop that move a vector register to or from the stack."""
    frame = any(re.match(r"^mov\s+%rsp,%rbp", instruction) for _, instruction in body)
    stack = re.compile(r"\(%rsp|\(%rbp|\[sp|\[x29" if frame else r"\(%rsp|\[sp|\[x29")
    return [i for address, i in body if begin <= address <= end and VECTOR.search(i) and stack.search(i) and "broadcast" not in i]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("--match", default="gemm/", help="only objects in whose path this regular expression is found (default: gemm/)")
    parser.add_argument(
        "--function",
        default="Compute(Integer|Matrix)?Tile",
        help="only functions whose name this regular expression finds (default: those of GEMM tiles)",
    )
    parser.add_argument("objects", nargs="+")
    arguments = parser.parse_args()
    seen = bad = 0
    for path in arguments.objects:
        if not re.search(arguments.match, path):
            continue
        text = subprocess.run(
            [arguments.objdump, "-d", "-C", "--no-show-raw-insn", path], check=True, capture_output=True, text=True
        ).stdout
        # Without raw bytes a line is "  address:\tinstruction".
        text = re.sub(r"^(\s*[0-9a-f]+):\t", r"\1: 00 ", text, flags=re.M)
        for name, body in functions(text):
            if not re.search(arguments.function, name):
                continue
            for begin, end in innermost_loops(body):
                if not any(MULTIPLY_ADD.match(i) for address, i in body if begin <= address <= end):
                    continue
                seen += 1
                moves = stack_moves(body, begin, end)
                if moves:
                    bad += 1
                    print(f"{path}: {name}: loop at {begin:x} has {len(moves)} vector moves to or from the stack, such as '{moves[0]}'")
    print(f"{seen} inner loops with multiply-adds, {bad} of them with vectors on the stack")
    if seen == 0:
        print("no inner loop was found: are these the right objects?")
    return 1 if bad or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
