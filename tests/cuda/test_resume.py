"""A run that is killed, stopped or handed over on a GPU goes on exactly where it is to be deterministic."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.cuda.gpu_runs import EXACT, program_in_child, stop_at
from tests.run_commands import ROOT, assert_equal_weights, finish, logged_steps, made_set, start, take_up, weights
from tests.unit.jobs.train.test_hand_over import hand_over, wait_for
from xaitui.cli.app import run as run_command
from xaitui.config.command_line import arguments
from xaitui.config.resolve import build_config
from xaitui.config.schema import RunConfig
from xaitui.events import RunFinished, RunResumed
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.state import State, summarise
from xaitui.system.fault_points import Point

pytestmark = pytest.mark.cuda

STEPS, STEPS_PER_EPOCH = 20, 10
EVERYTHING: dict[str, Any] = {
    **EXACT,
    "augmentation__rotate": 10,
    "augmentation__hflip": True,
    "augmentation__mixup": 0.4,
    "training__ema_decay": 0.9,
    "training__clip_norm": 1.0,
    "schedule__name": "cosine",
    "schedule__warmup_epochs": 0.5,
    "run__save_every": 0.01,
}
"""All that an exact resume has to bring back; dropout and batch normalisation are in the model."""

KILLED = """
import sys
from tests.faults.kill import killing_at
from xaitui.__main__ import main
from xaitui.system.fault_points import injected

hook = killing_at(sys.argv.pop(1))
with injected(hook):
    main()
"""


@pytest.fixture(scope="module")
def settings(device: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    dataset = made_set(tmp_path_factory.mktemp("set") / "set.npz", images=STEPS_PER_EPOCH * 8, channels=3)
    return {**EVERYTHING, "data__dataset": str(dataset), "run__device": device}


@pytest.fixture(scope="module")
def whole(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing happens to."""
    execution = start(tmp_path_factory.mktemp("whole"), **settings)
    assert isinstance(finish(execution)[-1], RunFinished)
    return execution.run


def config_of(settings: dict[str, Any]) -> RunConfig:
    return build_config({name.replace("__", "."): value for name, value in settings.items()})


def assert_went_on(run: RunDirectory, whole: RunDirectory) -> None:
    """It ended as if nothing had happened, and says that it was exact."""
    events = read_journal(run.journal)
    assert [event.exact for event in events if isinstance(event, RunResumed)] == [True]
    assert summarise(run).state is State.FINISHED
    assert logged_steps(run) == list(range(1, STEPS + 1))
    assert_equal_weights(run, whole)


def test_a_run_that_is_killed_in_the_middle_of_an_epoch_goes_on_bit_for_bit(
    settings: dict[str, Any], whole: RunDirectory, runs_dir: Path, tmp_path: Path
) -> None:
    argument = json.dumps([Point.STEP_DONE, "", STEPS_PER_EPOCH + 4])
    words = ["train", "--headless", "--json", "--runs-dir", str(runs_dir), *arguments(config_of(settings))]
    process = program_in_child(KILLED, tmp_path, argument, *words)
    _, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err
    (run,) = list_runs(runs_dir)
    assert summarise(run).state is State.INTERRUPTED
    events = finish(take_up(run))
    assert isinstance(events[0], RunResumed)
    assert 0 < events[0].from_step <= STEPS_PER_EPOCH + 5
    assert_went_on(run, whole)


@pytest.mark.parametrize("step", [3, STEPS_PER_EPOCH + 5])
def test_a_run_that_is_stopped_goes_on_bit_for_bit(
    step: int, settings: dict[str, Any], whole: RunDirectory, runs_dir: Path
) -> None:
    execution = start(runs_dir, **settings)
    stop_at(execution, step)
    finish(take_up(execution.run))
    assert_went_on(execution.run, whole)


def test_another_process_goes_on_bit_for_bit(
    settings: dict[str, Any], whole: RunDirectory, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    execution = start(runs_dir, **settings)
    event = hand_over(execution, step=STEPS_PER_EPOCH + 5)
    wait_for(event)
    assert summarise(execution.run).state is State.FINISHED, execution.run.log.read_text()
    assert_went_on(execution.run, whole)


def test_its_last_steps_are_trained_again_and_are_the_same(
    whole: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["verify", str(whole.path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "equal"


def test_without_being_deterministic_it_comes_to_its_end(settings: dict[str, Any], runs_dir: Path) -> None:
    execution = start(runs_dir, **{**settings, "training__deterministic": False})
    stop_at(execution, STEPS_PER_EPOCH + 5)
    assert isinstance(finish(take_up(execution.run))[-1], RunFinished)
    assert logged_steps(execution.run) == list(range(1, STEPS + 1))
    assert all(torch.isfinite(tensor).all() for tensor in weights(execution.run).values())
