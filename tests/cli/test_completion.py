from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run_commands import environment
from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.catalog.presets import PRESETS
from xaitui.cli.app import COMMANDS, run

RUNS = ("20260102-000000-digits-resnet18-1234", "20260101-000000-alpha-abcd")
LAST_OR_BEST = {"last", *(f"best:val_{name}" for name in ("loss", "accuracy", "auc", "balanced_accuracy", "macro_f1"))}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*RUNS, "studies/search"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs" / RUNS[1] / "config.toml").write_text('[run]\nname = "alpha"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Ask as bash does; the last word is the one that is being written."""
    words = ["xaitui", *line.split(" ")]
    for name, value in {
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "COLUMNS": "80",
        "_XAITUI_COMPLETE": "complete_bash",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        run([])
    out, err = capsys.readouterr()
    assert (ended.value.code, err) == (0, "")
    return set(out.split())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", {row.name for row in COMMANDS}),
        ("tr", {"train"}),
        ("--", {"--version", "--install-completion", "--show-completion", "--help"}),
        ("sweep re", {"resume", "retry"}),
        ("train --opt", {"--optimizer", "--opt"}),
        ("train --no-ho", set()),
        ("train --optimizer ", set(OPTIMIZERS)),
        ("train --optimizer = ada", {name for name in OPTIMIZERS if name.startswith("ada")}),
        ("train --epochs 3 --dataset path", {"pathmnist"}),
        ("train --model resnet1", {"resnet18", "resnet101", "resnet152"}),
        ("train --preset ", set(PRESETS)),
        ("train --config ", set()),  # left to the shell, which completes files
        ("config show --schedule on", {"onecycle"}),
        ("data get derma", {"dermamnist"}),
        ("resume ", {*LAST_OR_BEST, *RUNS, "alpha"}),
        ("resume --runs-dir nowhere ", set()),
        ("compare last ", {*LAST_OR_BEST, *RUNS, "alpha", "study:search"}),
        ("sweep status ", {"last", "search"}),
    ],
)
def test_words_are_completed(
    line: str, wanted: set[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(line, monkeypatch, capsys) == wanted


PROGRAM = """
import sys
from xaitui.cli.app import run
try:
    run([])
finally:
    print({"torch", "scipy", "rich"} & sys.modules.keys())
"""


def test_completion_loads_nothing_heavy(folder: Path) -> None:
    asked = {"COMP_WORDS": "xaitui\nresume\n", "COMP_CWORD": "2", "_XAITUI_COMPLETE": "complete_bash"}
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, env={**environment(), **asked}, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "set()"


IN_BASH = """
eval "$(xaitui --show-completion)"
complete -p xaitui
COMP_WORDS=(xaitui train --optimizer = adamw); COMP_CWORD=4; _xaitui_completion xaitui; echo "${COMPREPLY[*]}"
COMP_WORDS=(xaitui resume 2026); COMP_CWORD=2; _xaitui_completion xaitui; echo "${COMPREPLY[*]}"
"""
IN_ZSH = """
compdef() { : }
eval "$(xaitui --show-completion)"
_arguments() { print -r -- "$@" }
words=(xaitui train --optimizer adamw); CURRENT=4; _xaitui_completion
"""


@pytest.mark.parametrize(
    ("shell", "script", "wanted"),
    [
        ("bash --norc", IN_BASH, "complete -o default -F _xaitui_completion xaitui\nadamw\n" + " ".join(RUNS) + "\n"),
        ("zsh -f", IN_ZSH, '*: :(("adamw"))\n'),
    ],
)
def test_a_shell_completes(shell: str, script: str, wanted: str, folder: Path) -> None:
    words = shell.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not here")
    program = folder / "xaitui"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m xaitui "$@"\n')
    program.chmod(0o755)
    (folder / "script").write_text(script)
    environ = {**environment(), "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run([*words, "script"], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (wanted, "")
