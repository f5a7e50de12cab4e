from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.builders.events import epoch_finished, epoch_started, started, step
from tests.builders.runs import finished_run, made_run, own, write
from tests.tui.console_pilot import open_console, screen_rows, screen_text, until
from xaitui.config.schema import RunConfig
from xaitui.runs.directory import RunDirectory
from xaitui.runs.state import State
from xaitui.tui.app import ConsoleApp
from xaitui.tui.dialogs.confirm import ConfirmScreen
from xaitui.tui.runs.columns import COLUMNS, SYMBOLS, columns_for, fit
from xaitui.tui.runs.filter_line import FilterLine
from xaitui.tui.runs.screen import RunsScreen
from xaitui.tui.runs.table import Heading, RunTable

SIZES = [(80, 24), (60, 18), (160, 48)]


def runs_screen(app: ConsoleApp) -> RunsScreen:
    screen = app.screen_stack[1]
    assert isinstance(screen, RunsScreen)
    return screen


def listed(app: ConsoleApp) -> Callable[[], bool]:
    """Whether the first list is seen."""
    return lambda: bool(runs_screen(app).table.lines) or runs_screen(app).has_class("-empty")


def ids(app: ConsoleApp) -> list[str]:
    return [line.text if isinstance(line, Heading) else line.id for line in runs_screen(app).table.lines]


def foot(app: ConsoleApp) -> str:
    return str(runs_screen(app).query_one(".foot", Static).content)


def under_cursor(app: ConsoleApp) -> str:
    row = runs_screen(app).row
    return row.id if row else ""


@pytest.fixture
def three(runs_dir: Path) -> Path:
    """Two finished runs and a live one."""
    finished_run(runs_dir, "20260301-101010-digits-aaaa", 0.9, at=1.0)
    finished_run(runs_dir, "20260302-101010-mnist-bbbb", 0.8, at=2.0, dataset="mnist", model="alexnet")
    own(made_run(runs_dir, "20260101-101010-live-cccc", started(), epoch_started(1), step(5), at=0.5))
    return runs_dir


async def test_an_empty_folder_says_how_to_start(runs_dir: Path) -> None:
    async with open_console(runs_dir) as (app, _):
        await until(app, listed(app))
        await until(app, lambda: "No runs yet: press n to set up the first one." in screen_text(app))
    async with open_console(runs_dir, readonly=True) as (app, _):
        await until(app, lambda: "No runs yet: xaitui train starts one." in screen_text(app))


@pytest.mark.parametrize("size", SIZES)
async def test_state_run_epoch_and_best_are_seen_at_every_size(size: tuple[int, int], three: Path) -> None:
    async with open_console(three, size) as (app, _):
        await until(app, lambda: "0.8000@1" in screen_text(app))
        rows = screen_rows(app)
        assert ids(app) == ["20260101-101010-live-cccc", "20260302-101010-mnist-bbbb", "20260301-101010-digits-aaaa"]
        for row, words in zip(
            rows[2:5],
            [("● running", "live-cccc", "1/2"), ("✓ finished", "mnist-bbbb", "1/1", "0.8000@1"), ("✓", "0.9000@1")],
            strict=True,
        ):
            assert all(word in row for word in words), row
        assert max(map(len, rows)) <= size[0]
        assert ("DEVICE" in rows[1]) == (size[0] >= 160)


async def test_what_is_broken_says_what(runs_dir: Path) -> None:
    (runs_dir / "20260301-\x1b[31m[red]x").mkdir(parents=True)
    async with open_console(runs_dir, (80, 24)) as (app, _):
        await until(app, lambda: "neither a configuration nor a journal" in screen_text(app))
        assert r"? broken      20260301-\x1b[31m[red]x" in screen_text(app)
        assert "broken: it has neither a configuration nor a journal" in foot(app)


async def test_ascii_draws_nothing_else(three: Path) -> None:
    (three / "broken").mkdir()
    async with open_console(three, (60, 18), ascii=True) as (app, pilot):
        await until(app, lambda: "* running" in screen_text(app))
        await pilot.press("space")
        await until(app, lambda: runs_screen(app).marked)
        table = runs_screen(app).table
        assert all(table.render_line(y).text.isascii() for y in range(table.size.height))


async def test_the_cursor_stays_on_its_run_when_runs_come_and_go(three: Path) -> None:
    async with open_console(three) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("down", "down")
        assert under_cursor(app) == "20260301-101010-digits-aaaa"
        finished_run(three, "20260303-101010-new-dddd", at=3.0)
        runs_screen(app).look()
        await until(app, lambda: len(ids(app)) == 4)
        assert under_cursor(app) == "20260301-101010-digits-aaaa"
        await pilot.press("up", "k", "j", "home", "end")
        assert under_cursor(app) == "20260301-101010-digits-aaaa"


async def test_a_scrolled_list_stays_where_the_eye_is(runs_dir: Path) -> None:
    for number in range(60):
        finished_run(runs_dir, f"202603{number:02}-101010-digits-aaaa", at=float(number))
    async with open_console(runs_dir, (80, 24)) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("pagedown", "pagedown", "down")
        table = runs_screen(app).table
        before = [row[:78] for row in screen_rows(app)[2:10]]
        assert table.scroll_offset.y > 0
        finished_run(runs_dir, "20260399-101010-new-dddd", at=99.0)
        runs_screen(app).look()
        await until(app, lambda: len(ids(app)) == 61)
        assert [row[:78] for row in screen_rows(app)[2:10]] == before


async def test_only_rows_that_changed_are_drawn_again(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_console(three, interval=1000.0) as (app, pilot):
        await until(app, listed(app))
        await pilot.pause()
        drawn: list[int] = []
        monkeypatch.setattr(RunTable, "refresh_line", lambda table, y: drawn.append(y))
        monkeypatch.setattr(RunTable, "refresh", lambda table, *regions, **options: drawn.append(-1))
        live = RunDirectory(three / "20260101-101010-live-cccc")
        write(live, step(10), epoch_finished(1, accuracy=0.7), at=3.0)
        runs_screen(app).look()
        await until(app, lambda: getattr(runs_screen(app).table.lines[0], "best", 0.0) == 0.7)
        assert drawn == [1], "the line of the live run"


async def test_a_filter_narrows_the_list_while_it_is_written(three: Path) -> None:
    async with open_console(three) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("slash", *"val_acc")
        assert runs_screen(app).query_one(FilterLine).has_focus
        await until(app, lambda: foot(app) == "no run passes this")
        assert ids(app) == ["20260101-101010-live-cccc"], "the list of the letter v: a word half written empties none"
        await pilot.press("greater_than_sign")
        await until(app, lambda: foot(app) == "write a value after val_acc>")
        assert len(ids(app)) == 1
        await pilot.press(*"0.85")
        await until(app, lambda: ids(app) == ["20260301-101010-digits-aaaa"])
        await pilot.press("enter")
        assert runs_screen(app).table.has_focus
        await until(app, lambda: "1 of 3 runs, 1 live" in screen_rows(app)[0])
        await pilot.press("escape")
        await until(app, lambda: len(ids(app)) == 3)
        assert "val_acc" not in screen_text(app)


async def test_a_filter_that_no_run_passes_shows_none(three: Path) -> None:
    async with open_console(three) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("slash", *"nothing", "enter")
        await until(app, lambda: not ids(app))
        assert "0 of 3 runs" in screen_rows(app)[0]
        await pilot.press("enter", "R", "C", "x", "space", "down")
        assert app.screen is runs_screen(app)


async def test_sorting_and_grouping(three: Path) -> None:
    async with open_console(three, (80, 24)) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("s", "s", "s", "s")
        await until(app, lambda: ids(app)[0] == "20260301-101010-digits-aaaa")
        assert "BEST VAL▼" in screen_rows(app)[1]
        assert "by best" in screen_rows(app)[0]
        await pilot.press("o")
        await until(app, lambda: ids(app)[0] == "20260302-101010-mnist-bbbb")
        assert "BEST VAL▲" in screen_rows(app)[1]
        await pilot.press("g")
        await until(app, lambda: "mnist (1)" in ids(app))
        assert ids(app) == [
            "digits (2)",
            "20260301-101010-digits-aaaa",
            "20260101-101010-live-cccc",
            "mnist (1)",
            "20260302-101010-mnist-bbbb",
        ]
        await pilot.press("home", "space")
        await until(app, lambda: len(runs_screen(app).marked) == 2)
        await pilot.press("g", "g", "g")
        await until(app, lambda: len(ids(app)) == 3)


async def test_marks_stay_with_their_runs(three: Path, told: list[str]) -> None:
    async with open_console(three) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("c")
        await until(app, lambda: told)
        assert "mark two runs or more with space" in told[-1]
        await pilot.press("space", "space")
        await until(app, lambda: "2 marked" in screen_rows(app)[0])
        assert list(runs_screen(app).marked) == ["20260101-101010-live-cccc", "20260302-101010-mnist-bbbb"]
        await pilot.press("o")
        await until(app, lambda: ids(app)[1] == "20260301-101010-digits-aaaa")
        assert [row[:3] for row in screen_rows(app)[2:5]] == ["◆ ●", "  ✓", "◆ ✓"]
        await pilot.press("home", "space")
        await until(app, lambda: "1 marked" in screen_rows(app)[0])


async def test_removing_asks_and_then_removes(three: Path) -> None:
    gone, kept = three / "20260302-101010-mnist-bbbb", three / "20260301-101010-digits-aaaa"
    async with open_console(three) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("down", "x")
        await until(app, lambda: isinstance(app.screen, ConfirmScreen))
        await until(app, lambda: str(gone) in "".join(screen_text(app).split()))  # wherever the line breaks
        await pilot.press("enter")
        await until(app, lambda: app.screen is runs_screen(app))
        assert gone.exists(), "the answer that is suggested is no"
        await pilot.press("delete", "escape")
        await until(app, lambda: app.screen is runs_screen(app))
        await pilot.press("delete", "y")
        await until(app, lambda: len(ids(app)) == 2)
        assert not gone.exists()
        assert kept.exists()


async def test_a_run_that_is_going_on_is_not_removed(three: Path, told: list[str]) -> None:
    async with open_console(three) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("space", "space", "x")
        await until(app, lambda: told)
        assert told[-1] == ("20260101-101010-live-cccc is going on; stop it first, then remove it")
        assert app.screen is runs_screen(app)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("running", "it is going on; enter shows it"),
        ("finished", "it is finished; to train on: xaitui resume 20260303-run --epochs +5"),
        ("elsewhere", "process 7 on far writes it; if that is gone: xaitui resume 20260303-run --take-over"),
        ("broken", "config.toml is no TOML: "),
    ],
)
async def test_what_cannot_be_resumed_says_why(state: str, message: str, runs_dir: Path, told: list[str]) -> None:
    if state in ("finished", "broken"):
        run = finished_run(runs_dir, "20260303-run")
        if state == "broken":
            run.config.write_text("[run")
    else:
        run = made_run(runs_dir, "20260303-run", started())
        own(run, **({"host": "far", "boot": "other", "pid": 7} if state == "elsewhere" else {}))
    async with open_console(runs_dir) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("R")
        await until(app, lambda: told)
        assert told[-1].startswith(f"20260303-run: {message}")


async def test_keys_hand_the_run_under_the_cursor_on(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(ConsoleApp, "open", lambda app, name, what=None: asked.append((name, what)))
    monkeypatch.setattr(ConsoleApp, "resume_run", lambda app, what: asked.append(("resume", what)))
    made_run(three, "20260301-101010-cut-eeee", started(), settings={"training.seed": 7})
    run = RunDirectory(three / "20260301-101010-cut-eeee")
    async with open_console(three) as (app, pilot):
        await until(app, lambda: len(ids(app)) == 4)
        await pilot.press("down")
        assert under_cursor(app) == run.id
        await pilot.press("enter", "n", "R", "y", "C")
        await until(app, lambda: len(asked) == 4)
        opened, new, resumed, cloned = asked
        assert (opened, new, resumed) == (("live", run), ("new", None), ("resume", run))
        assert isinstance(cloned, tuple)
        assert isinstance(cloned[1], RunConfig)
        assert cloned[1].training.seed == 7
        await pilot.press("space", "home", "space", "c")
        await until(app, lambda: len(asked) == 5)
        assert asked[4] == ("compare", [run, RunDirectory(three / "20260101-101010-live-cccc")])


async def test_a_configuration_that_cannot_be_read_is_not_cloned(runs_dir: Path, told: list[str]) -> None:
    run = finished_run(runs_dir, "20260303-run")
    run.config.write_text("[optimizer]\nlr = -1\n")
    async with open_console(runs_dir) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("C")
        await until(app, lambda: told)
        assert "20260303-run: the configuration: optimizer.lr: -1 is not valid" in told[-1]


async def test_read_only_does_nothing_to_runs(three: Path, told: list[str]) -> None:
    async with open_console(three, readonly=True) as (app, pilot):
        await until(app, listed(app))
        await pilot.press("down", "x", "n", "C", "R")
        await pilot.pause()
        assert app.screen is runs_screen(app)
        assert not told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
async def test_a_folder_that_cannot_be_read_is_said(three: Path) -> None:
    three.chmod(0)
    try:
        async with open_console(three) as (app, _):
            await until(app, lambda: "the folder of runs cannot be read: Permission denied" in foot(app))
    finally:
        three.chmod(0o755)


def test_every_state_has_a_symbol_of_its_own() -> None:
    assert set(SYMBOLS) == set(State)
    for which in (0, 1):
        assert len({symbols[which] for symbols in SYMBOLS.values()}) >= len(State) - 1
    assert all(symbols[1].isascii() and len(symbols[0]) == len(symbols[1]) == 1 for symbols in SYMBOLS.values())


@pytest.mark.parametrize("width", [58, 60, 79, 80, 100, 120, 160, 200])
def test_columns_fill_their_width_and_the_important_ones_stay(width: int) -> None:
    columns = columns_for(width)
    names = [column.name for column, _ in columns]
    assert {"state", "run", "epoch", "best"} <= set(names)
    assert 2 + sum(room for _, room in columns) + len(columns) - 1 == width
    assert (len(names) == len(COLUMNS)) == (width >= 160)


@pytest.mark.parametrize(
    ("text", "options", "fitted"),
    [
        ("abc", {}, "abc  "),
        ("abc", {"to_the_right": True}, "  abc"),
        ("abcdef", {}, "abcd…"),
        ("abcdef", {"keep_end": True}, "…cdef"),
        ("abcdef", {"keep_end": True, "dots": "..."}, "...ef"),
        ("日本語文", {}, "日本…"),
        ("日本語文字", {"keep_end": True}, "…文字"),
        ("a\x1bb", {}, r"a\x1…"),
    ],
)
def test_text_takes_exactly_its_cells(text: str, options: dict[str, bool], fitted: str) -> None:
    assert fit(text, 5, **options) == fitted  # type: ignore[arg-type]
