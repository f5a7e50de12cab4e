"""Augmentations by name, and the datasets for which some of them are invalid."""

from __future__ import annotations

from collections.abc import Mapping

from xaitui.catalog.records import AugmentationInfo, DatasetInfo
from xaitui.errors import UsageError

# A vertical flip is a horizontal flip followed by a rotation of 180 degrees, which also swaps left and right: if a
# horizontal flip is invalid for a dataset, vertical flips and rotations by 90 degrees are as well.
_AUGMENTATIONS = (
    AugmentationInfo("hflip", "Horizontal flip with probability 0.5.", "hflip", mirrors=True),
    AugmentationInfo("vflip", "Vertical flip with probability 0.5.", "vflip", mirrors=True),
    AugmentationInfo("rot90", "Rotation by 0, 90, 180 or 270 degrees with equal probability.", "rot90", mirrors=True),
    AugmentationInfo("affine", "Small rotation, shift and zoom (settings rotate, translate, scale)."),
    AugmentationInfo(
        "color-jitter", "Random brightness and contrast, and for colour images saturation and hue.", "color_jitter"
    ),
    AugmentationInfo(
        "stain-jitter",
        "Random amounts of haematoxylin, eosin and DAB in histology (Tellez et al. 2018).",
        "stain_jitter",
        channels=(3,),
    ),
    AugmentationInfo("erasing", "Replace a rectangle by the mean of the image (Zhong et al. 2020).", "erasing"),
    AugmentationInfo("mixup", "Blend pairs of samples (Zhang et al. 2018).", "mixup", mixes=True),
    AugmentationInfo("cutmix", "Paste a rectangle from another sample (Yun et al. 2019).", "cutmix", mixes=True),
)

AUGMENTATIONS: Mapping[str, AugmentationInfo] = {info.name: info for info in _AUGMENTATIONS}

AUGMENTATION_SETTINGS: Mapping[str, tuple[str, ...]] = {
    info.name: (info.setting,) if info.setting else ("rotate", "translate", "scale") for info in _AUGMENTATIONS
}
"""Settings of each augmentation; it is off if all of them are zero or false."""


def active(settings: Mapping[str, float]) -> tuple[AugmentationInfo, ...]:
    """Return the augmentations that `settings` turns on, in order of application."""
    return tuple(
        info
        for info in AUGMENTATIONS.values()
        if any(settings.get(setting, 0.0) for setting in AUGMENTATION_SETTINGS[info.name])
    )


def refuse_mirrors(info: DatasetInfo, settings: Mapping[str, float]) -> None:
    """Raise UsageError if `settings` turns on a mirroring that changes the class of images of this dataset."""
    for augmentation in active(settings):
        if augmentation.mirrors and info.mirror_reason:
            raise UsageError(
                f"{augmentation.name} does not suit {info.name}: {info.mirror_reason}; "
                f"set augmentation.{augmentation.setting} to false"
            )


def refuse_channels(info: DatasetInfo, settings: Mapping[str, float]) -> None:
    """Raise UsageError if `settings` turns on an augmentation that does not support the dataset's channels."""
    for augmentation in active(settings):
        if info.channels not in augmentation.channels:
            raise UsageError(
                f"{augmentation.name} is for images of {' or '.join(map(str, augmentation.channels))} channels, "
                f"{info.name} has {info.channels}; "
                f"set augmentation.{augmentation.setting} to 0"
            )
