"""Options of the console, and the actions that a command may ask of it, without importing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class ConsoleOptions:
    """How the console is started."""

    runs_dir: Path
    data_dir: str = ""
    readonly: bool = False
    """Whether nothing may be started, stopped, removed or fetched."""
    ascii: bool = False
    """Whether only ASCII characters are drawn."""
    interval: float = 1.0
    """Seconds between two looks at what runs write."""
    theme: str = ""
    """Name of a theme; empty for the default."""


class ConsoleActions(Protocol):
    """What can be asked of a console that has just been opened."""

    def start_run(self, config: Any, own_process: bool = False) -> object:
        """Start a run of a RunConfig and show it."""

    def resume_run(self, run: Any, options: Any) -> None:
        """Take a run, a RunDirectory, up again with ResumeOptions, and show it."""

    def open_run(self, run: Any) -> None:
        """Show a run, a RunDirectory, whoever writes it."""

    def open_gpu(self) -> None:
        """Show the GPUs."""


First = Callable[[ConsoleActions], object]
"""Asks for what is to be opened first."""
OpenConsole = Callable[[ConsoleOptions, First], int]
"""Opens the console; returns its exit code when it is left."""
