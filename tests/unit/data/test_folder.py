from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xaitui.catalog.records import Task
from xaitui.data.array_cache import cached_arrays
from xaitui.data.folder import folder_source
from xaitui.data.row_file import RowFile
from xaitui.data.source import Residency, Source
from xaitui.errors import DataError, ExitCode


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/xaitui/arrays"


def picture(path: Path, value: int, mode: str = "L", size: tuple[int, int] = (6, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).convert(mode).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, cat and dog, of two grey pictures each."""
    root = tmp_path / "pets"
    for label, name in enumerate(["cat", "dog"]):
        for number in range(2):
            picture(root / name / f"{number}.png", 100 * label + number)
    return root


def test_the_progress_of_reading_and_decoding_is_told(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    folder_source(folder, 2, Residency(1 << 30, report=lambda done, total: told.append((done, total))))
    assert [done == total for done, total in told] == [False, False, False, True] * 2
    assert told[4:] == [(4, 16), (8, 16), (12, 16), (16, 16)]


def open_folder(folder: Path, side: int = 0) -> Source:
    return folder_source(folder, side, Residency(1 << 30))


def values(source: Source, split: str = "train") -> list[int]:
    images = source.parts[split].read()
    assert isinstance(images, np.ndarray)
    flat: list[int] = images[:, 0, 0, 0].tolist()
    return flat


def test_subfolders_are_the_classes(folder: Path) -> None:
    source = open_folder(folder)
    info = source.info
    assert (info.name, info.task, info.classes, info.counts) == ("pets", Task.BINARY, ("cat", "dog"), (4, 0, 0))
    assert (info.channels, info.sizes) == (1, (6,))
    assert source.parts["train"].labels.tolist() == [0, 0, 1, 1]
    assert values(source) == [0, 1, 100, 101]
    assert source.notes == (
        "pictures became 6x6 grey: turned as EXIF says, alpha laid over white, cropped to the middle square",
    )


def test_splits_of_their_own_are_kept_apart(tmp_path: Path) -> None:
    for split, value in (("train", 1), ("val", 2), ("test", 3)):
        for name in ("a", "b", "c"):
            picture(tmp_path / "set" / split / name / "deeper" / "x.PNG", value)
    source = open_folder(tmp_path / "set")
    assert source.info.counts == (3, 3, 3)
    assert source.info.task is Task.MULTI_CLASS
    assert [values(source, split) for split in ("train", "val", "test")] == [[1] * 3, [2] * 3, [3] * 3]


def test_one_colour_picture_makes_the_set_rgb(folder: Path) -> None:
    picture(folder / "dog" / "2.png", 7, mode="RGB")
    assert open_folder(folder).info.channels == 3


@pytest.mark.parametrize(("asked", "side"), [(0, 6), (3, 3), (12, 12)])
def test_the_side_is_the_most_common_one_or_as_asked(folder: Path, asked: int, side: int) -> None:
    picture(folder / "dog" / "2.png", 7, size=(20, 9))
    assert open_folder(folder, asked).info.sizes == (side,)


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "set" / name / "x.png", 9, size=(400, 300))
    assert open_folder(tmp_path / "set").info.sizes == (224,)


def test_the_second_opening_reads_the_cache_whatever_the_times_of_the_files(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_folder(folder)
    stamps = {array.path: array.path.stat().st_mtime_ns for array in cached_arrays(cache)}
    assert len(stamps) == 2  # the images, and the survey of their files
    for path in folder.rglob("*.png"):
        os.utime(path, ns=(1, 1))
    monkeypatch.delattr("xaitui.data.picture_cache.decode")
    second = open_folder(folder)
    assert values(second) == values(first)
    assert (second.files, second.images) == (first.files, first.images)
    assert {array.path: array.path.stat().st_mtime_ns for array in cached_arrays(cache)} == stamps


def test_another_content_of_the_same_length_and_time_is_noticed(folder: Path) -> None:
    one = picture(folder / "cat/2.bmp", 7)
    before = one.stat()
    assert values(open_folder(folder))[2] == 7
    picture(one, 9)
    os.utime(one, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert one.stat().st_size == before.st_size
    second = open_folder(folder)
    assert values(second)[2] == 9
    assert [file.name for file in second.images][1:4] == ["cat/1.png", "cat/2.bmp", "dog/0.png"]


def test_a_changed_picture_is_decoded_again(folder: Path) -> None:
    first = open_folder(folder)
    os.utime(picture(folder / "cat" / "0.png", 55), ns=(1, 1))
    second = open_folder(folder)
    assert values(second)[0] == 55
    assert second.files[0].md5 != first.files[0].md5


def test_pictures_above_the_limit_stay_on_disk(folder: Path) -> None:
    images = folder_source(folder, 0, Residency(limit=4 * 36 - 1)).parts["train"].read()
    assert isinstance(images, RowFile)
    out = np.empty((1, 6, 6, 1), np.uint8)
    images.read(np.array([3]), out)
    assert (out == 101).all()


def test_hidden_files_and_other_files_are_passed_over(folder: Path) -> None:
    (folder / "cat" / "._0.png").write_bytes(b"resource fork")
    (folder / "cat" / "notes.txt").write_text("a cat")
    (folder / ".git").mkdir()
    picture(folder / "cat" / ".checkpoints" / "0.png", 3)
    assert open_folder(folder).info.counts == (4, 0, 0)


def test_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    for name in ("car", "train"):
        picture(tmp_path / "vehicles" / name / "x.png", 9)
    assert open_folder(tmp_path / "vehicles").info.classes == ("car", "train")


def test_control_characters_of_a_class_are_escaped(tmp_path: Path) -> None:
    for name in ("a", "b\x1b[2J"):
        picture(tmp_path / "set" / name / "x.png", 9)
    assert open_folder(tmp_path / "set").info.classes == ("a", r"b\x1b[2J")


def test_a_damaged_picture_is_named_and_nothing_is_left(folder: Path, cache: Path) -> None:
    path = folder / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:45])
    with pytest.raises(DataError, match=r"1 of 4 images in .*pets cannot be used: dog/1\.png \(") as caught:
        open_folder(folder)
    assert caught.value.exit_code == ExitCode.DATA
    assert [path.name.split(".")[1] for path in cache.iterdir()] == ["survey"]


def test_a_folder_that_is_no_set_says_why(folder: Path) -> None:
    with pytest.raises(DataError, match=r"cat needs a subfolder of pictures for each of two or more classes"):
        open_folder(folder / "cat")
    (folder / "fox").mkdir()
    with pytest.raises(DataError, match=r"pets/fox holds no picture$"):
        open_folder(folder)
    (folder / "fox" / "x.pdf").touch()
    with pytest.raises(DataError, match=r"pets/fox holds no picture that can be read: 1 \.pdf$"):
        open_folder(folder)
    (folder / "fox" / "x.png").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"pets cannot be used: fox/x\.png \(No such file"):
        open_folder(folder)


def test_splits_that_do_not_fit_train_are_named(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name in ("a", "b"):
        picture(root / "train" / name / "x.png", 9)
    (root / "extra").mkdir()
    with pytest.raises(DataError, match="has extra beside train: the splits are train, val, test"):
        open_folder(root)
    (root / "extra").rename(root / "val")
    with pytest.raises(DataError, match="val needs a folder for each class inside it, or remove it to have val cut"):
        open_folder(root)
    (root / "val" / "a").mkdir()
    with pytest.raises(DataError, match="val holds no picture: fill it, or remove it to have val cut"):
        open_folder(root)
    picture(root / "val" / "c" / "x.png", 9)
    with pytest.raises(DataError, match=r"class .*val/c is not in train; train has a, b"):
        open_folder(root)
