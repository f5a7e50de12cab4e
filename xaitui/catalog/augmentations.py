"""The augmentations that can be chosen, and the sets of images that some of them would falsify."""

from __future__ import annotations

from collections.abc import Mapping

from xaitui.catalog.records import AugmentationInfo, DatasetInfo
from xaitui.errors import UsageError

# A mirror image upside down is a mirror image turned by 180 degrees, and such a turn exchanges left and right: where a
# horizontal flip is wrong, the other two symmetries of the square are wrong as well.
_AUGMENTATIONS = (
    AugmentationInfo("hflip", "Mirror left and right, with a chance of one half.", "hflip", mirrors=True),
    AugmentationInfo("vflip", "Mirror up and down, with a chance of one half.", "vflip", mirrors=True),
    AugmentationInfo("rot90", "Turn by 0, 90, 180 or 270 degrees, each as likely.", "rot90", mirrors=True),
    AugmentationInfo("affine", "Turn, shift and zoom a little (settings rotate, translate, scale)."),
    AugmentationInfo(
        "color-jitter", "Change brightness and contrast, and in colour saturation and hue.", "color_jitter"
    ),
    AugmentationInfo(
        "stain-jitter",
        "Change the amounts of haematoxylin, eosin and DAB in histology (Tellez and others 2018).",
        "stain_jitter",
        channels=(3,),
    ),
    AugmentationInfo("erasing", "Cover a rectangle with the mean of the image (Zhong and others 2020).", "erasing"),
    AugmentationInfo("mixup", "Blend pairs of samples (Zhang and others 2018).", "mixup", mixes=True),
    AugmentationInfo("cutmix", "Paste a rectangle of another sample (Yun and others 2019).", "cutmix", mixes=True),
)

AUGMENTATIONS: Mapping[str, AugmentationInfo] = {info.name: info for info in _AUGMENTATIONS}

AUGMENTATION_SETTINGS: Mapping[str, tuple[str, ...]] = {
    info.name: (info.setting,) if info.setting else ("rotate", "translate", "scale") for info in _AUGMENTATIONS
}
"""The settings that size each augmentation; it is off where all of them are zero or false."""


def active(settings: Mapping[str, float]) -> tuple[AugmentationInfo, ...]:
    """Return the augmentations that `settings` turns on, in the order in which they are applied."""
    return tuple(
        info
        for info in AUGMENTATIONS.values()
        if any(settings.get(setting, 0.0) for setting in AUGMENTATION_SETTINGS[info.name])
    )


def refuse_mirrors(info: DatasetInfo, settings: Mapping[str, float]) -> None:
    """Raise UsageError where `settings` asks for a mirror image that would change what an image of this set means."""
    for augmentation in active(settings):
        if augmentation.mirrors and info.mirror_reason:
            raise UsageError(
                f"{augmentation.name} does not suit {info.name}: {info.mirror_reason}; "
                f"set augmentation.{augmentation.setting} to false"
            )


def refuse_channels(info: DatasetInfo, settings: Mapping[str, float]) -> None:
    """Raise UsageError where `settings` asks for an augmentation that is not defined for this set's channels."""
    for augmentation in active(settings):
        if info.channels not in augmentation.channels:
            raise UsageError(
                f"{augmentation.name} is for images of {' or '.join(map(str, augmentation.channels))} channels, "
                f"{info.name} has {info.channels}; "
                f"set augmentation.{augmentation.setting} to 0"
            )
