"""Leaving the console: what becomes of the run that is going on in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xaitui.tui.app import Console


def leave(console: Console) -> None:
    """Leave at once where nothing is going on in this console, else after a question."""
    console.exit(0)
