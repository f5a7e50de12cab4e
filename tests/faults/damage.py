"""A file of a run is changed behind its back: that is found, and a damaged checkpoint costs a few steps, no more."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.run_commands import assert_equal_weights, finish, kept_folder, logged_steps, made_set, start, take_up
from xaitui.errors import ExitCode
from xaitui.events import RunFinished, RunResumed, StepLogged
from xaitui.jobs.verify.replay import look, replay
from xaitui.runs.directory import RunDirectory
from xaitui.stop import Stop, StopReason

SETTINGS: dict[str, Any] = {
    "model__dropout": True,
    "augmentation__rotate": 20,
    "training__ema_decay": 0.9,
    "training__epochs": 3,
    "training__batch_size": 8,
    "training__threads": 1,
    "run__keep": "all",
}

STOPPED_AT = 10
SECTOR = 512


def _a_bit(content: bytearray, draw: random.Random) -> bytes:
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def _a_sector(content: bytearray, draw: random.Random) -> bytes:
    begin = draw.randrange(len(content)) // SECTOR * SECTOR
    content[begin : begin + SECTOR] = draw.randbytes(len(content[begin : begin + SECTOR]))
    return bytes(content)


def _the_end(content: bytearray, draw: random.Random) -> bytes:
    return bytes(content[: draw.randrange(len(content))])


def _more(content: bytearray, draw: random.Random) -> bytes:
    return bytes(content) + draw.randbytes(draw.randrange(1, 100))


DAMAGES: dict[str, Callable[[bytearray, random.Random], bytes]] = {
    "a bit": _a_bit,
    "a sector": _a_sector,
    "the end": _the_end,
    "more": _more,
}
"""What becomes of the content of a file, which is never what it was."""


@cache
def data() -> Path:
    """What is trained on."""
    return made_set(kept_folder("damage") / "set.npz")


@cache
def whole() -> RunDirectory:
    """A finished run that nothing happened to."""
    execution = start(data().parent / "whole", data__dataset=str(data()), **SETTINGS)
    finish(execution)
    return execution.run


@cache
def stopped() -> RunDirectory:
    """The same run, stopped in the middle of its last epoch."""
    stop = Stop()
    execution = start(data().parent / "stopped", stop, data__dataset=str(data()), **SETTINGS)
    for event in execution.events():
        if isinstance(event, StepLogged) and event.step == STOPPED_AT:
            stop.ask(StopReason("a test", ExitCode.TERMINATED))
    return execution.run


def copied(folder: Path) -> RunDirectory:
    """A copy of the stopped run, which may be damaged."""
    return RunDirectory(Path(shutil.copytree(stopped().path, folder / "runs" / stopped().id)))


def files_of(run: RunDirectory) -> list[Path]:
    """The files that are written whole."""
    return [path for path in sorted(run.path.rglob("*")) if path.suffix in (".pt", ".npz", ".json", ".toml")]


def check_found(run: RunDirectory, path: Path) -> None:
    """Verifying names the file, and no other; raises AssertionError."""
    name = path.relative_to(run.path).as_posix()
    said = look(run).damaged
    assert len(said) == 1, f"{name}: said is {said}"
    assert said[0].startswith((f"{name} is not what was written", f"{name} is missing")), f"{name}: said is {said}"


def check_goes_on(run: RunDirectory) -> RunResumed:
    """It ends as the whole one did, exactly; raises AssertionError."""
    events = finish(take_up(run))
    assert isinstance(events[-1], RunFinished), f"it ended with {events[-1]}"
    resumed = next(event for event in events if isinstance(event, RunResumed))
    assert resumed.exact, resumed.reason
    assert_equal_weights(run, whole())
    assert logged_steps(run) == logged_steps(whole())
    return resumed


def check_verified(run: RunDirectory) -> None:
    """Nothing of the damage is left, and the training can be done again; raises AssertionError."""
    looked = look(run)
    assert not looked.damaged, f"after that: {looked.damaged}"
    replayed = replay(run, looked.last, lambda text: None)
    assert not replayed.difference, str(replayed)


def one_round(seed: int, folder: Path) -> None:
    """Damage a file of a run at random; a checkpoint to go on from, or the journal, every other time."""
    draw, run = random.Random(seed), copied(folder)
    needed = (run.last, run.previous, run.best, run.journal)
    path = draw.choice(needed) if seed % 2 else draw.choice(files_of(run))
    kind = draw.choice([*DAMAGES, "missing"])
    before = path.read_bytes()
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(DAMAGES[kind](bytearray(before), draw))
    said = f"round {seed}: {kind} of {path.relative_to(run.path)}"
    if path.exists() and path.read_bytes() == before:
        return
    try:
        if path != run.journal:
            check_found(run, path)
        if path in needed:
            check_goes_on(run)
            if (kind, path) != ("more", run.last):  # a checkpoint with something behind it is used, and so kept
                check_verified(run)
    except AssertionError as error:
        raise AssertionError(f"{said}: {error}") from error
