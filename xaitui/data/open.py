"""The front door: a name or a path becomes a data set, whatever it is made of."""

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

if TYPE_CHECKING:  # a command that opens no dataset need not wait for pydantic
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
    """Open a set of the catalog, an own ``.npz``, or an own folder of pictures by class or of idx files.

    All labels are checked here, and a file of the catalog against its published MD5; the test images are not read,
    unless they have to be converted.

    Args:
        dataset: a name of the catalog, or a path.
        size: side length in pixels of the variant to open, 0 for the default one.
        data_dir: folder where files are looked for first.
        val_fraction: part of train that becomes val where a set has none.
        fraction: part of train that is used; val and test stay whole.
        seed: decides which images are cut from train.
        resident_limit: bytes of images above which a split stays on disk.
        cache_dir: where decoded pictures and unpacked arrays are kept, the user's cache where it is not given.
        image_size: side in pixels that the pictures of an own folder are brought to, if `size` does not say it.
        skip_damaged: leave damaged images of an own folder out, instead of refusing it.
        grey_range: of images of more than 8 bits in the run that was made before.
        report: told how far hashing a file, or unpacking it into the cache, is: bytes that are done, and in all.
        rules: the version of the rules for own data, that of a run which was made before.

    Raises:
        UsageError: the name is not known, the set has no such size, or a fraction is out of its range.
        DataError: a file is missing, damaged, or not what the set needs.
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
    """Open the dataset of a configuration; `more` goes to `open_dataset`, and counts more than the configuration.

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
    """Return the splits of an own .npz file, or of the idx files in an own folder.

    Raises:
        UsageError: its images have another side in pixels than `size`, where that is not 0.
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
