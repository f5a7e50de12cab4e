from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders.events import epoch_finished, epoch_started, finished, started, step
from tests.builders.runs import finished_run, made_run, own, write
from xaitui.events import RunFailed, RunPaused, RunStopped
from xaitui.runs.directory import RunDirectory
from xaitui.runs.listing import run_list as listing
from xaitui.runs.listing.run_list import RunList, RunRow, read_row
from xaitui.runs.state import RunSummary, State, summarise

FAILED = RunFailed(epoch=1, step=5, kind="DivergedError", message="the loss is not finite", exit_code=5)


@pytest.fixture
def runs(runs_dir: Path, tmp_path: Path) -> RunList:
    return RunList(runs_dir, tmp_path / "cache" / "list.json")


def only(runs: RunList) -> RunRow:
    rows = runs.read()
    assert len(rows) == 1
    return rows[0]


def test_a_row_says_what_a_run_is(runs: RunList, runs_dir: Path) -> None:
    settings = {"run.name": "first", "run.tags": ("smoke", "night")}
    finished_run(runs_dir, "20260301-142233-first-a1b2", 0.75, settings=settings, dataset="pathmnist")
    row = only(runs)
    assert (row.id, row.state, row.why) == ("20260301-142233-first-a1b2", State.FINISHED, "all 2 epochs done")
    assert (row.name, row.tags, row.dataset, row.model) == ("first", ("smoke", "night"), "pathmnist", "simple-cnn")
    assert (row.epoch, row.epochs, row.step, row.best, row.best_epoch) == (1, 1, 10, 0.75, 1)
    assert (row.monitor, row.mode, row.test) == ("accuracy", "max", {"accuracy": 0.74})
    assert (row.seconds, row.began, row.device) == (3.0, 1000.0, "processor")
    assert math.isnan(row.eta)
    assert read_row(row.run) == row


def test_before_it_begins_a_run_is_known_by_its_configuration(runs: RunList, runs_dir: Path) -> None:
    run = made_run(runs_dir, "new", settings={"data.dataset": "mnist", "model.name": "resnet18"})
    run.journal.unlink()
    row = only(runs)
    assert (row.dataset, row.model, row.state) == ("mnist", "resnet18", State.INTERRUPTED)


def test_of_a_live_run_it_is_said_how_long_it_still_takes(runs: RunList, runs_dir: Path) -> None:
    run = made_run(runs_dir, "live", started(epochs=3), epoch_started(1, 3), step(5))
    own(run)
    list(runs.refresh(now=1000.0))
    assert runs.rows[0].state is State.RUNNING
    assert runs.rows[0].eta == pytest.approx(25 * 32 / 1000)  # steps, images a step, images a second
    write(run, step(10), epoch_finished(1), at=1010.0)
    list(runs.refresh(now=1011.0))
    assert runs.rows[0].eta == pytest.approx(2 * 1.5)
    assert runs.rows[0].seconds == 11.0
    write(run, RunPaused(epoch=1, step=10), at=1020.0)
    list(runs.refresh(now=2000.0))
    assert (runs.rows[0].state, runs.rows[0].seconds) == (State.PAUSED, 20.0)
    assert math.isnan(runs.rows[0].eta)


@pytest.mark.parametrize(
    ("last", "state", "seconds"),
    [
        (FAILED, State.FAILED, 0.0),
        (RunStopped(epoch=1, step=5, reason="SIGTERM", exit_code=143, saved=True, seconds=7.0), State.STOPPED, 7.0),
    ],
)
def test_how_a_run_ended(
    last: RunFailed | RunStopped, state: State, seconds: float, runs: RunList, runs_dir: Path
) -> None:
    made_run(runs_dir, "ended", started(), step(5), last)
    assert (only(runs).state, only(runs).seconds) == (state, seconds)


def test_whether_a_run_lives_is_looked_up_each_time(runs: RunList, runs_dir: Path) -> None:
    run = made_run(runs_dir, "run", started(), step(1))
    own(run)
    assert only(runs).state is State.RUNNING
    own(run, started=1.0)
    assert only(runs).state is State.INTERRUPTED
    run.lock.unlink()
    assert only(runs).why == "no process writes it"


def test_what_changed_is_read_again(runs: RunList, runs_dir: Path) -> None:
    run = finished_run(runs_dir, "one", 0.5)
    assert only(runs).best == 0.5
    write(run, replace(epoch_finished(2, accuracy=0.9), step=20), finished(best=0.9))
    assert only(runs).best == 0.9
    run.config.write_text("[run]\nname = 'later'\n")
    assert only(runs).name == "later"
    finished_run(runs_dir, "two")
    assert [row.id for row in runs.read()] == ["two", "one"]
    shutil.rmtree(run.path)
    assert [row.id for row in runs.read()] == ["two"]


def test_what_is_known_can_be_forgotten(runs: RunList, runs_dir: Path) -> None:
    run = finished_run(runs_dir, "one", 0.5)
    assert only(runs).best == 0.5
    written = run.journal.stat()
    run.journal.write_text(run.journal.read_text().replace('"best":0.5', '"best":0.7'))
    os.utime(run.journal, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert only(runs).best == 0.5, "neither size nor time of the file tells"
    runs.forget()
    assert only(runs).best == 0.7


def test_rows_of_ended_runs_are_kept_for_the_next_process(
    runs: RunList, runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_run(runs_dir, "ended", 0.5, settings={"run.tags": ("a",)})
    own(made_run(runs_dir, "live", started()))
    before = runs.read()
    read: list[str] = []

    def noted(run: RunDirectory) -> RunSummary:
        read.append(run.id)
        return summarise(run)

    monkeypatch.setattr(listing, "summarise", noted)
    again = RunList(runs_dir, tmp_path / "cache" / "list.json")
    assert [row.id for row in again.read()] == ["live", "ended"]
    assert repr(again.rows[1]) == repr(before[1])
    again.read()
    assert read == ["live"], "once, for its journal does not grow"


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.update(version=0),
        lambda record: record.update(folder="/elsewhere"),
        lambda record: record.pop("runs"),
        lambda record: record["runs"]["one"].pop(),
        lambda record: record["runs"]["one"][3].pop(),
        lambda record: record["runs"]["one"][3].__setitem__(0, "sleeping"),
        lambda record: record["runs"]["one"][3].__setitem__(7, "seven"),
        lambda record: record.update(runs=[1]),
    ],
)
def test_a_cache_that_is_no_cache_is_made_anew(damage: object, runs: RunList, runs_dir: Path, tmp_path: Path) -> None:
    finished_run(runs_dir, "one", 0.5)
    before = runs.read()
    cache = tmp_path / "cache" / "list.json"
    record = json.loads(cache.read_text())
    assert callable(damage)
    damage(record)
    cache.write_text(json.dumps(record))
    assert RunList(runs_dir, cache).read() == before
    cache.write_text(cache.read_text()[:-9])
    assert RunList(runs_dir, cache).read() == before
    cache.unlink()
    cache.mkdir()
    assert RunList(runs_dir, cache).read() == before


def test_the_cache_is_in_the_users_folder_one_for_each_folder_of_runs(runs_dir: Path, tmp_path: Path) -> None:
    from xaitui.data.locate import cache_home

    before = set(cache_home().glob("runs/*.json"))
    for folder in (runs_dir, tmp_path / "others"):
        finished_run(folder, "one")
        RunList(folder).read()
    assert len(set(cache_home().glob("runs/*.json")) - before) == 2


def test_what_is_broken_is_a_row_that_says_what(runs: RunList, runs_dir: Path) -> None:
    (runs_dir / "empty").mkdir(parents=True)
    (runs_dir / "a file").touch()
    finished_run(runs_dir, "torn config").config.write_text("[run")
    finished_run(runs_dir, "no config").config.unlink()
    finished_run(runs_dir, "bytes").config.write_bytes(b"[run]\nname = '\xff'\n")
    finished_run(runs_dir, "noise").journal.write_text("noise\n")
    whys = {row.id: row.why for row in runs.read()}
    assert {row.state for row in runs.rows} == {State.BROKEN}
    assert whys["empty"] == "it has neither a configuration nor a journal"
    assert whys["torn config"].startswith("config.toml is no TOML: ")
    assert whys["no config"] == "config.toml cannot be read: No such file or directory"
    assert whys["bytes"].startswith("config.toml is no TOML: 'utf-8' codec")
    assert whys["noise"] == "the journal has no line that this version can read"
    assert len(whys) == 5


def test_a_live_run_stays_live_whatever_its_configuration(runs: RunList, runs_dir: Path) -> None:
    run = made_run(runs_dir, "live", started())
    own(run)
    run.config.write_text("[run")
    assert only(runs).state is State.RUNNING


def test_there_need_be_no_folder(runs: RunList) -> None:
    assert runs.read() == ()


def test_details_are_read_when_asked_for_and_again_when_they_changed(runs: RunList, runs_dir: Path) -> None:
    run = made_run(
        runs_dir,
        "one",
        started(),
        epoch_finished(1, accuracy=0.9, auc=0.95),
        epoch_finished(2, accuracy=0.8),
        settings={"training.batch_size": 7},
    )
    row = replace(only(runs), best_epoch=1)
    assert runs.settings(row)["training.batch_size"] == 7
    assert runs.scores(row)["auc"] == 0.95
    write(run, epoch_finished(1, accuracy=0.9, auc=0.96))
    assert runs.scores(row)["auc"] == 0.96
    run.config.write_text("[training]\nbatch_size = 8\n")
    assert runs.settings(row)["training.batch_size"] == 8
    run.config.write_text("[training")
    assert runs.settings(row) == {}
