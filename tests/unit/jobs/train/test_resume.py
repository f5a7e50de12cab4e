from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.run_commands import assert_equal_weights, finish, logged_steps, made_set, start, take_up
from xaitui.errors import DataError, ExitCode, UsageError
from xaitui.events import (
    CheckpointSaved,
    EpochFinished,
    Evaluated,
    Event,
    Note,
    RunExtended,
    RunFinished,
    RunResumed,
    StepLogged,
)
from xaitui.jobs.train.checkpoints import mend_journal, saved_journal
from xaitui.jobs.train.execution import Execution
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter, read_journal
from xaitui.runs.state import State, summarise
from xaitui.stop import Stop, StopReason
from xaitui.training.checkpoint import load_checkpoint

SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 2, "training__threads": 1}


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return str(made_set(tmp_path / "set.npz"))


def stop_at(execution: Execution, stop: Stop, step: int) -> RunDirectory:
    for event in execution.events():
        if isinstance(event, StepLogged) and event.step == step:
            stop.ask(StopReason("a test", ExitCode.TERMINATED))
    return execution.run


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "averaged": {"training__ema_decay": 0.9},
    "plateau": {"schedule__name": "plateau", "schedule__plateau_patience": 1, "training__epochs": 4},
    "onecycle": {"schedule__name": "onecycle", "optimizer__name": "sgd"},
    "muon": {"optimizer__name": "muon"},
    "mixed": {"augmentation__mixup": 0.4, "augmentation__erasing": 0.5, "augmentation__rotate": 20},
    "clipped": {"training__clip_norm": 0.5, "training__label_smoothing": 0.1, "optimizer__name": "adamw"},
    "half": {"training__precision": "bfloat16"},
    "streamed": {"data__storage": "streaming"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(variant: str, dataset: str, runs_dir: Path) -> None:
    settings = {"data__dataset": dataset, **SMALL, **VARIANTS[variant]}
    whole = start(runs_dir, **settings)
    finish(whole)
    last_step = logged_steps(whole.run)[-1]
    for step in (1, last_step // 2, last_step - 1):
        stop = Stop()
        run = stop_at(start(runs_dir, stop, **settings), stop, step)
        assert summarise(run).state is State.STOPPED
        events = finish(take_up(run))
        assert isinstance(events[0], RunResumed)
        assert events[0].from_step == step
        assert events[0].exact
        assert_equal_weights(run, whole.run)
        assert logged_steps(run) == logged_steps(whole.run)
        assert scores(run) == scores(whole.run)


def scores(run: RunDirectory) -> list[Any]:
    rows: list[Any] = []
    for event in read_journal(run.journal):
        if isinstance(event, EpochFinished):
            rows.append(
                (event.epoch, repr(event.train_loss), repr(event.train_accuracy), repr(event.val), event.waited)
            )
        elif isinstance(event, Evaluated):
            rows.append((event.split, repr(event.scores)))
        elif isinstance(event, StepLogged):
            rows.append((event.step, repr(event.loss), event.lr))
    return rows


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> CutRun:
    folder = tmp_path_factory.mktemp("cut")
    settings = {"data__dataset": str(made_set(folder / "tiny.npz", images=16)), **SMALL}
    stop = Stop()
    source = stop_at(start(folder, stop, **settings), stop, 2)
    whole = start(folder, **settings)
    finish(whole)
    resumed = RunDirectory(folder / "resumed")
    shutil.copytree(source.path, resumed.path)
    rest = finish(take_up(resumed))
    return CutRun(source, whole.run, rest)


@dataclass(frozen=True)
class CutRun:
    source: RunDirectory
    """Stopped after 2 of 4 steps."""
    whole: RunDirectory
    rest: list[Event]
    """What a resume of it writes."""


def test_a_journal_cut_at_every_byte_has_every_step_once_in_the_fold(cut: CutRun, tmp_path: Path) -> None:
    journal = cut.source.journal.read_bytes()
    saved = saved_journal(load_checkpoint(cut.source.last))
    for length in range(len(journal) + 1):
        path = tmp_path / f"{length}.jsonl"
        path.write_bytes(journal[:length])
        mend_journal(path, saved)
        writer = JournalWriter(path)
        for event in cut.rest:
            writer.append(event)
        writer.close()
        events = read_journal(path)
        assert [event.step for event in events if isinstance(event, StepLogged)] == [1, 2, 3, 4], length
        assert [event.epoch for event in events if isinstance(event, EpochFinished)] == [1, 2], length


def test_a_run_whose_journal_was_cut_goes_on_exactly(cut: CutRun, tmp_path: Path) -> None:
    journal = cut.source.journal.read_bytes()
    line_ends = [index + 1 for index, byte in enumerate(journal) if byte == 10]
    for length in sorted({0, 1, *(end + shift for end in line_ends for shift in (-1, 0, 9))}):
        run = RunDirectory(tmp_path / f"cut-{length}")
        shutil.copytree(cut.source.path, run.path)
        run.journal.write_bytes(journal[:length])
        finish(take_up(run))
        assert logged_steps(run) == [1, 2, 3, 4], length
        assert scores(run) == scores(cut.whole)
        assert_equal_weights(run, cut.whole)


def test_a_journal_cut_without_any_checkpoint_begins_anew(dataset: str, tmp_path: Path, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    finish(execution)
    journal = execution.run.journal.read_bytes()
    for length in range(0, len(journal), 397):
        run = RunDirectory(tmp_path / f"cut-{length}")
        shutil.copytree(execution.run.path, run.path)
        shutil.rmtree(run.path / "checkpoints")
        (run.path / "checkpoints").mkdir()
        run.journal.write_bytes(journal[:length])
        finish(take_up(run))
        assert logged_steps(run) == logged_steps(execution.run)
        assert_equal_weights(run, execution.run)


def test_the_events_of_two_epochs_come_in_order(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    kinds = [type(event).__name__ for event in finish(execution) if not isinstance(event, CheckpointSaved | Note)]
    epoch = ["EpochStarted", *["StepLogged"] * 4, "Evaluated", "EpochFinished"]
    assert kinds == ["RunStarted", *epoch, *epoch, "Evaluated", "RunFinished"]


def test_a_finished_run_is_extended_in_its_own_directory(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    finish(execution)
    with pytest.raises(UsageError, match="is finished; to go on, add epochs"):
        take_up(execution.run)
    events = finish(take_up(execution.run, extend=1))
    assert [type(event) for event in events[:2]] == [RunResumed, RunExtended]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].epoch == 3
    finish(take_up(execution.run, extend=2))
    folded = [event for event in read_journal(execution.run.journal) if isinstance(event, EpochFinished)]
    assert [event.epoch for event in folded] == [1, 2, 3, 4, 5]
    longer = start(runs_dir, data__dataset=dataset, **{**SMALL, "training__epochs": 5})
    finish(longer)
    assert_equal_weights(execution.run, longer.run)  # a constant rate: the horizon does not matter


def test_an_extension_that_was_killed_before_its_first_checkpoint_is_not_forgotten(
    dataset: str, runs_dir: Path
) -> None:
    settings = {**SMALL, "training__epochs": 9, "training__patience": 1, "training__min_delta": 1.0}
    execution = start(runs_dir, data__dataset=dataset, **settings)
    last = finish(execution)[-1]
    assert isinstance(last, RunFinished)
    assert last.reason.startswith("early stopping")
    killed = take_up(execution.run, extend=1).events()
    assert [type(next(killed)) for _ in range(2)] == [RunResumed, RunExtended]
    killed.close()  # type: ignore[attr-defined]  # a generator, left where it is
    again = finish(take_up(execution.run))
    assert any(isinstance(event, EpochFinished) for event in again)


def test_a_resume_elsewhere_is_marked_not_exact(dataset: str, runs_dir: Path) -> None:
    stop = Stop()
    run = stop_at(start(runs_dir, stop, data__dataset=dataset, **SMALL), stop, 2)
    text = run.config.read_text()
    run.config.write_text(text.replace(f'torch = "{torch.__version__}"', 'torch = "2.9.0"'))
    events = finish(take_up(run))
    assert isinstance(events[0], RunResumed)
    assert not events[0].exact
    assert "torch 2.9.0" in events[0].reason


def test_a_resume_on_other_data_is_refused_or_marked_not_exact(dataset: str, runs_dir: Path) -> None:
    stop = Stop()
    run = stop_at(start(runs_dir, stop, data__dataset=dataset, **SMALL), stop, 2)
    made_set(Path(dataset), seed=1)
    with pytest.raises(DataError, match=r"set\.npz is not the file that the run was made with"):
        take_up(run)
    events = finish(take_up(run, accept_changed=True))
    assert isinstance(events[0], RunResumed)
    assert not events[0].exact
    assert events[0].changed_data == events[0].reason


@pytest.mark.parametrize("damage", [b"", b"<html>", "truncated", "other"])
def test_a_damaged_checkpoint_is_one_line_and_nothing_is_changed(
    damage: bytes | str, dataset: str, runs_dir: Path
) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    finish(execution)
    run = execution.run
    run.previous.unlink()
    if damage == "truncated":
        run.last.write_bytes(run.last.read_bytes()[:5000])
    elif damage == "other":
        torch.save({"weights": torch.zeros(3)}, run.last)
    else:
        assert isinstance(damage, bytes)
        run.last.write_bytes(damage)
    before = {path.name: path.read_bytes() for path in (run.last, run.journal, run.config, run.metrics)}
    with pytest.raises(DataError, match=r"last\.pt") as error:
        finish(take_up(run, extend=1))
    assert "\n" not in str(error.value)
    assert before == {path.name: path.read_bytes() for path in (run.last, run.journal, run.config, run.metrics)}


def test_two_writers_cannot_have_one_run(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    events = execution.events()
    next(events)
    assert summarise(execution.run).state is State.RUNNING
    with pytest.raises(UsageError, match="is being written by process"):
        finish(take_up(execution.run))
    list(events)
    assert summarise(execution.run).state is State.FINISHED
