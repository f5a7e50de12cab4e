"""What a run wrote is compared with what it would write: bit for bit, and the first difference is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.run_commands import finish, made_set, start, take_up
from xaitui.errors import DataError, ExitCode
from xaitui.events import RunResumed, StepLogged
from xaitui.jobs.train.checkpoints import saved_journal
from xaitui.jobs.verify.replay import Replayed, look, replay
from xaitui.runs.directory import RunDirectory
from xaitui.runs.integrity import check_files, check_journal
from xaitui.stop import Stop, StopReason
from xaitui.system.hash_log import note
from xaitui.training.checkpoint import State, load_checkpoint, save_checkpoint

SETTINGS: dict[str, Any] = {
    "model__batch_norm": True,
    "model__dropout": True,
    "augmentation__rotate": 20,
    "training__ema_decay": 0.9,
    "schedule__name": "plateau",
    "schedule__plateau_patience": 1,
    "schedule__warmup_epochs": 0.5,
    "training__epochs": 4,
    "training__batch_size": 8,
    "training__threads": 1,
    "run__keep": "all",
}
"""Everything that has a state."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A finished run of 16 steps, a checkpoint after each 4."""
    folder = tmp_path_factory.mktemp("whole")
    execution = start(folder / "runs", data__dataset=str(made_set(folder / "set.npz")), **SETTINGS)
    finish(execution)
    return execution.run


@pytest.fixture
def run(whole: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy that may be changed."""
    return RunDirectory(Path(shutil.copytree(whole.path, tmp_path / "runs" / whole.id)))


def again(run: RunDirectory, said: list[str] | None = None, **options: Any) -> Replayed:
    looked = look(run)
    assert looked.damaged == ()
    return replay(run, looked.last, (said if said is not None else []).append, **options)


def contents(run: RunDirectory) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_a_run_of_everything_that_has_a_state_is_equal_and_not_written_to(run: RunDirectory) -> None:
    before, said = contents(run), list[str]()
    found = again(run, said)
    assert str(found) == (
        f"steps 12 to 16 replayed from checkpoints/previous.pt: 4 logged losses, 1 evaluation and all {found.tensors} "
        "tensors of checkpoints/last.pt equal, bit for bit"
    )
    state = load_checkpoint(run.last)
    assert found.tensors > 2 * len(state["model"])
    assert [line for line in said if "expected" in line] == []
    assert contents(run) == before


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (3, "steps 12 to 15 replayed from checkpoints/previous.pt: 3 logged losses equal, bit for bit"),
        (0, "nothing that could be trained again yet"),
    ],
)
def test_so_many_steps_as_are_asked_for_are_replayed(steps: int, expected: str, run: RunDirectory) -> None:
    if steps:
        assert str(again(run, steps=steps)) == expected
    else:
        with pytest.raises(DataError, match=expected):
            again(run, steps=steps)


def test_a_run_with_one_checkpoint_is_replayed_from_its_first_step(run: RunDirectory) -> None:
    run.previous.unlink()
    found = replay(run, load_checkpoint(run.last), list[str]().append)
    assert (found.stretch.first, found.steps, found.losses, found.evaluations) == (0, 16, 16, 4)
    assert found.tensors
    assert not found.difference


def test_what_an_interrupted_run_logged_after_its_last_checkpoint_is_compared_too(
    whole: RunDirectory, runs_dir: Path
) -> None:
    dataset = str(whole.path.parent.parent / "set.npz")
    execution = start(runs_dir, data__dataset=dataset, **SETTINGS)
    events = execution.events()
    for event in events:
        if isinstance(event, StepLogged) and event.step == 10:
            break
    events.close()  # type: ignore[attr-defined]
    found = again(execution.run)
    assert (found.stretch.first, found.steps, found.losses, found.difference) == (4, 6, 6, "")
    assert found.tensors


def test_a_run_that_was_stopped_and_taken_up_and_extended_is_equal(whole: RunDirectory, runs_dir: Path) -> None:
    dataset, stop = str(whole.path.parent.parent / "set.npz"), Stop()
    execution = start(runs_dir, stop, data__dataset=dataset, **{**SETTINGS, "training__epochs": 2})
    for event in execution.events():
        if isinstance(event, StepLogged) and event.step == 6:
            stop.ask(StopReason("enough", ExitCode.TERMINATED))
    finish(take_up(execution.run))
    assert not again(execution.run).difference
    finish(take_up(execution.run, extend=1))
    found = again(execution.run)
    assert (found.stretch.first, found.steps, found.difference) == (8, 4, "")
    assert found.tensors


def one_ulp(state: State) -> None:
    values = state["model"]["fc1.weight"].view(-1)
    values[3] = torch.nextafter(values[3], torch.tensor(1e9))


def counted(state: State) -> None:
    state["stopping"]["counter"] += 1


def negative_zero(state: State) -> None:
    state["meter"]["epoch"][0] = -state["meter"]["epoch"][0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (one_ulp, "at step 16 model.fc1.weight: 1 of "),
        (counted, "at step 16 stopping.counter: "),
        (negative_zero, "at step 16 meter.epoch: 1 of 3 values, the largest difference 0"),
    ],
    ids=["one ulp", "a counter", "a sign of zero"],
)
def test_what_was_changed_in_the_last_checkpoint_is_named(
    change: Callable[[State], None], expected: str, run: RunDirectory
) -> None:
    state = load_checkpoint(run.last)
    change(state)
    save_checkpoint(run.last, state)
    assert again(run).difference.startswith(expected)


def test_a_loss_that_was_changed_where_no_checkpoint_holds_it_is_named(run: RunDirectory) -> None:
    """The whole journal was written anew, and so was the one in the checkpoint."""
    state = load_checkpoint(run.last)
    text = saved_journal(state)
    line = next(line for line in text.splitlines(keepends=True) if b'"StepLogged"' in line and b'"step":14,' in line)
    loss = json.loads(line)["loss"]
    changed = line.replace(repr(loss).encode(), repr(loss + 1e-15).encode())
    assert changed != line
    run.journal.write_bytes(run.journal.read_bytes().replace(line, changed))
    found = replay(run, state, list[str]().append)
    assert found.difference == f"at step 14 the loss is {loss!r}, in the journal {loss + 1e-15!r}"


def test_data_that_changed_is_said_beforehand_and_found(whole: RunDirectory, runs_dir: Path, tmp_path: Path) -> None:
    dataset = made_set(tmp_path / "set.npz")
    execution = start(runs_dir, data__dataset=str(dataset), **{**SETTINGS, "training__epochs": 1})
    finish(execution)
    made_set(dataset, seed=1)
    said: list[str] = []
    with pytest.raises(DataError, match="--accept-changed-data"):
        again(execution.run)
    found = again(execution.run, said, accept_changed=True)
    assert f"{dataset} is not the file that the run was made with: differences are to be expected" in said
    assert found.difference.startswith("at step 1 the loss is ")


def test_a_machine_with_other_versions_is_said_beforehand(run: RunDirectory) -> None:
    record = json.loads(run.environment.read_text())
    record["versions"]["numpy"], record["host"] = "1.0", "elsewhere"
    run.environment.write_text(json.dumps(record))
    said: list[str] = []
    replay(run, look(run).last, said.append)
    assert any(line.startswith("the run was made with numpy 1.0, this is ") for line in said)
    assert "the run was made on elsewhere, another machine: differences are to be expected" in said


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_changed_byte_in_any_file_is_found(run: RunDirectory) -> None:
    noted = [path for path in sorted(run.path.rglob("*")) if path.suffix in (".pt", ".json", ".toml", ".npz")]
    assert len(noted) >= 15
    for path in noted:
        whole = path.read_bytes()
        flip(path, len(whole) // 2)
        name = path.relative_to(run.path).as_posix()
        assert [line for line in check_files(run).damaged if line.startswith(f"{name} is not what was written: ")], name
        path.write_bytes(whole)
        path.rename(path.with_name("elsewhere"))
        assert f"{name} is missing" in check_files(run).damaged
        path.with_name("elsewhere").rename(path)
    assert look(run).damaged == ()


def test_a_changed_byte_in_any_line_of_the_journal_that_the_checkpoint_holds_is_found(run: RunDirectory) -> None:
    whole, saved = run.journal.read_bytes(), saved_journal(load_checkpoint(run.last))
    at = 0
    for number, line in enumerate(saved.splitlines(keepends=True), 1):
        flip(run.journal, at + len(line) // 2)
        (said,) = check_journal(run.journal, saved).damaged
        assert said.startswith(f"events.jsonl line {number} (")
        run.journal.write_bytes(whole)
        at += len(line)
    run.journal.write_bytes(whole[: len(saved) // 2])
    assert "of the" in look(run).damaged[0]
    run.journal.unlink()
    assert look(run).damaged == ("events.jsonl is missing",)
    assert check_journal(run.journal, b"").damaged == ()  # a run that was killed before its first word


def test_a_write_that_a_crash_cut_off_between_its_note_and_its_name_is_no_damage(run: RunDirectory) -> None:
    note(run.last, run.best)
    looked = look(run)
    assert (looked.damaged, looked.files.remarks) == (
        (),
        ("checkpoints/last.pt is as it was written before: the last write that was noted did not happen",),
    )
    note(run.path / "new.json", run.best)
    assert look(run).damaged == ("new.json is missing",)
    whole = run.journal.read_bytes()
    run.journal.write_bytes(whole[: whole.rindex(b'{"event":"RunFinished"')])
    assert "new.json is not there yet: the write that was noted last did not happen" in look(run).files.remarks
    note(run.config, run.config)
    assert look(run).damaged == ("new.json is missing",)


def test_settings_that_were_changed_by_hand_make_a_resume_inexact_and_it_says_so(run: RunDirectory) -> None:
    run.config.write_text(run.config.read_text().replace("dropout = true", "dropout = false"))
    resumed = next(event for event in finish(take_up(run, extend=1)) if isinstance(event, RunResumed))
    assert (resumed.exact, resumed.reason) == (False, "config.toml has changed since the run was made")


def test_a_run_of_before_notes_were_kept_is_not_damaged(run: RunDirectory) -> None:
    (run.path / "hashes.jsonl").unlink()
    looked = look(run)
    assert (looked.damaged, looked.files.intact) == ((), 0)
    assert looked.files.not_noted >= 12
