"""The datasets of the catalog: what of them is here, and what their images look like."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable

from xaitui.catalog.datasets import DATASETS
from xaitui.config.units import format_size
from xaitui.errors import XaituiError
from xaitui.text import printable
from xaitui.tui.datasets.card import DatasetCard
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.threads import in_thread, work

if TYPE_CHECKING:
    from xaitui.catalog.records import DatasetInfo
    from xaitui.config.schema import RunConfig

_COLUMNS = ("set", "files", "size", "task", "classes", "images", "pixels")
_FILES_WIDTH = 8
"""Room for any state of files, which is known later than the rest of a row: no column moves when it comes."""
_SHORT_TASKS = {"binary-class": "binary", "ordinal-regression": "ordinal"}
_WIDE = 120
"""Columns from which on the card stands beside the table, not below it."""
_PER_CLASS = 4


class DataScreen(ConsoleScreen):
    """The catalog as a table, and a card of the set under the cursor."""

    NAME: ClassVar = "data"

    def __init__(self, name: str = "") -> None:
        """Open the screen; the cursor goes to the set `name`, if it is one of the catalog."""
        super().__init__()
        self._first = name if name in DATASETS else next(iter(DATASETS))
        self._chosen_sizes = {info.name: info.sizes[0] for info in DATASETS.values()}

    def compose_body(self) -> Iterable[Widget]:
        """Table and card."""
        yield DataTable[str](cursor_type="row", zebra_stripes=True)
        yield DatasetCard(per_class=_PER_CLASS, augments=False)

    def on_mount(self) -> None:
        """Fill the table."""
        place = self.console.options.data_dir or os.environ.get("XAITUI_DATA_DIR", "")
        self.say_title("datasets" + (f" in {printable(place)}" if place else ""))
        table = self._table
        for label in _COLUMNS:
            table.add_column(label, key=label, width=_FILES_WIDTH if label == "files" else None)
        for info in DATASETS.values():
            table.add_row(*_row(info, self._chosen_sizes[info.name]), key=info.name)
        table.move_cursor(row=list(DATASETS).index(self._first))
        table.focus()
        self._read_states()

    def on_resize(self, event: Resize) -> None:
        """Put the card where there is room."""
        super().on_resize(event)
        self.set_class(event.size.width >= _WIDE, "-wide")

    @property
    def _table(self) -> DataTable[str]:
        return self.query_one(DataTable)

    @property
    def _card(self) -> DatasetCard:
        return self.query_one(DatasetCard)

    @property
    def _info(self) -> DatasetInfo:
        """The set under the cursor."""
        return list(DATASETS.values())[self._table.cursor_row]

    def _config(self) -> RunConfig:
        """A run on the set under the cursor, at the chosen size."""
        from xaitui.config.resolve import build_config

        info = self._info
        size = self._chosen_sizes[info.name]
        chosen = {"data.size": size} if size != info.sizes[0] else {}
        place = {"data.data_dir": self.console.options.data_dir} if self.console.options.data_dir else {}
        return build_config({"data.dataset": info.name} | chosen | place)

    def back(self) -> bool:
        """Stop a download or a check first; what came of it is kept."""
        return self._card.cancel()

    @on(DataTable.RowHighlighted)
    def _show_card(self) -> None:
        self._card.show(self._config())

    @on(DatasetCard.Changed)
    @work(exclusive=True, group="states")
    async def _read_states(self) -> None:
        """Say of each set what is here; asked in a thread, for a shared disk may take its time."""
        try:
            states = await in_thread(_states, dict(self._chosen_sizes), self.console.options.data_dir)
        except (XaituiError, OSError) as error:
            self.console.tell(printable(error), "error")
            return
        for name, state in states.items():
            self._table.update_cell(name, "files", state, update_width=True)

    # -- commands

    def action_choose(self) -> None:
        """Set up a run on this set."""
        self.console.open("new", self._config())

    @on(DataTable.RowSelected)
    async def _choose(self) -> None:
        await self.run_action("choose")

    def action_fetch(self) -> None:
        """Download it; again, to stop that."""
        if not self._card.cancel():
            self._card.fetch()

    def action_verify(self) -> None:
        """Compare its MD5; again, to stop that."""
        if not self._card.cancel():
            self._card.verify()

    def action_next_size(self) -> None:
        """Take the next image size."""
        info = self._info
        at = info.sizes.index(self._chosen_sizes[info.name])
        size = info.sizes[(at + 1) % len(info.sizes)]
        self._chosen_sizes[info.name] = size
        for label, text in zip(_COLUMNS, _row(info, size), strict=True):
            self._table.update_cell(info.name, label, text, update_width=True)
        self._card.show(self._config())
        self._read_states()


def _row(info: DatasetInfo, size: int) -> tuple[str, ...]:
    task = info.task.split(",")[0]
    images = sum(info.counts)
    pixels = format_size(images * size * size * info.channels)
    return (info.name, "", f"{size} px", _SHORT_TASKS.get(task, task), str(len(info.classes)), f"{images:,}", pixels)


def _states(sizes: dict[str, int], data_dir: str) -> dict[str, str]:
    from xaitui.data.verify import set_status

    return {name: str(set_status(DATASETS[name], size, data_dir)[0]) for name, size in sizes.items()}
