"""The console on a terminal that nobody sees, and pictures of what it shows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from rich.segment import Segment
from textual.pilot import Pilot
from textual.screen import ModalScreen

from screenshots.cells import write_png
from xaitui.tui.app import ConsoleApp
from xaitui.tui.widgets.plot import Plot

DEADLINE = 120.0
"""Seconds after which what is waited for is said to never come."""
LOOK_SECONDS = 0.05
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_FONT = "Fira Code"
FONTS = "'DejaVu Sans Mono', Menlo, Consolas"


class Stage:
    """A console that is driven and photographed."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int], folder: Path) -> None:
        self.app, self._pilot, self._folder = app, pilot, folder

    async def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        await self._pilot.press(*keys)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it never came; the message is what the screen shows.
        """
        deadline = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"it never came; the screen shows:\n{self.text}")
            await self._pilot.pause(LOOK_SECONDS)

    async def until_seen(self, *words: str) -> None:
        """Wait until all of some texts are on the screen."""
        await self.until(lambda: all(word in self.text for word in words))

    async def until_drawn(self) -> None:
        """Wait until each plot has curves."""
        await self.until(lambda: all(map(self._is_drawn, self.app.screen.query(Plot))))

    def _is_drawn(self, plot: Plot) -> bool:
        area = plot.region
        rows = self.text.split("\n")[area.y : area.bottom]
        return any("\u2800" < character <= "\u28ff" for row in rows for character in row[area.x : area.right])

    @property
    def is_asking(self) -> bool:
        """Whether a dialog is shown."""
        return isinstance(self.app.screen, ModalScreen) and bool(self.app.screen.query("*"))

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join("".join(segment.text for segment in row) for row in self._rows())

    def _rows(self) -> list[list[Segment]]:
        return [list(strip) for strip in self.app.screen._compositor.render_strips()]

    async def take(self, name: str) -> None:
        """Write the screen as `name`.svg and `name`.png."""
        await self._pilot.pause()
        rows, svg = self._rows(), self.app.export_screenshot(title="xaitui")
        (self._folder / f"{name}.svg").write_text(alone(svg), encoding="utf-8")
        write_png(rows, self.app.size.width, self._folder / f"{name}.png")


def alone(svg: str) -> str:
    """An SVG that fetches nothing: with the fonts of whoever looks at it."""
    return _FONT_FACE.sub("", svg).replace(f'"{_FONT}"', FONTS).replace(_FONT, FONTS)
