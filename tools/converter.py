#!/usr/bin/env python3
"""Converts and runs the models of a deployment file: tools/converter.py --help, docs/deployment_files.md.

Where this Python lacks the package mace, the checkout's own (.venv, which `make build` makes) takes over.
"""

import os
import signal
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def hand_over(reason: str) -> None:
    """Runs the same command line in the checkout's own Python, once: that one may lack the package too."""
    python = os.path.join(CHECKOUT, ".venv", "bin", "python")
    if os.path.exists(python) and "MACE_CONVERTER_AGAIN" not in os.environ:
        os.environ["MACE_CONVERTER_AGAIN"] = "1"
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    sys.exit(f"converter.py: this Python cannot run it ({reason}); `make build` in {CHECKOUT} makes .venv, which can")


def main() -> None:
    """Hands over to mace.deployment.commands."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, also while it starts
    sys.path = [path for path in sys.path if os.path.abspath(path or ".") != os.path.join(CHECKOUT, "tools")]
    try:
        from mace.deployment.commands import main as run
    except ImportError as error:
        hand_over(str(error))
    else:
        run(CHECKOUT)


if __name__ == "__main__":
    main()
