"""One image and what a model says of it: the picture as large as there is room for, and its probabilities as bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from xaitui.text import printable
from xaitui.tui.palette import MUTED
from xaitui.tui.widgets.facts import bar
from xaitui.tui.widgets.picture import Pixels, fit, is_plain, strips

_PERCENT = 7
"""Cells of `` 100.0%``."""
_LONGEST = 40
"""Cells of the longest bar."""


class SamplePicture(Widget):
    """One picture, as large as fits into both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels: Pixels | None = None
        """What is shown, (H, W, C)."""
        self._strips: list[Strip] | None = None

    def show(self, pixels: Pixels | None) -> None:
        """Show another picture (H, W, C), or none."""
        self.pixels, self._strips = pixels, None
        self.refresh()

    def on_resize(self) -> None:
        """Fit it anew."""
        self._strips = None

    def render_line(self, y: int) -> Strip:
        """A row of the picture, on the colours of the widget."""
        width, height = self.size
        if self._strips is None:
            self._strips = self._draw(min(width, 2 * height))
        row = self._strips[y] if y < len(self._strips) else Strip([])
        return row.adjust_cell_length(width, Style()).apply_style(self.rich_style)

    def _draw(self, side: int) -> list[Strip]:
        if self.pixels is None or side < 1:
            return []
        return strips(fit(self.pixels, side), plain=is_plain(self.app))


class ProbabilityBars(Widget):
    """The most probable classes and the true one, the most probable first, as many as there are rows for."""

    def __init__(self) -> None:
        super().__init__()
        self._probabilities: NDArray[np.float32] = np.zeros(0, np.float32)
        self._names: Sequence[str] = ()
        self._label = 0

    def show(self, probabilities: NDArray[np.float32], names: Sequence[str], label: int) -> None:
        """Show the probabilities (C,) of an image of class `label`."""
        self._probabilities, self._label = probabilities, label
        self._names = [printable(name) for name in names]
        self.refresh()

    def render(self) -> Content:
        """The rows, at the size there is."""
        width, height = self.size
        if not len(self._probabilities) or height < 1:
            return Content("")
        order = np.argsort(-self._probabilities, kind="stable").tolist()
        chosen = order[:height]
        if self._label not in chosen:
            chosen[-1] = self._label
        name_width = min(max(map(cell_len, self._names)), max(8, width // 3))
        room = max(0, min(_LONGEST, width - name_width - _PERCENT - 3))
        return Content("\n").join(
            self._row(index, name_width, room, is_predicted=index == order[0]) for index in chosen
        )

    def _row(self, index: int, name_width: int, room: int, *, is_predicted: bool) -> Content:
        share = float(self._probabilities[index])
        is_true = index == self._label
        tone = "$text-success" if is_true else "$text-error" if is_predicted else MUTED
        drawn = bar(share, room, plain=is_plain(self.app))
        sign = "* " if is_true else "  "
        name = set_cell_size(self._names[index], name_width)
        return Content.assemble(sign, (name, tone), " ", (drawn, tone), f"{share:>{_PERCENT}.1%}")


class SampleView(Vertical):
    """The picture, a few lines about it, and its probabilities."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield SamplePicture()
        yield Static(classes="facts", markup=False)
        yield ProbabilityBars()

    def say(self, *lines: Content) -> None:
        """Say something of the image."""
        self.query_one(".facts", Static).update(Content("\n").join(lines))

    @property
    def picture(self) -> SamplePicture:
        """The picture."""
        return self.query_one(SamplePicture)

    @property
    def bars(self) -> ProbabilityBars:
        """The probabilities."""
        return self.query_one(ProbabilityBars)
