from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.run_commands import finish, made_set, start
from xaitui.cli.app import run as run_command
from xaitui.runs.directory import RunDirectory
from xaitui.runs.lock import owning
from xaitui.training.checkpoint import load_checkpoint, save_checkpoint

OWN_MODEL = """
from torch import nn

def build(num_classes, in_channels, image_size):
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * in_channels, num_classes))
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A finished run of 8 steps with a model of the user's own."""
    folder = tmp_path_factory.mktemp("verified")
    (folder / "own.py").write_text(OWN_MODEL)
    execution = start(
        folder / "runs",
        data__dataset=str(made_set(folder / "set.npz")),
        training__epochs=2,
        training__batch_size=8,
        training__threads=1,
        run__keep="all",
        model__name=f"{folder / 'own.py'}:build",
    )
    finish(execution)
    return execution.run


@pytest.fixture
def run(whole: RunDirectory, runs_dir: Path) -> RunDirectory:
    return RunDirectory(Path(shutil.copytree(whole.path, runs_dir / whole.id)))


def verify(run: RunDirectory, *words: str) -> int:
    return run_command(["verify", str(run.path), *words])


def test_an_equal_run_is_said_to_be_equal_and_what_was_compared(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(run, "--trust-model") == 0
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 80
    files, journal, replayed, where, verdict = out.replace("\n" + " " * 9, " ").splitlines()
    assert files.startswith("files    ")
    assert files.endswith(" as they were written, byte for byte")
    assert " bytes as checkpoints/last.pt holds them" in journal
    assert replayed.startswith("replay   steps 4 to 8 replayed from checkpoints/previous.pt: 4 logged losses, 1 eval")
    assert replayed.endswith(" equal, bit for bit")
    assert where.endswith(", 1 thread")
    assert verdict == "equal"
    assert "step 8 of 8" in err


def test_a_difference_is_named_and_ends_with_1(run: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    state = load_checkpoint(run.last)
    state["model"]["2.bias"][0] += 1
    save_checkpoint(run.last, state)
    assert verify(run, "--trust-model", "--json") == 1
    record = json.loads(capsys.readouterr().out)
    assert record["verdict"] == "different"
    assert record["replay"]["difference"].startswith("at step 8 model.2.bias: 1 of 2 values, the largest difference 1")


def test_damage_ends_with_3_and_nothing_is_trained(run: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    run.model_source.write_text(OWN_MODEL + "\n")
    run.previous.write_bytes(run.previous.read_bytes()[:-1])
    assert verify(run) == 3
    out = capsys.readouterr().out.splitlines()
    said = [line.split()[1] for line in out if line.startswith("damaged ")]
    assert said == ["model.py", "checkpoints/previous.pt"]
    assert out[-2:] == ["replay   none: what is damaged cannot be compared with", "damaged"]


def test_of_a_run_that_goes_on_only_the_files_are_looked_at(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    with run.journal.open("a") as journal:
        journal.write('{"event":"RunContinued","time":0.0,"epoch":3,"step":8}\n')
    with owning(run.lock, run.heartbeat):
        assert verify(run, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["verdict"], record["replay"]) == ("intact", None)
    assert record["why_not_replayed"] == "the run is running: stop it first"


def test_a_model_of_the_users_own_is_not_run_without_trust(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(run) == 2
    assert "--trust-model" in capsys.readouterr().err
    assert verify(run, "--steps", "0") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["replay   none: not asked for", "intact"]


def test_data_that_is_not_here_is_one_line(
    whole: RunDirectory, run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    data = whole.path.parent.parent / "set.npz"
    data.rename(data.with_suffix(".away"))
    try:
        assert verify(run, "--trust-model") == 3
    finally:
        data.with_suffix(".away").rename(data)
    (line,) = capsys.readouterr().err.splitlines()
    assert "set.npz" in line
