"""How well the demo reads: character accuracy on generated pages, whose truth is
known, and agreement with onnxruntime.

Accuracy is 1 - (edits that lead from the text to the truth) / (characters of
the truth), over the whole page; a line break counts as a space. Agreement:
the texts are the same, and scores differ by less than 0.01. Exit status 1
where a page of normal text is below 98 %, or the engines disagree.

  python examples/ocr/accuracy.py
  python examples/ocr/accuracy.py --seeds 0 1 2 3 4 --compare
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import ocr_models
import pages
from PIL import Image
from read_text import HERE, PAGE_WORDS, UserError, make_engine, open_picture, thread_count
from reader import Page, Reader

import mace

WANTED = 0.98
SCORE_TOLERANCE = 0.01
# Font size and page width by seed, in turn: pages as they are printed or photographed.
PAGES = ((26, 1200), (20, 1000), (32, 1600), (40, 1200), (24, 2400), (16, 800))


def edits(text: str, truth: str) -> int:
    """The least number of insertions, deletions and exchanges of characters (Levenshtein, 1966)."""
    before = np.arange(len(truth) + 1)
    letters = np.array(list(truth))
    places = np.arange(len(truth) + 1)
    for i, letter in enumerate(text, start=1):
        now = np.minimum(before + 1, np.append(i, before[:-1] + (letters != letter)))
        now[0] = i
        before = np.minimum.accumulate(now - places) + places  # insertions, from the left
    return int(before[-1])


def accuracy(text: str, truth: str) -> float:
    return 1 - edits(" ".join(text.split()), " ".join(truth.split())) / len(" ".join(truth.split()))


def largest_difference(a: Page, b: Page) -> float | None:
    """The largest difference of two lines' scores; None where the texts differ."""
    if a.text != b.text:
        return None
    return max((abs(x.score - y.score) for x, y in zip(a.lines, b.lines, strict=True)), default=0.0)


def made_pages(seeds: list[int]) -> list[tuple[str, Image.Image, str | None]]:
    """(name, picture, truth)."""
    result: list[tuple[str, Image.Image, str | None]] = []
    for seed in seeds:
        font_size, width = PAGES[seed % len(PAGES)]
        picture, lines = pages.draw_page(pages.make_words(PAGE_WORDS, seed), font_size, width)
        result.append((f"seed {seed}, {font_size} px, {width} wide", picture, "\n".join(lines)))
    return result


def run(arguments: argparse.Namespace) -> int:
    engines = {"mace": Reader(make_engine("mace", arguments.work_dir, arguments.num_threads, arguments.json))}
    if arguments.compare:
        engines["onnxruntime"] = Reader(make_engine("onnxruntime", arguments.work_dir, arguments.num_threads, arguments.json))
    good = True
    rows: list[dict[str, Any]] = []
    for name, picture, truth in [*made_pages(arguments.seeds), ("sign.png", open_picture(HERE / "sign.png"), None)]:
        row: dict[str, Any] = {"page": name}
        results = {}
        for engine, reader in engines.items():
            reader.read(picture)  # makes the plans
            begin = time.perf_counter()
            results[engine] = reader.read(picture)
            row[f"{engine}_seconds"] = round(time.perf_counter() - begin, 3)
        if truth is not None:
            row["accuracy"] = round(accuracy(results["mace"].text, truth), 5)
            good = good and row["accuracy"] >= WANTED
        if arguments.compare:
            row["score_difference"] = largest_difference(results["mace"], results["onnxruntime"])
            good = good and row["score_difference"] is not None and row["score_difference"] < SCORE_TOLERANCE
        rows.append(row)
        if not arguments.json:
            shown = {key: "texts differ" if value is None else value for key, value in row.items() if key != "page"}
            print(f"{name:<28} " + "  ".join(f"{key} {value}" for key, value in shown.items()), flush=True)
    if arguments.json:
        print(json.dumps({"good": good, "pages": rows}))
    elif not good:
        print(f"below {WANTED:.0%}, or the engines disagree", file=sys.stderr)
    return 0 if good else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of the generated pages (default: 0 to 4)")
    parser.add_argument("--compare", action="store_true", help="also read with onnxruntime, and compare")
    parser.add_argument("--num_threads", type=thread_count, default=0, help="0: one per core")
    parser.add_argument("--work_dir", type=Path, default=Path(".demo"), help="where the models are kept (default: .demo)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    try:
        return run(parser.parse_args())
    except UserError as error:
        print(f"accuracy.py: {error}", file=sys.stderr)
        return 2
    except (ocr_models.FetchError, mace.MaceError) as error:
        print(f"accuracy.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
