"""Starts engines in processes of their own (bench/worker.py) and talks to them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import IO, Any


class WorkerError(Exception):
    """An engine's process said no, died, or gave no answer in time: one sentence."""


def signal_name(number: int) -> str:
    """SIGSEGV; the number of a signal that has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


class Worker:
    """One engine's process: bench/worker.py under its own interpreter."""

    def __init__(self, python: str, engine: str, log: IO[Any] | None = None, timeout_s: float = 600.0) -> None:
        """Starts the process and loads nothing yet. What the engine prints goes to `log` (default: standard error). An answer that
        takes longer than `timeout_s` ends the process."""
        script = str(Path(__file__).parent / "worker.py")
        self.engine, self.timeout_s = engine, timeout_s
        try:
            self.process = subprocess.Popen([python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        except OSError as error:
            raise WorkerError(f"{python}: {error.strerror}") from None

    def tell(self, **command: object) -> None:
        """Sends one command (bench/worker.py lists them); `answer` waits for what comes back."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the missing answer says it

    def answer(self) -> dict:
        """The answer to the last command. Raises WorkerError where the engine failed."""
        assert self.process.stdout
        if not select.select([self.process.stdout], [], [], self.timeout_s)[0]:
            self.kill()
            raise WorkerError(f"no answer within {self.timeout_s:g} s")
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            raise WorkerError(f"its process died ({f'signal {signal_name(-status)}' if status < 0 else f'exit status {status}'})")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise WorkerError(f"its process answers {line[:40]!r}, which is no JSON object")
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def ask(self, **command: object) -> dict:
        """Sends one command and waits for the answer."""
        self.tell(**command)
        return self.answer()

    def tell_load(self, path: str, num_threads: int, shapes: dict, isa: str | None = None, specs: list | None = None) -> None:
        """Begins to load a model; shapes are those of dynamic inputs, specs what inputs are made from (default: what the engine says)."""
        self.tell(do="load", engine=self.engine, path=os.path.abspath(path), num_threads=num_threads, shapes=shapes, isa=isa, specs=specs)

    def load(self, path: str, num_threads: int, shapes: dict, isa: str | None = None, specs: list | None = None) -> dict:
        """Loads a model."""
        self.tell_load(path, num_threads, shapes, isa, specs)
        return self.answer()

    def close(self) -> None:
        """The worker ends when its input does."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.kill()
        self.process.stdout.close()

    def kill(self) -> None:
        """Ends the process at once."""
        self.process.kill()
        self.process.wait()
