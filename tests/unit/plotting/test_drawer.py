from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from tests.unit.plotting.figures import figure, text_of
from xaitui.plotting.draw import draw
from xaitui.plotting.drawer import COMMAND, Drawer
from xaitui.plotting.figure import Drawing


@pytest.fixture
async def drawer() -> AsyncIterator[Drawer]:
    drawer = Drawer()
    yield drawer
    await drawer.close()


def drawing_processes() -> list[psutil.Process]:
    living = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    return [each for each in living if COMMAND[-1] in each.cmdline()]


async def test_the_process_draws_what_would_be_drawn_here(drawer: Drawer) -> None:
    shown = figure(log=True, mark=500.0, title="損失")
    assert await drawer.draw(shown, 60, 12) == draw(shown, 60, 12)


async def test_answers_come_in_the_order_of_the_questions_from_one_process(drawer: Drawer) -> None:
    drawings = await asyncio.gather(*(drawer.draw(figure(), width, 9) for width in range(30, 40)))
    assert [len(text_of(each)[0]) for each in drawings] == list(range(30, 40))
    assert len(drawing_processes()) == 1


async def test_a_dead_process_costs_one_drawing(drawer: Drawer) -> None:
    await drawer.draw(figure(), 60, 12)
    [process] = drawing_processes()
    process.kill()
    process.wait()
    assert text_of(await drawer.draw(figure(), 60, 12))[0].startswith("plot: ")
    assert await drawer.draw(figure(), 60, 12) == draw(figure(), 60, 12)
    assert drawing_processes() != [process]


async def test_the_signals_of_the_terminal_do_not_end_it(drawer: Drawer) -> None:
    await drawer.draw(figure(), 60, 12)
    before = drawing_processes()
    for number in (signal.SIGINT, signal.SIGHUP):
        before[0].send_signal(number)
    assert len(await drawer.draw(figure(), 60, 12)) == 12
    assert drawing_processes() == before


async def test_who_no_longer_waits_does_not_confuse_the_others(drawer: Drawer) -> None:
    await drawer.draw(figure(), 20, 9)
    drawn: list[asyncio.Task[Drawing]] = [asyncio.create_task(drawer.draw(figure(), 30 + i, 9)) for i in range(6)]
    await asyncio.sleep(0)
    for task in drawn[::2]:
        task.cancel()
    results = await asyncio.gather(*drawn, return_exceptions=True)
    assert [len(text_of(each)[0]) for each in results if isinstance(each, list)] == [31, 33, 35]


@pytest.mark.parametrize(
    "command",
    [("/nowhere/python",), (sys.executable, "-c", "pass"), (sys.executable, "-c", "input(); print('no JSON')")],
)
async def test_a_process_that_does_not_work_is_a_row(command: tuple[str, ...]) -> None:
    drawer = Drawer(command)
    [row] = text_of(await drawer.draw(figure(), 40, 9))
    assert row.startswith("plot: ")
    assert len(row) == 40
    await drawer.close()


async def test_a_silent_process_is_given_up() -> None:
    drawer = Drawer((sys.executable, "-c", "import sys; sys.stdin.read()"), patience=0.001)
    [row] = text_of(await drawer.draw(figure(), 50, 9))
    assert row.strip() == "plot: no answer of the drawing process"
    assert [each for each in psutil.Process().children() if "sys.stdin.read" in " ".join(each.cmdline())] == []
    await drawer.close()


async def test_closing_ends_the_process_and_what_it_draws() -> None:
    drawer = Drawer()
    await drawer.draw(figure(), 60, 12)
    last = asyncio.create_task(drawer.draw(figure(), 60, 12))
    await asyncio.sleep(0)
    await drawer.close()
    assert len(await last) <= 12
    assert await drawer.draw(figure(), 60, 12) == []
    assert drawing_processes() == []


def test_it_ends_with_the_pipe() -> None:
    done = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_loads_little() -> None:
    code = "import sys, xaitui.plotting.process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "plotext" in loaded
    assert not loaded & {"numpy", "torch", "textual", "rich", "pydantic"}
