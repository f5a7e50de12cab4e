from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from xaitui.catalog.datasets import DATASETS, UNPACKED_MD5, dataset_info
from xaitui.catalog.medmnist import MEDMNIST, NAMES_3D
from xaitui.catalog.records import DatasetInfo
from xaitui.errors import ExitCode, UsageError


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """MedMNIST's own table; importing the package makes a folder in the home, so that home is a temporary one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", os.fspath(tmp_path_factory.mktemp("home")))
        from medmnist import INFO

        yield INFO


@pytest.mark.parametrize("name", [info.name for info in MEDMNIST])
def test_every_medmnist_fact_is_the_publishers(name: str, official: Mapping[str, Any]) -> None:
    ours, theirs = DATASETS[name], official[name]
    assert ours.task.value == theirs["task"]
    assert dict(enumerate(ours.classes)) == {int(index): label for index, label in theirs["label"].items()}
    assert ours.channels == theirs["n_channels"]
    assert dict(zip(("train", "val", "test"), ours.counts, strict=True)) == theirs["n_samples"]
    assert ours.licence == theirs["license"]
    assert set(ours.files) == set(ours.sizes)
    for size, suffix in ((28, ""), (64, "_64"), (128, "_128"), (224, "_224")):
        (file,) = ours.files[size]
        assert (file.name, file.md5) == (f"{name}{suffix}.npz", theirs[f"MD5{suffix}"])
        assert file.urls == (theirs[f"url{suffix}"],)


def test_the_table_knows_all_of_medmnist(official: Mapping[str, Any]) -> None:
    assert {info.name for info in MEDMNIST} | set(NAMES_3D) == set(official)
    assert len(MEDMNIST) == 12
    assert list(DATASETS) == ["digits", "mnist", *(info.name for info in MEDMNIST)]


def test_mnist_facts_are_torchvisions() -> None:
    from torchvision.datasets import MNIST

    (files,) = DATASETS["mnist"].files.values()
    assert [(file.name, file.md5) for file in files] == MNIST.resources
    assert all(f"{MNIST.mirrors[0]}{file.name}" == file.urls[0] for file in files)
    assert set(UNPACKED_MD5) == {file.name.removesuffix(".gz") for file in files}


@pytest.mark.parametrize("info", DATASETS.values(), ids=DATASETS)
def test_every_row_is_complete(info: DatasetInfo) -> None:
    assert dataset_info(info.name) is info
    assert info.title
    assert "\n" not in info.title
    assert info.licence
    assert info.preset_augmentation
    assert len(set(info.classes)) == len(info.classes) > 1
    assert info.counts[0] > 0
    files = [file for group in info.files.values() for file in group]
    assert all(re.fullmatch("[0-9a-f]{32}", file.md5) and file.urls for file in files)
    assert bool(files) == (info.name != "digits")


@pytest.mark.parametrize("info", DATASETS.values(), ids=DATASETS)
def test_a_set_that_refuses_mirroring_is_not_mirrored_by_its_preset(info: DatasetInfo) -> None:
    has_sides = any("left" in name for name in info.classes)
    assert not (has_sides and not info.mirror_reason)
    assert not (info.mirror_reason and {"hflip", "vflip"} & set(info.preset_augmentation))


def test_a_misspelt_set_names_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="unknown dataset 'pathmist'; did you mean 'pathmnist'") as caught:
        dataset_info("pathmist")
    assert caught.value.exit_code == ExitCode.USAGE
    with pytest.raises(UsageError, match="did you mean 'pathmnist'"):
        dataset_info("PathMNIST")
    with pytest.raises(UsageError, match=r"unknown dataset '\\x1b\[2J'"):
        dataset_info("\x1b[2J")


@pytest.mark.parametrize("name", NAMES_3D)
def test_a_volume_set_is_answered_in_one_line(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} holds volumes: 3D datasets are not supported"):
        dataset_info(name)
