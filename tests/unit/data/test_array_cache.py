from __future__ import annotations

import io
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.shared_data import shared_file
from xaitui.data.array_cache import array_folder, cached_arrays, cached_rows, in_use, remove_cache
from xaitui.data.row_file import RowFile
from xaitui.errors import DataError, ExitCode
from xaitui.system.disk import BLOCK
from xaitui.system.file_lock import exclusive

MEMBER = "train_images.npy"


def images(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def saved(path: Path, array: NDArray[np.generic]) -> Path:
    np.savez_compressed(path, train_images=array, train_labels=np.zeros((len(array), 1), np.uint8))
    return path


def everything(rows: RowFile) -> NDArray[np.uint8]:
    out = np.empty(rows.shape, np.uint8)
    rows.read(np.arange(len(rows)), out)
    return out


@pytest.mark.parametrize("shape", [(5, 8, 8, 3), (5, 8, 8, 1), (5, 8, 8), (40, 224, 224, 3)])
def test_rows_are_those_of_the_array(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = images(*shape)
    told: list[tuple[int, int]] = []
    rows = cached_rows(
        saved(tmp_path / "own.npz", array),
        MEMBER,
        cache_dir=tmp_path / "cache",
        report=lambda done, total: told.append((done, total)),
    )
    assert rows.shape == (*shape, 1)[:4]
    np.testing.assert_array_equal(everything(rows), array.reshape(rows.shape))
    np.testing.assert_array_equal(np.load(rows.path), array.reshape(rows.shape), strict=True)
    assert told[-1] == (array.nbytes, array.nbytes)
    assert len(told) == -(-array.nbytes // BLOCK), "no more than a block at a time"


@pytest.mark.parametrize("name", ["breastmnist.npz", "pneumoniamnist.npz"])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_published_files(tmp_path: Path, name: str, split: str) -> None:
    path = shared_file("medmnist", name)
    rows = cached_rows(path, f"{split}_images.npy", cache_dir=tmp_path)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(everything(rows)[..., 0], arrays[f"{split}_images"])


def test_an_array_is_unpacked_once_whatever_the_place_of_its_source(tmp_path: Path) -> None:
    cache, told = tmp_path / "cache", list[int]()
    first = saved(tmp_path / "own.npz", images(5, 8, 8))
    (tmp_path / "copy").mkdir()
    second = Path(shutil.copy(first, tmp_path / "copy" / "own.npz"))
    one = cached_rows(first, MEMBER, cache_dir=cache)
    assert cached_rows(second, MEMBER, cache_dir=cache, report=lambda done, _: told.append(done)) == one
    assert told == []


def test_another_content_under_the_same_name_is_another_array(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    one = cached_rows(saved(tmp_path / "own.npz", images(5, 8, 8)), MEMBER, cache_dir=cache)
    two = cached_rows(saved(tmp_path / "own.npz", 255 - images(5, 8, 8)), MEMBER, cache_dir=cache)
    assert not np.array_equal(everything(one), everything(two))
    assert [array.path for array in cached_arrays(cache)] == sorted([one.path, two.path])


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 8, 8), np.float32), "images must be uint8, these are float32"),
        (np.array([[["object"]]], dtype=object), "images must be uint8, these are object"),
        (np.asfortranarray(images(2, 8, 8, 3)), "these are in Fortran order"),
        (np.zeros((2, 8), np.uint8), r"these have \(2, 8\)"),
        (np.zeros((2, 8, 8, 8, 1), np.uint8), r"these have \(2, 8, 8, 8, 1\)"),
        (np.zeros((0, 8, 8), np.uint8), r"these have \(0, 8, 8\)"),
        (np.zeros((2, 0, 8), np.uint8), r"these have \(2, 0, 8\)"),
    ],
)
def test_an_array_that_is_not_of_images(tmp_path: Path, array: NDArray[np.generic], reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        cached_rows(saved(tmp_path / "own.npz", array), MEMBER, cache_dir=tmp_path / "cache")
    assert caught.value.exit_code is ExitCode.DATA
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_member_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no item named 'test_images.npy'"):
        cached_rows(saved(tmp_path / "own.npz", images(2, 8, 8)), "test_images.npy", cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04 and no more"])
def test_a_file_that_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(DataError, match="not a zip file"):
        cached_rows(tmp_path / "own.npz", MEMBER, cache_dir=tmp_path / "cache")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        cached_rows(tmp_path / "own.npz", MEMBER, cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_flipped_bit_is_found_and_nothing_is_left(tmp_path: Path, compression: int) -> None:
    array = images(5, 28, 28)
    with zipfile.ZipFile(tmp_path / "own.npz", "w", compression) as archive, archive.open(MEMBER, "w") as member:
        np.save(member, array)
    damaged = bytearray((tmp_path / "own.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "own.npz").write_bytes(damaged)
    with pytest.raises(DataError, match=r"own.npz, train_images.npy: .*; fetch or make the file again"):
        cached_rows(tmp_path / "own.npz", MEMBER, cache_dir=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 127), value=st.integers(0, 255), cut=st.integers(0, 200))
def test_any_header_gives_the_images_or_one_line(tmp_path: Path, position: int, value: int, cut: int) -> None:
    buffer = io.BytesIO()
    np.save(buffer, images(3, 4, 4))
    content = bytearray(buffer.getvalue())
    content[position] = value
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        archive.writestr(MEMBER, bytes(content[: len(content) - cut] if cut < 100 else content))
    rows, message = None, ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's and the parser's, about such a header
        try:
            rows = cached_rows(tmp_path / "own.npz", MEMBER, cache_dir=tmp_path / "cache")
        except DataError as error:
            message = str(error)
    assert message.isprintable()
    assert rows is None or everything(rows).tobytes() == images(3, 4, 4).tobytes()


def test_room_is_looked_for_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(DataError, match="has 100 B free"):
        cached_rows(saved(tmp_path / "own.npz", images(5, 8, 8)), MEMBER, cache_dir=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cached_array_that_was_cut_is_told(tmp_path: Path) -> None:
    source = saved(tmp_path / "own.npz", images(5, 8, 8))
    rows = cached_rows(source, MEMBER, cache_dir=tmp_path / "cache")
    rows.path.write_bytes(rows.path.read_bytes()[:-1])
    with pytest.raises(DataError, match="xaitui data rm --cache"):
        cached_rows(source, MEMBER, cache_dir=tmp_path / "cache")


def test_what_a_killed_process_left_is_listed_replaced_and_freed(tmp_path: Path) -> None:
    cache, source = tmp_path / "cache", saved(tmp_path / "own.npz", images(5, 8, 8))
    rows = cached_rows(source, MEMBER, cache_dir=cache)
    part = rows.path.rename(rows.path.with_name(rows.path.name + ".part"))
    part.write_bytes(b"half")
    part.with_name(rows.path.name + ".lock").touch()
    assert [(array.size, array.is_whole) for array in cached_arrays(cache)] == [(4, False)]
    assert cached_rows(source, MEMBER, cache_dir=cache) == rows
    part.write_bytes(b"half")
    assert remove_cache(cache) == (4 + rows.offset + rows.nbytes, [])
    assert list(cache.iterdir()) == []


def test_what_is_being_read_or_made_stays(tmp_path: Path) -> None:
    cache, source = tmp_path / "cache", saved(tmp_path / "own.npz", images(5, 8, 8))
    rows = cached_rows(source, MEMBER, cache_dir=cache)
    with in_use(rows.path):
        assert remove_cache(cache) == (0, [rows.path])
    with exclusive(rows.path.with_name(rows.path.name + ".lock")):
        assert remove_cache(cache) == (0, [rows.path])
    assert remove_cache(cache) == (rows.offset + rows.nbytes, [])
    assert cached_arrays(cache) == []


def test_an_empty_cache(tmp_path: Path) -> None:
    assert cached_arrays(tmp_path / "cache") == []
    assert remove_cache(tmp_path / "cache") == (0, [])


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = cached_rows(saved(tmp_path / "own.npz", images(5, 8, 8)), MEMBER)
    assert rows.path.parent == array_folder() == tmp_path / "xaitui" / "arrays"
