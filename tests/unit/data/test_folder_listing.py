from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.inputs import class_folders
from xaitui.data.folder_listing import list_pictures
from xaitui.errors import DataError


def made(root: Path, *names: str) -> Path:
    """Empty files; what is listed is not opened."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [("train", "valid", "val"), ("Training", "Validation", "val"), ("TRAIN", "Test", "test"), ("train", "val", "val")],
)
def test_split_folders_are_known_in_their_usual_spellings(tmp_path: Path, train: str, other: str, split: str) -> None:
    listing = list_pictures(made(tmp_path, f"{train}/a/1.png", f"{train}/b/1.png", f"{other}/a/1.png"))
    assert listing.classes == ("a", "b")
    assert {name: len(found) for name, found in listing.pictures.items()} == {"train": 2, split: 1}
    told = [f"{name} is {meant}" for name, meant in ((train, "train"), (other, split)) if name != meant]
    assert list(listing.notes) == ([f"split folders: {', '.join(told)}"] if told else [])


def test_a_single_split_folder_is_named_too(tmp_path: Path) -> None:
    listing = list_pictures(made(tmp_path, "Training/a/1.png", "Training/b/1.png"))
    assert (listing.classes, listing.notes) == (("a", "b"), ("split folders: Training is train",))


@pytest.mark.parametrize(
    "names",
    [
        ("car/1.png", "train/1.png"),
        ("car/p1/1.png", "test/p2/1.png"),  # patients, say, of a control and a test group
        ("invalid/1.png", "valid/1.png"),
        ("Testing/1.png", "other/1.png", "Training/1.png"),
    ],
)
def test_a_class_with_the_name_of_a_split_is_a_class(tmp_path: Path, names: tuple[str, ...]) -> None:
    listing = list_pictures(made(tmp_path, *names))
    assert listing.classes == tuple(sorted(name.partition("/")[0] for name in names))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("train/1.png", "test/1.png"), "train needs a folder for each class inside it"),
        (("train/a/1.png", "train/b/1.png", "test/1.png"), "test needs a folder for each class .* have test cut"),
        (("train/a/1.png", "val/a/1.png", "Validation/a/1.png"), "has Validation, val: each of them is val; keep one"),
        (("train/a/1.png", "Extra/a/1.png"), "has Extra beside train: the splits are train, val, test"),
        (("Testing/a/1.png", "valid/a/1.png"), "has Testing, valid but no train; name the folder of the training"),
        (("Testing/a/1.png", "images/a/1.png"), "has Testing but no train; name the folder of the training images"),
    ],
)
def test_folders_that_are_not_clear_are_named(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        list_pictures(made(tmp_path, *names))


def test_what_is_not_used_is_counted_by_ending(tmp_path: Path) -> None:
    names = [f"a/{number}.dcm" for number in range(3)] + [f"a/x.{ending}" for ending in "abcdefghij"]
    junk = [
        "a/.hidden",
        "a/Thumbs.db",
        "a/__MACOSX/1.png",
        "__MACOSX/1.png",
        "b/desktop.ini",
        ".DS_Store",
        "labels.csv",
    ]
    listing = list_pictures(made(tmp_path, *names, *junk, "a/1.PNG", "b/deep/1.jpe", "b/README", "lost.png"))
    assert listing.counts == (2, 0, 0)
    letters = ", ".join(f"1 .{letter}" for letter in "abcdefghi")
    assert listing.notes == (
        f"14 files were skipped: 3 .dcm, {letters} and 2 more",
        "1 image lies outside of the class folders and will not be used",
    )


def test_links_to_folders_are_followed_and_none_without_end(tmp_path: Path) -> None:
    store = class_folders(tmp_path / "store", ["p1", "p2"], 3)
    root = made(tmp_path / "set", "a/1.png", "b/1.png")
    (root / "a" / "p1").symlink_to(store / "p1")
    (store / "p1" / "again").symlink_to(root / "a")
    (root / "b" / "itself").symlink_to("itself")
    (root / "b" / "gone").symlink_to(tmp_path / "gone")
    (root / "b" / "up").symlink_to(root)
    listing = list_pictures(root)
    assert [str(path.relative_to(root)) for path, _ in listing.pictures["train"]] == [
        "a/1.png",
        "a/p1/000.png",
        "a/p1/001.png",
        "a/p1/002.png",
        "b/1.png",
    ]
    assert listing.notes == ("2 files were skipped: 2 broken links",)


def test_a_folder_is_listed_by_the_rules_of_before(tmp_path: Path) -> None:
    root = made(tmp_path / "set", "Training/a/1.png", "Testing/a/1.png", "Testing/a/1.jfif")
    (root / "Testing" / "more").symlink_to(root / "Training")
    listing = list_pictures(root, rules=1)
    assert listing.classes == ("Testing", "Training")
    assert listing.counts == (2, 0, 0)
    listing = list_pictures(made(tmp_path / "two", "train/a/1.png", "train/b/1.png", "test/a/1.png"), rules=1)
    assert listing.counts == (2, 0, 1)
