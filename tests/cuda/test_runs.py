"""Runs on a GPU from their start to what is done with them, without a screen and in the console."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.cuda.gpu_runs import command_in_child, quiet
from tests.run_commands import finish, made_set, start, take_up, weights
from tests.tui.console_pilot import open_console, until
from tests.tui.live_run import Watch, training
from xaitui.cli.app import run as run_command
from xaitui.config.toml import read_resolved
from xaitui.evaluation.evaluation import Evaluation
from xaitui.events import RunFinished, RunResumed
from xaitui.jobs.predict.splits import HowToPredict, weights_agree
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.predictions import read_predictions
from xaitui.runs.state import State, summarise

pytestmark = pytest.mark.cuda

AGREE = 0.02
"""Largest difference of probabilities: of training's TF32, in which they were stored, and float32."""


@pytest.fixture(scope="module")
def events(device: str, folder: Path) -> list[dict[str, Any]]:
    """What a run on the digits says that is trained without a screen, in a process of its own."""
    words = ["train", "--headless", "--json", "--device", device, "--epochs", "6", "--threads", "2"]
    done = command_in_child([*words, "--runs-dir", "runs"], folder)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("digits")


@pytest.fixture
def trained(events: list[dict[str, Any]], folder: Path) -> RunDirectory:
    assert events
    (run,) = list_runs(folder / "runs")
    return run


def test_a_run_without_a_screen_learns_the_digits(
    events: list[dict[str, Any]], trained: RunDirectory, device: str
) -> None:
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("RunStarted", "RunFinished")
    assert events[-1]["test"]["accuracy"] > 0.93
    assert any(event.get("message") == f"{device}: asked for" for event in events)
    on_gpu = device.startswith("cuda")
    assert all((event["memory"] > 0) is on_gpu for event in events if event["event"] == "StepLogged")
    if on_gpu:
        assert events[0]["device"] == torch.cuda.get_device_name(0)
    resolved = read_resolved(trained.config)
    assert (resolved["device"], resolved["fused"], resolved["tf32"]) == (device.partition(":")[0], True, on_gpu)
    assert all(torch.isfinite(tensor).all() for tensor in weights(trained).values())
    for split in ("val", "test"):
        found = read_predictions(trained.predictions / f"{split}.npz")
        assert np.isfinite(found.probabilities).all()
        np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("on_processor", [True, False])
def test_its_weights_answer_the_same_wherever_they_are_loaded(
    on_processor: bool, trained: RunDirectory, device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = "cpu" if on_processor else device
    evaluation = Evaluation.read(trained, "test")
    assert weights_agree(evaluation, trained, quiet, HowToPredict(device=where)) < AGREE
    assert run_command(["evaluate", str(trained.path), "--weights-check", "--device", where]) == 0
    assert "weights check: probabilities of 359 images within" in capsys.readouterr().out
    grey = np.linspace(0, 255, 64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "ramp.png")
    assert run_command(["predict", str(trained.path), str(tmp_path / "ramp.png"), "--device", where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["image"].endswith("ramp.png")
    words = ["explain", str(trained.path), "--samples", "random:2", "--method", "saliency,grad-cam", "--device", where]
    assert run_command([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("there", [True, False])
def test_a_run_goes_on_where_there_is_another_device_and_says_that_it_is_not_exact(
    there: bool, device: str, tmp_path: Path, runs_dir: Path
) -> None:
    """From the GPU to the processor, and the other way."""
    first, second = (device, "cpu") if there else ("cpu", device)
    execution = start(
        runs_dir,
        data__dataset=str(made_set(tmp_path / "set.npz")),
        run__device=first,
        training__epochs=1,
        training__batch_size=8,
        training__threads=1,
    )
    finish(execution)
    again = finish(take_up(execution.run, device=second, extend=1))
    assert isinstance(again[-1], RunFinished)
    (resumed,) = [event for event in again if isinstance(event, RunResumed)]
    assert resumed.exact is (first == second)
    assert first == second or resumed.reason.startswith(f"the run was made on {first.partition(':')[0]}, this is ")


async def test_a_run_in_the_thread_of_the_console_comes_to_its_end(device: str, tmp_path: Path, runs_dir: Path) -> None:
    first = training(
        data__dataset=str(made_set(tmp_path / "set.npz")), run__device=device, training__epochs=3, training__threads=1
    )
    async with open_console(runs_dir, (80, 24), first, interval=0.2) as (app, _):
        watch = Watch(app)
        await until(app, lambda: watch.follower is not None)
        await watch.until_state("finished")
    (run,) = list_runs(runs_dir)
    assert summarise(run).state is State.FINISHED
    assert read_resolved(run.config)["device"] == device.partition(":")[0]
    assert all(torch.isfinite(tensor).all() for tensor in weights(run).values())
