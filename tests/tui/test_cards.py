"""The cards of a dataset and of a model, on a screen of their own."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from rich.color import Color
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import WorkerCancelled

from tests.file_server import Answer, FileServer, serving
from tests.shared_data import shared_file
from tests.tui.console_pilot import open_console, screen_text, until, until_drawn
from xaitui.catalog.datasets import DATASETS
from xaitui.config.resolve import build_config
from xaitui.config.schema import RunConfig
from xaitui.tui.app import ConsoleApp
from xaitui.tui.datasets import card as dataset_card
from xaitui.tui.datasets.card import DatasetCard
from xaitui.tui.datasets.class_bars import ClassBars
from xaitui.tui.datasets.download import Progress, StoppedTransferError, Transfer, describe
from xaitui.tui.new_run import model_card
from xaitui.tui.new_run.model_card import ModelCard
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.widgets.facts import Facts, bar
from xaitui.tui.widgets.picture import RAMP, UPPER_HALF, Arrangement, Picture, PictureGrid, Tile, fit, strips

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(*rows: Iterable[tuple[int, int, int]]) -> np.ndarray:
    return np.array([list(row) for row in rows], np.uint8)


# -- pictures


def test_two_pixels_share_a_cell() -> None:
    (row,) = strips(picture([RED, RED, BLUE], [BLUE, BLUE, RED]), plain=False)
    assert row.text == UPPER_HALF * 3
    (same, other) = list(row)
    assert (same.text, other.text) == (UPPER_HALF * 2, UPPER_HALF)
    assert same.style is not None
    assert (same.style.color, same.style.bgcolor) == (Color.from_rgb(*RED), Color.from_rgb(*BLUE))


def test_colours_are_coarse_so_that_few_styles_are_made() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    styles = {part.style for row in strips(noise, plain=False) for part in row}
    colours = [style.color.triplet for style in styles if style and style.color and style.color.triplet]
    assert {len(set(channel)) for channel in zip(*colours, strict=True)} == {16}
    (row,) = strips(np.full((2, 1, 3), 255, np.uint8), plain=False)
    assert next(iter(row)).style.color == Color.from_rgb(255, 255, 255)  # type: ignore[union-attr]


def test_without_colours_brightness_is_a_character() -> None:
    ramp = np.linspace(0, 255, len(RAMP)).astype(np.uint8)
    grey = np.broadcast_to(ramp[None, :, None], (3, len(RAMP), 3))
    dark, _ = strips(np.ascontiguousarray(grey), plain=True)
    assert dark.text == RAMP


def test_a_picture_is_enlarged_by_whole_factors_and_shrunk_by_what_it_covers() -> None:
    small = np.array([[[0], [255]]], np.uint8)
    assert fit(small, 7)[:, :, 0].tolist() == [[0, 0, 0, 255, 255, 255]] * 3
    large = np.tile(np.array([[[0], [255]]], np.uint8), (8, 4, 1))
    assert set(fit(large, 4).ravel().tolist()) <= {127, 128}


def arrange(tiles: Sequence[Tile], width: int, side: int, *, plain: bool) -> list[Strip]:
    """All lines of an arrangement."""
    arrangement = Arrangement(tiles, width, side, plain=plain)
    return [arrangement.line(y) for y in range(arrangement.height)]


@pytest.mark.parametrize("width", [1, 2, 9, 30, 200])
def test_a_grid_fits_the_width_whatever_it_holds(width: int) -> None:
    one, two = np.zeros((28, 28, 1), np.uint8), np.full((12, 20, 3), 200, np.uint8)
    tiles = [Tile("a class with a long name", [one, two]), Tile("\x1b[31m", []), Tile("c", [two])]
    for plain in (False, True):
        rows = arrange(tiles, width, 28, plain=plain)
        assert {row.cell_length for row in rows} == {width}
        assert "\x1b" not in "".join(row.text for row in rows)
    assert arrange([], width, 28, plain=True) == []


def test_tiles_stand_beside_each_other_while_there_is_room() -> None:
    tiles = [Tile(str(index), [np.zeros((8, 8, 1), np.uint8)]) for index in range(4)]
    wide, narrow = (arrange(tiles, width, 8, plain=True) for width in (35, 17))
    assert (len(wide), len(narrow)) == (1 + 4, 2 * (1 + 4))
    assert wide[0].text.split() == ["0", "1", "2", "3"]


def test_a_bar_is_as_long_as_its_share() -> None:
    assert [bar(share, 4, plain=True) for share in (0, 0.01, 0.5, 1)] == ["    ", "=   ", "==  ", "===="]
    assert [bar(share, 4, plain=False) for share in (0, 0.01, 0.4, 1)] == ["    ", "╸   ", "━╸  ", "━━━━"]


# -- transfers


def test_how_far_a_transfer_is_fits_the_width() -> None:
    halfway = Progress("fetching x.npz", 5 << 20, 10 << 20, 1 << 20)
    assert describe(halfway, 73, plain=True).splitlines() == [
        "fetching x.npz",
        "###############---------------  5.0 MiB of 10.0 MiB, 1.0 MiB/s, 5.0s left",
    ]
    for width in (0, 20, 60, 200):
        bars = describe(halfway, width, plain=False).splitlines()[1]
        assert bars.endswith("5.0 MiB of 10.0 MiB, 1.0 MiB/s, 5.0s left")
    assert describe(Progress("fetching x.npz", 5 << 20), 80, plain=True).endswith("  5.0 MiB")


def test_a_transfer_that_is_stopped_raises_where_it_reports() -> None:
    transfer = Transfer()
    with transfer.progress("fetching x.npz") as report:
        report(1, 10)
        assert (transfer.now.done, transfer.now.total) == (1, 10)
        transfer.stop()
        with pytest.raises(StoppedTransferError):
            report(2, 10)
    for rest in (lambda: transfer.pause(60.0), lambda: transfer.progress("fetching y.npz").__enter__()):
        with pytest.raises(StoppedTransferError):
            rest()


# -- the cards


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody types between two configurations here."""
    for card in (dataset_card, model_card):
        monkeypatch.setattr(card, "DEBOUNCE", 0.0)


class CardScreen(ConsoleScreen):
    """Both cards under each other."""

    NAME: ClassVar = "gpu"

    def compose_body(self) -> Iterable[Widget]:
        yield DatasetCard()
        yield ModelCard()


class Cards:
    """The cards before a user's eyes."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def data(self) -> DatasetCard:
        return self.app.screen.query_one(DatasetCard)

    @property
    def model(self) -> ModelCard:
        return self.app.screen.query_one(ModelCard)

    def show(self, **settings: Any) -> None:
        config = self.config(**settings)
        self.data.show(config)
        self.model.show(config)

    def config(self, **settings: Any) -> RunConfig:
        return build_config({path.replace("__", "."): value for path, value in settings.items()})

    def shows(self, *texts: str) -> bool:
        seen = " ".join(screen_text(self.app).split())
        return all(text in seen for text in texts)

    async def settle(self) -> None:
        """Wait until the cards have nothing more to do."""
        while working := [each for each in self.app.workers if each.node in (self.data, self.model)]:
            with contextlib.suppress(WorkerCancelled):
                await self.app.workers.wait_for_complete(working)
        await until_drawn(self.app)

    async def see(self, *texts: str) -> None:
        await self.settle()
        assert self.shows(*texts), screen_text(self.app)

    def pictures(self) -> list[str]:
        grid = self.data.query_one(PictureGrid)
        return [grid.render_line(row).text for row in range(grid.size.height)]


@asynccontextmanager
async def cards(tmp_path: Path, size: tuple[int, int] = (120, 100), **options: Any) -> AsyncIterator[Cards]:
    async with open_console(tmp_path, size, **options) as (app, pilot):
        await app.push_screen(CardScreen())
        yield Cards(app, pilot)


async def test_a_set_shows_its_facts_counts_and_pictures(tmp_path: Path) -> None:
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="digits")
        await seen.see("Handwritten digits", "multi-class, 10 classes", "8 x 8 px, grey", "CC BY 4.0")
        await seen.see("train 1,797, val cut from train (10%), test cut from train", "files none are needed")
        assert seen.shows("183", "training images")
        assert len(set(seen.pictures())) > 10


async def test_augmented_pictures_stand_beside_and_follow_the_settings(tmp_path: Path) -> None:
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="digits")
        await seen.see("training images")
        real = seen.pictures()
        seen.show(data__dataset="digits", augmentation__rotate=90.0)
        await seen.see("a training image, and 3 times as training sees it")
        turned = seen.pictures()
        seen.show(data__dataset="digits", augmentation__rotate=90.0, augmentation__erasing=1.0)
        await seen.settle()
        erased = seen.pictures()
        seen.show(data__dataset="digits")
        await seen.settle()
        assert seen.pictures() == real
        assert len({tuple(each) for each in (real, turned, erased)}) == 3


async def test_an_augmentation_that_does_not_suit_says_why(tmp_path: Path) -> None:
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="digits", augmentation__hflip=True)
        await seen.see("hflip does not suit digits: a mirrored digit is not a digit, or is a different one")
        seen.show(data__dataset="digits", augmentation__stain_jitter=0.2)
        await seen.see("stain-jitter is for images of 3 channels, digits has 1")
        assert seen.pictures()


async def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    own = tmp_path / "[red]own[red].npz"
    own.write_bytes(b"no archive")
    async with cards(tmp_path) as seen:
        seen.show(data__dataset=str(own))
        await seen.see("[red]own[red].npz cannot be read as .npz archive")
        seen.show(data__dataset="digits", data__size=28)
        await seen.see("digits does not come at 28 px, only at 8 px")
        seen.show(data__dataset="pathmnst")
        await seen.see("unknown dataset 'pathmnst'")
        seen.show(data__dataset="pathmnist", data__data_dir=str(tmp_path))
        await seen.see("Colorectal cancer", "train 89,996", "not here: xaitui data get pathmnist --size 28", "debris")


async def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_file("medmnist", "breastmnist.npz")) as archive:
        archive.extract("train_labels.npy", tmp_path)
    with zipfile.ZipFile(tmp_path / "breastmnist.npz", "w") as archive:
        archive.write(tmp_path / "train_labels.npy", "train_labels.npy")
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="breastmnist", data__data_dir=str(tmp_path))
        await seen.see("files here, not verified yet", "has no array train_images")


async def test_colours_are_used_where_they_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="digits")
        await seen.settle()
        assert any(UPPER_HALF in row for row in seen.pictures())
    async with cards(tmp_path, ascii=True) as seen:
        seen.show(data__dataset="digits")
        await seen.see("===")
        assert any("@" in row for row in seen.pictures())
        drawn = [str(widget.render()) for kind in (Facts, ClassBars) for widget in seen.app.screen.query(kind)]
        assert all(text.isascii() for text in (*seen.pictures(), *drawn))


async def test_widgets_survive_any_size(tmp_path: Path) -> None:
    async with open_console(tmp_path, (80, 24)) as (app, pilot):
        await app.screen.mount(VerticalScroll(Picture(np.zeros((9, 5, 3), np.uint8), "a label"), ClassBars()))
        bars = app.screen.query_one(ClassBars)
        bars.show(["one", "two"], {"train": (5, 0), "test": (1, 2)})
        for size in ((80, 24), (1, 1), (20, 5), (200, 60)):
            await pilot.resize_terminal(*size)
            assert bars.get_content_height(Size(*size), Size(*size), size[0]) == 3


async def test_a_model_shows_its_size_its_cost_and_its_memory(tmp_path: Path) -> None:
    async with cards(tmp_path) as seen:
        seen.show(
            data__dataset="breastmnist", model__name="resnet18", model__finetune="linear-probe", training__batch_size=64
        )
        await seen.see("input 28 x 28 px, 1 channel, 2 classes", "trained 1,026 of them", "frozen all but fc")
        await seen.see("multiply-adds", "with batches of 64", "activations", "small stem", "random weights")
        seen.show(data__dataset="breastmnist", data__image_size=64, model__name="alexnet")
        await seen.see("input 64 x 64 px", "trained all of them", "frozen nothing")


async def test_a_model_that_cannot_be_says_why(tmp_path: Path) -> None:
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="breastmnist", model__name="alexnet")
        await seen.see("alexnet needs images of at least 63 px")
        seen.show(data__dataset="breastmnist", model__name="rsnet18")
        await seen.see("there is no model 'rsnet18'; did you mean 'resnet18'?")


async def test_an_own_model_is_not_run_for_its_card(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("raise SystemExit('it ran')")
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="digits", model__name=f"{tmp_path / 'own.py'}:build")
        await seen.see("own model built when the run starts")


async def test_own_data_give_a_model_its_classes(tmp_path: Path) -> None:
    images = np.zeros((6, 12, 12, 3), np.uint8)
    np.savez(tmp_path / "own.npz", train_images=images, train_labels=np.arange(6) % 3)
    async with cards(tmp_path) as seen:
        seen.show(data__dataset=str(tmp_path / "own.npz"))
        await seen.see("own file own.npz", "input 12 x 12 px, 3 channels, 3 classes")


# -- bringing a set


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FileServer]:
    """A server of breastmnist, as it was published."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    body = shared_file("medmnist", "breastmnist.npz").read_bytes()
    with serving() as running:
        info = DATASETS["breastmnist"]
        url = running.serve("/breast", Answer(body))
        remote = replace(info.files[28][0], urls=(url,), md5=hashlib.md5(body).hexdigest(), size=len(body))
        monkeypatch.setitem(DATASETS, "breastmnist", replace(info, files={28: (remote,)}))
        yield running


async def test_a_set_that_is_brought_is_shown(tmp_path: Path, server: FileServer) -> None:
    target = tmp_path / "data"
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="breastmnist", data__data_dir=str(target))
        await seen.see("files not here")
        seen.data.fetch()
        await seen.see("breastmnist is here and verified", "files here, and verified", "399 57 114")
        assert (target / "breastmnist.npz").is_file()
        assert not seen.data.busy
        seen.data.verify()
        await seen.see("breastmnist: verified")
        (target / "breastmnist.npz").write_bytes(b"damaged")
        seen.data.verify()
        await seen.see("breastmnist are damaged, or not what was published")


async def test_a_download_is_stopped_and_gone_on_with(tmp_path: Path, server: FileServer) -> None:
    body = server.answers["/breast"][0].body
    server.serve("/breast", Answer(body, break_after=100_000))
    target = tmp_path / "data"
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="breastmnist", data__data_dir=str(target))
        await seen.see("files not here")
        seen.data.fetch()
        await until(seen.app, lambda: seen.shows("fetching breastmnist.npz", "of 546.5 KiB"))
        assert seen.data.cancel()
        await seen.see("stopped; what came is kept", "a part of them is here")
        assert (target / "breastmnist.npz.part").stat().st_size >= 100_000
        assert not seen.data.cancel()
        server.serve("/breast", Answer(body))
        seen.data.fetch()
        await seen.see("breastmnist is here and verified")
        assert server.seen[-1].range.startswith("bytes=")


async def test_leaving_the_screen_ends_the_download(tmp_path: Path, server: FileServer) -> None:
    server.serve("/breast", Answer(server.answers["/breast"][0].body, break_after=100_000))
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="breastmnist", data__data_dir=str(tmp_path / "data"))
        await seen.see("files not here")
        seen.data.fetch()
        await until(seen.app, lambda: seen.shows("fetching breastmnist.npz"))
        transfer = seen.data._transfer
        assert transfer is not None
        await seen.app.pop_screen()
        with pytest.raises(StoppedTransferError):
            transfer.pause(0)


async def test_what_a_server_refuses_is_told(tmp_path: Path, server: FileServer) -> None:
    server.serve("/breast", Answer(status=404))
    async with cards(tmp_path) as seen:
        seen.show(data__dataset="breastmnist", data__data_dir=str(tmp_path / "data"))
        seen.data.fetch()
        await seen.see("cannot download breastmnist.npz", "404", "--from FILE")
