"""The pictures, one after another in one console: what is done for each, and what is waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

from screenshots.environment import RUNS
from screenshots.stage import Stage
from screenshots.training import STUDY
from xaitui.config.resolve import build_config
from xaitui.console_options import ConsoleOptions
from xaitui.runs.directory import list_runs
from xaitui.tui.app import ConsoleApp
from xaitui.tui.compare.screen import CompareScreen
from xaitui.tui.datasets.card import DatasetCard
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.run_controller import STOP
from xaitui.tui.widgets.picture import PictureGrid

TALL = 36
"""Rows of a terminal in which the card of a dataset shows its images without being scrolled."""
COMPARED = ("baseline", "first-net", "no-dropout")
LIVE = {"run.name": "on-screen", "training.epochs": 600, "optimizer.lr": 0.0005}
"""The run that goes on while it is photographed."""
LIVE_EPOCHS, SAMPLES = 10, 45
"""How many epochs of it, and readings of the devices, are waited for."""


async def photograph(folder: Path, size: tuple[int, int], theme: str, dataset: str, names: Collection[str]) -> None:
    """Take the pictures of some `names`, each as SVG and PNG in `folder`; `dataset` is the one that is looked at."""
    app = ConsoleApp(ConsoleOptions(runs_dir=RUNS, theme=theme))
    async with app.run_test(size=size) as pilot:
        stage = Stage(app, pilot, folder)
        app.sampler.latest  # noqa: B018 -- its history begins here
        await stage.until_seen(*COMPARED)
        still = {"runs": runs, "confirm": confirm, "compare": compare, "study": study, "palette": palette}
        await _each(stage, {name: take for name, take in still.items() if name in names})
        for name, take in {"data": data, "new_run": new_run}.items():
            if name in names:
                await take(stage, dataset)
        moving = {"live": live, "plot": plot, "gpu": gpu, "leave": leave, "help": keys}
        if names & moving.keys():
            await _begin(stage)
            await _each(stage, {name: take for name, take in moving.items() if name in names})
            app.controller.ask(STOP)
            await stage.until(lambda: not app.is_training)


async def _each(stage: Stage, takes: Mapping[str, Callable[[Stage], Awaitable[None]]]) -> None:
    for take in takes.values():
        await take(stage)


async def runs(stage: Stage) -> None:
    """The list of runs."""
    await stage.take("runs")


async def confirm(stage: Stage) -> None:
    """The question before a run is removed."""
    await stage.press("j", "x")
    await stage.until(lambda: stage.is_asking)
    await stage.take("confirm")
    await stage.press("escape")


async def palette(stage: Stage) -> None:
    """The commands, to be searched."""
    await stage.press("ctrl+p")
    await stage.until(lambda: stage.is_asking and "filter" in stage.text.lower())
    await stage.take("palette")
    await stage.press("escape")


async def compare(stage: Stage) -> None:
    """Some runs beside each other."""
    by_name = {name: run for run in list_runs(RUNS) for name in COMPARED if f"-{name}-" in run.id}
    stage.app.open("compare", [by_name[name] for name in COMPARED])
    await stage.until_seen("differing setting", "finished, baseline")
    await stage.until(lambda: not _is_loading(stage))
    await stage.until_drawn()
    await stage.take("compare")
    await stage.press("escape")


async def study(stage: Stage) -> None:
    """A search, its trials over one another."""
    await stage.press("W")
    await stage.until_seen(STUDY)
    await stage.press("enter")
    await stage.until_seen("share of the variance")
    await stage.until_drawn()
    await stage.take("study")
    await stage.press("escape", "escape")


def _is_loading(stage: Stage) -> bool:
    screen = stage.app.screen
    return isinstance(screen, CompareScreen) and any(follower.is_loading for follower in screen.followers)


async def data(stage: Stage, dataset: str) -> None:
    """The datasets, the cursor on one."""
    stage.app.open("data", dataset)
    await stage.until_seen("splits")
    await stage.until(lambda: stage.app.size.height < TALL or _has_pictures(stage))
    await stage.take("data")
    await stage.press("escape")


async def new_run(stage: Stage, dataset: str) -> None:
    """The form, some settings changed, and its cards, with images as augmentation makes them."""
    settings = {"data.dataset": dataset, "model.name": "resnet18", "optimizer.name": "adamw"}
    shifted = {"augmentation.rotate": 10.0, "augmentation.translate": 0.1}
    stage.app.open("new", build_config(settings | shifted))
    await stage.until_seen("--translate=0.1")
    if _is_narrow(stage):
        await stage.take("new_run_form")
    await stage.press("ctrl+t")
    await stage.until_seen("parameters")
    stage.app.screen.query_one(DatasetCard).scroll_end(animate=False)
    await stage.until(lambda: _has_pictures(stage) and "loading" not in stage.text)
    await stage.take("new_run")
    await stage.press(*(["escape"] * (1 + _is_narrow(stage))))


def _is_narrow(stage: Stage) -> bool:
    return "-narrow" in stage.app.screen.classes


def _has_pictures(stage: Stage) -> bool:
    grids = list(stage.app.screen.query(PictureGrid))
    return bool(grids) and "▀" in stage.text


async def _begin(stage: Stage) -> None:
    """Start a run in this console, and let it have some epochs."""
    stage.app.start_run(build_config(LIVE))

    def is_under_way() -> bool:
        screen = stage.app.screen
        last = screen.follower.last_epoch if isinstance(screen, LiveScreen) and screen.follower else None
        return last is not None and last.epoch >= LIVE_EPOCHS

    await stage.until(is_under_way)


async def live(stage: Stage) -> None:
    """A run that is going on."""
    await stage.until_drawn()
    await stage.take("live")


async def plot(stage: Stage) -> None:
    """Its loss on the whole screen, with a cursor."""
    await stage.press("enter")
    await stage.until_drawn()
    await stage.press("left", "shift+left")
    await stage.take("plot")
    await stage.press("escape")


async def gpu(stage: Stage) -> None:
    """The devices, while it trains."""
    stage.app.open_gpu()
    await stage.until(lambda: len(stage.app.sampler.history) >= SAMPLES)
    await stage.take("gpu")
    await stage.press("escape")


async def leave(stage: Stage) -> None:
    """The question what becomes of it."""
    await stage.press("q")
    await stage.until_seen("keep training")
    await stage.take("leave")
    await stage.press("escape")


async def keys(stage: Stage) -> None:
    """What the keys of its screen do."""
    await stage.press("question_mark")
    await stage.until(lambda: stage.is_asking)
    await stage.take("help")
    await stage.press("escape")
