from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import typer

from tests.run_commands import ROOT, command, environment
from xaitui import __version__
from xaitui.cli import app as app_module
from xaitui.cli.app import COMMANDS, Command, build_app, run
from xaitui.config.schema import RunConfig
from xaitui.errors import DataError, ExitCode


class Outcome:
    """What a command line gives."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        self.code = run(words)
        self.out, self.err = capsys.readouterr()


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_the_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, *words)
    assert outcome.code == 0
    lines = outcome.out.partition("Commands:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [[row.name, row.help] for row in COMMANDS]
    assert len(COMMANDS) >= 9


def test_the_version_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, "--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"xaitui {__version__}\n", "")


@pytest.mark.parametrize("command", [["train"], ["config", "show"], ["sweep"], ["ablate"]], ids=" ".join)
def test_settings_stand_under_headings_with_their_defaults(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = Outcome(capsys, *command, "--help")
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.endswith("default:")]
    headings = [line[:-1].lower() for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert [name for name in headings if name not in ("options", "commands")] == list(RunConfig.model_fields)
    words = " ".join(outcome.out.split())
    for text in ("[default: 0.001 for adam]", "plateau; default: constant]", "[default: 0.5,0.75]", "[default: on]"):
        assert text in words
    assert words.index("Data:") < words.index("--dataset") < words.index("Model:") < words.index("--dropout")
    assert words.index("--help") < words.index("Data:")


@pytest.mark.parametrize("row", COMMANDS, ids=[row.name for row in COMMANDS])
def test_every_command_has_a_help(row: Command, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, row.name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: xaitui {row.name} ")


def test_no_option_is_there_twice() -> None:
    seen = 0
    commands = [typer.main.get_command(build_app("*"))]
    while commands:
        command = commands.pop()
        commands += getattr(command, "commands", {}).values()
        names = [name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]]
        assert len(names) == len(set(names)), (command.name, sorted(names))
        seen += len(names)
    assert seen > 300


def test_all_commands_go_together() -> None:
    app = build_app("*")
    names = [info.name for info in app.registered_commands] + [info.name for info in app.registered_groups]
    assert sorted(map(str, names)) == sorted(row.name for row in COMMANDS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian", "xaitui: No such command 'trian'. Did you mean 'train'?"),
        ("runs shwo", "xaitui: No such command 'shwo'. Did you mean 'show'?"),
        ("--hepl", "xaitui: No such option: --hepl (Possible options: --help"),
        ("train --epoch 3", "xaitui: No such option: --epoch (Possible options: --detach, --epochs"),
        ("runs ls --jsn", "xaitui: No such option: --jsn (Possible options: --json)"),
        ("train --lr", "xaitui: Option '--lr' requires an argument."),
        ("train --lr 0", "xaitui: --lr: '0' is not valid; it takes a number above 0 up to 1000"),
        ("train --dataset mnsit --dry-run --model 3 extra", "xaitui: Got unexpected extra argument"),
        ("resume --epochs 5", "xaitui: --epochs takes what is to be added, for example +5, not '5'"),
        ("resume --max-time soon", "xaitui: --max-time: write a duration as 7h50m"),
        ("runs rm", "xaitui: Missing argument 'RUN'"),
    ],
)
def test_what_is_misspelt_is_one_line(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, *line.split())
    assert outcome.code == ExitCode.USAGE
    assert outcome.out == ""
    assert outcome.err.startswith(message)
    assert outcome.err.count("\n") == 1


def test_a_group_alone_shows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, "runs")
    assert outcome.code == ExitCode.USAGE
    assert outcome.err.startswith("Usage: xaitui runs ")


def test_underscores_in_an_option_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, "config", "show", "--batch_size=7", "--note", "--as_it_is")
    assert outcome.code == 0
    assert "\nbatch_size = 7\n" in outcome.out


def raising(error: BaseException) -> Callable[[], int]:
    def body() -> int:
        raise error

    return body


def returning(value: int | None) -> Callable[[], int | None]:
    return lambda: value


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (returning(None), 0, ""),
        (returning(75), 75, ""),
        (raising(DataError("two\nlines")), 3, "xaitui: two lines\n"),
        (raising(RuntimeError("unforeseen")), 1, "xaitui: RuntimeError: unforeseen (--traceback shows where)\n"),
        (raising(typer.Abort()), 1, "xaitui: nothing was changed\n"),
        (raising(KeyboardInterrupt()), 130, ""),
    ],
)
def test_how_a_command_ends_is_its_exit_code(
    body: Callable[[], int],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = ModuleType("xaitui.cli.made")
    module.command = body  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(app_module, "COMMANDS", (Command("made", "made", "A command for a test."),))
    outcome = Outcome(capsys, "made")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", message)


@pytest.mark.parametrize("words", [["--traceback", "train", "--lr", "0"], ["train", "--lr", "0", "--traceback"]])
def test_where_it_went_wrong_is_shown_when_asked(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, *words)
    assert outcome.code == ExitCode.USAGE
    assert outcome.err.startswith("Traceback (most recent call last):\n")
    assert "--lr: '0' is not valid" in outcome.err.splitlines()[-1]


def test_it_works_from_a_checkout_that_is_not_installed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "xaitui", tmp_path / "xaitui", ignore=shutil.ignore_patterns("__pycache__"))
    own = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    done = subprocess.run(command("runs", "ls"), cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"there are no runs in {tmp_path}/runs; start one with: xaitui train --headless\n"
    assert not (tmp_path / "runs").exists()
