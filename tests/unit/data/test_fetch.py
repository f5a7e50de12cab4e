from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.file_server import Answer, FileServer, serving
from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import DatasetInfo, RemoteFile
from xaitui.data.download import Patience
from xaitui.data.fetch import bring_set, check_file, files_here, find_set
from xaitui.data.verify import FileState
from xaitui.errors import DataError, UsageError
from xaitui.system.disk import Report

BODIES = {"one.gz": b"images" * 50_000, "two.gz": b"labels" * 50}
PATIENCE = Patience(tries=1, timeout=20.0, pause=lambda seconds: None)


class AskedToEndError(Exception):
    """What a display raises once its user has had enough."""


class Display:
    """Writes down what it is shown, and ends the work when it is told to."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[int, int]] = {}
        self.ends = False

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[Report]:
        def report(done: int, total: int) -> None:
            self.told[what] = (done, total)
            if self.ends and done:
                raise AskedToEndError

        self.told[what] = (0, 0)
        yield report


@pytest.fixture
def display() -> Display:
    return Display()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def info(server: FileServer) -> DatasetInfo:
    """A set of two files on a server."""
    remotes = [
        RemoteFile(name, hashlib.md5(body).hexdigest(), len(body), (server.serve(f"/{name}", Answer(body)),))
        for name, body in BODIES.items()
    ]
    return replace(DATASETS["mnist"], files={28: tuple(remotes)})


def test_each_file_is_brought_and_told(info: DatasetInfo, display: Display, tmp_path: Path) -> None:
    brought = list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))
    assert [(each.path.name, each.was_here) for each in brought] == [("one.gz", False), ("two.gz", False)]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == BODIES
    assert display.told == {f"fetching {name}": (len(body), len(body)) for name, body in BODIES.items()}


def test_what_is_verified_is_not_looked_at_again(
    info: DatasetInfo, display: Display, tmp_path: Path, server: FileServer
) -> None:
    list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))
    display.told.clear()
    assert all(each.was_here for each in bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))
    assert display.told == {}
    assert len(server.seen) == 2


def test_a_display_ends_the_work_and_the_next_call_goes_on(
    info: DatasetInfo, display: Display, tmp_path: Path, server: FileServer
) -> None:
    display.ends = True
    with pytest.raises(AskedToEndError):
        list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))
    kept = (tmp_path / "one.gz.part").stat().st_size
    assert kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.gz.part", "one.gz.part.json"]
    list(bring_set(info, 28, str(tmp_path), Display(), patience=PATIENCE))
    assert (tmp_path / "one.gz").read_bytes() == BODIES["one.gz"]
    assert server.seen[1].range == f"bytes={kept}-"


def test_another_file_is_replaced_only_by_force(info: DatasetInfo, display: Display, tmp_path: Path) -> None:
    list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))
    (tmp_path / "two.gz").write_bytes(b"x" * len(BODIES["two.gz"]))
    (tmp_path / "one.gz").unlink()
    with pytest.raises(DataError, match=r"two\.gz is not the published file .*, or replace it with --force"):
        list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))
    assert not (tmp_path / "one.gz").exists()
    again = list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE, force=True))
    assert [each.was_here for each in again] == [False, False]
    assert "verifying two.gz" in display.told
    assert (tmp_path / "two.gz").read_bytes() == BODIES["two.gz"]


def test_files_are_copied_from_where_they_were_brought(info: DatasetInfo, display: Display, tmp_path: Path) -> None:
    source = tmp_path / "stick"
    source.mkdir()
    for name, body in BODIES.items():
        (source / name).write_bytes(body)
    list(bring_set(info, 28, str(tmp_path / "data"), display, source=source))
    assert set(display.told) == {"copying one.gz", "copying two.gz"}
    with pytest.raises(UsageError, match="--from must name a folder"):
        list(bring_set(info, 28, str(tmp_path / "data"), display, source=source / "one.gz"))


def test_a_server_without_the_file_is_told(
    info: DatasetInfo, display: Display, tmp_path: Path, server: FileServer
) -> None:
    server.serve("/one.gz", Answer(status=404))
    with pytest.raises(DataError, match=r"404.*is taken with --from FILE"):
        list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))


def test_a_size_that_is_not_made_is_refused() -> None:
    assert find_set("pathmnist", 0)[1] == 28
    with pytest.raises(UsageError, match="choose --size from 28, 64, 128, 224"):
        find_set("pathmnist", 50)


def test_files_that_are_here_are_found_and_checked(
    info: DatasetInfo, display: Display, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "mnist", info)
    list(bring_set(info, 28, str(tmp_path), display, patience=PATIENCE))
    (tmp_path / "one.gz").write_bytes(b"")
    (tmp_path / "two.gz").rename(tmp_path / "two.gz.part")
    states = {
        file.remote.name: check_file(file, path, display) for _, _, file, path in files_here("mnist", str(tmp_path))
    }
    assert states == {"one.gz": FileState.DAMAGED, "two.gz": FileState.PARTIAL}
