"""The data sets that can be chosen by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from xaitui.catalog.medmnist import MEDMNIST, NAMES_3D
from xaitui.catalog.records import DatasetInfo, RemoteFile, Task
from xaitui.errors import UsageError, nearest
from xaitui.text import printable

_MIRRORED = "a mirrored digit is no digit, or another one"

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
"""MD5 of the MNIST files once they are unpacked, which is how torchvision leaves them."""

_DIGITS = DatasetInfo(
    name="digits",
    title="Handwritten digits 8x8, embedded: they come with scikit-learn (UCI, optical recognition)",
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
    """Look a set up by name; raise UsageError, with the nearest name, for one that is not known or not supported."""
    if name in DATASETS:
        return DATASETS[name]
    if name.lower() in NAMES_3D:
        raise UsageError(f"{name.lower()} holds volumes: 3D sets are not supported yet; choose a 2D set")
    raise UsageError(f"unknown data set '{printable(name)}'{nearest(name.lower(), DATASETS)}")


def is_own_data(name: str) -> bool:
    """Whether a set's name is a path: an own .npz file, or a folder of pictures by class or of idx files."""
    return name not in DATASETS and bool(name) and (os.sep in name or is_npz(Path(name)) or is_folder(Path(name)))


def is_npz(path: Path) -> bool:
    """Whether a path is named as an .npz file."""
    return path.suffix.lower() == ".npz"


def is_folder(path: Path) -> bool:
    """Whether a folder stands there; False where that cannot be told."""
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name too long or with a NUL, or below a folder that may not be entered
        return False


def check_size(info: DatasetInfo, size: int) -> None:
    """Raise UsageError, with the sizes that can be had, where a set does not come at `size` px."""
    if size not in info.sizes:
        sizes = ", ".join(map(str, info.sizes))
        raise UsageError(
            f"{info.name} does not come at {size} px, only at {sizes} px; --image-size resizes what the model sees"
        )
