from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shared_data import shared_file
from xaitui.catalog.datasets import DATASETS
from xaitui.data.dataset import DataFile
from xaitui.data.idx import mnist_source, read_idx
from xaitui.errors import DataError, ExitCode

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def idx_bytes(shape: tuple[int, ...] = (2, 3, 4), content: bytes = PIXELS.tobytes(), kind: int = 8) -> bytes:
    return bytes((0, 0, kind, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + content


def refusal(path: Path) -> str:
    """What a user is told of the file; empty for one that can be read."""
    try:
        assert read_idx(path, axes=3).ndim == 3
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_an_idx_file_is_read_packed_or_not(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(idx_bytes()) if name.endswith(".gz") else idx_bytes())
    images = read_idx(path, axes=3)
    assert np.array_equal(images, PIXELS)
    assert images.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx_bytes(kind=13), "is no idx file of bytes with 3 axes: it begins with 00000d03"),
        (idx_bytes((24,)), "is no idx file of bytes with 3 axes: it begins with 00000801"),
        (idx_bytes((3, 3, 4)), r"header says \(3, 3, 4\), and it holds other than 36 bytes"),
        (idx_bytes((1, 3, 4)), r"header says \(1, 3, 4\), and it holds other than 12 bytes"),
        (idx_bytes((2**32 - 1,) * 3), "holds other than 79228162458924105385300197375 bytes"),
        (idx_bytes()[:9], "cannot be read as idx file"),
        (b"", "is no idx file"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_wrong_header_or_length_is_named(tmp_path: Path, content: bytes, message: str, pack: type[bytes]) -> None:
    path = tmp_path / ("images" if pack is bytes else "images.gz")
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path, axes=3)
    assert caught.value.exit_code == ExitCode.DATA


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(idx_bytes(), mtime=0)[:-9], "ended before"),
        (gzip.compress(idx_bytes(), mtime=0)[:-1], "ended before"),
        (idx_bytes(), "Not a gzipped file"),
    ],
)
def test_a_truncated_or_unpacked_gz_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"images\.gz cannot be read as idx file: .*{message}"):
        read_idx(path, axes=3)


@settings(max_examples=200, deadline=None)
@given(
    packed=st.booleans(),
    edits=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4), st.binary(max_size=4)), min_size=1, max_size=4),
)
def test_damage_gives_an_array_or_one_line(
    packed: bool, edits: list[tuple[int, int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(gzip.compress(idx_bytes(), mtime=0) if packed else idx_bytes())
    for place, length, new in edits:
        content[place : place + length] = new
    path = tmp_path_factory.getbasetemp() / ("damaged.gz" if packed else "damaged")
    path.write_bytes(content)
    assert refusal(path).isprintable()


def mnist_files(folder: Path) -> list[DataFile]:
    return [DataFile(str(folder / remote.name), remote.md5) for remote in DATASETS["mnist"].files[28]]


def test_real_mnist_has_its_published_splits() -> None:
    source = mnist_source(DATASETS["mnist"], mnist_files(shared_file("mnist")))
    train, test = source.parts["train"], source.parts["test"]
    assert list(source.parts) == ["train", "test"]
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    images = test.read()
    assert isinstance(images, np.ndarray)
    assert images.shape == (10_000, 28, 28, 1)
    assert images[0].sum() == 18454


def test_mnist_labels_of_another_count_are_refused(tmp_path: Path) -> None:
    for file in mnist_files(tmp_path):
        shape = (2, 28, 28) if "images" in file.path else (2,)
        content = idx_bytes(shape, b"\1" * int(np.prod(shape)))
        Path(file.path).write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match="has 2 labels, mnist has 60000"):
        mnist_source(DATASETS["mnist"], mnist_files(tmp_path))
