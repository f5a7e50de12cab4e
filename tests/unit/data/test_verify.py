from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import RemoteFile
from xaitui.data.fingerprint import remember_md5
from xaitui.data.verify import FileState, file_status, set_status, verify
from xaitui.errors import DataError

CONTENT = b"what was published"
REMOTE = RemoteFile("set.npz", hashlib.md5(CONTENT).hexdigest(), 0, ())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XAITUI_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def test_a_file_passes_through_its_states(home: Path) -> None:
    def state() -> FileState:
        return file_status(REMOTE, str(home)).state

    path, part = home / "set.npz", home / "set.npz.part"
    assert state() is FileState.ABSENT
    part.write_bytes(CONTENT[:5])
    status = file_status(REMOTE, str(home))
    assert (status.state, status.path, status.size) == (FileState.PARTIAL, part, 5)
    part.rename(path)
    assert state() is FileState.HERE
    assert verify(path, REMOTE) is FileState.DAMAGED
    assert state() is FileState.DAMAGED
    path.write_bytes(CONTENT)
    assert state() is FileState.HERE, "it has changed since it was read"
    assert verify(path, REMOTE) is FileState.VERIFIED
    assert state() is FileState.VERIFIED


def test_reading_is_reported_and_never_left_out(home: Path) -> None:
    path = home / "set.npz"
    path.write_bytes(b"the disk lost something")
    remember_md5(path, REMOTE.md5)
    told: list[tuple[int, int]] = []
    assert file_status(REMOTE, str(home)).state is FileState.VERIFIED
    assert verify(path, REMOTE, lambda done, total: told.append((done, total))) is FileState.DAMAGED
    assert told == [(23, 23)]


def test_a_file_that_cannot_be_read(home: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        verify(home / "set.npz", REMOTE)


def test_an_embedded_set_needs_no_file() -> None:
    assert set_status(DATASETS["digits"], 8) == (FileState.EMBEDDED, [])


_STATES = (FileState.DAMAGED, FileState.ABSENT, FileState.PARTIAL, FileState.HERE, FileState.VERIFIED)


def _put(home: Path, name: str, state: FileState) -> None:
    if state is not FileState.ABSENT:
        (home / (f"{name}.part" if state is FileState.PARTIAL else name)).write_bytes(CONTENT)
    if state in (FileState.VERIFIED, FileState.DAMAGED):
        remember_md5(home / name, REMOTE.md5 if state is FileState.VERIFIED else "0" * 32)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(_STATES, repeat=2)))
def test_files_together_are_as_good_as_the_worst(home: Path, first: FileState, second: FileState) -> None:
    files = (replace(REMOTE, name="one"), replace(REMOTE, name="two"))
    _put(home, "one", first)
    _put(home, "two", second)
    info = replace(DATASETS["mnist"], files={28: files})
    state, statuses = set_status(info, 28, str(home))
    assert [status.state for status in statuses] == [first, second]
    if FileState.DAMAGED in (first, second):
        assert state is FileState.DAMAGED
    elif first is second:
        assert state is first
    elif {FileState.ABSENT, FileState.PARTIAL} & {first, second}:
        assert state is FileState.PARTIAL
    else:
        assert state is FileState.HERE
