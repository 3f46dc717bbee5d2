"""A process of LiteRT's: reads models and inputs from its standard input, writes outputs. LiteRT ends its process at some models."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))


class LitertWorker:
    """Starts the process, and another one where a model ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def run(self, model: bytes, steps: Sequence[Sequence[np.ndarray]], reference: bool = True) -> list[list[np.ndarray]] | str:
        """The outputs of each step, or why there are none."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        try:
            pickle.dump((model, steps, reference), self._process.stdin)
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            self.close()
            return "LiteRT ends the process"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def main() -> None:
    from tflite_writer import Rejected, run_litert

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what LiteRT prints is no answer
    while True:
        try:
            model, steps, reference = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = run_litert(model, steps, reference)
        except Rejected as error:
            answer = str(error)
        except Exception as error:  # a type that its Python interface does not have
            answer = f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
