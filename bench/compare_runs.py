"""Does a second run say what the first one said? The share of its ratios that lie inside the first run's 95 % interval, each end of it
moved outwards by 5 %.

Prints every ratio that lies outside. Exit status 1 where the share is under --share (0.9), 2 where the files cannot be compared.

  python bench/compare_runs.py first.json second.json
  python bench/compare_runs.py first.json second.json --widen 0 --share 0.8
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from intervals import inside_widened
from results import ResultsError, read


def ratios_of(results: dict) -> dict[tuple[str, str], dict]:
    """Every measured ratio by network and peer."""
    return {
        (network["name"], engine): entry
        for network in results["networks"]
        for engine, entry in network["engines"].items()
        if "ratio" in entry
    }


def compare(first: dict, second: dict, widen: float) -> dict:
    """Counts and the ratios outside."""
    ours, theirs = ratios_of(first), ratios_of(second)
    both = [key for key in ours if key in theirs]
    outside = [
        {"network": key[0], "engine": key[1], "ratio": theirs[key]["ratio"], "first": ours[key]["ratio"], "lower": ours[key]["lower"],
         "upper": ours[key]["upper"]}
        for key in both
        if not inside_widened(theirs[key]["ratio"], ours[key]["lower"], ours[key]["upper"], widen)
    ]  # fmt: skip
    only = sorted(set(ours) ^ set(theirs))
    return {"compared": len(both), "inside": len(both) - len(outside), "outside": outside, "in_one_run_only": [list(key) for key in only]}


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 0 to 1")
    return value


def main(arguments: list[str] | None = None) -> int:
    """Compares two runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="results whose intervals are taken")
    parser.add_argument("second", type=Path, help="results whose ratios are looked up in them")
    parser.add_argument("--widen", type=share, default=0.05, help="by how much each end moves out (default: 0.05)")
    parser.add_argument("--share", type=share, default=0.9, help="least share that must lie inside (default: 0.9)")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    options = parser.parse_args(arguments)
    try:
        first, second = read(options.first), read(options.second)
        for what in ("num_threads", "isa"):  # another question was asked: the runs cannot agree but by chance
            if first["settings"][what] != second["settings"][what]:
                raise ResultsError(
                    f"{what} is {first['settings'][what]} in {options.first} and {second['settings'][what]} in {options.second}"
                )
        if first["machine"]["slug"] != second["machine"]["slug"]:
            raise ResultsError(f"{options.first} is of another machine than {options.second}")
        counts = compare(first, second, options.widen)
    except ResultsError as error:
        print(f"compare_runs: {error}", file=sys.stderr)
        return 2
    if not counts["compared"]:
        print(f"compare_runs: {options.first} and {options.second} have no network and peer in common", file=sys.stderr)
        return 2
    reached = counts["inside"] / counts["compared"]
    if options.json:
        print(json.dumps({**counts, "share": reached}))
    else:
        for o in counts["outside"]:
            print(f"{o['network']}, {o['engine']}: {o['ratio']:.3f} is outside {o['first']:.3f} [{o['lower']:.3f}, {o['upper']:.3f}]")
        for network, engine in counts["in_one_run_only"]:
            print(f"{network}, {engine}: in one of the runs only")
        print(f"{counts['inside']} of {counts['compared']} ratios ({reached:.1%}) lie inside the interval widened by {options.widen:.0%}")
    return 0 if reached >= options.share else 1


if __name__ == "__main__":
    sys.exit(main())
