"""What a run looks at, under a user's hands: stored maps, and those that a process computes while one looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from textual.widgets import OptionList

from tests.builders.maps import LEFT_AGAINST_RIGHT, TRUST, explained
from tests.builders.predictions import predict, right_but
from tests.builders.runs import finished_run
from tests.run_commands import ROOT, finish, start
from tests.tui.console_pilot import open_console, screen_text, until
from xaitui.console_options import ConsoleActions
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import list_explanations
from xaitui.tui.app import ConsoleApp
from xaitui.tui.explain.map_grid import AGAINST, FOR
from xaitui.tui.explain.screen import ExplainScreen
from xaitui.tui.explain.training import TrainingMapsScreen
from xaitui.tui.runs.screen import RunsScreen

METHODS = ("grad-cam", "integrated-gradients")


@pytest.fixture
def run(runs_dir: Path) -> RunDirectory:
    """A run whose images 4 and 5 of test are taken for the classes 5 and 6, the former explained."""
    run = finished_run(runs_dir, "20260301-101010-digits-aaaa", 0.9)
    predict(run, right_but(2, images=360, first=4), "test")
    explained(
        run,
        "grad-cam",
        4,
        5,
        layer="conv2.2",
        trust=TRUST,
        scores={"deletion": 0.2, "insertion": 0.2},
        attributions=np.abs(LEFT_AGAINST_RIGHT),
    )
    explained(run, "integrated-gradients", 4, 5, scores={"deletion": 0.4, "completeness": 0.08, "steps": 800})
    return run


def opens(run: RunDirectory, index: int | None = None) -> Callable[[ConsoleActions], None]:
    return lambda console: cast(ConsoleApp, console).open("explain", run, "", index)


def screen(app: ConsoleApp) -> ExplainScreen:
    assert isinstance(app.screen, ExplainScreen)
    return app.screen


def shows(app: ConsoleApp, *words: str) -> Callable[[], bool]:
    return lambda: all(word in screen_text(app) for word in words)


@pytest.mark.parametrize("size", [(80, 24), (60, 18), (160, 48)])
async def test_the_worst_mistake_is_shown_beside_its_stored_maps(
    size: tuple[int, int], run: RunDirectory, runs_dir: Path
) -> None:
    async with open_console(runs_dir, size, opens(run), readonly=True) as (app, _):
        await until(app, shows(app, "test 4", "1 of 2 mistakes", "predicted 5 82.0%", "why 5", "Grad-CAM! conv2.2 4x4"))
        await until(app, shows(app, "! does not beat edges"))
        if size[1] > 20:
            await until(app, shows(app, "0.200 < 0.300 edges", "0.200 < 0.250 random", "! its sum is 8.0% off"))
        if size[0] < 70:
            await until(app, shows(app, "map 1 of 2"))


async def test_a_map_that_is_not_stored_says_so_where_nothing_may_be_computed(
    run: RunDirectory, runs_dir: Path
) -> None:
    async with open_console(runs_dir, (80, 24), opens(run), readonly=True) as (app, pilot):
        await until(app, shows(app, "1 of 2 mistakes"))
        await pilot.press("j")
        await until(app, shows(app, "test 5", "2 of 2 mistakes", "not computed yet"))
        await pilot.press("k", "c")
        await until(app, shows(app, "test 4", "why 4 (true)", "not computed yet"))
        await pilot.press("c")
        await until(app, shows(app, "why 5 (predicted)", "! does not beat"))
    assert len(list_explanations(run)) == 2


async def test_any_class_can_be_explained_and_any_image_gone_to(run: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), opens(run, index=7), readonly=True) as (app, pilot):
        await until(app, shows(app, "test 7", "8 of 360 all"))
        await pilot.press("C")
        await until(app, lambda: isinstance(app.screen.focused, OptionList))
        await pilot.press("home", "down", "enter")
        await until(app, shows(app, "why 1 (chosen)"))
        await pilot.press("f")
        await until(app, shows(app, "test 4", "1 of 1 explained"))
        await pilot.press("v")
        await until(app, shows(app, "it has no val predictions; made by: xaitui evaluate"))


async def test_methods_are_chosen_from_a_list_that_says_what_each_needs(run: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (160, 48), opens(run), readonly=True) as (app, pilot):
        await until(app, shows(app, "Integrated gradients"))
        await pilot.press("m")
        await until(app, lambda: isinstance(app.screen.focused, OptionList))
        await until(
            app, shows(app, "shown: Feature maps of one layer", "Needs a convolutional layer; costs 1 pass. Limits")
        )
        await pilot.press("end", "enter")
        await until(app, lambda: isinstance(app.screen.focused, OptionList))
        await pilot.press("escape")
        await until(app, shows(app, "Gradient SHAP", "Integrated gradients", "Grad-CAM"))
        assert screen(app).selection.methods == (*sorted(METHODS, reverse=True), "gradient-shap")


async def test_signs_are_seen_without_colours(run: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (60, 18), opens(run), readonly=True, ascii=True) as (app, pilot):
        await until(app, shows(app, "Grad-CAM!"))
        await pilot.press("right")
        await until(app, shows(app, "Integrated gradients", f"{FOR[1:]} for {AGAINST[1:]} against"))
        await until(
            app, lambda: any("==" in row and row.rstrip().endswith("##") for row in screen_text(app).split("\n"))
        )
        assert screen_text(app).replace("↓", "").replace("…", "").isascii()
        await pilot.press("a")
        await until(app, lambda: f"{AGAINST[1:]} against" not in screen_text(app))


async def test_a_map_of_nothing_is_reported_not_painted(run: RunDirectory, runs_dir: Path) -> None:
    explained(run, "grad-cam", 5, 6, layer="conv2.2", trust=TRUST, problem="not finite")
    async with open_console(runs_dir, (80, 24), opens(run, index=5), readonly=True) as (app, _):
        await until(app, shows(app, "not finite: nothing to"))


async def test_a_run_without_predictions_says_how_they_are_made(runs_dir: Path) -> None:
    run = finished_run(runs_dir, "20260301-101010-digits-none")
    async with open_console(runs_dir, (120, 30), opens(run)) as (app, pilot):
        await until(app, shows(app, "no test predictions", f"xaitui evaluate {run.id} --split test"))
        await pilot.press("j", "c", "C", "f", "t", "x")
        await until(app, lambda: isinstance(app.screen, TrainingMapsScreen))


async def test_a_key_of_the_list_of_runs_leads_there(run: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), readonly=True) as (app, pilot):
        await until(app, lambda: "aaaa" in screen_text(app) and app.screen.focused is not None)
        await pilot.press("X")
        await until(app, shows(app, "1 of 2 mistakes"))
        await pilot.press("escape")
        await until(app, lambda: isinstance(app.screen, RunsScreen))


# -- computed while one looks


@pytest.fixture
def _from_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.usefixtures("_from_the_checkout")
async def test_what_is_not_stored_is_computed_kept_and_judged_and_the_process_ends(runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset="digits", training__epochs=1, data__fraction=0.3)
    finish(execution)
    run = execution.run
    async with open_console(runs_dir, (120, 40), opens(run)) as (app, pilot):
        await until(app, shows(app, "deletion ", "t: beside its floors", "Integrated gradients"))
        await until(app, lambda: {each.method for each in list_explanations(run)} == set(METHODS))
        process = screen(app).requests.explainer.process
        assert process is not None
        folders = [each.path / "pictures" for each in list_explanations(run)]
        await until(app, lambda: [len(list(folder.glob("*.png"))) for folder in folders] == [1, 1])
        await pilot.press("l")
        await until(app, lambda: isinstance(app.screen.focused, OptionList))
        await until(app, shows(app, "the default", "conv1"))
        await pilot.press("home", "enter")
        await until(app, lambda: any(each.layer.startswith("conv1") for each in list_explanations(run)))
        await pilot.press("t")
        await until(app, lambda: any(each.settings.get("trust") for each in list_explanations(run)))
        await pilot.press("escape")
        await until(app, lambda: process.returncode is not None)


@pytest.mark.usefixtures("_from_the_checkout")
async def test_what_cannot_be_computed_is_one_line(run: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (120, 40), opens(run, index=5)) as (app, _):
        await until(app, shows(app, "has no checkpoint"))
