"""Processes of ours beside this one."""

from __future__ import annotations

import sys


def python_module(module: str) -> tuple[str, ...]:
    """The words that start a module of ours with this Python.

    -P: what lies in the folder in which the user happens to stand (a `torch.py` beside the data) is not to be imported.
    """
    return sys.executable, "-P", "-m", module
