"""Writes the example of a header's opening comment to a file that a test includes: the lines of the comment that are indented by
three spaces. So the example in the header is what is compiled and run.

  python extract_example.py include/mace/mace.h OUT.inc
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def example_of(header: str) -> str:
    """The code of the comment before the include guard, its comment marks taken off."""
    comment = header.partition("#ifndef")[0]
    lines = re.findall(r"^(?://| \*)   (.*)$", comment, re.MULTILINE)
    if not lines:
        raise SystemExit("extract_example: the opening comment holds no example (lines indented by three spaces)")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(example_of(Path(sys.argv[1]).read_text()))
