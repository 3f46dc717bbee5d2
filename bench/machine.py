"""What a figure depends on besides the program: the machine, the commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

# Those features that decide which kernels an engine can take; a CPU's list has a hundred more.
FEATURES = re.compile(r"^(sse4_[12]|avx\w*|fma|f16c|amx\w*|asimd\w*|sve\w*|i8mm|bf16|rv\w+)$")


def cpu_lines(text: str) -> dict[str, str]:
    """The first processor of /proc/cpuinfo by key."""
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def describe(cpuinfo: str = "/proc/cpuinfo", meminfo: str = "/proc/meminfo") -> dict:
    """CPU, features, cores, memory, system. What the system does not say is "unknown" or 0."""
    cpu, memory = {}, 0
    if Path(cpuinfo).exists():
        cpu = cpu_lines(Path(cpuinfo).read_text())
    if Path(meminfo).exists():
        memory = next((int(line.split()[1]) * 1024 for line in Path(meminfo).read_text().splitlines() if line.startswith("MemTotal")), 0)
    name = cpu.get("model name") or cpu.get("Hardware") or platform.processor() or "unknown"
    family = [cpu[key] for key in ("cpu family", "model", "stepping") if key in cpu]
    slug = re.sub(r"[^a-z0-9]+", "_", f"{name} {' '.join(family)}".lower()).strip("_")
    return {
        "cpu": name, "family_model_stepping": "/".join(family), "slug": slug, "cores": os.cpu_count() or 0,
        "features": sorted(f for f in cpu.get("flags", cpu.get("Features", "")).split() if FEATURES.match(f)),
        "memory_bytes": memory, "system": f"{platform.system()} {platform.release()}", "architecture": platform.machine(),
    }  # fmt: skip


def load_average() -> float:
    """Programs that wanted to run in the last minute, on average."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def commit_of(root: Path) -> tuple[str, str, bool]:
    """(short hash, time of the commit, whether tracked files differ from it). Results and documents are no part of what is measured."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs", ":!bench/results")
        return git("rev-parse", "--short=9", "HEAD"), git("show", "-s", "--format=%cI", "HEAD"), bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return "unknown", "", False
