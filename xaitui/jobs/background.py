"""Runs in a process and a session of their own, which outlive whoever started them: terminal, console, login.

Such a process is an ordinary `python -m xaitui ...` without a terminal; it shares nothing but the run directory.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from xaitui.config.command_line import arguments
from xaitui.config.resolve import setting_variables
from xaitui.config.schema import RunConfig
from xaitui.runs.directory import RunDirectory
from xaitui.system.helper_process import python_module

RUN_LINE = "run    "
"""What the line begins with in which a command says where its run is."""
HANDOVER_SECONDS = 120.0
"""How long a process that takes over may need to begin: loading torch and the data from a slow disk."""


def start_detached(config: RunConfig, runs_dir: Path) -> subprocess.Popen[bytes]:
    """Start a new run in the background.

    What the process says until the run has a directory comes through its stdout, at last a line ``run    PATH``; then
    it ends. A process that ends without that line could not begin: its last line says why, its exit code of what kind.

    Raises:
        OSError: no process could be started.
    """
    words = ["train", "--headless", "--detached", f"--runs-dir={runs_dir}", *arguments(config)]
    return spawn(words, subprocess.PIPE)


def start_resume(run: RunDirectory, *, max_time: float = 0.0, device: str = "") -> subprocess.Popen[bytes]:
    """Start a process that takes a run up; what it says goes to the run's log.

    Its own model, if it has one, is trusted: whoever hands a run over has been running that code.

    Args:
        max_time: seconds that it may take; 0 is no limit.
        device: another device than the run's own choice.

    Raises:
        OSError: no process could be started, or the log cannot be written.
    """
    words = ["resume", str(run.path), "--headless"]
    words += [f"--max-time={max_time}"] if max_time else []
    words += [f"--device={device}"] if device else []
    words += ["--trust-model"] if run.model_source.exists() else []
    with run.log.open("ab") as log:
        return spawn(words, log)


def spawn(
    words: Sequence[str], output: int | IO[bytes], environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a command of ours in a session of its own.

    Args:
        words: after the program's name.
        output: where its words go.
        environ: variables that it gets besides those of this process.

    Raises:
        OSError: no process could be started.
    """
    return subprocess.Popen(
        [*python_module("xaitui"), *words],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**_environment(os.environ), "PYTHONIOENCODING": "utf-8", **(environ or {})},
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Without variables that are settings: the words say all of them, and a default must not be set anew."""
    settings = environ.keys() & (setting_variables().keys() - {"XAITUI_DATA_DIR"})
    return {name: value for name, value in environ.items() if name not in settings}
