"""Rules on which settings apply to the chosen dataset, model, optimizer and schedule, and which are refused.

They need no file; opening the data and building the model check the same rules of the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from xaitui.catalog.augmentations import AUGMENTATIONS, refuse_channels, refuse_mirrors
from xaitui.catalog.datasets import DATASETS, check_size, dataset_info, is_own_data
from xaitui.catalog.models import check_model, check_start, has_rgb_weights, model_info
from xaitui.catalog.records import DatasetInfo, ModelInfo
from xaitui.config.base import KindGroup
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.errors import UsageError


def set_of(config: RunConfig) -> DatasetInfo | None:
    """Return the catalog record of the dataset; None for the user's own data or an unknown name."""
    return DATASETS.get(config.data.dataset)


def model_of(config: RunConfig) -> ModelInfo | None:
    """Return the record of the model; None for an unknown name."""
    try:
        return model_info(config.model.name)
    except UsageError:
        return None


def image_side(config: RunConfig) -> int:
    """Return the side in pixels of the images the model receives; 0 if it depends on the data."""
    info = set_of(config)
    return config.data.image_size or config.data.size or (info.sizes[0] if info else 0)


def applies(path: str, config: RunConfig) -> bool:
    """Return whether a setting has any effect in a run of this configuration."""
    group, name = path.split(".", 1)
    table = getattr(config, group)
    if isinstance(table, KindGroup):
        return name == "name" or name in table.kinds()[table.name].settings  # type: ignore[attr-defined]
    return path not in _CONDITIONS or _CONDITIONS[path](config)


def _option_of_the_model(config: RunConfig, *, name: str) -> bool:
    model = model_of(config)
    return model is not None and name in model.options


def _suits_the_images(config: RunConfig, *, setting: str) -> bool:
    info = set_of(config)
    return info is None or not any(_refusals_of_augmentation(info, {setting: 1.0}))


def _has_weights(config: RunConfig) -> bool:
    return model_of(config) is not None and has_rgb_weights(config.model.name)


def _comes_in_sizes(config: RunConfig) -> bool:
    info = set_of(config)
    return info is None or len(info.sizes) > 1


def _has_files(config: RunConfig) -> bool:
    info = set_of(config)
    return info is not None and bool(info.files)


def _lacks_val(config: RunConfig) -> bool:
    info = set_of(config)
    return info is None or not info.counts[1]


_CONDITIONS: Mapping[str, Callable[[RunConfig], bool]] = {
    "data.size": _comes_in_sizes,
    "data.data_dir": _has_files,
    "data.val_fraction": _lacks_val,
    "data.skip_damaged": lambda config: set_of(config) is None,
    "model.pretrained": _has_weights,
    "model.finetune": lambda config: _has_weights(config) or bool(config.model.weights),
    "run.wait_gpu": lambda config: config.run.device != "cpu",
    **{
        f"model.{name}": partial(_option_of_the_model, name=name)
        for name in ("batch_norm", "dropout", "activation", "stem")
    },
    **{
        f"augmentation.{info.setting}": partial(_suits_the_images, setting=info.setting)
        for info in AUGMENTATIONS.values()
        if info.setting
    },
}
"""Conditions of the settings that do not always apply, except those of optimizers and schedules."""


def refused(config: RunConfig) -> Mapping[str, str]:
    """Return why settings conflict, one line each, by the path of the setting to change."""
    reasons: dict[str, str] = {}
    for path, reason in (*_data(config), *_model(config), *_augmentation(config), *_precision(config)):
        reasons.setdefault(path, reason)
    return reasons


Refused = Iterator[tuple[str, str]]


def _data(config: RunConfig) -> Refused:
    data = config.data
    if is_own_data(data.dataset):
        return
    try:
        info = dataset_info(data.dataset)
    except UsageError as error:
        yield "data.dataset", str(error)
        return
    yield from _told("data.size", check_size, info, data.size or info.sizes[0])


def _model(config: RunConfig) -> Refused:
    model, info = config.model, set_of(config)
    channels = info.channels if info else 3  # unknown for the user's own data; every model takes three
    try:
        smallest = model_info(model.name).min_size
    except UsageError as error:
        yield "model.name", str(error)
        return
    yield from _told("data.image_size", check_model, model.name, image_side(config) or smallest, channels)
    try:
        check_start(model.name, channels, published=model.pretrained, given=bool(model.weights))
    except UsageError as error:
        yield "model.pretrained" if model.pretrained else "model.weights", str(error)


def _augmentation(config: RunConfig) -> Refused:
    info = set_of(config)
    if info is not None:
        yield from _refusals_of_augmentation(info, config.augmentation.model_dump())


def _refusals_of_augmentation(info: DatasetInfo, settings: Mapping[str, float]) -> Refused:
    for setting, strength in settings.items():
        for refuse in (refuse_mirrors, refuse_channels):
            yield from _told(f"augmentation.{setting}", refuse, info, {setting: strength})


def check_precision(precision: str, device: str) -> None:
    """Refuse a precision that a kind of device does not support.

    Raises:
        UsageError: it is not supported; the message names those that are.
    """
    if precision == "float16" and device == "cpu":
        raise UsageError("float16 is for GPUs; use --precision bfloat16 or float32 on the CPU")


def _precision(config: RunConfig) -> Refused:
    yield from _told("training.precision", check_precision, config.training.precision, config.run.device)


def _told(path: str, check: Callable[..., None], *arguments: object) -> Refused:
    """Yield the refusal of a check, at the setting to change."""
    assert path in FIELDS
    try:
        check(*arguments)
    except UsageError as error:
        yield path, str(error)
