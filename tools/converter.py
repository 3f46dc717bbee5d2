#!/usr/bin/env python3
"""Converts and runs the models of a deployment file: tools/converter.py --help, docs/deployment_files.md.

Where this Python lacks the package mace, the checkout's own (.venv, which `make build` makes) takes over.
"""

import importlib.util
import os
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGES = {"mace": "mace", "yaml": "pyyaml", "pydantic": "pydantic"}


def main() -> None:
    """Hands over to mace.deployment.commands."""
    sys.path = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]
    # A folder without __init__.py, such as the sources' mace/, has a spec without an origin.
    missing = [package for module, package in PACKAGES.items() if not getattr(importlib.util.find_spec(module), "origin", None)]
    if missing:
        python = os.path.join(CHECKOUT, ".venv", "bin", "python")
        if os.path.exists(python) and "MACE_CONVERTER_AGAIN" not in os.environ:
            os.environ["MACE_CONVERTER_AGAIN"] = "1"  # once: that Python may lack them too
            os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
        sys.exit(f"converter.py: this Python lacks {', '.join(missing)}; `make build` in {CHECKOUT} makes .venv, which has them")
    from mace.deployment.commands import main as run

    run(CHECKOUT)


if __name__ == "__main__":
    main()
