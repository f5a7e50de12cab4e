"""Checks of `doctor`: each returns its finding and a remedy."""

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
from xaitui.hardware.capacity import available_memory, usable_cores


class Level(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARN = "warn"
    """Training works, with limitations."""
    FAIL = "FAIL"
    """Training cannot run."""


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    name: str
    level: Level
    text: str
    """Finding."""
    remedy: str = ""
    """Remedy."""


TESTED = ((3, 11), (3, 13))
"""Oldest and newest tested versions of Python."""

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
"""Modules that are imported on demand, and their distributions."""

FOR_TRAINING = frozenset({"numpy", "PIL", "scipy", "sklearn", "tomli_w"})
"""Modules required for training; the others are for explanations, reports, plots and studies."""

MIN_FREE = 2**30
SLOW_BYTES_PER_SECOND = 5 * 2**20
WRITTEN = 4 * 2**20
"""Bytes written to measure the speed of a folder."""


def check_python(version: tuple[int, int, int], executable: str) -> Check:
    """Check that this version of Python is tested."""
    text = f"{'.'.join(map(str, version))} ({executable})"
    if TESTED[0] <= version[:2] <= TESTED[1]:
        return Check("python", Level.OK, text)
    span = " to ".join(".".join(map(str, each)) for each in TESTED)
    return Check("python", Level.WARN, f"{text} is not tested", f"make the virtual environment with Python {span}")


def check_packages(is_installed: Callable[[str], bool]) -> Check:
    """Check that the libraries imported on demand are installed."""
    missing = {module: distribution for module, distribution in PACKAGES.items() if not is_installed(module)}
    if missing:
        level = Level.FAIL if missing.keys() & FOR_TRAINING else Level.WARN
        names = sorted(missing.values())
        return Check("packages", level, f"not installed: {', '.join(names)}", f"pip install {' '.join(names)}")
    return Check("packages", Level.OK, "all installed")


OPTIONAL: Mapping[str, tuple[tuple[str, ...], str]] = {
    "onnx": (("onnx", "onnxscript", "onnxruntime"), "export --to onnx"),
    "timm": (("timm",), "models timm:NAME"),
}
"""Extras, installed as `xaitui[NAME]`: their modules and uses."""


def check_optional(is_installed: Callable[[str], bool]) -> Check:
    """Report the installed optional libraries; training needs none."""
    missing = [name for name, (modules, _) in OPTIONAL.items() if not all(map(is_installed, modules))]
    found = [f"{name}: {'not ' if name in missing else ''}installed ({OPTIONAL[name][1]})" for name in OPTIONAL]
    return Check(
        "optional", Level.OK, ", ".join(found), f"pip install 'xaitui[{','.join(missing)}]'" if missing else ""
    )


def check_memory() -> Check:
    """Report the cores and memory available to this process."""
    available, (cores, _) = available_memory(), usable_cores()
    text = f"{cores} processor core{'s' if cores > 1 else ''}, {format_size(available)} of memory free"
    if available >= MIN_FREE:
        return Check("machine", Level.OK, text)
    return Check("machine", Level.WARN, text, "end other programs, or train with a small --batch-size")


def check_terminal(environ: Mapping[str, str], *, is_terminal: bool, columns: int, lines: int, encoding: str) -> Check:
    """Check colours, size, characters and graphics of the terminal."""
    if not is_terminal:
        return Check("terminal", Level.OK, "the output is no terminal: plain lines without colours")
    term, language = environ.get("TERM", ""), _locale(environ)
    told = f"{encoding} ({language})" if language else encoding
    text = f"{term or 'no TERM'}, {columns}x{lines}, {_colours(environ)}, {told}, pictures: {_graphics(environ)}"
    if term in ("", "dumb"):
        return Check("terminal", Level.WARN, text, "export TERM=xterm-256color")
    if not _is_utf8(encoding) or (language and not _is_utf8(language.partition(".")[2].partition("@")[0])):
        return Check("terminal", Level.WARN, text, "export LC_ALL=C.UTF-8, before tmux is started too")
    if columns < 80 or lines < 24:
        return Check("terminal", Level.WARN, text, "make the window at least 80x24")
    return Check("terminal", Level.OK, text)


def _colours(environ: Mapping[str, str]) -> str:
    if environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "true colours"
    return "256 colours" if "256color" in environ.get("TERM", "") else "16 colours or fewer"


def _locale(environ: Mapping[str, str]) -> str:
    """Return the locale that determines the character set; empty if none is set."""
    return next(filter(None, (environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "")


def _is_utf8(name: str) -> bool:
    return name.lower().replace("-", "") == "utf8"


SPEAKS: Mapping[str, tuple[str, ...]] = {
    "Kitty": ("xterm-kitty", "ghostty", "xterm-ghostty"),
    "Sixel": ("foot", "mlterm", "contour", "wezterm", "iterm.app", "mintty", "konsole"),
}
"""Graphics protocols of known terminals, by TERM or TERM_PROGRAM."""


def _graphics(environ: Mapping[str, str]) -> str:
    """Return the graphics protocol a terminal probably supports; only the console queries the terminal."""
    if environ.get("TMUX") or environ.get("TERM", "").startswith(("tmux", "screen")):
        return "half blocks (tmux seldom passes graphics on)"
    names = {environ.get(name, "").lower() for name in ("TERM", "TERM_PROGRAM")}
    names |= {name.partition("-")[0] for name in names}
    names |= {terminal for variable, terminal in _OWN_VARIABLES.items() if environ.get(variable)}
    return next((kind for kind, known in SPEAKS.items() if names & set(known)), "half blocks")


_OWN_VARIABLES = {"KITTY_WINDOW_ID": "xterm-kitty", "KONSOLE_VERSION": "konsole", "WEZTERM_PANE": "wezterm"}
"""Variables set by terminals that have no other identification."""


def check_folder(name: str, folder: Path) -> Check:
    """Check space and speed of a folder, or of its nearest existing parent; test files are removed."""
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
