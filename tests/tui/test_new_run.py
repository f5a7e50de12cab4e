"""The form of a new run, driven by its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from textual.notifications import SeverityLevel
from textual.widgets import Static

from tests.tui.console_pilot import open_console, screen_rows, screen_text, until
from tests.tui.new_run_form import Desk
from xaitui.catalog.presets import PRESETS
from xaitui.config.command_line import command_line
from xaitui.config.form import GROUPS, Form, form_of
from xaitui.config.resolve import build_config, preset_layer, resolve
from xaitui.config.schema import RunConfig
from xaitui.console_options import ConsoleActions
from xaitui.tui.app import ConsoleApp
from xaitui.tui.forms.choice import Choice
from xaitui.tui.forms.field import FieldRow
from xaitui.tui.new_run.rows import WHERE, rows
from xaitui.tui.new_run.screen import NewRunScreen


def _open(config: RunConfig | None, console: ConsoleActions) -> None:
    assert isinstance(console, ConsoleApp)
    console.open("new", config)


@asynccontextmanager
async def desk(folder: Path, config: RunConfig | None = None, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Desk]:
    async with open_console(folder, size, partial(_open, config)) as (app, _):
        await until(app, lambda: isinstance(app.screen, NewRunScreen) and app.screen.query(FieldRow))
        at = Desk(app)
        await until(app, lambda: at.focused)
        yield at


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the console says in passing, which Textual does not show in its tests."""
    texts: list[str] = []
    tell = ConsoleApp.tell

    def listen(self: ConsoleApp, text: str, severity: SeverityLevel = "information") -> None:
        texts.append(text)
        tell(self, text, severity)

    monkeypatch.setattr(ConsoleApp, "tell", listen)
    return texts


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[RunConfig, bool]]:
    """What the console was asked to start; another test starts it."""
    asked: list[tuple[RunConfig, bool]] = []
    monkeypatch.setattr(
        ConsoleApp, "start_run", lambda self, config, own_process=False: asked.append((config, own_process))
    )
    return asked


async def test_a_wrong_rate_is_marked_with_the_reason_and_is_not_started(
    tmp_path: Path, started: list[tuple[RunConfig, bool]]
) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("optimizer.lr")
        await at.write("fast")
        await until(at.app, lambda: at.shows("xaitui train --lr=fast"))
        assert at.rows["optimizer.lr"].has_class("-wrong")
        parts = ("'fast' is not valid", "above 0 up to 1000", "1 setting to mend", "optimizer!")
        await until(at.app, lambda: all(map(at.shows, parts)))
        await at.go_to("schedule.name")
        at.press("ctrl+s")
        await until(at.app, lambda: at.focused == "optimizer.lr")
        assert started == []
        await at.write("0.1")
        await until(at.app, lambda: at.shows("$ xaitui train --lr=0.1"))
        assert not at.rows["optimizer.lr"].has_class("-wrong")


async def test_what_is_started_is_what_the_line_says(tmp_path: Path, started: list[tuple[RunConfig, bool]]) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("training.epochs")
        await at.write("3")
        at.press("ctrl+s")
        await until(at.app, lambda: started)
        assert started == [(build_config({"training.epochs": 3}), False)]
        await at.go_to(WHERE.path)
        at.press("right")
        await until(at.app, lambda: at.shows("$ xaitui train --epochs=3 --detach"))
        at.press("ctrl+s")
        await until(at.app, lambda: len(started) == 2)
        assert started[1] == (build_config({"training.epochs": 3}), True)


async def test_data_that_is_not_here_is_said_and_not_started(
    tmp_path: Path, started: list[tuple[RunConfig, bool]], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = build_config({"data.dataset": "pathmnist", "data.data_dir": str(tmp_path)})
    async with desk(tmp_path, config) as at:
        at.press("ctrl+s")
        await until(at.app, lambda: told)
        assert (started, told) == ([], ["the files of pathmnist are not here: ctrl+d downloads them"])
    async with desk(tmp_path, build_config({"data.dataset": "absent.npz"})) as at:
        at.press("ctrl+s")
        await until(at.app, lambda: told[1:])
        assert (started, told[1]) == ([], "there is nothing at absent.npz")


async def test_the_fields_are_those_of_the_optimizer_and_the_model(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("model.name")
        assert {"model.dropout", "model.weights"} <= set(at.rows)
        await at.write("resnet18")
        await until(at.app, lambda: "model.stem" in at.rows)
        assert "model.dropout" not in at.rows
        await at.go_to("optimizer.name")
        assert {"optimizer.beta1", "optimizer.beta2"} <= set(at.rows)
        at.press("left")
        await until(at.app, lambda: "optimizer.momentum" in at.rows)
        assert at.form.draft.optimizer.name == "sgd-nesterov"
        assert "optimizer.beta1" not in at.rows
        assert list(at.rows) == ["optimizer.name", "optimizer.lr", "optimizer.weight_decay", "optimizer.momentum"]
        assert at.shows("lr 0.01")


async def test_a_list_offers_what_is_known(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("data.dataset")
        await at.open_list("enter")
        await until(at.app, lambda: at.shows("Colorectal cancer histology"))
        at.press("down", "down", "enter")
        await until(at.app, lambda: at.form.draft.data.dataset == "pathmnist")
        assert {"data.size", "data.data_dir"} <= set(at.rows)
        await at.open_list("enter")
        at.press("escape")
        await until(at.app, lambda: at.app.screen is at.screen)
        assert at.form.draft.data.dataset == "pathmnist"


async def test_a_preset_is_chosen_from_a_list(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        presets = await at.open_list("ctrl+l")
        assert presets.option_count == len(PRESETS) >= 4
        at.press("end", "enter")
        last = list(PRESETS)[-1]
        await until(at.app, lambda: at.form.preset == last)
        assert at.form.config == resolve([preset_layer(last)]).config
        await until(at.app, lambda: at.shows(f"New run, {last}") and at.shows("--model=resnet18"))


async def test_the_augmentations_that_suit_the_set(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.press("ctrl+g")
        await until(at.app, lambda: at.focused.startswith("augmentation."))
        assert at.form == Form().augment()
        await until(at.app, lambda: at.shows("--rotate=10.0"))


async def test_a_line_that_is_copied_can_be_pasted(tmp_path: Path, told: list[str]) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("training.batch_size")
        await at.write("64")
        at.press("ctrl+y")
        await until(at.app, lambda: told)
        assert (told, at.app.clipboard) == (["copied"], "xaitui train --batch-size=64")
        at.press("ctrl+r")
        await until(at.app, lambda: at.form == Form())
        await until(at.app, lambda: at.shows("batch size 32"))
        at.press("ctrl+v")
        await until(at.app, lambda: at.form.config == build_config({"training.batch_size": 64}))


async def test_a_line_of_the_terminal_fills_the_form_from_within_a_field(tmp_path: Path, told: list[str]) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("data.dataset")
        at.paste("$ xaitui train --preset report-pathmnist \\\n  --lr 0.01 --headless\n")
        expected = Form().apply_preset("report-pathmnist").set("optimizer.lr", "0.01")
        await until(at.app, lambda: at.form == expected)
        at.paste("xaitui train --epoch 3")
        await until(at.app, lambda: told[1:])
        assert told[1] == "there is no option --epoch; did you mean '--epochs'?"
        assert at.form == expected
        await until(at.app, lambda: at.editor.value == "pathmnist")
        await at.empty()
        await until(at.app, lambda: at.form.draft.data.dataset != "pathmnist")
        at.paste("own.npz")
        await until(at.app, lambda: at.form.draft.data.dataset == "own.npz")


async def test_an_emptied_number_shows_its_default_when_it_is_left(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.go_to("training.epochs")
        await at.write("7")
        await until(at.app, lambda: at.form.texts == {"training.epochs": "7"})
        await at.empty()
        await until(at.app, lambda: at.form == Form())
        at.press("tab")
        await until(at.app, lambda: at.shows("epochs 15"))


async def test_another_run_can_be_cloned_whatever_it_was_called(tmp_path: Path) -> None:
    config = build_config({"run.note": "[bold]red[/]", "run.on_end": ("sh", "-c", "a\nb"), "training.epochs": 3})
    async with desk(tmp_path, config) as at:
        await at.go_to("run.on_end")
        await until(at.app, lambda: at.shows("[bold]red[/]"))
        assert at.shows(r"'a\nb'")
        assert at.form == form_of(config)
        at.press("ctrl+y")
        await until(at.app, lambda: at.app.clipboard)
        assert at.app.clipboard == command_line(config)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40)])
async def test_at_each_size_every_setting_can_be_reached(tmp_path: Path, size: tuple[int, int]) -> None:
    async with desk(tmp_path, size=size) as at:
        wanted = [path for group in GROUPS for path in rows(at.form, [group])]
        await at.go_to(wanted[-1])
        at.press("f2")
        await until(at.app, lambda: at.focused in wanted[:-1])
        focused = at.screen.focused
        assert focused is not None
        for seen in (focused, *at.screen.query("#help, #line, KeyBar, .groups")):
            assert at.screen.region.contains_region(seen.region)
            assert seen.region.height >= 1
        assert at.shows("$ xaitui train")
        assert screen_rows(at.app)[0].strip() == "New run"


@pytest.mark.parametrize("width", [80, 120])
async def test_the_cards_are_one_key_away(tmp_path: Path, width: int) -> None:
    async with desk(tmp_path, size=(width, 30)) as at:
        cards = at.screen.query_one("#cards")
        await until(at.app, lambda: cards.display == (width >= 100))
        at.press("ctrl+t")
        await until(at.app, lambda: cards.has_focus_within)
        await until(at.app, lambda: at.shows("Handwritten digits 8x8"))
        at.press("ctrl+t")
        await until(at.app, lambda: at.focused)


async def test_a_switch_and_a_choice_in_plain_characters(tmp_path: Path) -> None:
    async with open_console(tmp_path, (80, 24), partial(_open, None), ascii=True) as (app, _):
        await until(app, lambda: isinstance(app.screen, NewRunScreen) and app.screen.query(FieldRow))
        at = Desk(app)
        await until(app, lambda: at.focused)
        await at.go_to("model.dropout")
        at.press("space")
        await until(app, lambda: at.shows("dropout [ ]"))
        await at.go_to("model.activation")
        at.press("right")
        await until(app, lambda: at.shows("activation < leaky-relu >"))
        assert screen_text(app).isascii()
        assert all(isinstance(row.editor, Choice) == row.state.is_choice for row in at.rows.values())
        assert at.screen.query_one("#help", Static).content
