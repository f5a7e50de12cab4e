from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image
from textual.widgets import DataTable

from tests.builders.predictions import predict
from tests.builders.runs import finished_run
from tests.run_commands import finish, start
from tests.tui.console_pilot import open_console, screen_rows, screen_text, until
from xaitui.catalog.records import Task
from xaitui.console_options import ConsoleActions
from xaitui.evaluation.evaluation import Evaluation
from xaitui.runs.dataset import open_data
from xaitui.runs.directory import RunDirectory
from xaitui.runs.predictions import write_predictions
from xaitui.runs.preprocessing import Preprocessing, write_preprocessing
from xaitui.tui.app import ConsoleApp
from xaitui.tui.dialogs.choose import ChooseScreen
from xaitui.tui.evaluation.confusion import ConfusionMap, _window
from xaitui.tui.evaluation.mistakes import MistakesScreen
from xaitui.tui.evaluation.panes import Pane
from xaitui.tui.evaluation.sample_view import SamplePicture
from xaitui.tui.evaluation.screen import EvaluateScreen
from xaitui.tui.widgets.picture import Pixels
from xaitui.tui.widgets.plot import Plot

RIGHT = [True] * 8 + [False] * 2
"""Of ten images, one a class, those of classes 8 and 9 are taken for the next class."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A real run that makes mistakes."""
    execution = start(
        tmp_path_factory.mktemp("trained"), data__dataset="digits", training__epochs=1, data__fraction=0.2
    )
    finish(execution)
    assert execution.error is None
    return execution.run


@pytest.fixture
def made(runs_dir: Path) -> RunDirectory:
    """A run on digits with made predictions of test, but none of validation."""
    run = finished_run(runs_dir, "20260301-101010-digits-aaaa", 0.8)
    predict(run, RIGHT * 5, "test")
    return run


def opens(run: RunDirectory) -> Callable[[ConsoleActions], None]:
    return lambda console: cast(ConsoleApp, console).open("evaluate", run)


def opens_mistakes(
    run: RunDirectory, split: str = "test", pair: tuple[int, int] | None = None
) -> Callable[[ConsoleActions], None]:
    return lambda console: cast(ConsoleApp, console).open("mistakes", run, split, pair)


def screen(app: ConsoleApp) -> EvaluateScreen:
    assert isinstance(app.screen, EvaluateScreen)
    return app.screen


def read(app: ConsoleApp) -> Callable[[], bool]:
    """Whether the evaluation was read, and a pane is shown."""
    return lambda: isinstance(app.screen, EvaluateScreen) and any(pane.display for pane in app.screen.query(Pane))


def mistakes(app: ConsoleApp) -> MistakesScreen:
    assert isinstance(app.screen, MistakesScreen)
    return app.screen


def shows(app: ConsoleApp, *words: str) -> Callable[[], bool]:
    return lambda: all(word in " ".join(screen_text(app).split()) for word in words)


def listed(app: ConsoleApp) -> list[list[str]]:
    table = mistakes(app).query_one(DataTable)
    return [[str(cell).strip() for cell in table.get_row(key)] for key in table.rows]


def stands(app: ConsoleApp) -> Callable[[], bool]:
    return lambda: isinstance(app.screen, MistakesScreen) and bool(app.screen.listed and app.screen.table.row_count)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (160, 48)])
async def test_scores_have_intervals_and_every_class_a_row(size: tuple[int, int], trained: RunDirectory) -> None:
    found = Evaluation.read(trained, "test")
    interval = found.intervals["accuracy"]
    async with open_console(trained.path.parent, size, opens(trained)) as (app, _):
        await until(app, shows(app, f"{found.scores.accuracy:.4f} {interval.low:.4f} to {interval.high:.4f}"))
        table = screen(app).query_one(DataTable)
        rows = [[str(cell).strip() for cell in table.get_row(key)] for key in table.rows]
        assert [row[0] for row in rows] == [*found.classes, "mean", "mean by images"]
        first = found.per_class.classes[0]
        assert rows[0][1:3] == [str(first.support), f"{first.precision:.4f}" if first.precision >= 0 else "-"]
        assert len({len(row) for row in rows}) == 1


async def test_a_class_that_is_never_recognised_is_called_out(made: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), opens(made)) as (app, _):
        await until(app, shows(app, "class 8 (5 images) is never recognised", "class 9 (5 images)"))


async def test_many_such_classes_leave_room_for_the_table(runs_dir: Path) -> None:
    run = finished_run(runs_dir, "20260301-101010-digits-aaaa", 0.8)
    predict(run, [False] * 20, "test")
    async with open_console(runs_dir, (60, 18), opens(run)) as (app, _):
        await until(
            app, shows(app, "class 0 (2 images) is never recognised", "so are 8 more, marked below", "class images")
        )


async def test_a_cell_of_the_matrix_opens_its_images(made: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), opens(made)) as (app, pilot):
        await until(app, read(app))
        await pilot.press("2")
        await until(app, shows(app, "8, taken for 9 5 images, 100.0% of its own"))
        await until(app, lambda: app.screen.focused is not None)
        await pilot.press("down")
        await until(app, shows(app, "9, recognised 0 images"))
        await pilot.press("enter")
        assert isinstance(app.screen, EvaluateScreen)
        await pilot.press("up", "r")
        await until(app, shows(app, "[ 100.0]", "share of the true class in %"))
        await pilot.press("enter")
        await until(app, stands(app))
        assert mistakes(app).pair == (8, 9)
        assert [row[1:3] for row in listed(app)] == [["8", "9"]] * 5


@pytest.mark.parametrize(("key", "label"), [("3", "as it is"), ("4", "ROC"), ("5", "the surest first")])
async def test_panes_of_plots_are_drawn(key: str, label: str, trained: RunDirectory) -> None:
    async with open_console(trained.path.parent, (80, 24), opens(trained)) as (app, pilot):
        await until(app, read(app))
        await pilot.press(key)
        plots = screen(app).query(f"#{screen(app).pane} Plot").results(Plot)
        figures = list(plots)
        await until(app, lambda: all(plot.figure is not None and len(plot.drawn_rows) > 3 for plot in figures))
        assert label in screen_text(app)


async def test_the_curves_are_those_of_the_class_under_the_cursor(trained: RunDirectory) -> None:
    found = Evaluation.read(trained, "test")
    async with open_console(trained.path.parent, (100, 30), opens(trained)) as (app, pilot):
        await until(app, lambda: read(app)() and screen(app).query_one(DataTable).row_count)
        await pilot.press("down", "down", "enter")
        await until(app, shows(app, f"class 2 {found.per_class.classes[2].support}", f"{found.roc(2).area:.4f}"))
        await pilot.press("k")
        await until(app, shows(app, "class 1 ", f"{found.roc(1).area:.4f}"))


async def test_the_split_changes_and_one_without_predictions_says_how_to_get_them(
    made: RunDirectory, runs_dir: Path
) -> None:
    async with open_console(runs_dir, (80, 24), opens(made)) as (app, pilot):
        await until(app, shows(app, "test, 50 images"))
        await pilot.press("v")
        await until(app, shows(app, "val: it has no val predictions", f"`xaitui evaluate {made.id} --split val`"))
        await until(app, shows(app, "c compute"))
        await pilot.press("v")
        await until(app, shows(app, "test, 50 images"))
        assert "c compute" not in screen_text(app)


async def test_missing_predictions_are_computed_when_asked_for(trained: RunDirectory) -> None:
    stored = trained.predictions / "val.npz"
    before = stored.read_bytes()
    stored.unlink()
    async with open_console(trained.path.parent, (80, 24), opens(trained)) as (app, pilot):
        await until(app, read(app))
        await pilot.press("v")
        await until(app, shows(app, "no val predictions"))
        await pilot.press("c")
        await until(app, shows(app, "val, "))
    again, kept = Evaluation.read(trained, "val").predictions, np.load(io.BytesIO(before))
    assert np.abs(again.probabilities - kept["probabilities"]).max() < 1e-5
    assert np.array_equal(again.labels, kept["labels"])


async def test_what_cannot_be_computed_says_why(made: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), opens(made)) as (app, pilot):
        await until(app, shows(app, "test, 50 images"))
        await pilot.press("v", "c")
        await until(app, shows(app, "val: cannot be computed", "has no checkpoint yet"))


async def test_read_only_computes_nothing(made: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), opens(made), readonly=True) as (app, pilot):
        await until(app, shows(app, "test, 50 images"))
        await pilot.press("v", "c")
        await until(app, shows(app, "no val predictions"))
        assert screen(app).predictions.process is None
        assert "compute" not in screen_rows(app)[-1]


async def test_sets_of_several_labels_say_what_is_not_for_them(runs_dir: Path, told: list[str]) -> None:
    run = finished_run(runs_dir, "20260301-101010-chest-aaaa", 0.8)
    labels = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    write_predictions(run.predictions / "test.npz", np.where(labels, 0.8, 0.3).astype(np.float32), labels)
    async with open_console(runs_dir, (80, 24), opens(run)) as (app, pilot):
        await until(app, shows(app, "test, 4 images", "label"))
        await pilot.press("2")
        await until(app, shows(app, "not for this set: an image of this set may have several labels"))
        await pilot.press("m")
        assert any("several labels" in each for each in told)
        assert isinstance(app.screen, EvaluateScreen)


async def test_damaged_predictions_are_said(made: RunDirectory, runs_dir: Path) -> None:
    (made.predictions / "test.npz").write_bytes(b"PK\x03\x04 nothing")
    async with open_console(runs_dir, (80, 24), opens(made)) as (app, _):
        await until(app, shows(app, "its test predictions are damaged"))


# -- mistakes


def shown(picture: SamplePicture, expected: Pixels) -> bool:
    return picture.pixels is not None and np.array_equal(picture.pixels, expected)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (160, 48)])
async def test_the_worst_mistake_comes_first_with_its_image(size: tuple[int, int], trained: RunDirectory) -> None:
    ranked = Evaluation.read(trained, "test").rank("mistakes")
    images = open_data(trained).split("test")
    async with open_console(trained.path.parent, size, opens_mistakes(trained)) as (app, pilot):
        await until(app, stands(app))
        assert [row[0] for row in listed(app)] == [str(each.index) for each in ranked[:300]]
        picture = mistakes(app).query_one(SamplePicture)
        for place in (0, 1):
            expected = images.read(np.array([ranked[place].index]))[0]
            await until(app, lambda expected=expected: shown(picture, expected))  # type: ignore[misc]
            await until(app, shows(app, f"test image {ranked[place].index:,}", f"loss {ranked[place].loss:.3f}"))
            await pilot.press("j")


async def test_the_least_certain_and_the_suspicious_are_listed_too(made: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (100, 30), opens_mistakes(made)) as (app, pilot):
        await until(app, shows(app, "test: 10 of 50 images"))
        await pilot.press("m")
        await until(app, shows(app, "test: 50 of 50 images", "the least certain first"))
        await pilot.press("m")
        await until(app, shows(app, "suspicion only: a high loss may be a wrong label or a hard image"))


async def test_a_pair_of_classes_is_chosen_from_those_that_are_confused(made: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (100, 30), opens_mistakes(made)) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("f")
        await until(app, lambda: isinstance(app.screen, ChooseScreen) and shows(app, "9 > 0", "8 > 9")())
        await pilot.press("down", "down", "enter")
        await until(app, shows(app, "5 of 50 images, 9 taken for 0"))
        assert {tuple(row[1:3]) for row in listed(app)} == {("9", "0")}


async def test_the_list_is_exported_beside_the_predictions(trained: RunDirectory, told: list[str]) -> None:
    ranked = Evaluation.read(trained, "test").rank("mistakes")
    async with open_console(trained.path.parent, (80, 24), opens_mistakes(trained)) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("e")
        await until(app, lambda: told)
    assert told == [f"wrote mistakes-test.csv and mistakes-test.png into {trained.predictions}"]
    rows = list(csv.DictReader((trained.predictions / "mistakes-test.csv").read_text().splitlines()))
    assert [int(row["index"]) for row in rows] == [each.index for each in ranked[:300]]
    assert Image.open(trained.predictions / "mistakes-test.png").width > 300


async def test_images_that_are_not_here_are_said_and_the_list_stays(runs_dir: Path) -> None:
    run = finished_run(runs_dir, "20260301-101010-own-aaaa", 0.8, settings={"data.dataset": "/nowhere/gone.npz"})
    predict(run, RIGHT, "test")
    async with open_console(runs_dir, (100, 30), opens_mistakes(run)) as (app, _):
        await until(app, shows(app, "gone.npz"))
        assert [row[1:3] for row in listed(app)] == [["8", "9"], ["9", "0"]]


async def test_images_of_other_labels_are_refused(made: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (100, 30), opens_mistakes(made)) as (app, _):
        await until(app, shows(app, "the test images are not those that were predicted"))


async def test_foreign_names_change_nothing_on_the_screen(made: RunDirectory, runs_dir: Path) -> None:
    names = ("[red]cat", "\x1b[31mdog", *map(str, range(8)))
    write_preprocessing(made.preprocessing, Preprocessing(Task.MULTI_CLASS, names, 1, 8, 8, (0.5,), (0.5,)))
    async with open_console(runs_dir, (100, 30), opens(made)) as (app, pilot):
        await until(app, shows(app, "[red]cat", "\\x1b[31mdog"))
        await pilot.press("2", "m")
        await until(app, stands(app))
        assert "\x1b" not in screen_text(app)


async def test_ascii_draws_nothing_else(trained: RunDirectory) -> None:
    async with open_console(trained.path.parent, (80, 24), opens(trained), ascii=True) as (app, pilot):
        await until(app, read(app))
        for key in "12345":
            await pilot.press(key)
            pane = screen(app).pane
            await until(app, lambda pane=pane: screen(app).query_one(f"#{pane}").display)  # type: ignore[misc]
            plots = list(screen(app).query(f"#{pane} Plot").results(Plot))
            await until(app, lambda plots=plots: all(plot.drawn_rows for plot in plots))  # type: ignore[misc]
            assert not {char for char in screen_text(app) if not char.isascii()}
        await pilot.press("m")
        await until(app, stands(app))
        await until(app, lambda: mistakes(app).query_one(SamplePicture).pixels is not None)
        assert not {char for char in screen_text(app) if not char.isascii()}


async def test_a_cell_is_shaded_by_its_share_of_the_row(
    made: RunDirectory, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR")
    async with open_console(runs_dir, (80, 24), opens(made)) as (app, pilot):
        await until(app, read(app))
        await pilot.press("2")
        cells = screen(app).query_one(ConfusionMap)
        await until(app, lambda: cells.count)
        all_right, all_wrong, none = (cells._shade(*cell).bgcolor for cell in ((0, 0), (8, 9), (0, 1)))
        assert len({str(all_right), str(all_wrong), str(none)}) == 3
        assert none == cells.rich_style.bgcolor


async def test_a_large_matrix_follows_its_cursor(runs_dir: Path) -> None:
    run = finished_run(runs_dir, "20260301-101010-many-aaaa", 0.8)
    classes, labels = 60, np.arange(120) % 60
    probabilities = np.full((120, classes), 0.001, np.float32)
    probabilities[np.arange(120), np.where(labels == 59, 0, labels)] = 0.9
    write_predictions(run.predictions / "test.npz", probabilities, labels)
    async with open_console(runs_dir, (80, 24), opens(run)) as (app, pilot):
        await until(app, read(app))
        await pilot.press("2")
        await until(app, shows(app, "59, taken for 0 2 images"))
        await until(app, lambda: app.screen.focused is app.screen.query_one(ConfusionMap))
        await pilot.press("right")
        await until(app, shows(app, "59, taken for 1 0 images"))
        assert any(row.split()[:1] == ["59"] for row in screen_rows(app))


def test_a_window_holds_its_cursor() -> None:
    assert [list(_window(at, 5, 3)) for at in (0, 2, 4)] == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert list(_window(1, 2, 10)) == [0, 1]
    assert list(_window(3, 5, 0)) == [3]
