"""What `doctor` looks at on this machine: each check is a function that returns what it found, and a remedy."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from xaitui.config.units import format_size


class Level(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    """Training works, with less than there could be."""
    FAIL = "FAIL"
    """Training cannot run."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: Level
    text: str
    """What was found."""
    remedy: str = ""
    """What to do about it."""


TESTED = ((3, 11), (3, 13))
"""The oldest and the newest Python that the tests run on."""

PACKAGES: Mapping[str, str] = {
    "captum": "captum",
    "cmaes": "cmaes",
    "jinja2": "jinja2",
    "matplotlib": "matplotlib",
    "medmnist": "medmnist",
    "numpy": "numpy",
    "optuna": "optuna",
    "PIL": "pillow",
    "plotext": "plotext",
    "pretrainedmodels": "pretrainedmodels",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "six": "six",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "textual": "textual",
    "textual_image": "textual-image",
    "tomli_w": "tomli-w",
}
"""Modules that are loaded late, so that their absence shows late, and the distributions that bring them."""

MIN_FREE = 2**30
SLOW_BYTES_PER_SECOND = 5 * 2**20
WRITTEN = 4 * 2**20
"""Bytes that are written to see how fast a folder is."""


def check_python(version: tuple[int, int, int], executable: str) -> Check:
    """Whether this Python is one that is tested."""
    text = f"{'.'.join(map(str, version))} ({executable})"
    if TESTED[0] <= version[:2] <= TESTED[1]:
        return Check("python", Level.OK, text)
    span = " to ".join(".".join(map(str, each)) for each in TESTED)
    return Check("python", Level.WARN, f"{text} is not tested", f"make the virtual environment with Python {span}")


def check_packages(is_installed: Callable[[str], bool]) -> Check:
    """Whether the libraries that are loaded late are there."""
    missing = [distribution for module, distribution in PACKAGES.items() if not is_installed(module)]
    if missing:
        return Check("packages", Level.FAIL, f"not installed: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return Check("packages", Level.OK, "all installed")


def check_memory() -> Check:
    """Cores and memory that this process may use."""
    memory = psutil.virtual_memory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"{cores} processor core{'s' if cores > 1 else ''}, {format_size(memory.available)} of memory free"
    if memory.available >= MIN_FREE:
        return Check("machine", Level.OK, text)
    return Check("machine", Level.WARN, text, "end other programs, or train with a small --batch-size")


def check_terminal(environ: Mapping[str, str], *, is_terminal: bool, columns: int, lines: int, encoding: str) -> Check:
    """Colours, size and characters of the terminal."""
    if not is_terminal:
        return Check("terminal", Level.OK, "the output is no terminal: plain lines without colours")
    term = environ.get("TERM", "")
    text = f"{term or 'no TERM'}, {columns}x{lines}, {_colours(environ)}, {encoding}"
    if term in ("", "dumb"):
        return Check("terminal", Level.WARN, text, "export TERM=xterm-256color")
    if encoding.lower().replace("-", "") != "utf8":
        return Check("terminal", Level.WARN, text, "export LC_ALL=C.UTF-8")
    if columns < 80 or lines < 24:
        return Check("terminal", Level.WARN, text, "make the window at least 80x24")
    return Check("terminal", Level.OK, text)


def _colours(environ: Mapping[str, str]) -> str:
    if environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "true colours"
    return "256 colours" if "256color" in environ.get("TERM", "") else "16 colours or fewer"


def check_folder(name: str, folder: Path) -> Check:
    """Space and speed of a folder, or of the nearest one above it that exists; what is written is removed again."""
    try:
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
        free = psutil.disk_usage(str(there)).free
        began = time.perf_counter()
        with TemporaryFile(dir=there) as file:
            file.write(bytes(WRITTEN))
            file.flush()
            os.fsync(file.fileno())
        seconds = time.perf_counter() - began
    except OSError as error:
        remedy = "choose another with --runs-dir or XAITUI_RUNS_DIR"
        return Check(name, Level.FAIL, f"{folder} cannot be written: {error.strerror}", remedy)
    speed = WRITTEN / max(seconds, 1e-6)
    text = f"{folder}, {format_size(free)} free, {format_size(speed)}/s written to the disk"
    if free < MIN_FREE:
        return Check(name, Level.WARN, text, "free some space: a checkpoint is three times as large as its model")
    if speed < SLOW_BYTES_PER_SECOND:
        return Check(
            name, Level.WARN, text, "use a local disk with --runs-dir, or save less often with --save-every 1h"
        )
    return Check(name, Level.OK, text)
