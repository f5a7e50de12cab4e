"""Datasets by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from xaitui.catalog.medmnist import MEDMNIST, NAMES_3D
from xaitui.catalog.records import DatasetInfo, RemoteFile, Task
from xaitui.errors import UsageError, nearest
from xaitui.text import printable

_MIRRORED = "a mirrored digit is not a digit, or is a different one"

_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def _mnist_file(name: str, md5: str, size: int) -> RemoteFile:
    return RemoteFile(name, md5, size, tuple(mirror + name for mirror in _MNIST_MIRRORS))


UNPACKED_MD5: Mapping[str, str] = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""MD5 of the unpacked MNIST files, as torchvision stores them."""

_DIGITS = DatasetInfo(
    name="digits",
    title="Handwritten digits 8x8, included with scikit-learn (UCI, optical recognition)",
    task=Task.MULTI_CLASS,
    classes=tuple("0123456789"),
    channels=1,
    sizes=(8,),
    counts=(1_797, 0, 0),
    licence="CC BY 4.0",
    mirror_reason=_MIRRORED,
    preset_augmentation=("affine",),
)

_MNIST = DatasetInfo(
    name="mnist",
    title="Handwritten digits 28x28 (LeCun, Cortes, Burges)",
    task=Task.MULTI_CLASS,
    classes=tuple("0123456789"),
    channels=1,
    sizes=(28,),
    counts=(60_000, 0, 10_000),
    licence="CC BY-SA 3.0",
    files={
        28: (
            _mnist_file("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
            _mnist_file("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
            _mnist_file("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
            _mnist_file("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
        )
    },
    mirror_reason=_MIRRORED,
    preset_augmentation=("affine",),
)

DATASETS: Mapping[str, DatasetInfo] = {info.name: info for info in (_DIGITS, _MNIST, *MEDMNIST)}


def dataset_info(name: str) -> DatasetInfo:
    """Look up a dataset by name; raise UsageError, with the nearest name, if it is unknown or not supported."""
    if name in DATASETS:
        return DATASETS[name]
    if name.lower() in NAMES_3D:
        raise UsageError(f"{name.lower()} holds volumes: 3D datasets are not supported; choose a 2D dataset")
    raise UsageError(f"unknown dataset '{printable(name)}'{nearest(name.lower(), DATASETS)}")


def is_own_data(name: str) -> bool:
    """Return whether a dataset name is a path to an .npz file, or to a folder of class folders or idx files."""
    return name not in DATASETS and bool(name) and (os.sep in name or is_npz(Path(name)) or is_folder(Path(name)))


def is_npz(path: Path) -> bool:
    """Return whether a path has the name of an .npz file."""
    return path.suffix.lower() == ".npz"


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; False if that cannot be determined."""
    try:
        return path.is_dir()
    except (OSError, ValueError):  # the name is too long or has a NUL, or access is denied
        return False


def check_size(info: DatasetInfo, size: int) -> None:
    """Raise UsageError, naming the available sizes, if a dataset does not come at `size` px."""
    if size not in info.sizes:
        sizes = ", ".join(map(str, info.sizes))
        raise UsageError(
            f"{info.name} does not come at {size} px, only at {sizes} px; --image-size resizes the images for the model"
        )
