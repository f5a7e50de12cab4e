"""The card of a dataset: facts, counts, images, and their augmented versions."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from xaitui.errors import XaituiError
from xaitui.text import listed, printable
from xaitui.tui.datasets.class_bars import ClassBars
from xaitui.tui.datasets.download import StoppedTransferError, Transfer, TransferLine
from xaitui.tui.palette import MUTED
from xaitui.tui.threads import in_thread, work
from xaitui.tui.widgets.facts import Fact, Facts, problem
from xaitui.tui.widgets.picture import PictureGrid, Pixels, Tile

if TYPE_CHECKING:
    from xaitui.catalog.records import DatasetInfo
    from xaitui.config.schema import DataConfig, RunConfig
    from xaitui.data.preview import Preview
    from xaitui.tui.datasets.preview import Look

DEBOUNCE = 0.3
"""Seconds that a configuration must stand before anything is read for it."""


class DatasetCard(VerticalScroll):
    """The dataset of a configuration; it brings the set here when asked."""

    class Changed(Message):
        """What is here of the set may have changed: a download or a check is over."""

    def __init__(
        self, *, per_class: int = 1, augments: bool = True, id: str | None = None, classes: str | None = None
    ) -> None:
        """Make an empty card.

        Args:
            per_class: pictures of each class.
            augments: whether augmented pictures stand beside the first one of each class.
            id: Textual's.
            classes: Textual's.
        """
        super().__init__(id=id, classes=classes)
        self._per_class = per_class
        self._augments = augments
        self._config: RunConfig | None = None
        self._look: Look | None = None
        """What was read for `_config.data`; None while it has to be."""
        self._transfer: Transfer | None = None

    def compose(self) -> ComposeResult:
        """Facts, the progress of a transfer, counts, pictures."""
        yield Facts(label_width=9)
        yield TransferLine()
        yield ClassBars()
        yield Static(classes="pictures", markup=False)
        yield PictureGrid(side=24)

    def show(self, config: RunConfig) -> None:
        """Show the dataset of a configuration, once it has stood for a moment."""
        before, self._config = self._config, config
        if before is not None and before.data != config.data:
            self.cancel()
            self._look = None
        if before is None or _seen_of(before) != _seen_of(config):
            self._show(config)

    def fetch(self) -> None:
        """Download and verify the set, showing how far that is."""
        self._begin("fetch")

    def verify(self) -> None:
        """Read the files of the set and compare their MD5, showing how far that is."""
        self._begin("verify")

    def cancel(self) -> bool:
        """Stop a download or a check that is going on; say whether there was one."""
        if self._transfer is None:
            return False
        self._transfer.stop()
        return True

    @property
    def busy(self) -> bool:
        """Whether a download or a check is going on."""
        return self._transfer is not None

    def on_unmount(self) -> None:
        """Nothing goes on behind a screen that has been left."""
        self.cancel()

    # -- what is shown

    @work(exclusive=True, group="dataset-card")
    async def _show(self, config: RunConfig) -> None:
        from xaitui.tui.datasets.preview import look

        await asyncio.sleep(DEBOUNCE)
        if self._look is None:
            self._look = await in_thread(look, config.data, self._per_class)
        found = self._look
        self.query_one(Facts).show(*_facts(found, config))
        bars = self.query_one(ClassBars)
        if found.preview is None:
            bars.show((), {})
            self._show_pictures("")
            return
        bars.show(found.preview.info.classes, found.preview.counts)
        if self._augments and any(config.augmentation.model_dump().values()):
            await self._show_augmented(found.preview, config)
        else:
            self._show_pictures("training images", _tiles(found.preview))

    async def _show_augmented(self, seen: Preview, config: RunConfig) -> None:
        from xaitui.tui.datasets.preview import VARIANTS, augmented_samples

        if "torch" not in sys.modules:
            self._show_pictures("training images; loading torch...", _tiles(seen))
        try:
            variants = await in_thread(augmented_samples, seen, config)
        except XaituiError as error:
            self._show_pictures(str(error), _tiles(seen), style="$text-error")
        else:
            words = f"a training image, and {VARIANTS} times as training sees it"
            self._show_pictures(words, _tiles(seen, variants))

    def _show_pictures(self, words: str, tiles: Sequence[Tile] = (), style: str = MUTED) -> None:
        self.query_one(".pictures", Static).update(Content.styled(printable(words), style))
        self.query_one(PictureGrid).show(tiles)

    # -- what is brought

    def _begin(self, job: str) -> None:
        if self._config is not None and self._transfer is None:
            self._transfer = Transfer()
            self._carry_out(job, self._config.data, self._transfer)

    @work(group="transfer")
    async def _carry_out(self, job: str, data: DataConfig, transfer: Transfer) -> None:
        from xaitui.tui.datasets.preview import fetch, verify

        line = self.query_one(TransferLine)
        line.follow(transfer)
        try:
            told = await in_thread({"fetch": fetch, "verify": verify}[job], data, transfer)
        except StoppedTransferError:
            line.end("stopped; what came is kept, and gone on with the next time", "$text-warning")
        except (XaituiError, OSError) as error:
            line.end(str(error), "$text-error")
        else:
            line.end(told, "$text-success")
        self._transfer, self._look = None, None
        if self._config is not None:
            self._show(self._config)
        self.post_message(self.Changed())


def _tiles(seen: Preview, variants: Sequence[Sequence[Pixels]] = ()) -> list[Tile]:
    """A tile for each class: its pictures, or the first of them and its variants."""
    if not variants:
        return [Tile(name, list(pictures)) for name, pictures in zip(seen.info.classes, seen.samples, strict=True)]
    return [
        Tile(name, [*pictures[:1], *others])
        for name, pictures, others in zip(seen.info.classes, seen.samples, variants, strict=True)
    ]


def _seen_of(config: RunConfig) -> tuple[object, ...]:
    """What of a configuration the card depends on."""
    return config.data, config.augmentation, config.training.seed


def _facts(found: Look, config: RunConfig) -> Iterator[Fact]:
    if found.info is not None:
        yield Fact("", found.info.title, "bold")
        yield from _known(found.info, found.size)
        yield Fact("splits", _splits(found.info, config.data))
    if found.files:
        yield Fact("files", found.files)
    if found.problem:
        yield problem(found.problem)
    if found.info is not None and found.preview is None:
        yield Fact("classes", listed(found.info.classes, 20))
    if found.preview is not None:
        yield from (Fact("note", note) for note in found.preview.notes)


def _known(info: DatasetInfo, size: int) -> Iterator[Fact]:
    """What the catalog says of a set."""
    channels = "grey" if info.channels == 1 else f"{info.channels} channels"
    others = ", ".join(str(other) for other in info.sizes if other != size)
    yield Fact("task", f"{info.task}, {len(info.classes)} classes")
    yield Fact("images", f"{size} x {size} px{f' (also {others})' if others else ''}, {channels}")
    if info.licence:
        yield Fact("licence", info.licence)
    if info.mirror_reason:
        yield Fact("flips", f"none: {info.mirror_reason}")
    if info.test_note:
        yield Fact("test", info.test_note)


def _splits(info: DatasetInfo, data: DataConfig) -> str:
    train, val, test = info.counts
    part = f" (of which {data.fraction:.0%} are used)" if data.fraction < 1 else ""
    held = [f"val {val:,}" if val else f"val cut from train ({data.val_fraction:.0%})"]
    held.append(f"test {test:,}" if test else "test cut from train")
    return f"train {train:,}{part}, {', '.join(held)}"
