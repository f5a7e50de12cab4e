from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xaitui.runs.requests import FOLDER, Request, ask, take


def test_what_is_asked_is_taken_once(tmp_path: Path) -> None:
    assert list(take(tmp_path)) == []
    assert ask(tmp_path, Request.SAVE)
    assert ask(tmp_path, Request.STOP)
    assert list(take(tmp_path)) == [Request.STOP, Request.SAVE]
    assert list(take(tmp_path)) == []
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_asking_again_changes_nothing_until_it_is_taken(tmp_path: Path) -> None:
    assert ask(tmp_path, Request.STOP)
    assert not ask(tmp_path, Request.STOP)
    assert list(take(tmp_path)) == [Request.STOP]
    assert ask(tmp_path, Request.STOP)


@pytest.mark.parametrize("request_", Request)
def test_each_request_has_a_file_of_its_own(request_: Request, tmp_path: Path) -> None:
    assert len(Request) == 5
    ask(tmp_path, request_)
    assert list(take(tmp_path)) == [request_]


def test_of_many_takers_one_gets_it(tmp_path: Path) -> None:
    asked = [request for request in Request if request is not Request.CONTINUE]  # which would undo a pause
    for _ in range(20):
        for request in asked:
            ask(tmp_path, request)
        with ThreadPoolExecutor(8) as pool:
            taken = [request for each in pool.map(take, [tmp_path] * 8) for request in each]
        assert sorted(taken) == sorted(asked)


def test_of_many_askers_one_leaves_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        left = list(pool.map(lambda _: ask(tmp_path, Request.STOP), range(40)))
    assert left.count(True) == 1
    assert list(take(tmp_path)) == [Request.STOP]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "halt").touch()
    assert list(take(tmp_path)) == []
    assert (tmp_path / FOLDER / "halt").exists()


def test_a_run_that_is_not_there_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        ask(tmp_path / "absent", Request.STOP)


def test_of_a_pause_and_its_end_the_later_one_counts(tmp_path: Path) -> None:
    for first, second in ((Request.PAUSE, Request.CONTINUE), (Request.CONTINUE, Request.PAUSE)):
        assert ask(tmp_path, first)
        assert ask(tmp_path, second)
        assert list(take(tmp_path)) == [second]
