"""The form of a new study, driven by its keys."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from tests.builders.studies import study
from tests.tui.console_pilot import open_console, screen_text, until
from xaitui.console_options import ConsoleActions
from xaitui.studies.create import sweep_words
from xaitui.studies.definition import Study
from xaitui.studies.folder import StudyFolder, find_study
from xaitui.studies.form import StudyForm
from xaitui.tui.app import ConsoleApp
from xaitui.tui.forms.field import FieldRow
from xaitui.tui.forms.fields import FormFields
from xaitui.tui.studies.new import NewStudyScreen
from xaitui.tui.studies.processes import StudyProcesses
from xaitui.tui.studies.screen import StudyScreen


def _opens(before: Study | None) -> Callable[[ConsoleActions], None]:
    return lambda console: cast(ConsoleApp, console).open("new_study", before)


@asynccontextmanager
async def desk(
    runs_dir: Path, before: Study | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[ConsoleApp, Pilot[int]]]:
    async with open_console(runs_dir, size, _opens(before)) as (app, pilot):
        await until(app, lambda: isinstance(app.screen, NewStudyScreen) and app.screen.query(FieldRow))
        await until(app, lambda: app.screen.focused is not None)
        yield app, pilot


def form(app: ConsoleApp) -> StudyForm:
    assert isinstance(app.screen, NewStudyScreen)
    return app.screen.view.form


async def write(app: ConsoleApp, pilot: Pilot[int], path: str, text: str) -> None:
    rows = {row.state.record.path: row for row in app.screen.query_one(FormFields).rows}
    rows[path].editor.focus()
    await pilot.press("end", "ctrl+u", *text)
    await until(app, lambda: form(app).text(path) == text)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The studies that were started, which here nobody carries out, each with its workers."""
    asked: list[tuple[str, int]] = []

    def begin(self: StudyProcesses, folder: StudyFolder, workers: int = 0, *, retried: bool = False) -> None:
        asked.append((folder.name, workers))

    monkeypatch.setattr(StudyProcesses, "begin", begin)
    return asked


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40), (200, 50)])
async def test_the_line_says_what_the_form_does(size: tuple[int, int], runs_dir: Path) -> None:
    async with desk(runs_dir, size=size) as (app, pilot):
        await until(app, lambda: "there is nothing to vary" in screen_text(app))
        await write(app, pilot, "vary.0", "lr=0.1,0.01")
        await until(app, lambda: "3 runs" in screen_text(app))
        await until(app, lambda: "--vary=optimizer.lr=0.1,0.01" in screen_text(app))
        made = form(app).study
        assert made is not None
        assert shlex.split(form(app).command_line) == ["xaitui", *sweep_words(made), "--detach"]


async def test_another_line_to_vary_comes_with_the_one_before(runs_dir: Path) -> None:
    async with desk(runs_dir) as (app, pilot):
        await write(app, pilot, "vary.0", "lr=0.1,0.01")
        await write(app, pilot, "vary.1", "dropout=true,false")
        await write(app, pilot, "settings", "epochs=3 fraction=0.1")
        await write(app, pilot, "workers", "2")
        made = form(app).study
        assert made is not None
        assert list(made.space) == ["optimizer.lr", "model.dropout"]
        assert (made.base.training.epochs, made.base.data.fraction) == (3, 0.1)
        assert "--workers=2" in form(app).command_line
        await write(app, pilot, "vary.1", "")
        assert [
            row.state.record.path for row in app.screen.query_one(FormFields).rows if "vary" in row.state.record.path
        ] == ["vary.0", "vary.1"]


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("vary.0", "lrr=0.1", "there is no setting 'lrr'"),
        ("settings", "epochs=none", "epochs"),
        ("objective", "test_auc", "test_auc cannot be an objective"),
        ("seeds", "0", "--seeds takes a whole number"),
        ("trials", "many", "trials takes a whole number"),
        ("base", "report", "there is no preset 'report'"),
    ],
)
async def test_what_is_wrong_is_said_at_once_and_nothing_starts(
    path: str, text: str, why: str, runs_dir: Path, begun: list[tuple[str, int]]
) -> None:
    async with desk(runs_dir, study()) as (app, pilot):
        await write(app, pilot, path, text)
        await until(app, lambda: why in " ".join(screen_text(app).split()))
        await until(app, lambda: "the line comes once that is mended" in screen_text(app))
        await pilot.press("ctrl+s", "ctrl+y")
        assert (begun, app.clipboard) == ([], "")
        assert isinstance(app.screen, NewStudyScreen)


async def test_a_study_is_started_and_seen(runs_dir: Path, begun: list[tuple[str, int]]) -> None:
    async with desk(runs_dir) as (app, pilot):
        await write(app, pilot, "vary.0", "lr=0.1,0.01")
        await write(app, pilot, "name", "rates")
        await pilot.press("ctrl+y")
        await until(app, lambda: "--name=rates" in app.clipboard)
        await pilot.press("ctrl+s")
        await until(app, lambda: isinstance(app.screen, StudyScreen) and "0/3 over" in screen_text(app))
        assert begun == [("rates", 0)]
        assert find_study("rates", runs_dir).read().space.keys() == {"optimizer.lr"}


def test_a_form_of_a_study_makes_it_again() -> None:
    wanted = study(
        "optimizer.lr=1e-4..1e-1:log",
        "model.dropout=true,false",
        objective="auc,parameters",
        sampler="nsga2",
        trials=7,
        seeds=2,
        tested="all",
        settings={"training.epochs": 3, "optimizer.name": "sgd"},
    )
    assert StudyForm.of(wanted).study == wanted
    assert StudyForm.of(wanted).problem == ""
