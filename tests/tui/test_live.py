"""A run's screen, with real training in the thread of the console or in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.run_commands import assert_equal_weights, finish, made_set, start
from tests.tui.console_pilot import open_console, screen_rows, screen_text, until
from tests.tui.live_run import Watch, events_of_kind, slow_training, training, watching
from xaitui.config.resolve import build_config
from xaitui.events import EpochFinished, StepLogged
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.lock import read_owner
from xaitui.tui.live.enlarged_plot import PlotScreen
from xaitui.tui.widgets.plot import Plot

FAST: dict[str, Any] = {"training.epochs": 2, "training.threads": 1}


async def test_a_run_in_the_console_is_the_run_that_a_command_makes(tmp_path: Path) -> None:
    async with open_console(tmp_path / "console", (80, 24), training(**FAST), interval=0.2) as (app, _):
        watch = Watch(app)
        await watch.until_state("finished")
        inside = watch.run
    outside = start(tmp_path / "command", **FAST)
    finish(outside)
    assert inside.config.read_text() == outside.run.config.read_text()
    assert _numbers(inside) == _numbers(outside.run)
    assert_equal_weights(inside, outside.run)
    assert {path.name for path in inside.path.iterdir()} == {path.name for path in outside.run.path.iterdir()}


def _numbers(run: RunDirectory) -> list[tuple[object, ...]]:
    events = read_journal(run.journal)
    steps = [(event.step, event.loss, event.lr) for event in events if isinstance(event, StepLogged)]
    return [
        *steps,
        *((event.epoch, event.val, event.train_loss) for event in events if isinstance(event, EpochFinished)),
    ]


async def test_epochs_arrive_at_every_size_and_nothing_is_lost_by_a_resize(runs_dir: Path) -> None:
    async with open_console(runs_dir, (120, 40), slow_training(), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        await pilot.resize_terminal(60, 18)
        await watch.until_epoch(3)
        assert len(screen_rows(app)) == 18
        for words in ("running", "epoch", "best", "pause", "stop", "leave"):
            assert watch.shows(words), words
        await pilot.resize_terminal(40, 10)
        await until(app, lambda: watch.shows("60x18 is needed"))
        await pilot.resize_terminal(120, 40)
        await watch.until_epoch(5)
        await until(app, lambda: watch.shows("Accuracy") and watch.shows("train val"))
        await pilot.press("S", "n", "S", "escape", "L", "n")
        assert not list((watch.run.path / "requests").glob("*"))
        await pilot.press("S", "y")
        await watch.until_state("stopped")
        assert watch.follower is not None
        assert watch.follower.why == "asked to stop in the console"
    assert events_of_kind(list_runs(runs_dir)[0], "RunStopped") == ["RunStopped"]


async def test_keys_pause_save_and_go_on(runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), slow_training(), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        await pilot.press("p")
        await watch.until_state("paused")
        at = watch.follower.last_step if watch.follower else None
        await pilot.press("p")
        await watch.until_state("running")
        await until(app, lambda: watch.follower and watch.follower.last_step != at)
        await pilot.press("w")
        await until(
            app, lambda: watch.follower and watch.follower.answered and watch.follower.answered.request == "save"
        )
        await pilot.press("L", "y")
        await watch.until_state("stopped")
        run = watch.run
    assert events_of_kind(run, "RunPaused", "RunContinued", "RunStopped") == ["RunPaused", "RunContinued", "RunStopped"]


async def test_a_run_in_its_own_process_is_watched_and_stopped_by_two_consoles(runs_dir: Path) -> None:
    config = build_config({"training.epochs": 2000, "training.threads": 1})
    async with open_console(
        runs_dir, (80, 24), lambda console: console.start_run(config, own_process=True), interval=0.2
    ) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        assert not app.is_training
        await pilot.press("p")
        await watch.until_state("paused")
        run = watch.run
    async with open_console(runs_dir, (80, 24), watching(run), interval=0.2, readonly=True) as (app, pilot):
        watch = Watch(app)
        await watch.until_state("paused")
        await pilot.press("p", "S", "y", "L", "y", "w")
        assert watch.stands("paused")
        assert not list((run.path / "requests").glob("*"))
    async with open_console(runs_dir, (80, 24), watching(run), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_state("paused")
        await pilot.press("S", "y")
        await watch.until_state("stopped")


OWN_MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, classes, channels, size):
        super().__init__()
        self.linear = nn.Linear(channels * size * size, classes)
        self.calls = 0

    def forward(self, images):
        self.calls += self.training
        if self.calls > 5:
            raise {error}
        return self.linear(images.flatten(1))

def build(num_classes, in_channels, image_size):
    return Net(num_classes, in_channels, image_size)
"""


@pytest.mark.parametrize(
    ("error", "words"),
    [("ValueError('it broke')", "ValueError: it broke"), ("torch.OutOfMemoryError('CUDA')", "out of memory")],
)
async def test_a_run_that_breaks_says_why_and_the_console_stays(
    error: str, words: str, tmp_path: Path, runs_dir: Path
) -> None:
    model = tmp_path / "net.py"
    model.write_text(OWN_MODEL.format(error=error))
    async with open_console(runs_dir, (120, 40), training(model__name=f"{model}:build", **FAST), interval=0.2) as (
        app,
        pilot,
    ):
        watch = Watch(app)
        await watch.until_state("failed")
        await until(app, lambda: watch.shows(f"!! {words}"))
        await pilot.press("escape")
        await until(app, lambda: "failed" in screen_text(app))


async def test_a_loss_that_is_no_number_is_said(runs_dir: Path) -> None:
    settings = {"optimizer.name": "sgd", "optimizer.lr": 1000.0, **FAST}
    async with open_console(runs_dir, (120, 40), training(**settings), interval=0.2) as (app, _):
        watch = Watch(app)
        await watch.until_state("failed")
        await until(app, lambda: watch.shows("!! NaN:"))


async def test_a_run_that_cannot_begin_says_why(
    tmp_path: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_console(runs_dir, (80, 24), training(data__dataset="nothing.npz"), interval=0.2) as (app, _):
        watch = Watch(app)
        await until(app, lambda: watch.shows("it could not begin: simple-cnn on nothing.npz"))
        await until(app, lambda: watch.shows("nothing.npz") and watch.shows("cannot be read as .npz archive"))
    assert not runs_dir.exists()


async def test_a_plot_is_seen_on_the_whole_screen_and_read(runs_dir: Path) -> None:
    run = _finished(runs_dir)
    async with open_console(runs_dir, (80, 24), watching(run)) as (app, pilot):
        watch = Watch(app)
        await until(app, lambda: watch.shows("train val"))
        await pilot.press("y", "m", "x", "v")
        await until(app, lambda: watch.shows("loss (log scale, smoothed by 0.6)") or watch.shows("loss (log"))
        await until(app, lambda: watch.shows("AUC"))
        app.screen.query_one("#loss", Plot).focus()
        await pilot.press("enter")
        await until(app, lambda: isinstance(app.screen, PlotScreen))
        await pilot.press("left", "left")
        await until(app, lambda: re.search(r"epoch [\d.]+ +train [\d.]+", screen_text(app)))
        await pilot.press("escape")
        await until(app, lambda: app.screen is watch.screen)


async def test_panes_are_turned_on_and_off(runs_dir: Path) -> None:
    run = _finished(runs_dir)
    async with open_console(runs_dir, (80, 24), watching(run)) as (app, pilot):
        watch = Watch(app)
        await until(app, lambda: watch.shows("train val acc auc time"))
        await pilot.press("3")
        await until(app, lambda: watch.shows("end all 2 epochs are done"))
        await pilot.press("2", "1")
        await until(app, lambda: not watch.shows("train val acc auc time"))
        await pilot.press("4")
        await until(app, lambda: watch.shows("cpu"))


def _finished(runs_dir: Path) -> RunDirectory:
    execution = start(runs_dir, training__epochs=2, training__threads=1)
    finish(execution)
    return execution.run


async def test_only_ascii_is_drawn_where_that_was_asked_for(runs_dir: Path) -> None:
    run = _finished(runs_dir)
    async with open_console(runs_dir, (100, 32), watching(run), ascii=True) as (app, _):
        watch = Watch(app)
        await until(app, lambda: watch.shows("train val"))
        drawn = screen_text(app)
    assert not re.search(r"[\u2500-\u259f\u2800-\u28ff]", drawn), drawn


async def test_a_console_holds_one_run_in_its_thread(tmp_path: Path, runs_dir: Path) -> None:
    told: list[str] = []
    async with open_console(runs_dir, (80, 24), slow_training(), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        app.tell = lambda text, severity="information": told.append(text)  # type: ignore[method-assign]
        app.start_run(build_config({"data.dataset": str(made_set(tmp_path / "set.npz"))}))
        assert told == ["a run is going on in this console; start this one in its own process"]
        owner = read_owner(watch.run.lock)
        assert owner is not None
        assert owner.is_alive
        await pilot.press("S", "y")
        await watch.until_state("stopped")
