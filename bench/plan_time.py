"""How long a plan for a size that has not been there takes: `prepare` of random sizes of a model's input.

    python bench/plan_time.py det.onnx --axes=2,3 --multiple=32 --range=128,1280 --json

The first plan of a model also packs its weights; it is made beforehand and told apart. The arena is part of the time.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time

import mace


def sizes(arguments: argparse.Namespace, shape: tuple[int | str | None, ...]) -> list[tuple[int, ...]]:
    """Different shapes, one more than are timed: `--axes` are drawn, other open dimensions are 1."""
    low, high = (end // arguments.multiple for end in arguments.range)
    generator = random.Random(arguments.seed)
    drawn: dict[tuple[int, ...], None] = {}
    for _ in range(1000 * (arguments.count + 1)):
        size = [d if isinstance(d, int) else 1 for d in shape]
        for axis in arguments.axes:
            size[axis] = arguments.multiple * generator.randint(low, high)
        drawn[tuple(size)] = None
        if len(drawn) == arguments.count + 1:
            return list(drawn)
    raise SystemExit(f"plan_time: there are fewer than {arguments.count + 1} sizes in this range")


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Times in milliseconds."""
    model = mace.load(arguments.model, num_threads=arguments.num_threads)
    session = model.session()
    first, *rest = sizes(arguments, model.inputs[0].shape)

    def prepare(size: tuple[int, ...]) -> float:
        begin = time.perf_counter()
        session.prepare({model.inputs[0].name: size})
        return 1e3 * (time.perf_counter() - begin)

    first_ms = prepare(first)
    times = [prepare(size) for size in rest]
    return {
        "model": arguments.model,
        "sizes": len(times),
        "first_ms": round(first_ms, 3),
        "median_ms": round(statistics.median(times), 3),
        "worst_ms": round(max(times), 3),
        "times_ms": {"x".join(map(str, size)): round(ms, 3) for size, ms in zip(rest, times, strict=True)},
    }


def main() -> int:
    """Prints the median and the worst; with `--most` status 1 where the median is above it."""
    integers = lambda text: [int(part) for part in text.split(",")]  # noqa: E731
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--axes", type=integers, default=[2, 3], help="axes of the first input that differ from size to size")
    parser.add_argument("--multiple", type=int, default=32)
    parser.add_argument("--range", type=integers, default=[128, 1280], help="of the sizes along these axes")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num_threads", type=int, default=1)
    parser.add_argument("--most", type=float, default=None, help="milliseconds that the median may take")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{result['sizes']} new sizes: median {result['median_ms']} ms, worst {result['worst_ms']} ms; first {result['first_ms']} ms")
    return 1 if arguments.most is not None and float(str(result["median_ms"])) > arguments.most else 0


if __name__ == "__main__":
    sys.exit(main())
