"""The files that the engines run: default networks are written, converted once for each engine, and kept.

A conversion is keyed by the bytes of the source, the shapes, the versions of what converts, and the text of the converting scripts.
It runs in a process of its own with a time limit, in a folder that becomes the kept one only when all went well.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from conversions import FILES

BENCH = Path(__file__).resolve().parent
DEFAULT_MODELS = (
    "mobilenet_v1_1.0_224", "mobilenet_v2_1.0_224", "mobilenet_v3_large_224", "efficientnet_b0_224", "shufflenet_v2_1.0_224",
    "squeezenet_1.1_224", "resnet18_224", "resnet50_224", "fsrcnn_x2_720p", "transformer_l4_d256_t128",
)  # fmt: skip
TIMEOUT_S = 300.0
FOLDER = object()  # stands for the folder of the files in a command line
# What is hashed into the key beside the source: scripts that decide what the conversion writes, distributions whose version does.
SCRIPTS = {"ncnn": ["conversions.py"], "mnn": ["conversions.py"], "litert": ["conversions.py", "make_tflite.py", "make_models.py"]}
DISTRIBUTIONS = {"ncnn": "pnnx", "mnn": "mnn", "litert": "tensorflow_cpu"}


class Unavailable(Exception):
    """An engine cannot run a network: the reason in a few words, and the file that has the whole story."""

    def __init__(self, reason: str, log: Path | None = None) -> None:
        super().__init__(reason)
        self.log = log


@dataclass
class Pythons:
    """The interpreters: MACE's, that of the peers, and that of TensorFlow's converter."""

    mace: str
    peers: str
    tensorflow: str

    def of_engine(self, engine: str) -> str:
        """The one that runs an engine."""
        return self.mace if engine == "mace" else self.peers

    def of_conversion(self, engine: str) -> str:
        """The one that converts for an engine."""
        return {"mace": self.mace, "litert": self.tensorflow}.get(engine, self.peers)


def installed_version(python: str, distribution: str) -> str:
    """The version of a distribution in an interpreter's environment, by the names of its folders; "" where it is not there."""
    folders = Path(python).absolute().parent.parent.glob(f"lib/python*/site-packages/{distribution}-*.dist-info")
    return next((folder.name.split("-")[1] for folder in folders), "")


def last_words(log: Path) -> str:
    """Why a conversion failed, in a few words: its own reason, else the last line of its log."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    reasons = [line.removeprefix("reason: ") for line in lines if line.startswith("reason: ")]
    text = reasons[-1] if reasons else lines[-1] if lines else "no message"
    return "".join(c if c.isprintable() else " " for c in text)[:120]


class ModelFiles:
    """Makes and keeps files below one folder."""

    def __init__(self, folder: Path, pythons: Pythons, timeout_s: float = TIMEOUT_S) -> None:
        """Files come below `folder`; no conversion takes longer than `timeout_s`."""
        self.models, self.logs = folder / "models", folder / "logs"
        self.pythons, self.timeout_s = pythons, timeout_s
        self.models.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)

    def source(self, model: str) -> Path:
        """The ONNX file of a default network's name, or the given file."""
        if model.endswith(".onnx") or os.sep in model:
            return Path(model)
        script = BENCH / "make_models.py"
        key = hashlib.sha256(script.read_bytes()).hexdigest()[:12]
        folder = self.models / f"{model}-source-{key}"
        if not folder.exists():
            self.run([self.pythons.mace, script, "--models", model, "--out", FOLDER], folder, self.logs / f"{model}_source.log")
        return folder / f"{model}.onnx"

    def converted(self, engine: str, source: Path, shapes: dict[str, list[int]]) -> Path:
        """The file that an engine loads. Raises Unavailable."""
        if engine not in FILES:
            return source
        folder = self.models / f"{source.stem}-{engine}-{self.key(engine, source, shapes)}"
        if engine == "mace":  # is made anew each time: the program that converts is what is being measured
            shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            log = self.logs / f"{source.stem}_{engine}.log"
            python = self.pythons.of_conversion(engine)
            self.run([python, BENCH / "conversions.py", engine, source.absolute(), FOLDER, json.dumps(shapes)], folder, log)
        return folder / FILES[engine]

    def key(self, engine: str, source: Path, shapes: dict[str, list[int]]) -> str:
        """What a conversion depends on, hashed."""
        digest = hashlib.sha256(source.read_bytes())
        sibling = source.with_suffix(".tflite")
        if engine == "litert" and sibling.exists():
            digest.update(sibling.read_bytes())
        for script in SCRIPTS.get(engine, []):
            digest.update((BENCH / script).read_bytes())
        version = installed_version(self.pythons.of_conversion(engine), DISTRIBUTIONS.get(engine, engine))
        digest.update(json.dumps([engine, version, shapes], sort_keys=True).encode())
        return digest.hexdigest()[:12]

    def run(self, command: list, folder: Path, log: Path) -> None:
        """Runs a command that writes into a new folder (FOLDER in its arguments), which gets its name when the command ends well."""
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        arguments = [str(partial if argument is FOLDER else argument) for argument in command]
        with open(log, "wb") as output:
            try:
                child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
            except OSError as error:
                raise Unavailable(f"{arguments[0]}: {error.strerror}") from None
            try:
                status = child.wait(self.timeout_s)
            except subprocess.TimeoutExpired:
                raise Unavailable(f"conversion takes more than {self.timeout_s:g} s", log) from None
            finally:
                if child.poll() is None:  # also what it started itself
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
        if status:
            raise Unavailable(f"conversion dies of signal {-status}" if status < 0 else last_words(log), log)
        partial.rename(folder)
