"""--compile: chosen only where it gains, kept for resumes, and never in the way of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.run_commands import assert_equal_weights, finish, made_set, start, take_up, weights
from xaitui.cli.app import run
from xaitui.config.resolve import build_config
from xaitui.config.toml import read_resolved
from xaitui.errors import ExitCode
from xaitui.events import Event, MemoryRanOut, Note, RunFinished, RunResumed, StepLogged
from xaitui.jobs.train.start import begin_run
from xaitui.runs.directory import list_runs
from xaitui.stop import Stop, StoppedError, StopReason
from xaitui.training import compile as compiling

SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 2, "training__threads": 1}
"""On 30 images: three batches of 8 and one of 6."""

MODEL = """
from torch import nn


def build(num_classes, in_channels, image_size):
    layers = nn.Linear(in_channels * image_size**2, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, num_classes)
    return nn.Sequential(nn.Flatten(), *layers)
"""

GREEDY = """
from torch import nn


class Greedy(nn.Flatten):
    def forward(self, x):
        if self.training and len(x) > 4:
            raise MemoryError
        return super().forward(x)


def build(num_classes, in_channels, image_size):
    return nn.Sequential(Greedy(), nn.Linear(in_channels * image_size**2, num_classes))
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    (tmp_path / "mine.py").write_text(MODEL)
    dataset = str(made_set(tmp_path / "set.npz", images=30))
    model = f"{tmp_path}/mine.py:build"
    return {"data__dataset": dataset, "model__name": model, "run__device": "cpu", **SMALL}


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run is too short, and nothing too slow."""
    monkeypatch.setitem(compiling.SHORTEST, "compile", 0.0)
    monkeypatch.setattr(compiling, "LEAST_GAIN", float("-inf"))
    monkeypatch.setattr(compiling, "LEAST_WON", 0.0)


def notes(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Note)]


def test_a_short_run_is_the_plain_one_and_says_why(settings: dict[str, Any], runs_dir: Path) -> None:
    plain = start(runs_dir, **settings)
    finish(plain)
    asked = start(runs_dir, training__compile=True, **settings)
    events = finish(asked)
    assert_equal_weights(asked.run, plain.run)
    resolved = read_resolved(asked.run.config)
    assert resolved["compile"] is False
    assert resolved["reasons"]["compile"].startswith("not compiled: forward and backward of the whole run take")
    assert resolved["reasons"]["compile"] in notes(events)
    assert "compile" not in read_resolved(plain.run.config)["reasons"]


@pytest.mark.usefixtures("always")
def test_a_compiled_run_goes_on_exactly_and_leaves_no_process(settings: dict[str, Any], runs_dir: Path) -> None:
    from torch._dynamo.utils import counters  # slow to load

    others = set(psutil.Process().children(recursive=True))
    compiled = start(runs_dir, training__compile=True, **settings)
    assert set(psutil.Process().children(recursive=True)) <= others
    assert compiled.prepared.resolved.compile
    assert read_resolved(compiled.run.config)["reasons"]["compile"].startswith("compiled: ")
    before = counters["stats"]["unique_graphs"]
    assert isinstance(finish(compiled)[-1], RunFinished)
    assert counters["stats"]["unique_graphs"] == before  # no step waits for a compiler, that of six images neither
    assert weights(compiled.run).keys() == compiled.prepared.built.module.state_dict().keys()
    stop = Stop()
    cut = start(runs_dir, stop, training__compile=True, **settings)
    for event in cut.events():
        if isinstance(event, StepLogged) and event.step == 5:
            stop.ask(StopReason("a test", ExitCode.FINISHED))
    again = finish(take_up(cut.run, trust_model=True))
    assert [event.exact for event in again if isinstance(event, RunResumed)] == [True]
    assert any(note.startswith("compiled, as the run was made") for note in notes(again))
    assert_equal_weights(cut.run, compiled.run)
    assert set(psutil.Process().children(recursive=True)) <= others


@pytest.mark.usefixtures("always")
def test_a_compiler_that_fails_leaves_the_run_plain(
    settings: dict[str, Any], runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = start(runs_dir, **settings)
    finish(plain)
    monkeypatch.setenv("CXX", "/bin/false")
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("/bin/false",))
    asked = start(runs_dir, training__compile=True, **settings)
    events = finish(asked)
    assert not asked.prepared.resolved.compile
    assert any(note.startswith("not compiled: ") for note in notes(events))
    assert_equal_weights(asked.run, plain.run)


@pytest.mark.usefixtures("always")
def test_a_batch_that_does_not_fit_is_not_compiled_and_goes_on_in_portions(
    settings: dict[str, Any], tmp_path: Path, runs_dir: Path
) -> None:
    (tmp_path / "mine.py").write_text(GREEDY)
    execution = start(runs_dir, training__compile=True, **settings)
    events = finish(execution)
    assert "not compiled: there is not enough memory to try it" in notes(events)
    assert [event.after for event in events if isinstance(event, MemoryRanOut)] == [4]
    assert not any(note.startswith("the model is compiled again") for note in notes(events))
    assert isinstance(events[-1], RunFinished)


@pytest.mark.usefixtures("always")
def test_a_stop_before_the_compiler_is_asked_leaves_nothing(settings: dict[str, Any], runs_dir: Path) -> None:
    stop, said = Stop(), []

    def say(text: str) -> None:
        said.append(text)
        stop.ask(StopReason("a test", ExitCode.TERMINATED))

    config = build_config(
        {name.replace("__", "."): value for name, value in settings.items()} | {"training.compile": True}
    )
    with pytest.raises(StoppedError, match="stopped by a test before the first step"):
        begin_run(config, runs_dir, stop, say, ["xaitui", "train"])
    assert said == ["compiling the model, which may take minutes"]
    assert list_runs(runs_dir) == []


def test_without_a_compiler_nothing_is_made(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert run(["train", "--headless", "--device", "cpu", "--compile", "--dataset", settings["data__dataset"]]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "--compile cannot be used: there is no program 'no-such-compiler', which CXX names" in captured.err
    assert not (tmp_path / "runs").exists()


def test_a_run_that_was_compiled_goes_on_without_a_compiler_and_says_that_it_is_not_exact(
    settings: dict[str, Any], runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Stop()
    execution = start(runs_dir, stop, **settings)
    for event in execution.events():
        if isinstance(event, StepLogged) and event.step == 5:
            stop.ask(StopReason("a test", ExitCode.FINISHED))
    settings_of_run, resolved = execution.run.config.read_text().split("[resolved]")
    text = settings_of_run + "[resolved]" + resolved.replace("compile = false", "compile = true")
    execution.run.config.write_text(text)
    assert read_resolved(execution.run.config)["compile"] is True
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("CC", "no-such-compiler")
    events = finish(take_up(execution.run, trust_model=True))
    (resumed,) = [event for event in events if isinstance(event, RunResumed)]
    assert not resumed.exact
    assert "the run was compiled, and here there is no program 'no-such-compiler'" in resumed.reason
    assert isinstance(events[-1], RunFinished)


def test_smaller_portions_of_a_compiled_run_are_announced(settings: dict[str, Any], runs_dir: Path) -> None:
    execution = start(runs_dir, **settings)
    execution.prepared = replace(execution.prepared, resolved=replace(execution.prepared.resolved, compile=True))
    remaining = [MemoryError()]

    def run_out(*_: object) -> None:
        if remaining:
            raise remaining.pop()

    execution.prepared.trainer.parts.model.register_forward_hook(run_out)
    assert "the model is compiled again for 4 images; the next steps wait for that" in notes(finish(execution))
