"""Panel of the GPUs, or of the processors where there is none; drawn again with each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.widget import Widget

from xaitui.tui.gpu.rows import ASCII, BLOCKS, rows
from xaitui.tui.palette import MUTED

if TYPE_CHECKING:
    from xaitui.hardware.sample import Sample
    from xaitui.tui.console import Console

LOOK_SECONDS = 0.5
"""Less than between two samples, so that none is seen much later than it was taken."""


class GpuPanel(Widget):
    """Every device with its history, in as many rows as there is room for."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._drawn: Sample | None = None

    def on_mount(self) -> None:
        """Begin to look for new samples."""
        self.set_interval(LOOK_SECONDS, self.look)
        self.look()

    def look(self) -> None:
        """Draw the newest sample, unless it is drawn already."""
        latest = self._console_app.sampler.latest
        if latest is not self._drawn:
            self._drawn = latest
            self.refresh()

    def render(self) -> Content:
        """The rows, for the size at hand."""
        history = self._console_app.sampler.history
        if not history:
            return Content.styled("reading the devices", MUTED)
        cells = ASCII if self._console_app.options.ascii else BLOCKS
        return Content("\n").join(rows(history, self.size.width, self.size.height, cells))

    @property
    def _console_app(self) -> Console:
        return cast("Console", self.app)
