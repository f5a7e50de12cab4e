from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy

from xaitui.data.npz import array_names, read_array, read_headers
from xaitui.errors import DataError, ExitCode

NAMES = ("images", "labels")
MODES = {"stored": np.savez, "deflated": np.savez_compressed}


def archive_bytes(mode: str = "deflated", **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    MODES[mode](buffer, **arrays)
    return buffer.getvalue()


def npy_bytes(header: bytes, data: bytes = b"", version: int = 1) -> bytes:
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + length + header + data


def zip_file(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def read_all(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    return {name: read_array(path, member) for name, member in read_headers(path, NAMES).items()}


def refusal(path: Path) -> str:
    """What a user is told of the archive; empty for one that can be read."""
    try:
        read_all(path)
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("mode", MODES)
def test_arrays_come_back_as_they_were_saved(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "set.npz"
    images, labels = np.arange(60, dtype=np.uint8).reshape(5, 4, 3), np.array([[1], [0]], ">i4")
    path.write_bytes(archive_bytes(mode, images=np.asfortranarray(images), labels=labels, other=np.zeros(3)))
    arrays = read_all(path)
    assert list(arrays) == ["images", "labels"]
    assert arrays["images"].flags.c_contiguous
    assert np.array_equal(arrays["images"], images)
    assert np.array_equal(arrays["labels"], labels)
    assert array_names(path) == ["images", "labels", "other"]


def test_headers_alone_are_read_from_damaged_data(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    content = bytearray(archive_bytes("stored", images=np.zeros((9, 80, 80), np.uint8)))
    content[50_000] ^= 1
    path.write_bytes(content)
    (member,) = read_headers(path, NAMES).values()
    assert (member.shape, member.nbytes) == ((9, 80, 80), 57_600)
    with pytest.raises(DataError, match="Bad CRC-32"):
        read_array(path, member)


def header_of(shape: object, descr: object = "|u1") -> bytes:
    return repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (npy_bytes(header_of((1 << 40, 28, 28))), r"header says \(1099511627776, 28, 28\) of uint8"),
        (npy_bytes(header_of((4,)), b"too long"), r"header says \(4,\) of uint8, not 73 bytes"),
        (npy_bytes(header_of((-1, -4)), b"four"), "damaged"),
        (npy_bytes(header_of((2,), "|O"), b"\x80\x04K\x01."), "holds Python objects, which may run code"),
        (npy_bytes(header_of((1,), [("a", "|O")]), b"x"), "holds Python objects"),
        (npy_bytes(b"__import__('os').system('true')"), "cannot be read as .npz archive"),
        (npy_bytes(b"{" * 9000), "cannot be read as .npz archive"),
        (npy_bytes(b"-" * 9000), "cannot be read as .npz archive"),
        (npy_bytes(b" " * (1 << 20), version=2), "cannot be read as .npz archive"),
        (npy_bytes(header_of((1,)), b"x", version=3), "named fields"),
        (b"", "cannot be read as .npz archive"),
        (b"no array at all", "cannot be read as .npz archive"),
    ],
    ids=range(12),
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(tmp_path: Path, member: bytes, message: str) -> None:
    path = zip_file(tmp_path / "set.npz", images=member)
    with pytest.raises(DataError, match=message) as caught:
        read_headers(path, NAMES)
    assert caught.value.exit_code == ExitCode.DATA
    assert "\n" not in str(caught.value)


def test_a_length_that_deflate_cannot_reach_is_refused(tmp_path: Path) -> None:
    header = npy_bytes(header_of((1 << 30,)))
    path = zip_file(tmp_path / "set.npz", images=header + b"x" * 64)
    content = path.read_bytes()
    size = len(header) + 64
    lie = len(header) + (1 << 30)
    path.write_bytes(content.replace(size.to_bytes(4, "little"), lie.to_bytes(4, "little")))
    with pytest.raises(DataError, match=f"packed bytes cannot become {lie}"):
        read_headers(path, NAMES)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a zip file"), (b"PK\x03\x04", "not a zip file"), (npy_bytes(b"{}"), "not a zip file")],
)
def test_what_is_no_archive_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "set\x1b[0m.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"set\\x1b\[0m\.npz cannot be read as \.npz archive: .*{message}"):
        read_headers(path, NAMES)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file or directory"):
        read_headers(tmp_path / "absent.npz", NAMES)


ORIGINALS = [
    archive_bytes(mode, images=np.arange(48, dtype=np.uint8).reshape(3, 4, 4), labels=np.array([0, 1, 1]))
    for mode in MODES
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An archive with bytes changed, cut out or put in, or cut short."""
    content = bytearray(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.sampled_from([0, 1, 2, 4, 64]))
        content[place : place + length] = draw(st.binary(max_size=8))
    return bytes(content[: draw(st.none() | st.integers(0, len(content)))])


@settings(max_examples=200, deadline=None)
@given(content=damaged())
def test_damage_gives_arrays_or_one_line_and_nothing_else(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    assert refusal(path).isprintable()


@settings(max_examples=200, deadline=None)
@given(
    header=st.binary(max_size=60)
    | st.text("{}[]()'\"descrshapefortran_order:,|u1FalseL0123456789 \n#", max_size=80).map(str.encode)
)
def test_any_header_gives_an_array_or_one_line(header: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = zip_file(tmp_path_factory.getbasetemp() / "header.npz", images=npy_bytes(header, b"\0" * 8))
    assert refusal(path).isprintable()


def test_the_forms_of_the_header_that_numpy_writes_are_known(tmp_path: Path) -> None:
    for version in ((1, 0), (2, 0)):
        buffer = io.BytesIO()
        npy.write_array(buffer, np.arange(5), version=version)
        assert read_all(zip_file(tmp_path / "set.npz", images=buffer.getvalue()))["images"].tolist() == [0, 1, 2, 3, 4]
