from __future__ import annotations

from pathlib import Path

import pytest

from xaitui.catalog.datasets import DATASETS
from xaitui.data.locate import data_home, find_file, require_file, user_path
from xaitui.errors import DataError, ExitCode, UsageError

BREAST = DATASETS["breastmnist"].files[28][0]
MNIST_IMAGES = DATASETS["mnist"].files[28][0]


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a cache and a working folder without any data file."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.delenv("XAITUI_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return home


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"data")
    return path


def test_a_download_goes_to_the_first_place_that_was_named(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_home() == empty_home / ".cache/xaitui/data"
    monkeypatch.setenv("XAITUI_DATA_DIR", "~/env")
    assert data_home() == empty_home / "env"
    assert data_home("here") == Path("here")


def test_the_folders_are_searched_in_the_stated_order(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAITUI_DATA_DIR", str(empty_home / "env"))
    places = ["data", "home/.medmnist", "home/.cache/xaitui/data", "home/env", "named"]
    for place in places:
        path = put(empty_home.parent / place / BREAST.name)
        found = find_file(BREAST, str(empty_home.parent / "named"))
        assert found is not None
        assert found.resolve() == path


@pytest.mark.parametrize("place", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"])
def test_mnist_is_found_packed_or_not_in_a_folder_or_below_it(tmp_path: Path, place: str, name: str) -> None:
    path = put(tmp_path / "named" / place / name)
    assert find_file(MNIST_IMAGES, str(tmp_path / "named")) == path


def test_a_missing_file_names_the_command_that_gets_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"`xaitui data get breastmnist --size 28`.*--from FILE.*--data-dir") as caught:
        require_file(BREAST, "breastmnist", 28)
    assert caught.value.exit_code == ExitCode.DATA
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"`xaitui data get breastmnist --size 28 --data-dir 'my data'`"):
        require_file(BREAST, "breastmnist", 28, "my data")


def test_the_home_of_nobody_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="~nobody-of-that-name/data: there is no home of that user"):
        user_path("~nobody-of-that-name/data")


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert find_file(BREAST, str(tmp_path / "named")) is None
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "named" / BREAST.name).mkdir(parents=True)
    assert find_file(BREAST, str(tmp_path / "named")) is None
