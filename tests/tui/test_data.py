"""The screen of the datasets, driven by its keys."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable
from textual.worker import WorkerCancelled

from tests.file_server import Answer, serving
from tests.shared_data import shared_file
from tests.tui.console_pilot import open_console, screen_rows, screen_text, until, until_drawn
from xaitui.catalog.datasets import DATASETS
from xaitui.tui.app import ConsoleApp
from xaitui.tui.datasets import card as dataset_card
from xaitui.tui.datasets.card import DatasetCard
from xaitui.tui.datasets.screen import DataScreen
from xaitui.tui.new_run.form import RunForm
from xaitui.tui.new_run.screen import NewRunScreen
from xaitui.tui.runs.screen import RunsScreen
from xaitui.tui.widgets.picture import PictureGrid


class Desk:
    """The screen under a user's hands."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def card(self) -> DatasetCard:
        return self.app.screen.query_one(DatasetCard)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the screen has nothing more to do."""
        nodes = [self.app.screen, *self.app.screen.query(DatasetCard)]
        while working := [each for each in self.app.workers if each.node in nodes]:
            with contextlib.suppress(WorkerCancelled):
                await self.app.workers.wait_for_complete(working)
        await until_drawn(self.app)

    def cells(self, name: str) -> list[str]:
        table: DataTable[str] = self.app.screen.query_one(DataTable)
        return table.get_row(name)

    def shows(self, *texts: str) -> bool:
        seen = " ".join(screen_text(self.app).split())
        return all(text in seen for text in texts)


@asynccontextmanager
async def desk(
    tmp_path: Path, name: str = "", size: tuple[int, int] = (160, 48), **options: Any
) -> AsyncIterator[Desk]:
    async with open_console(tmp_path / "runs", size, **options) as (app, pilot):
        await app.push_screen(DataScreen(name))
        found = Desk(app, pilot)
        await found.settle()
        yield found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own files out of it; return where files go."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dataset_card, "DEBOUNCE", 0.0)
    return tmp_path / "cache" / "xaitui" / "data"


async def test_every_set_is_listed_with_what_of_it_is_here(tmp_path: Path) -> None:
    folder = shared_file("medmnist").parent
    async with desk(tmp_path, data_dir=str(folder)) as seen:
        assert all(seen.cells(name) for name in DATASETS)
        assert seen.cells("digits")[:4] == ["digits", "embedded", "8 px", "multi-class"]
        assert seen.cells("breastmnist")[:4] == ["breastmnist", "here", "28 px", "binary"]
        assert seen.cells("pathmnist")[1] == "not here"
        assert seen.shows("Handwritten digits 8x8")


async def test_the_card_follows_the_cursor_and_shows_pictures_of_each_class(tmp_path: Path) -> None:
    folder = shared_file("mnist").parent
    async with desk(tmp_path, "mnist", data_dir=str(folder)) as seen:
        assert seen.shows("Handwritten digits 28x28", "5,923 980", "training images")
        grid = seen.card.query_one(PictureGrid)
        assert [len(tile.pictures) for tile in grid._tiles] == [4] * 10
        await seen.press("up")
        assert seen.shows("1,797")


async def test_the_next_size_is_a_key_away(tmp_path: Path) -> None:
    async with desk(tmp_path, "pathmnist") as seen:
        for size in ("64", "128", "224", "28"):
            await seen.press("s")
            assert seen.cells("pathmnist")[2] == f"{size} px"
            assert seen.shows(f"{size} x {size} px", f"xaitui data get pathmnist --size {size}")


async def test_a_set_is_chosen_for_a_new_run(tmp_path: Path) -> None:
    async with desk(tmp_path, "pathmnist", data_dir=str(tmp_path)) as seen:
        await seen.press("s", "enter")
        await until(seen.app, lambda: isinstance(seen.app.screen, NewRunScreen))
        await until(seen.app, lambda: seen.app.screen.query(RunForm))
        data = seen.app.screen.query_one(RunForm).form.draft.data
        assert (data.dataset, data.size, data.data_dir) == ("pathmnist", 64, str(tmp_path))


async def test_a_set_is_downloaded_and_verified(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = shared_file("medmnist", "breastmnist.npz").read_bytes()
    with serving() as server:
        info = DATASETS["breastmnist"]
        remote = replace(info.files[28][0], urls=(server.serve("/b", Answer(body)),))
        monkeypatch.setitem(DATASETS, "breastmnist", replace(info, files={28: (remote,)}))
        async with desk(tmp_path, "breastmnist") as seen:
            await seen.press("f")
            assert seen.shows("breastmnist is here and verified", "Breast ultrasound")
            assert seen.cells("breastmnist")[1] == "verified"
            (home / "breastmnist.npz").write_bytes(b"x" * len(body))
            await seen.press("v")
            assert seen.cells("breastmnist")[1] == "damaged"
            assert seen.shows("damaged, or not what was published")


async def test_the_key_that_starts_a_download_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = shared_file("medmnist", "breastmnist.npz").read_bytes()
    with serving() as server:
        info = DATASETS["breastmnist"]
        remote = replace(info.files[28][0], urls=(server.serve("/b", Answer(body, break_after=100_000)),))
        monkeypatch.setitem(DATASETS, "breastmnist", replace(info, files={28: (remote,)}))
        async with desk(tmp_path, "breastmnist") as seen:
            await seen.pilot.press("f")
            await until(seen.app, lambda: seen.shows("fetching breastmnist.npz"))
            await seen.press("f")
            assert seen.shows("stopped; what came is kept")
            assert seen.cells("breastmnist")[1] == "partial"


async def test_nothing_is_changed_where_one_may_only_look(tmp_path: Path, home: Path) -> None:
    async with desk(tmp_path, "digits", readonly=True) as seen:
        await seen.press("f", "v", "enter")
        assert isinstance(seen.app.screen, DataScreen)
        assert not seen.card.busy
        assert not home.exists()
        assert "download" not in screen_rows(seen.app)[-1]


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
async def test_a_small_terminal_has_everything(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, "digits", size) as seen:
        rows = screen_rows(seen.app)
        assert len(rows) == size[1]
        assert seen.shows("digits", "embedded", "Handwritten digits 8x8", "download", "verify", "size")
        await seen.press("tab")
        assert seen.app.focused is seen.card
        await seen.press("end")
        assert any("@" in row for row in screen_rows(seen.app)), "the pictures are reached"
        await seen.press("escape")
        assert isinstance(seen.app.screen, RunsScreen)


@pytest.mark.parametrize("place", ["~nobody-here/data", "\x1b[31m"])
async def test_a_folder_that_cannot_be_is_told(tmp_path: Path, place: str) -> None:
    async with desk(tmp_path, "mnist", data_dir=place) as seen:
        assert "\x1b" not in screen_text(seen.app)
        assert seen.shows("there is no home of that user" if place.startswith("~") else "not here")
