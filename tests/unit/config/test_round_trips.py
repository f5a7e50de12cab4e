from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given

from tests.configs import configs
from xaitui.catalog.presets import AUGMENTATION_PRESETS, PRESETS
from xaitui.config.command_line import command_line, parse_command_line
from xaitui.config.resolve import build_config, preset_layer, resolve
from xaitui.config.schema import RunConfig
from xaitui.config.toml import from_toml, to_toml

CORNERS: dict[str, dict[str, Any]] = {
    "an exponent": {"run.max_time": 1e-05},
    "a size beyond the exact floats": {"run.wait_gpu": 2**60 + 1},
    "no milestones": {"schedule.name": "multistep", "schedule.milestones": ()},
    "an empty argument": {"run.on_end": ("sh", "-c", "")},
    "an option as a value": {"run.note": "--headless"},
}


@given(configs())
@example(RunConfig())
def test_a_file_is_the_configuration(config: RunConfig) -> None:
    assert from_toml(to_toml(config)) == config


@given(configs())
@example(RunConfig())
def test_a_command_line_is_the_configuration(config: RunConfig) -> None:
    assert parse_command_line(command_line(config)) == config


@pytest.mark.parametrize("corner", CORNERS)
def test_corners(corner: str) -> None:
    config = build_config(CORNERS[corner])
    assert from_toml(to_toml(config)) == config
    assert parse_command_line(command_line(config)) == config


def test_there_are_presets() -> None:
    assert {"report-mnist", "fast-mnist", "report-pathmnist", "report-xception", "medmnist"} <= set(PRESETS)
    assert len(AUGMENTATION_PRESETS) >= 13


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_file_and_a_command_line(name: str) -> None:
    config = resolve([preset_layer(name)]).config
    assert from_toml(to_toml(config)) == config
    assert parse_command_line(command_line(config)) == config
    assert config != RunConfig()


@pytest.mark.parametrize("dataset", AUGMENTATION_PRESETS)
def test_the_augmentations_of_a_set_are_a_configuration(dataset: str) -> None:
    config = build_config({"data.dataset": dataset, **AUGMENTATION_PRESETS[dataset]})
    assert parse_command_line(command_line(config)) == config


def test_a_line_holds_only_what_differs() -> None:
    assert command_line(RunConfig()) == "xaitui train"
    config = build_config({"optimizer.name": "sgd", "optimizer.lr": 0.01, "model.dropout": False})
    assert command_line(config) == "xaitui train --no-dropout --optimizer=sgd"
