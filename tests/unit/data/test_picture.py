from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from xaitui.data.picture import FORMATS, decode, probe
from xaitui.errors import DataError, ExitCode

RASTERFILE = struct.pack(">8I", 0x59A66A95, 8, 8, 24, 192, 1, 0, 0)
PHOTOSHOP = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 8, 8, 8, 3) + bytes(14)
PIXMAP = b'/* XPM */\nstatic char *a[] = {\n"8 8 1 1",\n"a c #C8C8C8",\n' + b'"aaaaaaaa",\n' * 8 + b"};"
"""Headers of formats that Pillow reads and does not write."""

GREY = np.arange(0, 256, 16, dtype=np.uint8).reshape(4, 4)


def save(path: Path, image: Image.Image | np.ndarray[Any, Any], **options: Any) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".pgm", ".gif"])
def test_grey_of_the_right_size_keeps_its_values(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"picture{suffix}", GREY)
    assert np.array_equal(decode(path, 4, 1)[..., 0], GREY)
    assert np.array_equal(decode(path, 4, 3), np.repeat(GREY[..., None], 3, axis=2))


def test_every_format_can_be_decoded(tmp_path: Path) -> None:
    flat = np.full((8, 8, 3), 200, np.uint8)
    rows = {".ras": RASTERFILE + flat.tobytes(), ".psd": PHOTOSHOP + flat.tobytes(), ".xpm": PIXMAP}
    for suffix, kind in FORMATS.items():
        path = tmp_path / f"picture{suffix}"
        if suffix in rows:
            path.write_bytes(rows[suffix])
        else:
            save(path, Image.new("1", (8, 8)) if kind == "XBM" else flat, format=kind)
        pixels = decode(path, 8, 3)
        assert kind == "XBM" or abs(pixels.astype(int) - 200).max() <= 2, suffix
    assert not {".eps", ".ps", ".wmf", ".emf", ".pdf"} & FORMATS.keys()


def test_a_format_without_a_signature_is_tried_by_its_ending_alone(tmp_path: Path) -> None:
    save(tmp_path / "truly.tga", GREY)
    assert decode((tmp_path / "truly.tga").rename(tmp_path / "x.TGA"), 4, 1).any()
    with pytest.raises(DataError, match="cannot identify image file"):
        decode((tmp_path / "x.TGA").rename(tmp_path / "x.png"), 4, 1)
    save(tmp_path / "x.jpg", GREY, format="PNG")
    assert decode(tmp_path / "x.jpg", 4, 1).any()


@pytest.mark.parametrize(
    ("mode", "is_grey"),
    [("1", True), ("L", True), ("LA", True), ("I;16", True), ("P", False), ("RGB", False), ("RGBA", False)],
)
def test_the_header_says_size_and_colour(tmp_path: Path, mode: str, is_grey: bool) -> None:
    picture = probe(save(tmp_path / "picture.png", Image.new(mode, (6, 4))))
    assert (picture.short_side, picture.is_grey) == (4, is_grey)


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    path = save(tmp_path / "picture.png", GREY, exif=exif)
    assert np.array_equal(decode(path, 4, 1)[..., 0], np.rot90(GREY, -1))


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    colour = np.zeros((1, 2, 4), np.uint8)
    colour[0, 0] = (10, 20, 30, 255)
    colour = np.repeat(colour, 2, axis=0)
    path = save(tmp_path / "colour.png", colour)
    assert decode(path, 2, 3)[0].tolist() == [[10, 20, 30], [255, 255, 255]]
    grey = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(np.where(GREY > 100, 255, 0).astype(np.uint8))])
    assert np.array_equal(decode(save(tmp_path / "grey.png", grey), 4, 1)[..., 0], np.where(GREY > 100, GREY, 255))
    keyed = save(tmp_path / "keyed.png", GREY, transparency=0)
    assert decode(keyed, 4, 1)[0, :2, 0].tolist() == [255, 16]


def test_16_bit_grey_is_divided_by_257(tmp_path: Path) -> None:
    deep = np.array([[0, 128], [257 * 200, 65_535]], np.uint16)
    for suffix in (".png", ".tif"):
        path = save(tmp_path / f"picture{suffix}", deep)
        assert probe(path).is_grey
        assert decode(path, 2, 1)[..., 0].tolist() == [[0, 0], [200, 255]]


def test_palette_and_cmyk_become_rgb(tmp_path: Path) -> None:
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    assert decode(save(tmp_path / "palette.png", red.convert("P")), 4, 3)[0, 0].tolist() == [255, 0, 0]
    assert decode(save(tmp_path / "print.tif", red.convert("CMYK")), 4, 3)[0, 0].tolist() == [255, 0, 0]


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), value) for value in (50, 90)]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert (decode(path, 4, 1) == 50).all()


def test_the_middle_square_is_taken_and_scaled(tmp_path: Path) -> None:
    wide = np.zeros((8, 16), np.uint8)
    wide[:, 4:12] = 180
    assert (decode(save(tmp_path / "wide.png", wide), 4, 1) == 180).all()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot identify image file"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot identify image file"),
        (bomb(10_000, 10_000), "exceeds limit"),
        (bomb(100_000, 100_000), "exceeds limit"),
        (bomb(4, 4), ""),
    ],
)
def test_a_picture_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad\x1b[31m.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"picture .*bad\\x1b\[31m\.png cannot be used: .*{message}") as caught:
        decode(path, 4, 1)
    assert caught.value.exit_code == ExitCode.DATA
    assert str(caught.value).isprintable()


def test_a_missing_picture_and_unknown_ranges_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.png cannot be used: No such file"):
        probe(tmp_path / "absent.png")
    path = save(tmp_path / "float.tif", np.ones((4, 4), np.float32))
    with pytest.raises(DataError, match=r"float\.tif cannot be used: its pixels are floating-point"):
        decode(path, 4, 3)
    path = save(tmp_path / "deep.tif", np.full((4, 4), 70_000, np.int32))
    with pytest.raises(DataError, match=r"its pixels reach from 70000 to 70000"):
        decode(path, 4, 1)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, kind)
    return buffer.getvalue()


ORIGINALS = {kind: encoded(kind) for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM", "TGA", "SGI", "ICO")}


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(list(ORIGINALS)),
    edits=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=4),
)
def test_damage_gives_a_picture_or_one_line(
    kind: str, edits: list[tuple[int, int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(ORIGINALS[kind])
    for place, length, new in edits:
        content[place : place + length] = new
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind.lower()}"
    path.write_bytes(content)
    assert refusal(path).isprintable()


def refusal(path: Path) -> str:
    try:
        assert decode(path, 8, 3).shape == (8, 8, 3)
    except DataError as error:
        return str(error)
    return ""
