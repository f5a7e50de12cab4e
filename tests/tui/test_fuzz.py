"""Random input in bursts, into every screen, in terminals of every size, while the journal of a run grows beside."""

from __future__ import annotations

import itertools
import os
import random
import select
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Resize
from textual.geometry import Size

from tests.builders.events import step
from tests.builders.runs import own, write
from tests.tui.console_pilot import open_console, until_acted_on
from tests.tui.every_screen import ROUTES, go, make_two
from tests.tui.random_input import bursts, size
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import summarise
from xaitui.studies.folder import list_studies
from xaitui.tui.app import ConsoleApp
from xaitui.tui.run_controller import TERMINATED

KEYS = 140
"""Into each of the 15 screens."""
STARTS = (b"\x13", b"\x0f")
"""Keys that start a training or a measurement, for which a suite has no time; the benchmark has."""


@pytest.fixture
def two(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two runs and a study; what is started beside them has ended when the test has, and nothing is downloaded."""
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    yield make_two(runs_dir)
    for study in list_studies(runs_dir):
        study.stop.touch()
    for run in list_runs(runs_dir):
        _end(run)


def _end(run: RunDirectory) -> None:
    owner = summarise(run).owner
    if owner is not None and owner.pid != os.getpid() and owner.is_alive:
        ask(run.path, Request.STOP)
        descriptor = os.pidfd_open(owner.pid)
        select.select([descriptor], [], [], 60)
        os.close(descriptor)


@pytest.mark.parametrize("name", ROUTES)
async def test_no_input_ends_the_console_but_leaving_it(name: str, two: Path) -> None:
    growing, numbers = RunDirectory(two / "20260302-101010-digits-bbbb"), itertools.count(11)
    own(growing)
    number = list(ROUTES).index(name)
    draw, typed, sent = random.Random(number), bursts(number, longest=80), 0
    while sent < KEYS:
        async with open_console(two, (100, 30), interval=0.1) as (app, _):
            await go(app, name)
            while sent < KEYS and not app.is_leaving:
                burst = [each for each in next(typed) if each not in STARTS]
                sent += len(burst)
                feed(app, b"".join(burst), Size(*size(draw)))
                write(growing, step(next(numbers)))
                await until_acted_on(app)
            if app.is_training:
                app.controller.ask(TERMINATED)
                app.controller.join()
        assert app.return_code in (0, None)


def feed(app: ConsoleApp, data: bytes, terminal: Size) -> None:
    """As the driver does with what the terminal sends, which is given another size meanwhile."""
    app.post_message(Resize(terminal, terminal))
    for message in XTermParser().feed(data.decode(errors="ignore")):
        app.post_message(message)
