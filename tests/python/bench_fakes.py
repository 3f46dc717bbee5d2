"""Stand-ins for the bench's engines: no process, times as the test wants them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from processes import WorkerError

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
PEERS_PYTHON = ROOT / "build" / "bench" / "peers_venv" / "bin" / "python"


class FakeWorker:
    """Speaks as bench/processes.py's Worker. `ms(engine, seed)` is a time, or raises WorkerError; `diary` gets every run."""

    def __init__(self, engine: str, ms: Callable[[str, int], float], diary: list | None = None, output: float = 1.0) -> None:
        self.engine, self.ms, self.diary, self.output = engine, ms, diary if diary is not None else [], output
        self.loaded: dict = {}

    def tell_load(self, path: str, num_threads: int, shapes: dict, isa: str | None = None, specs: list | None = None) -> None:
        self.loaded = {"path": path, "num_threads": num_threads, "isa": isa, "specs": specs}
        self.diary.append((self.engine, "load", self.loaded))

    def answer(self) -> dict:
        return {"version": "1", "import_ms": 3.0, "load_ms": 5.0}

    def ask(self, **command: object) -> dict:
        self.diary.append((self.engine, command["do"], command))
        if command["do"] == "outputs":
            np.savez(str(command["file"]), np.full((1, 4), self.output, np.float32))
            return {}
        if command["do"] == "memory":
            return {"peak_bytes": 5 << 20, "import_peak_bytes": 2 << 20}
        return {"ms": self.ms(self.engine, int(str(command["seed"])))}

    def close(self) -> None:
        self.diary.append((self.engine, "close", None))


def failing(engine: str, message: str) -> Callable[[str, int], float]:
    """1 ms, but for one engine."""

    def ms(name: str, seed: int) -> float:
        if name == engine and seed >= 1000:  # in a round
            raise WorkerError(message)
        return 1.0

    return ms
