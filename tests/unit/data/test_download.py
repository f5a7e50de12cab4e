from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.file_server import Answer, FileServer, serving
from xaitui.data.download import ForeignFileError, Patience, fetch, import_file
from xaitui.errors import DataError, ExitCode
from xaitui.system.file_lock import exclusive

BODY = random.Random(0).randbytes(100_000)
MD5 = hashlib.md5(BODY).hexdigest()
SHA256 = hashlib.sha256(BODY).hexdigest()
WRONG = random.Random(1).randbytes(100_000)
TAGGED = (("ETag", '"one"'),)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def patience(pauses: list[float]) -> Patience:
    return Patience(tries=3, timeout=20.0, pause=pauses.append)


def left_over(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "set.npz"


def test_a_file_is_fetched_reported_and_renamed(server: FileServer, target: Path) -> None:
    told: list[tuple[int, int]] = []
    fetch(
        [server.serve("/a", Answer(BODY))],
        target,
        md5=MD5,
        sha256_prefix=SHA256[:8],
        size=len(BODY),
        report=lambda done, total: told.append((done, total)),
    )
    assert target.read_bytes() == BODY
    assert left_over(target) == []
    assert told[0] == (0, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))


def test_a_file_that_is_there_and_right_is_not_fetched_even_where_nothing_may_be_written(
    server: FileServer, target: Path
) -> None:
    target.write_bytes(BODY)
    fetch([server.serve("/a", Answer(BODY))], target, md5=MD5)
    assert server.seen == []
    assert left_over(target) == []


def test_another_file_is_replaced_only_by_force(server: FileServer, target: Path) -> None:
    target.write_bytes(WRONG)
    url = server.serve("/a", Answer(BODY))
    with pytest.raises(ForeignFileError, match=r"is not the published file .* is not replaced: move it away"):
        fetch([url], target, md5=MD5)
    assert (target.read_bytes(), server.seen) == (WRONG, [])
    fetch([url], target, md5=MD5, force=True)
    assert target.read_bytes() == BODY


def test_a_connection_that_breaks_off_is_gone_on_with(
    server: FileServer, target: Path, patience: Patience, pauses: list[float]
) -> None:
    cut = Answer(BODY, break_after=30_000)
    fetch([server.serve("/a", cut, cut, cut, Answer(BODY))], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert server.sent == [30_000, 30_000, 30_000, 10_000]
    assert [seen.range for seen in server.seen] == ["", "bytes=30000-", "bytes=60000-", "bytes=90000-"]
    assert pauses == [1.0, 1.0, 1.0]


def test_the_next_call_goes_on_from_the_byte(server: FileServer, target: Path, patience: Patience) -> None:
    url = server.serve("/a", Answer(BODY, break_after=40_000, headers=TAGGED), Answer(status=404))
    with pytest.raises(DataError, match=r"404.*40000 bytes are kept, the same command goes on from there"):
        fetch([url], target, md5=MD5, patience=patience)
    assert not target.exists()
    server.serve("/a", Answer(BODY, headers=TAGGED))
    fetch([url], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert server.sent == [40_000, 0, 60_000]
    assert server.seen[-1].if_range == '"one"'
    assert left_over(target) == []


def test_an_interrupt_leaves_what_came(server: FileServer, target: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    url = server.serve("/a", Answer(BODY))
    with pytest.raises(KeyboardInterrupt):
        fetch([url], target, md5=MD5, report=interrupt)
    kept = target.with_name("set.npz.part").stat().st_size
    assert 0 < kept <= len(BODY)
    fetch([url], target, md5=MD5)
    assert target.read_bytes() == BODY
    assert server.seen[-1].range == f"bytes={kept}-"


def test_a_version_that_changed_is_fetched_anew(server: FileServer, target: Path, patience: Patience) -> None:
    url = server.serve("/a", Answer(WRONG, break_after=40_000, headers=TAGGED), Answer(status=404))
    with pytest.raises(DataError):
        fetch([url], target, md5=MD5, patience=patience)
    server.serve("/a", Answer(BODY, headers=(("ETag", '"two"'),)))
    fetch([url], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert server.sent[-1] == len(BODY)


def test_bytes_of_another_version_without_a_tag_are_found_by_the_hash(
    server: FileServer, target: Path, patience: Patience
) -> None:
    target.with_name("set.npz.part").write_bytes(WRONG[:40_000])
    fetch([server.serve("/a", Answer(BODY))], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert server.sent == [60_000, 100_000]


def test_without_a_hash_or_a_tag_nothing_old_is_used(server: FileServer, target: Path) -> None:
    target.with_name("set.npz.part").write_bytes(WRONG[:40_000])
    fetch([server.serve("/a", Answer(BODY))], target)
    assert target.read_bytes() == BODY
    assert server.sent == [100_000]


def test_a_server_that_ignores_range_starts_again(server: FileServer, target: Path, patience: Patience) -> None:
    url = server.serve("/a", Answer(BODY, break_after=30_000), Answer(BODY, ignore_range=True))
    fetch([url], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert server.sent == [30_000, 100_000]


def test_a_server_that_always_breaks_at_the_same_byte_is_given_up(
    server: FileServer, target: Path, patience: Patience, pauses: list[float]
) -> None:
    url = server.serve("/a", Answer(BODY, break_after=30_000, ignore_range=True))
    with pytest.raises(DataError, match="broke off after 30000 of 100000 bytes"):
        fetch([url], target, md5=MD5, patience=patience)
    assert len(server.seen) == 3
    assert pauses == [1.0, 2.0]


def test_a_complete_part_is_only_verified(server: FileServer, target: Path) -> None:
    target.with_name("set.npz.part").write_bytes(BODY)
    url = server.serve("/a", Answer(BODY))
    fetch([url], target, md5=MD5, size=len(BODY))
    assert server.seen == []
    target.rename(target.with_name("set.npz.part"))
    fetch([url], target, md5=MD5)
    assert server.sent == [0], "a length that is not known is asked for, and no byte of the file"


def test_a_part_longer_than_the_file_is_dropped(server: FileServer, target: Path, patience: Patience) -> None:
    target.with_name("set.npz.part").write_bytes(BODY + b"x")
    fetch([server.serve("/a", Answer(BODY))], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("known_size", [0, len(BODY)])
def test_a_length_announced_too_long(server: FileServer, target: Path, patience: Patience, known_size: int) -> None:
    url = server.serve("/a", Answer(BODY, announce=len(BODY) + 5, ignore_range=True))
    with pytest.raises(DataError, match=r"broke off after 100000 of 100005|100005 bytes under this name"):
        fetch([url], target, md5=MD5, size=known_size, patience=patience)
    assert not target.exists()


@pytest.mark.parametrize("known_size", [0, len(BODY)])
def test_a_length_announced_too_short(server: FileServer, target: Path, patience: Patience, known_size: int) -> None:
    url = server.serve("/a", Answer(BODY, announce=50_000, ignore_range=True))
    with pytest.raises(DataError, match=r"a wrong file: its MD5|50000 bytes under this name"):
        fetch([url], target, md5=MD5, size=known_size, patience=patience)
    assert left_over(target) == []
    assert not target.exists()


def test_a_length_that_is_not_announced(server: FileServer, target: Path, patience: Patience) -> None:
    url = server.serve("/a", Answer(BODY, chunked=True, break_after=10_000), Answer(BODY, chunked=True))
    fetch([url], target, md5=MD5, size=len(BODY), patience=patience)
    assert target.read_bytes() == BODY
    assert server.sent == [10_000, 90_000]


def test_more_bytes_than_the_file_has(server: FileServer, target: Path) -> None:
    url = server.serve("/a", Answer(BODY * 3, chunked=True))
    with pytest.raises(DataError, match="more than the 100000 bytes"):
        fetch([url], target, md5=MD5, size=len(BODY))
    assert left_over(target) == []


def test_another_range_than_asked_is_refused(server: FileServer, target: Path, patience: Patience) -> None:
    url = server.serve("/a", Answer(BODY, break_after=30_000), Answer(BODY, shift_range=7))
    with pytest.raises(DataError, match="other bytes than those asked for"):
        fetch([url], target, md5=MD5, patience=patience)


@pytest.mark.parametrize("identity", [{"md5": MD5}, {"sha256_prefix": SHA256[:8]}])
def test_a_wrong_file_is_removed_and_the_next_mirror_asked(
    server: FileServer, target: Path, identity: dict[str, str]
) -> None:
    urls = [server.serve("/wrong", Answer(WRONG)), server.serve("/right", Answer(BODY))]
    fetch(urls, target, **identity)  # type: ignore[arg-type]
    assert target.read_bytes() == BODY
    assert server.sent == [100_000, 100_000], "no byte of the wrong file is gone on with"


def test_a_wrong_file_everywhere_names_what_was_tried(server: FileServer, target: Path) -> None:
    target.write_bytes(b"what was here before")
    urls = [server.serve("/one", Answer(WRONG)), server.serve("/two", Answer(b"<html>sign in</html>"))]
    with pytest.raises(DataError) as caught:
        fetch(urls, target, md5=MD5, force=True)
    message = str(caught.value)
    assert caught.value.exit_code is ExitCode.DATA
    assert "\n" not in message
    assert all(url in message for url in urls)
    assert MD5 in message
    assert target.read_bytes() == b"what was here before"
    assert left_over(target) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(
    server: FileServer, target: Path, patience: Patience, pauses: list[float], status: int
) -> None:
    busy = Answer(status=status, headers=(("Retry-After", "7"),))
    fetch([server.serve("/a", busy, Answer(BODY))], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert pauses == [7.0]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_lasting_failure_leads_to_the_next_mirror_at_once(
    server: FileServer, target: Path, patience: Patience, pauses: list[float], status: int
) -> None:
    urls = [server.serve("/gone", Answer(status=status)), server.serve("/a", Answer(BODY))]
    fetch(urls, target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert len(server.seen) == 2
    assert pauses == []


def test_a_mirror_goes_on_where_another_broke_off(server: FileServer, target: Path, patience: Patience) -> None:
    first = server.serve("/one", Answer(BODY, break_after=30_000, headers=TAGGED), Answer(status=404))
    fetch([first, server.serve("/two", Answer(BODY))], target, md5=MD5, patience=patience)
    assert target.read_bytes() == BODY
    assert server.sent == [30_000, 0, 70_000]
    assert server.seen[-1].if_range == "", "the tag is the first server's"


def test_a_server_that_cannot_be_reached(target: Path, patience: Patience, pauses: list[float]) -> None:
    with serving() as closed:
        url = closed.address + "/a"
    with pytest.raises(DataError, match=r"cannot download set.npz: http://127.0.0.1:.*Connection refused"):
        fetch([url], target, md5=MD5, patience=patience)
    assert pauses == [1.0, 2.0]


def test_a_full_disk_is_seen_before_the_first_byte(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(target.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(BODY) - 1))
    with pytest.raises(DataError, match=r"97.7 KiB free and 97.7 KiB are needed"):
        fetch([server.serve("/a", Answer(BODY))], target, md5=MD5)
    assert left_over(target) == []


def test_a_folder_that_cannot_be_made(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot write in .*file/below: Not a directory"):
        fetch([server.serve("/a", Answer(BODY))], tmp_path / "file" / "below" / "set.npz")


def _fetch_in_child(url: str, target: Path, started: multiprocessing.synchronize.Event) -> None:
    started.set()
    fetch([url], target, md5=MD5)


def test_two_processes_fetch_once(server: FileServer, target: Path) -> None:
    url = server.serve("/a", Answer(BODY))
    context = multiprocessing.get_context("spawn")
    started = [context.Event(), context.Event()]
    children = [context.Process(target=_fetch_in_child, args=(url, target, event)) for event in started]
    with exclusive(target.with_name("set.npz.lock")):
        for child in children:
            child.start()
        for event in started:
            assert event.wait(60)
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert target.read_bytes() == BODY
    assert len(server.seen) == 1
    assert left_over(target) == []


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with exclusive(lock):
        stale = os.open(lock, os.O_RDWR)
        with pytest.raises(BlockingIOError), exclusive(lock, wait=False):
            pass
    fcntl.flock(stale, fcntl.LOCK_EX)
    with exclusive(lock, wait=False):
        assert lock.exists()
    os.close(stale)


class TestImportFile:
    def test_it_is_copied(self, tmp_path: Path, target: Path) -> None:
        source = tmp_path / "stick" / "other name"
        source.parent.mkdir()
        source.write_bytes(BODY)
        import_file(source, target, MD5)
        assert target.read_bytes() == source.read_bytes() == BODY

    def test_the_file_itself_may_be_named(self, target: Path) -> None:
        target.write_bytes(BODY)
        import_file(target, target, MD5)
        assert target.read_bytes() == BODY

    def test_a_wrong_one_changes_nothing(self, tmp_path: Path, target: Path) -> None:
        source = tmp_path / "wrong"
        source.write_bytes(WRONG)
        with pytest.raises(DataError, match=r"wrong is not set.npz: its MD5 is .*nothing was imported"):
            import_file(source, target, MD5)
        assert left_over(target) == ["wrong"]
        assert not target.exists()

    @pytest.mark.parametrize("name", ["absent", "."])
    def test_one_that_cannot_be_read(self, tmp_path: Path, target: Path, name: str) -> None:
        with pytest.raises(DataError, match="cannot read"):
            import_file(tmp_path / name, target, MD5)
