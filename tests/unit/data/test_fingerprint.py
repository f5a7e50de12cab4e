from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.shared_data import shared_file
from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import RemoteFile
from xaitui.data.fingerprint import file_md5, official_file
from xaitui.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/xaitui/md5"


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first")
    times = (1_000_000_000, 1_000_000_000)
    os.utime(path, times)
    assert file_md5(path) == md5(b"first")
    path.write_bytes(b"other")  # same length, same inode; with the old time it cannot be told apart
    os.utime(path, times)
    assert file_md5(path) == md5(b"first")
    os.utime(path, (1_000_000_001, 1_000_000_001))
    assert file_md5(path) == md5(b"other")


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"identity": 3}', b"\xff"])
def test_a_torn_stamp_is_made_again(tmp_path: Path, cache: Path, torn: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    file_md5(path)
    (stamp,) = cache.iterdir()
    stamp.write_bytes(torn)
    assert file_md5(path) == md5(b"content")
    assert md5(b"content") in stamp.read_text()


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the cache should be")
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert file_md5(path) == md5(b"content")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.npz cannot be read: No such file"):
        file_md5(tmp_path / "absent.npz")


def test_a_file_that_is_not_the_published_one_says_how_to_fetch_it_again(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    path.write_bytes(b"truncat")
    remote = RemoteFile("set.npz", md5(b"truncated no more"), 0, ())
    with pytest.raises(DataError, match=rf"{md5(b'truncat')}, not {remote.md5}; get it"):
        official_file(path, remote, "get it")


@pytest.mark.parametrize("remote", DATASETS["mnist"].files[28], ids=lambda remote: remote.name)
def test_real_mnist_is_the_published_one_packed_and_unpacked(remote: RemoteFile, tmp_path: Path) -> None:
    import gzip

    packed = shared_file("mnist", remote.name)
    assert official_file(packed, remote, "").md5 == remote.md5
    unpacked = tmp_path / remote.name.removesuffix(".gz")
    unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
    assert official_file(unpacked, remote, "").path == str(unpacked)
