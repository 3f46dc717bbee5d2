"""``python -m mace``: the command ``mace``."""

from mace.cli import main

main()
