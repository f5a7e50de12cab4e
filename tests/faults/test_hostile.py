"""Hostile text is shown as what it is: nothing of it reaches the terminal, a screen or a page as a command."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.segment import Segment

from tests.faults.hostile import COMMANDS, NEWER, REPORT, TEXTS, make_hostile, require_plain
from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.every_screen import BEYOND, ROUTES, WITHOUT_FOCUS, name_of
from xaitui.jobs.background import spawn
from xaitui.plotting.drawer import COMMAND as DRAWING
from xaitui.text import printable
from xaitui.tui.app import ConsoleApp
from xaitui.tui.explain.client import COMMAND as EXPLAINING
from xaitui.tui.explain.terminal_graphics import COMMAND as SHARP

PER_RUN = 6
"""So many of the texts stand in a run together."""


@pytest.mark.parametrize("first", range(0, len(TEXTS), PER_RUN))
def test_no_command_lets_hostile_words_of_a_run_reach_the_terminal(first: int, tmp_path: Path) -> None:
    text = " ".join([*TEXTS.values()][first : first + PER_RUN])
    make_hostile(tmp_path / "runs", text)
    said = {words: require_plain(words, tmp_path, text) for words in COMMANDS}
    assert printable(text)[:12] in said["runs", "show", NEWER]
    assert printable(text)[:12] in said["attach", NEWER, "--plain"]


def test_hostile_words_are_no_script_in_a_report(tmp_path: Path) -> None:
    make_hostile(tmp_path / "runs", TEXTS["script"])
    require_plain(REPORT, tmp_path, TEXTS["script"])
    assert "&lt;script&gt;" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_all_texts_and_commands_are_there() -> None:
    assert (len(TEXTS), len(COMMANDS)) == (21, 18)


SCREEN_TEXT = "".join(TEXTS[name] for name in ("action in markup", "markup", "colour", "clipboard", "C1 controls"))


SHOWN = dict.fromkeys(
    ("runs", "live", "evaluate", "mistakes", "explain", "training_maps", "two_runs"), "click=app.bell"
)
"""What is to be read, as it is, on the screens that show words of a run."""


@pytest.mark.parametrize("name", ROUTES)
async def test_no_screen_acts_upon_hostile_words_of_a_run(name: str, tmp_path: Path) -> None:
    make_hostile(tmp_path / "runs", SCREEN_TEXT)
    async with open_console(tmp_path / "runs", (120, 40)) as (app, _):
        await until(app, lambda: "bbbb" in screen_text(app) and app.screen.focused is not None)
        for key in ROUTES[name]:
            await until(app, lambda: name_of(app) != "studies" or "rates" in screen_text(app))
            before = app.screen
            app.simulate_key(key)
            if key != "space":
                await until(app, lambda before=before: app.screen is not before and stands(app))  # type: ignore[misc]
        await until(app, lambda: name_of(app) == name and SHOWN.get(name, BEYOND[name]) in screen_text(app))
        bad = [repr(each.text) for each in segments(app) if acts(each)]
        assert not bad


def stands(app: ConsoleApp) -> bool:
    return bool(app.screen.focused is not None or name_of(app) in WITHOUT_FOCUS)


def segments(app: ConsoleApp) -> list[Segment]:
    """All that is painted."""
    return [segment for strip in app.screen._compositor.render_strips() for segment in strip]


def acts(segment: Segment) -> bool:
    """Whether it holds a control character, a link, or an action that a text brought with it."""
    meta = segment.style.meta if segment.style is not None else {}
    click = str(meta.get("@click", ""))
    return (
        not all(character.isprintable() for character in segment.text)
        or bool(segment.style is not None and segment.style.link)
        or "bell" in click
    )


@pytest.mark.parametrize("command", [DRAWING, SHARP, ("background",)], ids=lambda words: words[-1])
def test_what_lies_in_the_working_folder_is_imported_by_no_process_of_ours(
    command: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "textual"):
        (tmp_path / f"{name}.py").write_text("open('owned', 'w').close()\nraise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    if command == ("background",):
        code = spawn(["config", "schema"], subprocess.DEVNULL).wait()
    else:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode
    assert code != 9
    assert not (tmp_path / "owned").exists()
    assert EXPLAINING[:2] == DRAWING[:2]  # the one that loads torch, which would take long
