"""--profile: where the time goes, without a change of what is computed."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.run_commands import assert_equal_weights, finish, made_set, start, take_up
from xaitui.cli.app import run
from xaitui.errors import ExitCode
from xaitui.event_codec import decode
from xaitui.events import EpochFinished, Evaluated, Event, Note, Profiled, RunFinished, StepLogged
from xaitui.runs.directory import list_runs
from xaitui.stop import Stop, StopReason
from xaitui.training.profile import OTHER, PHASES

FOUR_STEPS: dict[str, Any] = {"training__batch_size": 8, "training__threads": 1, "training__epochs": 4}
"""An epoch on 32 images."""

LINEAR = """
from threading import Lock

from torch import nn


def build(num_classes, in_channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))


def build_for_one(num_classes, in_channels, image_size):
    model = build(num_classes, in_channels, image_size)
    model.lock = Lock()
    return model
"""


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return str(made_set(tmp_path / "set.npz"))


def numbers(events: list[Event]) -> list[object]:
    """All that a run computed."""
    return [
        (
            type(event),
            event.step,
            getattr(event, "loss", None),
            getattr(event, "train_loss", None),
            getattr(event, "scores", None),
            getattr(event, "val", None),
        )
        for event in events
        if isinstance(event, StepLogged | EpochFinished | Evaluated)
    ]


def profiles(events: list[Event]) -> list[Profiled]:
    return [event for event in events if isinstance(event, Profiled)]


def notes(events: list[Event]) -> str:
    return "\n".join(event.message for event in events if isinstance(event, Note))


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"data__storage": "streaming", "augmentation__mixup": 0.4},
        {"training__micro_batch_size": 3, "training__ema_decay": 0.9, "augmentation__hflip": True},
    ],
)
def test_the_results_are_those_without_it(variant: dict[str, Any], dataset: str, runs_dir: Path) -> None:
    settings = {"data__dataset": dataset, **FOUR_STEPS, **variant}
    plain = start(runs_dir, **settings)
    expected = finish(plain)
    profiled = start(runs_dir, run__profile=True, **settings)
    events = finish(profiled)
    assert numbers(events) == numbers(expected)
    assert_equal_weights(profiled.run, plain.run)
    assert profiles(expected) == []
    assert not plain.run.profile.exists()
    (found,) = profiles(events)
    assert (found.epoch, found.step) == (3, 12)  # five steps pass, five are measured, two are left of the epoch
    assert (found.steps, found.images) == (5, 40)


def test_what_is_kept_says_where_the_time_went(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, run__profile=True, **FOUR_STEPS)
    (found,) = profiles(finish(execution))
    assert list(found.milliseconds) == [*PHASES, OTHER]
    assert all(value > 0 for value in found.milliseconds.values())
    assert 0 < found.share_of_peak < 1
    kept = decode((execution.run.profile / "profile.json").read_bytes())
    assert isinstance(kept, Profiled)
    assert (kept.milliseconds, kept.flop, kept.peak) == (found.milliseconds, found.flop, found.peak)
    trace = json.loads((execution.run.path / found.trace).read_text())
    named = [event["name"] for event in trace["traceEvents"] if event.get("cat") == "user_annotation"]
    assert {name: named.count(name) for name in PHASES[1:]} == dict.fromkeys(PHASES[1:], 2)
    assert "aten::convolution" in {event["name"] for event in trace["traceEvents"]}


def test_the_operations_of_a_linear_layer_are_those_of_its_products(dataset: str, tmp_path: Path) -> None:
    (tmp_path / "linear.py").write_text(LINEAR)
    execution = start(
        tmp_path / "runs",
        data__dataset=dataset,
        run__profile=True,
        **FOUR_STEPS,
        model__name=f"{tmp_path}/linear.py:build",
    )
    (found,) = profiles(finish(execution))
    product = 2 * 8 * 64 * 2
    assert found.flop == 2 * product  # the logits, and the gradient of the weights; the images need none


def test_a_model_that_cannot_be_copied_has_no_share_of_the_peak(dataset: str, tmp_path: Path) -> None:
    (tmp_path / "linear.py").write_text(LINEAR)
    execution = start(
        tmp_path / "runs",
        data__dataset=dataset,
        run__profile=True,
        **FOUR_STEPS,
        model__name=f"{tmp_path}/linear.py:build_for_one",
    )
    events = finish(execution)
    (found,) = profiles(events)
    assert math.isnan(found.flop)
    assert math.isnan(found.share_of_peak)
    assert found.milliseconds["forward"] > 0
    assert isinstance(events[-1], RunFinished)


def test_a_run_that_is_taken_up_is_profiled_again(dataset: str, runs_dir: Path) -> None:
    settings = {"data__dataset": dataset, **FOUR_STEPS}
    whole = start(runs_dir, **settings)
    finish(whole)
    stop, events = Stop(), []
    execution = start(runs_dir, stop, run__profile=True, **settings)
    for event in execution.events():
        events.append(event)
        if isinstance(event, StepLogged) and event.step == 11:  # it is being traced
            stop.ask(StopReason("a test", ExitCode.FINISHED))
    assert profiles(events) == []
    assert "too few steps for a profile" in notes(events)
    again = finish(take_up(execution.run))
    (found,) = profiles(again)
    assert (found.step, found.steps) == (16, 2)  # of five left one passes, two are measured, two are traced
    assert isinstance(again[-1], RunFinished)
    assert_equal_weights(execution.run, whole.run)


def test_what_cannot_be_written_is_said_and_ends_nothing(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, run__profile=True, **FOUR_STEPS)
    execution.run.profile.touch()
    events = finish(execution)
    assert f"the profile could not be kept in {execution.run.profile}: File exists" in notes(events)
    assert profiles(events)[0].trace == ""
    assert isinstance(events[-1], RunFinished)


def test_a_disk_that_is_full_leaves_no_part_of_a_trace(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, run__profile=True, **FOUR_STEPS)
    folder = execution.run.profile
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        events = finish(execution)
        assert [path.name for path in folder.iterdir()] == ["profile.json"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert f"could not be kept in {folder}: the trace could not be written" in notes(events)
    assert profiles(events)[0].trace == ""
    assert isinstance(events[-1], RunFinished)


def test_a_run_of_one_step_says_that_it_has_too_few(dataset: str, runs_dir: Path) -> None:
    settings = FOUR_STEPS | {"training__batch_size": 32, "training__epochs": 1}
    events = finish(start(runs_dir, data__dataset=dataset, run__profile=True, **settings))
    assert "too few steps for a profile" in notes(events)
    assert isinstance(events[-1], RunFinished)


def test_the_command_prints_a_table(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "--headless", "--dataset", dataset, "--batch-size", "8", "--epochs", "2", "--threads", "1"]
    assert run([*words, "--profile"]) == 0
    captured = capfd.readouterr()
    lines = captured.out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("time   mean of 3 steps"))
    assert [line.split()[0] for line in lines[first + 1 : first + 9]] == [*PHASES, OTHER, "together"]
    assert captured.err == ""  # the tracer does not write past the screen
    (found,) = list_runs(tmp_path / "runs")
    assert (found.profile / "trace.json").exists()
