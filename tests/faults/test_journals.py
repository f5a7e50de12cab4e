"""Damaged journals and configurations: the list of runs never breaks, and what is sound is read."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.runs import finished_run
from tests.faults.journals import assert_read, one_case, one_round, sound_lines
from xaitui.cli.app import run as run_command
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.journal import LONGEST_LINE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journals")


@settings(max_examples=150)
@given(seed=st.integers(0, 2**64 - 1))
def test_every_reader_takes_what_is_sound_and_says_what_is_not(seed: int, folder: Path) -> None:
    one_case(random.Random(seed), folder)


def test_a_round_of_the_long_version(tmp_path: Path) -> None:
    one_round(0, tmp_path)


def test_a_gigantic_line_is_passed_over_and_not_kept_in_memory(tmp_path: Path) -> None:
    before, *after = sound_lines(random.Random(0))
    gigantic = b"x" * (40 * LONGEST_LINE) + b"\n"
    assert_read(tmp_path, before + gigantic + b"".join(after))
    (run,) = (RunDirectory(path) for path in tmp_path.iterdir() if path.name.endswith("aaaa"))
    follower = RunFollower(run)
    tracemalloc.start()
    while follower.poll():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert follower.damage == 1
    assert follower.last_step is not None
    assert peak < 8 * LONGEST_LINE


def empty_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CONFIGURATIONS: dict[str, Callable[[Path], object]] = {
    "newer": lambda path: path.write_text("schema = 99\n" + path.read_text().partition("\n")[2]),
    "empty": lambda path: path.write_bytes(b""),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "deep": lambda path: path.write_bytes(b"a = " + b"[" * 100_000),
    "gigantic number": lambda path: path.write_text("[run]\nname = " + "9" * 5000),
    "missing": lambda path: path.unlink(),
    "a folder": empty_folder,
}


@pytest.mark.parametrize("damage", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_configuration_that_cannot_be_used_is_one_line_where_it_is_wanted_and_no_matter_elsewhere(
    damage: Callable[[Path], object], runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = (
        finished_run(runs_dir, "20260301-101010-digits-aaaa"),
        finished_run(runs_dir, "20260302-101010-digits-bbbb"),
    )
    damage(run.config)
    for words in (["ls"], ["ls", "--json"], ["show", run.id]):
        assert run_command(["runs", *words, "--runs-dir", str(runs_dir)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert other.id in captured.out
    assert run_command(["resume", run.id, "--headless", "--runs-dir", str(runs_dir)]) in (2, 3)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "config.toml" in err
