from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.builders.events import epoch_finished, started
from xaitui.config.resolve import build_config
from xaitui.config.toml import to_toml
from xaitui.errors import UsageError
from xaitui.events import Event
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run, find_runs
from xaitui.runs.journal.journal import JournalWriter

A = "20260301-142233-digits-simple-cnn-a1b2"
B = "20260301-150000-digits-resnet18-c3d4"
C = "20260302-080000-baseline-e5f6"


def make(runs_dir: Path, folder: str, *events: Event, name: str = "") -> None:
    directory = RunDirectory(runs_dir / folder)
    directory.path.mkdir(parents=True)
    directory.config.write_text(to_toml(build_config({"run.name": name})))
    journal = JournalWriter(directory.journal)
    for event in (started(), *events):
        journal.append(event)
    journal.close()


@pytest.fixture(autouse=True)
def three_runs(runs_dir: Path) -> None:
    make(runs_dir, A, epoch_finished(1, accuracy=0.9, loss=0.4), epoch_finished(2, accuracy=0.7, loss=0.2))
    make(runs_dir, B, epoch_finished(1, accuracy=0.8, loss=0.1, auc=0.6))
    make(runs_dir, C, name="baseline")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (A, A),
        ("20260301-14", A),
        ("20260301-15", B),
        ("a1b2", A),
        ("resnet18-c3d4", B),
        ("baseline", C),
        ("last", C),
        ("best:val_accuracy", A),
        ("best:val_loss", B),
        ("best:val_auc", B),
    ],
)
def test_a_word_means_a_run(word: str, found: str, runs_dir: Path) -> None:
    assert find_run(word, runs_dir) == RunDirectory(runs_dir / found)


def test_a_path_means_a_run_wherever_it_lies(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs_dir / A)
    for word in (str(runs_dir / A), f"{runs_dir / A}/", f"../{A}", "."):
        found = find_run(word, Path("/nowhere"))
        assert found.path.resolve() == runs_dir / A
        assert found.path.is_absolute()
        assert found.id == A


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("20260301", f"'20260301' means 2 runs ({B}, {A}); write more of the id"),
        ("20260301-142233-digits-simple-cnn-a1b3", f"; did you mean {A!r}?"),
        ("best:accuracy", "best: takes a validation metric, not 'accuracy'; did you mean 'val_accuracy'?"),
        ("best:val_acc", "best: takes a validation metric, not 'val_acc'; did you mean 'val_"),
        ("../runs", "there is no run '../runs' in "),
        ("base", "there is no run 'base' in "),
    ],
)
def test_a_word_that_means_none_or_several(word: str, message: str, runs_dir: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_run(word, runs_dir)
    assert message in str(caught.value)


def test_a_metric_that_no_run_has(runs_dir: Path) -> None:
    make(runs_dir.parent / "others", A, epoch_finished(1, auc=math.nan))
    with pytest.raises(UsageError, match="no run has a val_auc yet"):
        find_run("best:val_auc", runs_dir.parent / "others")


def test_a_name_that_several_runs_have(runs_dir: Path) -> None:
    make(runs_dir, "20260303-080000-baseline-0a0a", name="baseline")
    with pytest.raises(UsageError, match="'baseline' means 2 runs"):
        find_run("baseline", runs_dir)


def test_a_folder_that_is_no_run_is_no_hindrance(runs_dir: Path) -> None:
    broken = runs_dir / "20260304-080000-baseline-ffff"
    broken.mkdir()
    assert find_run("baseline", runs_dir).id == C
    (broken / "config.toml").write_bytes(b"\xff")
    assert find_run("baseline", runs_dir).id == C
    assert find_run("best:val_accuracy", runs_dir).id == A


@pytest.mark.parametrize("word", ["last", "best:val_auc", A])
def test_no_runs_at_all(word: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_run(word, tmp_path / "none")
    assert str(caught.value) == (f"there are no runs in {tmp_path / 'none'}; start one with: xaitui train --headless")


@pytest.fixture
def study(runs_dir: Path) -> None:
    for trial, name in (("0a1b", "lr=0.1 seed 0"), ("0a2c", "lr=0.1 seed 1"), ("ff00", "lr=0.2 seed 0")):
        make(runs_dir / "studies/rates/trials", trial, name=name)
    (runs_dir / "studies/again/trials").mkdir(parents=True)
    (runs_dir / "studies/again/trials/ff00").symlink_to(runs_dir / "studies/rates/trials/ff00")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["a1b2", "last"], [A, C]),
        (["last", "last", C], [C]),
        (["*digits*"], [A, B]),
        (["20260302*", "*"], [C, A, B]),
        (["base*"], [C]),
        (["study:rates"], ["0a1b", "0a2c", "ff00"]),
        (["study:rates/f", "last", "study:rates"], ["ff00", C, "0a1b", "0a2c"]),
        (["study:rates/lr=0.1 seed 1"], ["0a2c"]),
        (["study:again", "study:rates/ff00"], ["ff00"]),
    ],
)
def test_words_mean_runs(words: list[str], found: list[str], runs_dir: Path, study: None) -> None:
    assert [run.id for run in find_runs(words, runs_dir)] == found


def test_a_trial_is_a_run_like_any(runs_dir: Path, study: None) -> None:
    assert find_run("study:rates/0a1", runs_dir).path == runs_dir / "studies/rates/trials/0a1b"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("study:rate", "there is no study 'rate' in {}; did you mean 'rates'?"),
        ("study:rate/0a", "there is no study 'rate' in {}; did you mean 'rates'?"),
        ("study:rates/0b", "study 'rates' has no trial '0b'; "),
        ("study:rates/0a", "'study:rates/0a' means 2 runs; for one of them: study:rates/0a1b"),
        ("*mnist*", "no run in {} has an id or a name like '*mnist*'; xaitui runs ls lists them"),
        ("nothing", "there is no run 'nothing' in {}"),
    ],
)
def test_words_that_mean_nothing(word: str, message: str, runs_dir: Path, study: None) -> None:
    with pytest.raises(UsageError) as caught:
        find_runs(["last", word], runs_dir)
    assert str(caught.value).startswith(message.format(runs_dir))


def test_one_run_is_wanted_and_a_study_named(runs_dir: Path, study: None) -> None:
    with pytest.raises(UsageError, match="'study:rates' means 3 runs; for one of them: study:rates/0a1b"):
        find_run("study:rates", runs_dir)
