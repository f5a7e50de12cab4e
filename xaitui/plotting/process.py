"""Helper process that draws plots: reads one figure per line and writes its rows, until the pipe is closed.

It loads only the standard library and plotext.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaitui.plotting.draw import draw
from xaitui.plotting.figure import from_wire
from xaitui.system.helper_process import Say, serve


def answer(question: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The rows of a figure in so many cells."""
    del say
    return {"rows": draw(from_wire(question["figure"]), question["width"], question["height"])}


if __name__ == "__main__":
    serve(answer)
