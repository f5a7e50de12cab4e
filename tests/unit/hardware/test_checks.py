from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from xaitui.hardware.checks import (
    OPTIONAL,
    PACKAGES,
    Level,
    check_folder,
    check_memory,
    check_optional,
    check_packages,
    check_python,
    check_terminal,
)

ROOT = Path(__file__).parents[3]

EAGER = {"torch", "torchvision", "typer", "rich", "pydantic", "nvidia-ml-py", "psutil", "platformdirs"}
"""Dependencies without which `doctor` itself does not start, or which have a check of their own."""


@pytest.mark.parametrize(
    ("version", "level"),
    [((3, 11, 0), Level.OK), ((3, 13, 9), Level.OK), ((3, 14, 0), Level.WARN), ((3, 10, 4), Level.WARN)],
)
def test_python(version: tuple[int, int, int], level: Level) -> None:
    check = check_python(version, "/usr/bin/python3")
    assert check.level is level
    assert check.text.startswith(".".join(map(str, version)))
    assert bool(check.remedy) == (level is not Level.OK)


def test_the_packages_are_the_dependencies() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=\[]", line)[0] for line in declared}
    assert set(PACKAGES.values()) == names - EAGER
    assert names >= EAGER


def test_what_is_missing_is_named_by_its_distribution() -> None:
    assert check_packages(lambda name: True).level is Level.OK
    check = check_packages(lambda name: name not in ("sklearn", "PIL"))
    assert check.level is Level.FAIL
    assert check.text == "not installed: pillow, scikit-learn"
    assert check.remedy == "pip install pillow scikit-learn"


def test_a_training_without_the_libraries_of_reports_and_explanations_can_run() -> None:
    check = check_packages(lambda name: name not in ("jinja2", "captum"))
    assert (check.level, check.text) == (Level.WARN, "not installed: captum, jinja2")


def test_memory() -> None:
    check = check_memory()
    assert re.fullmatch(r"\d+ processor cores?, [\d.]+ \w+ of memory free", check.text)


LOCALE = "export LC_ALL=C.UTF-8, before tmux is started too"


@pytest.mark.parametrize(
    ("environ", "size", "encoding", "level", "remedy"),
    [
        ({"TERM": "xterm-256color"}, (120, 36), "utf-8", Level.OK, ""),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, (80, 24), "UTF-8", Level.OK, ""),
        ({"TERM": "xterm"}, (79, 24), "utf-8", Level.WARN, "make the window at least 80x24"),
        ({"TERM": "dumb"}, (80, 24), "utf-8", Level.WARN, "export TERM=xterm-256color"),
        ({}, (80, 24), "utf-8", Level.WARN, "export TERM=xterm-256color"),
        ({"TERM": "xterm"}, (80, 24), "ANSI_X3.4-1968", Level.WARN, LOCALE),
        ({"TERM": "xterm", "LANG": "de_DE.UTF-8"}, (80, 24), "utf-8", Level.OK, ""),
        ({"TERM": "xterm", "LANG": "de_DE.utf8@euro"}, (80, 24), "utf-8", Level.OK, ""),
        ({"TERM": "xterm", "LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, (80, 24), "utf-8", Level.WARN, LOCALE),
        ({"TERM": "xterm", "LC_ALL": "", "LANG": "de_DE.ISO-8859-1"}, (80, 24), "utf-8", Level.WARN, LOCALE),
    ],
)
def test_terminal(environ: dict[str, str], size: tuple[int, int], encoding: str, level: Level, remedy: str) -> None:
    check = check_terminal(environ, is_terminal=True, columns=size[0], lines=size[1], encoding=encoding)
    assert (check.level, check.remedy) == (level, remedy)


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "true colours"),
        ({"TERM": "screen-256color"}, "256 colours"),
        ({"TERM": "vt100"}, "16 colours or fewer"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "no colours (NO_COLOR)"),
    ],
)
def test_colours(environ: dict[str, str], colours: str) -> None:
    check = check_terminal(environ, is_terminal=True, columns=80, lines=24, encoding="utf-8")
    assert f", {colours}, " in check.text


@pytest.mark.parametrize(
    ("environ", "graphics"),
    [
        ({"TERM": "xterm-kitty"}, "Kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "Kitty"),
        ({"TERM": "xterm-ghostty"}, "Kitty"),
        ({"TERM": "foot-extra"}, "Sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "Sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "Sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, "half blocks"),
        ({"TERM": "xterm"}, "half blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, "half blocks (tmux seldom passes graphics on)"),
        ({"TERM": "screen-256color"}, "half blocks (tmux seldom passes graphics on)"),
    ],
)
def test_graphics_are_guessed_without_asking_the_terminal(environ: dict[str, str], graphics: str) -> None:
    check = check_terminal(environ, is_terminal=True, columns=80, lines=24, encoding="utf-8")
    assert check.text.endswith(f", pictures: {graphics}")


@pytest.mark.parametrize(
    ("there", "text", "remedy"),
    [
        ({"onnx", "onnxscript", "onnxruntime", "timm"}, "onnx: installed (export --to onnx), timm: installed", ""),
        (
            {"onnx", "onnxscript"},
            "onnx: not installed (export --to onnx), timm: not",
            "pip install 'xaitui[onnx,timm]'",
        ),
        ({"timm"}, "onnx: not installed (export --to onnx), timm: installed", "pip install 'xaitui[onnx]'"),
    ],
)
def test_optional_libraries_never_keep_training_from_running(there: set[str], text: str, remedy: str) -> None:
    check = check_optional(there.__contains__)
    assert check.level is Level.OK
    assert check.text.startswith(text)
    assert check.remedy == remedy


def test_the_optional_libraries_are_those_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {name: list(modules) for name, (modules, _) in OPTIONAL.items()} == {
        name: declared[name] for name in ("timm", "onnx")
    }


def test_a_pipe_is_no_terminal() -> None:
    check = check_terminal({}, is_terminal=False, columns=1, lines=1, encoding="ascii")
    assert check.level is Level.OK


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    check = check_folder("runs", tmp_path)
    assert check.level in (Level.OK, Level.WARN)  # a slow or full disk is warned of
    assert str(tmp_path) in check.text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    assert check_folder("runs", tmp_path / "not" / "yet").level is not Level.FAIL
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written() -> None:
    check = check_folder("runs", Path("/proc/runs"))
    assert check.level is Level.FAIL
    assert check.text.startswith("/proc/runs cannot be written: ")
    assert "--runs-dir" in check.remedy
