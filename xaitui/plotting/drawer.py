"""Drawing of plots in a helper process, so that neither the keyboard nor training waits for a plot."""

from __future__ import annotations

from collections.abc import Sequence

from xaitui.plotting.figure import Drawing, Figure, one_row, to_wire
from xaitui.system.helper_process import HelperProcess, NoAnswerError, python_module

COMMAND = python_module("xaitui.plotting.process")
PATIENCE = 30.0
"""Seconds to wait for a drawing; the first one includes the start of Python on a busy machine."""


class Drawer:
    """Draws figures in a process that starts with the first figure, and again after a crash.

    plotext draws in a few milliseconds, but in Python code, which would block a training thread in this process. Its
    C++ kernel may also abort its process, for lack of memory or at an extreme value, which must not end the console.
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
