"""Drawing outside the console: a process of its own is asked, so that neither keys nor training wait for a plot."""

from __future__ import annotations

from collections.abc import Sequence

from xaitui.plotting.figure import Drawing, Figure, one_row, to_wire
from xaitui.system.helper_process import HelperProcess, NoAnswerError, python_module

COMMAND = python_module("xaitui.plotting.process")
PATIENCE = 30.0
"""Seconds after which an answer no longer comes; the first one waits for Python to start, on a machine that trains."""


class Drawer:
    """Draws figures in a process that starts with the first of them, and again after it broke down.

    plotext draws in a few milliseconds, but in Python, and Python that runs here keeps a training thread from running.
    And it cannot end the console: its kernel is C++ that ends its own process where memory or a value is beyond it.
    """

    def __init__(self, command: Sequence[str] = COMMAND, patience: float = PATIENCE) -> None:
        self._process = HelperProcess(command, "drawing", patience)

    async def draw(self, figure: Figure, width: int, height: int) -> Drawing:
        """Draw a figure in at most `height` rows of exactly `width` cells, after those that were asked for before.

        It raises nothing: a drawing that the process did not survive is one row that says so.
        """
        try:
            answer = await self._process.ask({"figure": to_wire(figure), "width": width, "height": height})
        except NoAnswerError as error:
            return [] if self._process.closed else one_row(f"plot: {error}", width)
        return [[(text, colour) for text, colour in row] for row in answer["rows"]]

    async def close(self) -> None:
        """End the process; what is being drawn comes to nothing."""
        await self._process.close()
