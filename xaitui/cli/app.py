"""The command line: a table of commands, of which only the one that is asked for is loaded."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import typer
from typer.exceptions import TyperException

from xaitui.cli.console import CONSOLE, no_console
from xaitui.cli.streams import SHOW_TRACEBACK, guard_streams, say, say_where
from xaitui.errors import ExitCode, XaituiError
from xaitui.opening import OpenConsole


@dataclass(frozen=True)
class Command:
    """A row of the table: the name, the module `xaitui.cli.<module>` that has it, and its line in the help."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("console", "console", "Open the console; what `xaitui` alone does."),
    Command("train", "train", "Train a model, and keep the run in a directory of its own."),
    Command("resume", "resume", "Take a run up again, exactly where its last checkpoint stands."),
    Command("stop", "stop", "Ask a run to stop, whichever process or machine it is on."),
    Command("pause", "pause", "Ask a run to pause, with everything in memory."),
    Command("continue", "go_on", "Ask a paused run to go on."),
    Command("save", "save", "Ask a run to write a checkpoint now."),
    Command("attach", "attach", "Look at a run as it goes, from wherever it runs."),
    Command("runs", "runs", "List, show and remove runs."),
    Command("compare", "compare", "Compare runs: their scores, and the settings that differ."),
    Command("data", "data", "List, fetch and verify data sets."),
    Command("models", "models", "List the models that can be trained."),
    Command("gpu", "gpu", "Show what GPUs, processors and memory do."),
    Command("config", "config", "Show what a configuration resolves to, and its schema."),
    Command("doctor", "doctor", "Say what works on this machine, and what to do about the rest."),
)

TORCH_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""What torch reads once, when it is loaded. Threads that spin while they wait make a step twenty times slower as soon
as another process wants a core; the workspace makes a GPU repeat its results."""


def build_app(wanted: str = "") -> typer.Typer:
    """The application. A command that is not `wanted` stands there with its name and help only; "*" loads them all."""
    app = typer.Typer(
        name="xaitui",
        help="A training console for the terminal: start, watch, survive, compare and explain image classifiers.",
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def root() -> None:
        """Needed so that one command alone is still named."""

    for row in COMMANDS:
        if wanted not in (row.name, "*"):
            app.command(row.name, help=row.help)(_not_loaded)
            continue
        module = importlib.import_module(f"xaitui.cli.{row.module}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=row.name, help=row.help, no_args_is_help=True)
        else:
            app.command(row.name, help=row.help)(module.command)
    return app


def _not_loaded() -> None:
    """Stand for a command that was not asked for."""


def run(arguments: Sequence[str], console: OpenConsole = no_console) -> int:
    """Carry out a command line and return its exit code; an error is one line on stderr.

    Args:
        arguments: the words after the program's name; none, or options alone, open the console.
        console: opens it.
    """
    CONSOLE.set(console)
    words = [_dashes(word) for word in arguments]
    SHOW_TRACEBACK.set("--traceback" in words or bool(os.environ.get("XAITUI_TRACEBACK")))
    words = [word for word in words if word != "--traceback"]
    if words[:1] == ["-h"]:
        words[0] = "--help"
    if not words or (words[0].startswith("-") and words[0] != "--help"):
        words = ["console", *words]
    guard_streams()
    for variable, value in TORCH_ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    try:
        app = build_app(next((word for word in words if not word.startswith("-")), ""))
        result = app(args=words, prog_name="xaitui", standalone_mode=False)
    except (TyperException, XaituiError) as error:
        say_where(error)
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        is_help = message.startswith("Usage:")  # of a group that was given no command
        say(message if is_help else "xaitui: " + " ".join(message.split()))
        return int(error.exit_code)
    except typer.Abort:
        say("xaitui: nothing was changed")
        return int(ExitCode.FAILED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 -- the one place where the command line turns an error into an exit code
        say_where(error)
        say(f"xaitui: {type(error).__name__}: {' '.join(str(error).split())} (--traceback shows where)")
        return int(ExitCode.FAILED)
    finally:
        sys.stdout.flush()
    return result if isinstance(result, int) else int(ExitCode.FINISHED)


def _dashes(word: str) -> str:
    """Accept --batch_size for --batch-size."""
    name, separator, value = word.partition("=")
    return name.replace("_", "-") + separator + value if name.startswith("--") else word
