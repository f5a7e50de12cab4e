"""The text of a card: labels and what is known, a line each, or as many as the width asks for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from xaitui.text import printable
from xaitui.tui.palette import MUTED


@dataclass(frozen=True)
class Fact:
    """A line of a card; nothing in it is interpreted."""

    label: str
    """Empty for a line of its own."""
    text: str
    style: str = ""
    bar: str = ""
    """Drawn after the text, which then stays on its line."""


class Facts(Widget):
    """Facts under each other; what is too long goes on below itself, beside the labels."""

    def __init__(self, label_width: int) -> None:
        super().__init__()
        self._label_width = label_width
        self._facts: Sequence[Fact] = ()

    def show(self, *facts: Fact) -> None:
        """Show other facts."""
        self._facts = facts
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the facts need at this width."""
        return sum(1 for fact in self._facts for _ in self._lines(fact, width))

    def render(self) -> Content:
        """All lines."""
        return Content("\n").join(line for fact in self._facts for line in self._lines(fact, self.size.width))

    def _lines(self, fact: Fact, width: int) -> Iterator[Content]:
        room = max(8, width - (self._label_width if fact.label else 0))
        label = f"{printable(fact.label):<{self._label_width}}" if fact.label else ""
        texts = [fact.text] if fact.bar else textwrap.wrap(printable(fact.text), room) or [""]
        for text in texts:
            yield Content.assemble((label, MUTED), (text, fact.style), (fact.bar, "$primary"))
            label = " " * len(label)


def problem(text: object) -> Fact:
    """Why there is nothing to be seen."""
    return Fact("", str(text), "$text-error")


def bar(share: float, width: int, *, plain: bool) -> str:
    """A bar of `width` cells that is filled to a share of 0 to 1; what is not nothing is seen."""
    halves = max(round(share * width * 2), 1 if share > 0 else 0)
    if plain:
        return ("=" * -(-halves // 2)).ljust(width)
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(width)
