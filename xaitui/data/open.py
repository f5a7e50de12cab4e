"""Opening of datasets by catalog name or path."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xaitui.catalog.datasets import check_size, dataset_info, is_folder, is_npz, is_own_data
from xaitui.catalog.records import DatasetInfo
from xaitui.data.dataset import Dataset, GreyRange
from xaitui.data.fingerprint import official_file
from xaitui.data.idx_folder import holds_idx, idx_source
from xaitui.data.locate import replacement_advice, require_file, user_path
from xaitui.data.source import DATA_RULES, Residency, Source
from xaitui.data.splits import assemble, divide
from xaitui.errors import DataError
from xaitui.system.disk import Report, no_report
from xaitui.text import printable

if TYPE_CHECKING:  # spares commands that open no dataset the import of pydantic
    from xaitui.config.schema import RunConfig


def open_dataset(
    dataset: str,
    *,
    size: int = 0,
    data_dir: str = "",
    val_fraction: float = 0.1,
    fraction: float = 1.0,
    seed: int = 0,
    resident_limit: int = 8 << 30,
    cache_dir: Path | None = None,
    image_size: int = 0,
    skip_damaged: bool = False,
    grey_range: GreyRange | None = None,
    report: Report = no_report,
    rules: int = DATA_RULES,
) -> Dataset:
    """Open a catalog dataset, an ``.npz`` file, or a folder of class folders or idx files.

    All labels are checked, and catalog files are compared with their published MD5. Test images are not read unless
    they have to be converted.

    Args:
        dataset: a catalog name or a path.
        size: side in pixels of the variant to open, 0 for the default.
        data_dir: folder to search first for files.
        val_fraction: fraction of train that becomes val if the dataset has none.
        fraction: fraction of train to use; val and test are kept whole.
        seed: determines which images are cut from train.
        resident_limit: bytes of images above which a split stays on disk.
        cache_dir: folder for decoded images and unpacked arrays, by default the user's cache.
        image_size: side in pixels to which images of a folder are decoded if `size` is 0.
        skip_damaged: skip damaged images of a folder instead of rejecting the folder.
        grey_range: range of images of more than 8 bits, as recorded by an earlier run.
        report: called with the bytes done and in total while a file is hashed or unpacked.
        rules: version of the rules for the user's own data, as recorded by an earlier run.

    Raises:
        UsageError: the name is unknown, the dataset has no such size, or a fraction is out of range.
        DataError: a file is missing, damaged or unsuitable.
    """
    residency = Residency(resident_limit, cache_dir, report)
    if not is_own_data(dataset):
        source = _catalog_source(dataset_info(dataset), size, data_dir, residency)
    elif is_folder(path := user_path(dataset)) and not holds_idx(path):
        from xaitui.data.folder import Decoding, folder_source

        cut = partial(divide, val_fraction=val_fraction, fraction=fraction, seed=seed, rules=rules)
        decoding = Decoding(skip_damaged, grey_range, rules, lambda labels: cut(labels).train)
        source = folder_source(path, size or image_size, residency, decoding)
    else:
        source = own_file_source(path, size, residency, rules)
    return assemble(source, val_fraction=val_fraction, fraction=fraction, seed=seed, rules=rules)


def open_configured(config: RunConfig, **more: Any) -> Dataset:
    """Open the dataset of a configuration; `more` overrides its arguments of `open_dataset`.

    Raises:
        UsageError, DataError: as `open_dataset` does.
    """
    data = config.data
    settings = {
        name: getattr(data, name)
        for name in ("size", "data_dir", "val_fraction", "fraction", "image_size", "skip_damaged")
    }
    return open_dataset(data.dataset, **{"seed": config.training.seed, **settings, **more})


def _catalog_source(info: DatasetInfo, size: int, data_dir: str, residency: Residency) -> Source:
    size = size or info.sizes[0]
    check_size(info, size)
    if info.name == "digits":
        from xaitui.data.digits import digits_source

        return digits_source(info)
    paths = {remote: require_file(remote, info.name, size, data_dir) for remote in info.files[size]}
    advice = replacement_advice(info.name, size, data_dir)
    files = [official_file(path, remote, advice, residency.report) for remote, path in paths.items()]
    if info.name == "mnist":
        from xaitui.data.idx import mnist_source

        return mnist_source(info, files)
    from xaitui.data.medmnist import official_source

    return official_source(info, size, files[0], residency)


def own_file_source(path: Path, size: int, residency: Residency, rules: int = DATA_RULES) -> Source:
    """Return the splits of an .npz file, or of the idx files in a folder.

    Raises:
        UsageError: `size` is not 0, and the images have another side.
        DataError: it is neither, or cannot be used.
    """
    if is_folder(path):
        source = idx_source(path)
    elif is_npz(path):
        from xaitui.data.medmnist import own_source

        source = own_source(path, residency, rules)
    else:
        raise DataError(f"{printable(path)} is neither an .npz file nor a folder of pictures by class or of idx files")
    check_size(source.info, size or source.info.sizes[0])
    return source
