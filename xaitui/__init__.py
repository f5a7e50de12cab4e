"""A training console for the terminal: choose, train, watch, leave, come back, compare, explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xaitui.api import load
    from xaitui.version import __version__

__all__ = ["__version__", "load"]

_HOMES = {"__version__": "xaitui.version", "load": "xaitui.api"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `load` needs torch, which most commands do without."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
