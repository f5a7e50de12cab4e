"""What is written in a folder that keeps notes is noted before it has its name."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from xaitui.system.atomic_files import replacing, write_atomic
from xaitui.system.fault_points import Point, injected
from xaitui.system.hash_log import NAME, Written, begin_notes, forget, note_second_name, read_notes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "noted" / "deep" / "er").mkdir(parents=True)
    begin_notes(tmp_path / "noted")
    return tmp_path / "noted"


def of(content: bytes) -> Written:
    return Written(len(content), hashlib.sha256(content).hexdigest())


def test_a_file_is_noted_under_its_path_wherever_it_lies_below(folder: Path) -> None:
    write_atomic(folder / "one.txt", "one")
    with replacing(folder / "deep" / "er" / "two.bin", durable=False) as file:
        file.write(b"two")
    write_atomic(folder / "one.txt", "more")
    write_atomic(folder / "table.csv", "grows", grows=True)
    write_atomic(folder.parent / "outside.txt", "nobody keeps notes")
    assert read_notes(folder).written == {"one.txt": (of(b"one"), of(b"more")), "deep/er/two.bin": (of(b"two"),)}
    assert not (folder.parent / NAME).exists()


def test_a_note_is_there_before_the_file_has_its_name(folder: Path) -> None:
    write_atomic(folder / "one.txt", "before")
    seen = []

    def look(point: Point, what: str) -> None:
        if point is Point.FILE_SYNCED:
            seen.append(((folder / what).read_bytes(), read_notes(folder).written[what][-1]))

    with injected(look):
        write_atomic(folder / "one.txt", "after")
    assert seen == [(b"before", of(b"after"))]


@pytest.mark.parametrize("where", [Point.FILE_WRITTEN, Point.FILE_SYNCED])
def test_what_did_not_take_its_place_is_not_noted(where: Point, folder: Path) -> None:
    def refuses(point: Point, what: str) -> None:
        if point is where:
            raise OSError(errno.ENOSPC, "full")

    write_atomic(folder / "one.txt", "one")
    for name in ("one.txt", "two.txt"):
        with injected(refuses), pytest.raises(OSError, match="full"):
            write_atomic(folder / name, "half")
    assert read_notes(folder).written == {"one.txt": (of(b"one"),)}


def test_a_second_name_has_what_the_first_one_has(folder: Path) -> None:
    write_atomic(folder / "last", "one")
    note_second_name(folder / "previous", folder / "last")
    write_atomic(folder / "last", "two")
    assert read_notes(folder).written == {"last": (of(b"one"), of(b"two")), "previous": (of(b"one"),)}


def test_what_is_removed_on_purpose_is_forgotten_with_all_below(folder: Path) -> None:
    for name in ("deep/a", "deep/er/b", "deeper"):
        write_atomic(folder / name, name)
    forget(folder / "deep")
    assert list(read_notes(folder).written) == ["deeper"]


def test_a_torn_line_is_ended_and_only_a_whole_one_that_is_no_note_is_damage(folder: Path) -> None:
    write_atomic(folder / "one.txt", "one")
    notes = folder / NAME
    notes.write_bytes(notes.read_bytes() + b'{"path": "two.t')
    write_atomic(folder / "three.txt", "three")
    found = read_notes(folder)
    assert (list(found.written), found.damaged) == (["one.txt", "three.txt"], ())
    notes.write_bytes(notes.read_bytes().replace(b'"path": "one.txt"', b'"bath": "one.txt"'))
    assert read_notes(folder).damaged == (1,)
