from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from xaitui.catalog.augmentations import AUGMENTATION_SETTINGS, AUGMENTATIONS, active, refuse_channels, refuse_mirrors
from xaitui.catalog.records import DatasetInfo, Task
from xaitui.errors import ExitCode, UsageError

KIDNEYS = DatasetInfo(
    name="kidneys",
    title="Left and right kidneys",
    task=Task.BINARY,
    classes=("kidney-left", "kidney-right"),
    channels=1,
    sizes=(28,),
    counts=(10, 5, 5),
    licence="",
    mirror_reason="its classes tell left from right",
)


def test_table_is_whole() -> None:
    assert len(AUGMENTATIONS) == 9
    assert [name for name, info in AUGMENTATIONS.items() if info.mirrors] == ["hflip", "vflip", "rot90"]
    assert [name for name, info in AUGMENTATIONS.items() if info.mixes] == ["mixup", "cutmix"]


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_of_its_settings_turns_a_row_on(name: str) -> None:
    assert AUGMENTATIONS[name].name == name
    assert AUGMENTATION_SETTINGS[name]
    for setting in AUGMENTATION_SETTINGS[name]:
        assert active({setting: 0.1}) == (AUGMENTATIONS[name],)
        assert active({setting: 0.0}) == active({setting: False}) == ()


def test_no_setting_belongs_to_two_rows() -> None:
    settings = [setting for names in AUGMENTATION_SETTINGS.values() for setting in names]
    assert len(settings) == len(set(settings)) == 11


@pytest.mark.parametrize("setting", ["hflip", "vflip", "rot90"])
def test_mirror_is_refused_with_the_reason(setting: str) -> None:
    with pytest.raises(UsageError) as raised:
        refuse_mirrors(KIDNEYS, {setting: True})
    assert str(raised.value) == (
        f"{setting} does not suit kidneys: its classes tell left from right; set augmentation.{setting} to false"
    )
    assert raised.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("settings", [{}, {"hflip": False}, {"rotate": 10.0, "mixup": 0.2, "erasing": 0.1}])
def test_what_mirrors_nothing_passes(settings: Mapping[str, float]) -> None:
    refuse_mirrors(KIDNEYS, settings)


def test_mirror_passes_where_no_reason_speaks_against_it() -> None:
    refuse_mirrors(replace(KIDNEYS, mirror_reason=""), {"hflip": True})


def test_stain_is_refused_for_grey_images() -> None:
    refuse_channels(replace(KIDNEYS, channels=3), {"stain_jitter": 0.1})
    with pytest.raises(UsageError, match=r"stain-jitter is for images of 3 channels, kidneys has 1; set augmentation"):
        refuse_channels(KIDNEYS, {"stain_jitter": 0.1, "color_jitter": 0.1})
