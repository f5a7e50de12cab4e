"""Small real runs: in this process, and in one of their own that can be killed."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from tests.fork_server import Forked
from xaitui.config.resolve import build_config
from xaitui.events import Event, StepLogged
from xaitui.jobs.prepare import prepare
from xaitui.jobs.train.execution import Execution, create
from xaitui.jobs.train.resume import resume
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.runs.directory import RunDirectory, create_run
from xaitui.runs.journal.journal import read_journal
from xaitui.stop import Stop

ROOT = Path(__file__).parent.parent


def made_set(
    path: Path, *, images: int = 32, side: int = 8, channels: int = 1, classes: int = 2, seed: int = 0
) -> Path:
    """A set in MedMNIST's form whose classes differ in brightness, so that anything that learns learns it."""
    draw = np.random.default_rng(seed)
    arrays = {}
    for split, count in (("train", images), ("val", 12), ("test", 14)):
        labels = np.arange(count) % classes
        shade = 40 + labels * (180 // classes)
        noise = draw.integers(0, 40, (count, side, side, channels))
        arrays[f"{split}_images"] = (shade[:, None, None, None] + noise).astype(np.uint8).squeeze()
        arrays[f"{split}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def start(runs_dir: Path, stop: Stop | None = None, **settings: Any) -> Execution:
    """A run in this process that is ready for its first step."""
    config = build_config({name.replace("__", "."): value for name, value in settings.items()})
    stop = stop or Stop()
    prepared = prepare(config, stop, lambda text: None)
    return create(prepared, create_run(runs_dir, config), stop, ["xaitui", "train"])


def take_up(run: RunDirectory, stop: Stop | None = None, **options: Any) -> Execution:
    """A run of before that is ready to go on."""
    return resume(run, stop or Stop(), lambda text: None, ResumeOptions(**options))


def finish(execution: Execution) -> list[Event]:
    """Carry it out."""
    return list(execution.events())


def weights(run: RunDirectory) -> dict[str, torch.Tensor]:
    """The weights of the last checkpoint."""
    model: dict[str, torch.Tensor] = torch.load(run.last, weights_only=True)["model"]
    return model


def assert_equal_weights(one: RunDirectory, other: RunDirectory) -> None:
    """Bit for bit."""
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def logged_steps(run: RunDirectory) -> list[int]:
    """The steps of the folded journal."""
    return [event.step for event in read_journal(run.journal) if isinstance(event, StepLogged)]


def kept_folder(name: str) -> Path:
    """A folder for what several tests of a process share; it is gone when the process ends."""
    folder = TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return Path(folder.name)


def command(*words: str) -> list[str]:
    """The command line, from the checkout."""
    return [sys.executable, "-m", "xaitui", *words]


def environment() -> dict[str, str]:
    """The environment of a child process."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def spawn(words: Sequence[str], cwd: Path, **options: Any) -> Forked:
    """A process of its own, its stdout to be read line by line; it need not load torch."""
    return Forked(words, cwd, environment(), **options)


def run_command(words: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, from its start to its end."""
    with spawn(words, cwd) as process:
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.wait(), out, err)


def events_of(process: Forked) -> Iterator[dict[str, Any]]:
    """The events that a process with --json writes, as they come."""
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)
