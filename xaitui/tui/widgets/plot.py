"""A plot as a widget: it shows what the drawing process made of a figure, and repaints only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from xaitui.plotting.figure import AXIS, CURSOR, MARK, Drawing, Figure, Span
from xaitui.tui.palette import series_colours
from xaitui.tui.threads import work

if TYPE_CHECKING:
    from xaitui.tui.console import Console

PARTS = {AXIS: "plot--frame", MARK: "plot--mark", CURSOR: "plot--cursor"}


class Plot(Widget, can_focus=True):
    """Shows a figure in the whole of its place; its title is reversed while it has the focus."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(PARTS.values())
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "enlarge", "enlarge", show=False)]

    class Opened(Message):
        """Somebody wants to see this plot on the whole screen."""

        def __init__(self, plot: Plot) -> None:
            self.plot = plot
            super().__init__()

        @property
        def control(self) -> Plot:
            """The plot, for handlers that name it."""
            return self.plot

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.figure: Figure | None = None
        """What was last asked for; it may not be drawn yet."""
        self._rows: Drawing = []
        self._styles: dict[int, Style] = {}
        """Of each part of a drawing and each line; made anew where there are none."""
        self._strips: dict[int, Strip] = {}
        """The rows that were rendered, as long as neither they nor the styles change."""
        self._wanted = False
        self._busy = False
        self._sized = Size()
        """The size that was last drawn for, or is being drawn for."""

    @property
    def drawn_rows(self) -> Drawing:
        """What is seen now, which may be of an earlier figure."""
        return self._rows

    def show(self, figure: Figure) -> None:
        """Draw a figure soon. It costs nothing where it is the one shown; of several in a row the last one is drawn."""
        if figure != self.figure:
            self.figure = figure
            self._request()

    def on_mount(self) -> None:
        """Take the colours of another theme when one is chosen."""
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._restyle())

    def on_resize(self) -> None:
        """Draw for the new size; until then the old drawing is seen, cut or padded."""
        self._strips.clear()
        self._request()

    def on_focus(self) -> None:
        """Show that keys come here."""
        self._restyle()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self._restyle()

    def action_enlarge(self) -> None:
        """Ask for the whole screen."""
        self.post_message(self.Opened(self))

    def render_line(self, y: int) -> Strip:
        """A row of the drawing; below the last one, nothing."""
        if not self._busy and (self._wanted or self._sized != self.size):  # another padding: no Resize tells of it
            self._strips.clear()
            self._request()
        if y not in self._strips:
            self._strips[y] = self._strip(y)
        return self._strips[y]

    def _request(self) -> None:
        self._wanted = True
        if not self._busy and self.is_attached:
            self._busy = True
            self._draw()

    @work(group="plot")
    async def _draw(self) -> None:
        drawer = cast("Console", self.app).drawer
        try:
            while self._wanted and self.figure is not None and self.size:
                self._wanted = False
                self._sized = self.size
                self._put(await drawer.draw(self.figure, *self._sized))
        finally:
            self._busy = False

    def _put(self, rows: Drawing) -> None:
        """Take a new drawing and repaint the cells in which it differs from the one before."""
        count = max(len(self._rows), len(rows))
        before, after = ([*drawing, *[[]] * (count - len(drawing))] for drawing in (self._rows, rows))
        changed = [y for y in range(count) if before[y] != after[y]]
        self._rows = rows
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(_difference(y, before[y], after[y], self.size.width) for y in changed))

    def _restyle(self) -> None:
        self._styles.clear()
        self._strips.clear()
        self.refresh()

    def _strip(self, y: int) -> Strip:
        """A row as Textual shows it; each segment has a style, for without colours it is read."""
        width = self.size.width
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        strip = Strip([Segment(text, self._style(part)) for text, part in self._rows[y]])
        if y == 0 and self.has_focus and self.figure is not None:
            title = cell_len(self.figure.title)
            strip = Strip.join([strip.crop(0, title).apply_style(Style(reverse=True)), strip.crop(title)])
        return strip.adjust_cell_length(width, self.rich_style)

    def _style(self, part: int) -> Style:
        """The style of a part of the frame, or of a line by its number."""
        if part not in self._styles:
            colours = series_colours(self.app.theme)
            self._styles[part] = (
                self.get_component_rich_style(PARTS[part])
                if part in PARTS
                else self.rich_style + Style(color=colours[part % len(colours)])
            )
        return self._styles[part]


def _difference(y: int, old: list[Span], new: list[Span], width: int) -> Region:
    """Where a row differs, from the first to the last cell; the first row, whose characters may be wide, as a whole."""
    if y == 0 or not old or not new:
        return Region(0, y, width, 1)
    left = _alike(old, new)
    right = _alike(_reversed(old), _reversed(new))
    return Region(left, y, max(width - left - right, 1), 1)


def _alike(old: list[Span], new: list[Span]) -> int:
    """How many cells, from the left, are certainly the same; a blank shows no colour."""
    cells = 0
    for (before, colour), (after, new_colour) in zip(old, new, strict=False):
        if colour != new_colour:
            return cells + min(_blanks(before), _blanks(after))
        if before != after:
            pairs = enumerate(zip(before, after, strict=False))
            return cells + next((at for at, (a, b) in pairs if a != b), min(len(before), len(after)))
        cells += len(before)
    return cells


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _reversed(row: list[Span]) -> list[Span]:
    return [(text[::-1], colour) for text, colour in reversed(row)]
