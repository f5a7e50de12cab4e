"""Studies through the front door, with real trainings of a second each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders.studies import made_study
from tests.run_commands import made_set
from xaitui.cli.app import run as run_command
from xaitui.events import Evaluated, RunFinished, RunStarted
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import read_journal
from xaitui.studies.folder import StudyFolder, find_study
from xaitui.studies.status import StudyReader, TrialState
from xaitui.studies.trials import plan

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made_set(tmp_path / "set.npz")
    return tmp_path


SMALL = ("--dataset", "set.npz", "--epochs", "1", "--batch-size", "8", "--threads", "1")


def sweep(*words: str) -> int:
    return run_command(["sweep", *words])


def trials_in(name: str, runs_dir: str = "runs") -> list[RunDirectory]:
    return list_runs(Path(runs_dir) / "studies" / name / "trials")


def kinds(run: RunDirectory) -> list[str]:
    return [type(event).__name__ for event in read_journal(run.journal)]


def splits_of(run: RunDirectory) -> set[str]:
    return {event.split for event in read_journal(run.journal) if isinstance(event, Evaluated)}


def begun_at(name: str) -> list[float]:
    events = [event for run in trials_in(name) for event in read_journal(run.journal)]
    return [event.time for event in events if isinstance(event, RunStarted)]


def study_named(name: str) -> StudyFolder:
    return find_study(name, Path("runs"))


def test_a_study_is_carried_out_and_the_best_is_tested_afterwards(folder: Path, capsys: Captured) -> None:
    assert sweep(*SMALL, "--vary", "lr=0.001,0.01", "--seeds", "2", "--name", "a") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"study  {folder}/runs/studies/a"
    assert lines[1] == "0/4  baseline seed 0 ..."
    assert "a: 4 of 4 trials over (4 finished)" in lines
    runs = trials_in("a")
    assert len(runs) == 4
    tested = [
        run for run in runs if any(isinstance(e, Evaluated) and e.split == "test" for e in read_journal(run.journal))
    ]
    assert len(tested) == 2, "both seeds of the best point, and nothing else"
    for run in tested:
        assert kinds(run).index("RunFinished") < len(kinds(run)) - 1, "after the end, for the choice comes first"
        assert (run.predictions / "test.npz").exists()
    assert all((run.predictions / "val.npz").exists() for run in runs)
    assert all(
        event.test == {} for run in runs for event in read_journal(run.journal) if isinstance(event, RunFinished)
    )
    best = StudyReader(study_named("a")).read().best
    assert best is not None
    assert {each.run.id for each in best.trials} == {run.id for run in tested}


def test_what_is_finished_is_never_run_again(folder: Path, capsys: Captured) -> None:
    words = (*SMALL, "--vary", "lr=0.001,0.01", "--name", "a")
    assert sweep(*words) == 0
    before = {run.id: run.journal.read_bytes() for run in trials_in("a")}
    assert sweep(*words) == 0
    assert {run.id: run.journal.read_bytes() for run in trials_in("a")} == before
    assert sweep(*words, "--seeds", "2") == 0, "more seeds go on with what is there"
    after = {run.id: run.journal.read_bytes() for run in trials_in("a")}
    assert len(after) == 4
    assert all(after[run_id].startswith(journal) for run_id, journal in before.items())


def test_a_run_of_another_study_is_taken_over(folder: Path, capsys: Captured) -> None:
    assert sweep(*SMALL, "--vary", "lr=0.001,0.01", "--name", "a") == 0
    assert sweep(*SMALL, "--vary", "lr=0.01,0.1", "--name", "b") == 0
    linked = [run for run in trials_in("b") if run.path.is_symlink()]
    assert len(linked) == 2, "the baseline and 0.01"
    starts = [kind for run in trials_in("b") for kind in kinds(run) if kind == "RunStarted"]
    assert len(starts) == 3


def test_a_dry_run_shows_every_run_and_changes_nothing(folder: Path, capsys: Captured) -> None:
    assert sweep(*SMALL, "--vary", "lr=0.001,0.01", "--seeds", "2", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("?")[-1].strip() for line in lines[1:5]] == [
        "baseline seed 0",
        "lr=0.01 seed 0",
        "baseline seed 1",
        "lr=0.01 seed 1",
    ]
    assert not (folder / "runs").exists()
    words = (
        "--base",
        "medmnist",
        "--dataset",
        "digits",
        "--vary",
        "lr=0.1..1:log",
        "--sampler",
        "tpe",
        "--trials",
        "5",
    )
    assert sweep(*words, "--dry-run") == 0
    assert "5 points of tpe, 1 run each" in capsys.readouterr().out


def test_the_environment_sets_what_no_option_does(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XAITUI_DATASET", "set.npz")
    monkeypatch.setenv("XAITUI_EPOCHS", "3")
    assert sweep("--vary", "lr=0.1,0.2", "--epochs", "2", "--name", "e", "--dry-run") == 0
    ids = [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:-1]]
    settings = {"data.dataset": str(folder.resolve() / "set.npz"), "training.epochs": 2}
    assert ids == [trial.id for trial in plan(made_study(folder, "lr=0.1,0.2", settings=settings).read())]


def test_an_estimate_comes_from_runs_of_before(folder: Path, capsys: Captured) -> None:
    words = ("--dataset", "digits", "--epochs", "1", "--fraction", "0.1", "--vary", "lr=0.001,0.01")
    assert sweep(*words, "--name", "a") == 0
    capsys.readouterr()
    assert sweep(*words, "--epochs", "2", "--name", "b", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "?" not in lines[1]
    assert lines[-1].startswith("2 runs, about ")


def test_a_probe_tells_how_long_a_first_study_takes(folder: Path, capsys: Captured) -> None:
    assert sweep("--dataset", "digits", "--vary", "lr=0.1,0.2", "--dry-run", "--probe") == 0
    lines = capsys.readouterr().out.splitlines()
    assert not any("?" in line for line in lines)
    assert lines[-1].startswith("3 runs, about ")


def test_a_search_goes_on_where_it_was_and_prunes(folder: Path, capsys: Captured) -> None:
    words = (
        *SMALL[:2],
        "--batch-size",
        "8",
        "--threads",
        "1",
        "--epochs",
        "3",
        "--vary",
        "lr=1e-6..1e-2:log",
        "--sampler",
        "tpe",
        "--pruner",
        "median",
        "--name",
        "t",
    )
    assert sweep(*words, "--trials", "2") == 0
    assert sweep(*words, "--trials", "8") == 0
    found = StudyReader(study_named("t")).read()
    assert len(found.points) == 8
    assert found.count(TrialState.FINISHED, TrialState.PRUNED) == 8
    for each in found.trials:
        if each.state is TrialState.PRUNED:
            assert each.row is not None
            assert each.row.epoch < 3


def test_a_trial_that_diverges_is_marked_and_the_others_go_on(folder: Path, capsys: Captured) -> None:
    words = (*SMALL[:2], "--batch-size", "8", "--threads", "1", "--epochs", "2", "--optimizer", "sgd")
    assert sweep(*words, "--vary", "lr=0.01,1000", "--label-smoothing", "0", "--name", "d") == 6
    captured = capsys.readouterr()
    assert "some trials failed; try them again with: xaitui sweep retry --failed d" in captured.err
    found = StudyReader(study_named("d")).read()
    assert sorted(found.counts.items()) == [(TrialState.DIVERGED, 1), (TrialState.FINISHED, 1)]
    assert sweep("resume", "d") == 6, "a failed one is not tried again by itself"
    before = [
        event.time for run in trials_in("d") for event in read_journal(run.journal) if isinstance(event, RunStarted)
    ]
    assert sweep("retry", "--failed", "d") == 6
    after = [
        event.time for run in trials_in("d") for event in read_journal(run.journal) if isinstance(event, RunStarted)
    ]
    assert len(after) == len(before) == 2
    assert sorted(after)[-1] > sorted(before)[-1], "begun anew"


def test_a_trial_that_cannot_begin_is_marked_and_the_others_go_on(folder: Path, capsys: Captured) -> None:
    (folder / "broken.npz").write_bytes(b"no archive")
    assert sweep(*SMALL, "--vary", "dataset=broken.npz", "--name", "m") == 6
    found = StudyReader(study_named("m")).read()
    assert [each.state for each in found.trials] == [TrialState.FINISHED, TrialState.FAILED]
    assert found.trials[1].row is not None
    assert "broken.npz" in found.trials[1].row.why
    made_set(folder / "broken.npz", seed=3)
    assert sweep("retry", "--failed", "m") == 0
    assert StudyReader(study_named("m")).read().count(TrialState.FINISHED) == 2


def test_status_names_each_trial_and_has_a_record(folder: Path, capsys: Captured) -> None:
    made_study(folder / "runs", name="s")
    assert sweep("status", "s", "--trials") == 0
    assert "s: 0 of 2 trials over (2 waiting)" in capsys.readouterr().out
    assert sweep("status", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["name"] == "s"
    assert [trial["state"] for trial in record["trials"]] == ["waiting", "waiting"]
    assert sweep("ls") == 0
    assert capsys.readouterr().out == "s: 0 of 2 trials over (2 waiting)\n"
    assert run_command(["runs", "ls"]) == 0
    assert capsys.readouterr().err.endswith("and 1 study: xaitui sweep ls\n")
    assert sweep("show", "s") == 0
    (folder / "again.toml").write_text(capsys.readouterr().out)
    assert sweep("-c", "again.toml", "--dry-run") == 0


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["--vary", "optimizer.rate=1"], 2, "there is no setting 'optimizer.rate'"),
        (["--vary", "lr="], 2, "optimizer.lr: there is nothing to try"),
        ([], 2, "there is nothing to vary; add --vary optimizer.lr=0.001,0.01"),
        (["--vary", "epochs=1,2,0"], 2, "trial 4 of 4 (epochs=0): --epochs: 0 is not valid"),
        (["--vary", "lr=0.1", "--objective", "test_accuracy"], 2, "test_accuracy cannot be an objective"),
        (["--vary", "lr=0.1", "--vary", "lr=0.2"], 2, "optimizer.lr is named twice"),
        (["--vary", "lr=0.1", "--sampler", "tpe"], 2, "tpe has no end of its own"),
        (
            ["--vary", "lr=0.1..0.2", "--sampler", "tpe", "--trials", "2", "--optuna-storage", "nosuch://a"],
            2,
            "cannot use the storage nosuch://a: ",
        ),
        (["--vary", "lr=0.1,0.2", "--base", "report-mnits"], 2, "there is no preset 'report-mnits'; did you mean"),
        (["--vary", "lr=0.1,0.2", "--base", "none.toml"], 2, "cannot read none.toml: No such file or directory"),
        (["--vary", "lr=0.1", "--dataset", "nowhere.npz"], 3, "there is no /"),
        (["--vary", "lr=0.1", "--dataset", "mnist"], 3, "train-images-idx3-ubyte.gz is not in"),
        (["-c", "none.toml"], 2, "cannot read none.toml"),
        (["-c", "study.toml", "--vary", "lr=0.1"], 2, "--config names a whole study"),
        (["-c", "study.toml"], 2, "study.toml is no TOML"),
        (["status"], 2, "there are no studies in"),
        (["resume", "a"], 2, "there are no studies in"),
        (["retry", "a"], 2, "say what is to be tried again"),
        (["--vary", "lr=0.1", "--workers", "-1"], 2, "--workers takes a whole number from 1 to 1000, not -1"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    folder: Path, capsys: Captured, words: list[str], code: int, reason: str
) -> None:
    (folder / "study.toml").write_text("a = [")
    assert sweep(*words) == code
    captured = capsys.readouterr()
    assert captured.err.startswith(f"xaitui: {reason}"), captured.err
    assert captured.err.count("\n") == 1
    if "--workers" not in words:
        assert not (folder / "runs").exists()


def test_another_space_under_the_name_is_refused(folder: Path, capsys: Captured) -> None:
    assert sweep(*SMALL, "--vary", "lr=0.001,0.01", "--name", "a") == 0
    capsys.readouterr()
    assert sweep(*SMALL, "--vary", "lr=0.001,0.02", "--name", "a") == 2
    assert capsys.readouterr().err.startswith("xaitui: there is another study 'a', with another space; choose another")
    assert sweep(*SMALL[:2], "--epochs", "2", "--vary", "lr=0.001,0.01", "--name", "a") == 2
    assert "with another base" in capsys.readouterr().err


def test_stop_is_for_a_study_that_goes_on(folder: Path, capsys: Captured) -> None:
    made_study(folder / "runs", name="s")
    assert sweep("stop", "s") == 2
    assert capsys.readouterr().err == "xaitui: nothing works on s\n"


def test_a_request_of_before_does_not_stop_who_joins_later(folder: Path) -> None:
    made_study(folder / "runs", name="s", settings={"data.dataset": "set.npz", "training.batch_size": 8})
    study_named("s").stop.touch()
    assert sweep("work", "s") == 0
    assert StudyReader(study_named("s")).read().is_complete


def test_a_place_that_cannot_be_written_is_one_line(folder: Path, capsys: Captured) -> None:
    (folder / "file").write_text("")
    assert sweep(*SMALL, "--vary", "lr=0.1", "--runs-dir", "file/runs") == 2
    assert capsys.readouterr().err.startswith("xaitui: cannot make the study in ")


def test_an_ablation_is_paired_by_seed(folder: Path, capsys: Captured) -> None:
    words = ("ablate", *SMALL, "--toggle", "model.batch_norm", "--toggle", "dropout", "--seeds", "2", "--name", "b")
    assert run_command(list(words)) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("BESIDE THE BASELINE"))
    assert lines[head + 1].startswith("batch-norm=false                       2 ")
    assert lines[head + 2].startswith("dropout=false                          2 ")
    assert lines[head].split()[3:5] == ["PAIRS", "maps"]
    assert all(-1 <= float(line.split()[2]) < 1 for line in lines[head + 1 : head + 3])
    assert lines[head + 3] == "maps: rank correlation of Grad-CAM with the baseline's, after the last epoch"
    runs = trials_in("b")
    assert len(runs) == 6
    assert all("test" in splits_of(run) for run in runs)
    found = StudyReader(study_named("b")).read()
    assert [point.label for point in found.points] == ["baseline", "batch-norm=false", "dropout=false"]


@pytest.mark.parametrize(
    ("toggle", "reason"),
    [
        ("model.activation", "model.activation is not on or off; write --toggle model.activation=VALUE"),
        ("activation=relu", "--toggle activation=relu: name one value that is not the base's, relu"),
        ("drop", "there is no setting 'drop'; did you mean 'dropout'?"),
    ],
)
def test_a_toggle_needs_another_value(folder: Path, capsys: Captured, toggle: str, reason: str) -> None:
    assert run_command(["ablate", *SMALL, "--toggle", toggle]) == 2
    assert capsys.readouterr().err == f"xaitui: {reason}\n"


def test_all_combinations_on_request(folder: Path) -> None:
    words = [
        "ablate",
        *SMALL,
        "--toggle",
        "dropout",
        "--toggle",
        "activation=leaky-relu",
        "--combinations",
        "--dry-run",
    ]
    assert run_command(words) == 0
    made = made_study(folder / "runs", "dropout=true,false", "activation=relu,leaky-relu", sampler="grid")
    assert len(plan(made.read())) == 4
