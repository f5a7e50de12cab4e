"""One plot on the whole screen, with a cursor that reads its values."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from xaitui.plotting.axes import Layout, layout, number
from xaitui.plotting.curves import Curves, Source, View, ViewField, figure_of, read_at, smoothed
from xaitui.text import printable
from xaitui.tui.palette import series_colours
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.widgets.plot import Plot

VALUE_CELLS = 9
"""Room for a number below the plot: what stands after it keeps its place."""


class PlotScreen(ConsoleScreen):
    """Curves on the whole screen, looked at again and again while their run goes on."""

    NAME = "plot"

    def __init__(self, title: str, source: Source, view: View | None = None) -> None:
        """Prepare the screen.

        Args:
            title: what the curves are.
            source: gives the curves over an x axis; called once an interval, so it should be cheap.
            view: how they are looked at first.
        """
        super().__init__()
        self._title = title
        self._source = source
        self.view = view or View()
        self.cursor: float | None = None
        """Where the cursor stands, in the units of the curves."""
        self._curves = Curves(())
        self._said = ("", Text())

    def compose_body(self) -> Iterable[Widget]:
        """The plot, and below it what is read at the cursor."""
        yield Plot()
        yield Static(classes="values", markup=False)

    def on_mount(self) -> None:
        """Look at the curves, now and once an interval."""
        self.query_one(Plot).focus()
        self.call_after_refresh(self.look)
        self.set_interval(self.console.options.interval, self._look_if_seen)

    def _look_if_seen(self) -> None:
        if self.is_active:  # what changes below another screen makes Textual send all of that one again
            self.look()

    def look(self) -> None:
        """Show the curves as they are now."""
        self._curves = smoothed(self._source(self.view.x), self.view)
        self._show()

    def action_change_view(self, field: ViewField) -> None:
        """Change the x axis, the smoothing or the scale; a new x axis removes the cursor, whose unit has changed."""
        self.view = self.view.changed(field)
        if field == "x":
            self.cursor = None
        self.look()

    def action_cursor(self, columns: int) -> None:
        """Move the cursor; the first key puts it to the last point."""
        plan = self._plan()
        if plan is not None:
            here = _last(plan) if self.cursor is None else plan.x.cell(self.cursor / plan.scale, plan.columns) + columns
            self._move(plan, here)

    def action_cursor_to(self, end: str) -> None:
        """Put the cursor to the first or the last point."""
        plan = self._plan()
        if plan is not None:
            self._move(plan, 0 if end == "start" else _last(plan))

    def action_enlarge(self) -> None:
        """It is as large as it gets."""

    def _plan(self) -> Layout | None:
        plot = self.query_one(Plot)
        return layout(plot.figure, *plot.size) if plot.figure is not None else None

    def _move(self, plan: Layout, column: int) -> None:
        self.cursor = plan.x.value(min(max(column, 0), _last(plan)), plan.columns) * plan.scale
        self._show()

    def _show(self) -> None:
        plot = self.query_one(Plot)
        figure = figure_of("", self._curves, self.view, plot.size.width, self.plot_cells, self.cursor)
        plot.show(figure)
        words = self.view.describe()
        self._say(printable(self._title + (f": {words}" if words else "")), self._values())

    def _say(self, title: str, values: Text) -> None:
        """Say what is new; widgets are laid out anew, and the screen is sent, only where a length has changed."""
        before, self._said = self._said, (title, values)
        if title != before[0]:
            self.say_title(title)
        if values != before[1]:
            self.query_one(".values", Static).update(values, layout=len(values) != len(before[1]))

    def _values(self) -> Text:
        """The values at the cursor, or the last ones where there is none; what is drawn in its column counts."""
        plan = self._plan()
        unit, scale = (plan.unit, plan.scale) if plan is not None else (str(self.view.x), 1.0)
        place = math.inf
        if plan is not None and self.cursor is not None:
            place = self.cursor + (plan.x.value(1, plan.columns) - plan.x.low) * scale / 2
        at, readings = read_at(self._curves, place)
        colours = series_colours(self.app.theme)
        place_text = number(at / scale) if at is not None else "-"
        text = Text(f"{unit} {place_text:<{VALUE_CELLS}}")
        for reading in readings:
            value = number(reading.value) if reading.value is not None else "-"
            text.append("  ").append(printable(reading.label), style=colours[reading.colour % len(colours)])
            text.append(f" {value:<{VALUE_CELLS}}", style="bold")
        return text


def _last(plan: Layout) -> int:
    """The column of the last point."""
    return plan.x.cell(max(line[-1][0] for line in plan.points if line), plan.columns)
