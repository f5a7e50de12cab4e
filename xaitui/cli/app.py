"""The command line: a table of commands, of which only the one that is asked for is loaded."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xaitui.cli.open_console import CONSOLE, no_console, open_console
from xaitui.cli.output.streams import SHOW_TRACEBACK, check_output, forget_old_size, guard_streams, put, say, say_where
from xaitui.console_options import ConsoleOptions, OpenConsole
from xaitui.errors import ExitCode, XaituiError
from xaitui.runs.folder import runs_folder
from xaitui.version import __version__

if TYPE_CHECKING:
    import typer


@dataclass(frozen=True)
class Command:
    """A row of the table."""

    name: str
    module: str
    """Of `xaitui.cli`."""
    help: str
    function: str = "command"
    """In that module, where it has no Typer application of its own."""


COMMANDS = (
    Command("console", "console", "Open the console, as `xaitui` alone does."),
    Command("train", "train", "Train a model; the run is kept in its own directory."),
    Command("resume", "resume", "Resume a run exactly from its last checkpoint."),
    Command("stop", "requests", "Stop a run, in whichever process or machine it is.", "stop"),
    Command("pause", "requests", "Pause a run; everything stays in memory.", "pause"),
    Command("continue", "requests", "Continue a paused run.", "go_on"),
    Command("save", "requests", "Write a checkpoint of a run now.", "save"),
    Command("attach", "attach", "Watch a run live, wherever it is running."),
    Command("runs", "runs", "List, show and remove runs."),
    Command("sweep", "sweep", "Search settings: create, show and resume studies."),
    Command("ablate", "ablate", "Compare a model with and without its parts, seed by seed."),
    Command("reproduce", "reproduce", "Reproduce the report's experiments, beside its numbers."),
    Command("compare", "compare", "Compare the scores of runs and the settings that differ."),
    Command("evaluate", "evaluate", "Evaluate a run: metrics, intervals and mistakes."),
    Command("verify", "verify", "Verify a run: check its files and replay its training."),
    Command("explain", "explain", "Compute attribution maps of a run, and test them."),
    Command("report", "report", "Write a report of runs as one HTML file or Markdown."),
    Command("predict", "predict", "Predict the classes of image files."),
    Command("export", "export", "Export a trained model for other programs."),
    Command("data", "data", "List, download and verify datasets."),
    Command("models", "models", "List the models that can be trained."),
    Command("gpu", "gpu", "Show the use of GPUs, processors and memory."),
    Command("config", "config", "Show a resolved configuration, and the schema."),
    Command("doctor", "doctor", "Check this machine, and how to fix what is missing."),
)

LASTING = frozenset({"console", "train", "resume", "sweep", "ablate", "reproduce", "attach"})
"""The commands whose work is kept in the folder of runs: what they print may be lost, and they have not failed."""

TORCH_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""What torch reads once, when it is loaded. Threads that spin while they wait make a step twenty times slower as soon
as another process wants a core; the workspace makes a GPU repeat its results."""


PROGRAM = "xaitui"
COMPLETING = "_XAITUI_COMPLETE"
"""The variable by which a shell asks for completions."""

OPTIONS = frozenset({"--help", "--install-completion", "--show-completion"})
"""Options that stand alone; others that begin a line are the console's."""


def build_app(wanted: str = "") -> typer.Typer:
    """The application. A command that is not `wanted` stands there with its name and help only; "*" loads them all."""
    import typer

    from xaitui.cli.help_sections import SectionedCommand, SectionedGroup

    app = typer.Typer(
        name=PROGRAM,
        help="A training console for the terminal: start, watch, survive, compare and explain image classifiers.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def root(version: bool = typer.Option(False, "--version", help="Show the version.")) -> None:
        """Needed so that one command alone is still named; --version has been answered before Typer is loaded."""

    for row in COMMANDS:
        if wanted not in (row.name, "*"):
            app.command(row.name, help=row.help)(_not_loaded)
            continue
        module = importlib.import_module(f"xaitui.cli.{row.module}")
        if hasattr(module, "app"):
            alone = module.app.info.invoke_without_command is True  # does something without one of its commands
            app.add_typer(module.app, name=row.name, help=row.help, no_args_is_help=not alone, cls=SectionedGroup)
        else:
            app.command(row.name, help=row.help, cls=SectionedCommand)(getattr(module, row.function))
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
    guard_streams()
    forget_old_size()
    for variable, value in TORCH_ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    try:
        if os.environ.get(COMPLETING):
            return _complete()
        # Typer is not needed for the console alone, and takes a third of the time to its first frame
        code = _carry_out(words) if words else open_console(ConsoleOptions(runs_folder()))
        if words and words[0] not in LASTING:
            check_output()
        return code
    except XaituiError as error:
        return _explain(error, str(error), int(error.exit_code))
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except MemoryError as error:
        return _explain(error, "the host's memory is not enough; end other programs", int(ExitCode.OUT_OF_MEMORY))
    except Exception as error:  # noqa: BLE001 -- the one place where the command line turns an error into an exit code
        message = f"{type(error).__name__}: {error} (--traceback shows where)"
        return _explain(error, message, int(ExitCode.FAILED))
    finally:
        sys.stdout.flush()


def _explain(error: Exception, message: str, code: int) -> int:
    say_where(error)
    say("xaitui: " + " ".join(message.split()))
    return code


def _carry_out(words: list[str]) -> int:
    """Have Typer carry out a command; options alone are those of the console.

    Raises:
        XaituiError: of the kind of what is wrong.
    """
    if words[0] == "--version":
        put(f"{PROGRAM} {__version__}")
        return int(ExitCode.FINISHED)
    import typer
    from typer.exceptions import TyperException

    if words[0] == "-h":
        words[0] = "--help"
    if words[0].startswith("-") and words[0] not in OPTIONS:
        words = ["console", *words]
    try:
        result = build_app(_wanted(words))(args=words, prog_name=PROGRAM, standalone_mode=False)
    except TyperException as error:
        message = error.format_message()
        if message.startswith("Usage:"):  # of a group that was given no command
            say(message)
            return int(error.exit_code)
        return _explain(error, message, int(error.exit_code))
    except typer.Abort:
        say("xaitui: nothing was changed")
        return int(ExitCode.FAILED)
    return result if isinstance(result, int) else int(ExitCode.FINISHED)


def _complete() -> int:
    """Answer a shell that completes a line; only the command that stands in the line is loaded."""
    from xaitui.cli.completion import completed_words

    os.environ["COLUMNS"] = "1000"  # Typer wraps help to this width, and fish takes each line for a value
    app = build_app(_wanted(completed_words()[1:]))
    return int(app(args=[], prog_name=PROGRAM, standalone_mode=False))  # which exits


def _wanted(words: Sequence[str]) -> str:
    """The command among the words of a line; nothing where it has none."""
    return next((word for word in words if not word.startswith("-")), "")


def _dashes(word: str) -> str:
    """Accept --batch_size for --batch-size."""
    name, separator, value = word.partition("=")
    return name.replace("_", "-") + separator + value if name.startswith("--") else word
