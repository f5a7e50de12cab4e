"""Class folders of links to folders: they are followed, as torchvision and timm do, and a broken one is counted."""

from __future__ import annotations

from pathlib import Path

from tests.cases.inputs import class_folders
from xaitui.data.open import open_dataset
from xaitui.data.preview import preview


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "set", ["benign", "malignant"], 4)
    for name in ("benign", "malignant"):
        for patient in range(3):
            class_folders(tmp_path / "store", [f"{name}{patient}"], 5)
            (folder / name / f"patient{patient}").symlink_to(tmp_path / "store" / f"{name}{patient}")
        (folder / name / "round").symlink_to(folder)
        (folder / name / "gone").symlink_to(tmp_path / "gone")
    data = open_dataset(str(folder), cache_dir=tmp_path / "cache")
    assert [len(data.train) + len(data.val) + data.test_size] == [38]
    assert "2 files were skipped: 2 broken links" in data.notes
    seen = preview(str(folder))
    assert seen.counts == {"train": (19, 19)}
    assert seen.notes == ("2 files were skipped: 2 broken links",)
