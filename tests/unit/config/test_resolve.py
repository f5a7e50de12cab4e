from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.configs import settings
from xaitui.catalog.presets import AUGMENTATION_PRESETS, PRESETS
from xaitui.config.resolve import Layer, augmentation_layer, environment_layer, preset_layer, resolve
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.toml import file_layer, to_values
from xaitui.errors import ExitCode, UsageError


def resolved(*layers: dict[str, Any]) -> RunConfig:
    return resolve([Layer(f"layer {number}", values) for number, values in enumerate(layers)]).config


def test_no_layer_gives_the_defaults() -> None:
    resolution = resolve([])
    assert resolution.config == RunConfig()
    assert resolution.origins == {}


@given(st.lists(settings(), max_size=4))
def test_the_last_layer_that_names_a_setting_decides_and_is_its_origin(layers: list[dict[str, Any]]) -> None:
    resolution = resolve([Layer(str(number), values) for number, values in enumerate(layers)])
    applying = to_values(resolution.config)
    for path in applying.keys() & {path for values in layers for path in values}:
        last = max(number for number, values in enumerate(layers) if path in values)
        kind = path.split(".")[0] + ".name"
        if any(path not in values and kind in values for values in layers[last + 1 :]):
            continue  # a later layer may have chosen a kind that it does not apply to; see below
        assert applying[path] == layers[last][path]
        assert resolution.origins[path] == str(last)


def test_presets_files_environment_and_options_in_that_order(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("[training]\nepochs = 3\nbatch_size = 8\nseed = 1\n")
    layers = [
        preset_layer("report-mnist"),
        file_layer(file),
        environment_layer({"XAITUI_BATCH_SIZE": "16", "XAITUI_SEED": "2", "HOME": "/", "XAITUI_RUNS_DIR": "elsewhere"}),
        Layer("--seed", {"training.seed": "3"}),
    ]
    config, origins = resolve(layers).config, resolve(layers).origins
    assert (config.optimizer.lr, origins["optimizer.lr"]) == (0.001, "preset report-mnist")
    assert (config.training.epochs, origins["training.epochs"]) == (3, str(file))
    assert (config.training.batch_size, origins["training.batch_size"]) == (16, "the environment")
    assert (config.training.seed, origins["training.seed"]) == (3, "--seed")
    assert "training.patience" not in origins


def test_a_kind_brings_its_own_defaults() -> None:
    assert resolved({"optimizer.name": "sgd"}).optimizer.lr == 0.01
    assert resolved({"optimizer.name": "sgd"}).optimizer.momentum == 0.9
    assert resolved({"schedule.name": "step"}).schedule.step_epochs == 10


def test_another_kind_drops_what_earlier_layers_said_of_the_old_one() -> None:
    before = {"optimizer.name": "sgd", "optimizer.momentum": 0.5, "optimizer.lr": 0.3}
    config = resolved(before, {"optimizer.name": "adam"})
    assert config == resolved({"optimizer.name": "adam", "optimizer.lr": 0.3})
    resolution = resolve([Layer("one", before), Layer("two", {"optimizer.name": "adam"})])
    assert "optimizer.momentum" not in resolution.origins


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [{"optimizer.name": "adam", "optimizer.momentum": 0.5}],
            "layer 0: optimizer: momentum does not apply to adam, which takes lr, weight_decay, beta1, beta2",
        ),
        (
            [{"optimizer.name": "adam"}, {"optimizer.momentum": "0"}],
            "layer 1: optimizer: momentum does not apply to adam, which takes lr, weight_decay, beta1, beta2",
        ),
        (
            [{"schedule.milestones": (0.5,)}],
            "layer 0: schedule: milestones does not apply to constant, which takes warmup_epochs",
        ),
    ],
)
def test_a_setting_that_does_not_apply_is_refused_where_it_was_set(layers: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolved(*layers)
    assert str(caught.value) == message


def test_variables_name_settings_as_options_do() -> None:
    variables = {"XAITUI_" + record.option[2:].replace("-", "_").upper(): path for path, record in FIELDS.items()}
    assert len(variables) == len(FIELDS) >= 60
    layer = environment_layer(dict.fromkeys(variables, "1"))
    assert set(layer.values) == set(FIELDS)


@pytest.mark.parametrize("name", ["XAITUI_RUNS_DIR", "XAITUI_RUN", "XAITUI_TRACEBACK", "HOME"])
def test_variables_that_are_no_settings_are_left_alone(name: str) -> None:
    assert environment_layer({name: "1"}).values == {}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_settings_only(name: str) -> None:
    assert set(preset_layer(name).values) <= set(FIELDS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: preset_layer("report-mnits"), "there is no preset 'report-mnits'; did you mean 'report-mnist'?"),
        (
            lambda: augmentation_layer("own.npz"),
            "no augmentations are known for 'own.npz'; choose them one by one, for example --rotate 10",
        ),
        (
            lambda: environment_layer({"XAITUI_EPOCH": "3"}),
            "the environment variable XAITUI_EPOCH is not a setting; did you mean 'XAITUI_EPOCHS'?",
        ),
        (lambda: file_layer(Path("absent.toml")), "cannot read absent.toml: No such file or directory"),
        (lambda: file_layer(Path("/")), "cannot read /: Is a directory"),
    ],
)
def test_a_wrong_source_is_a_usage_error(make: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == message
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"binary\.toml: it is not UTF-8 text"):
        file_layer(path)


def test_every_set_with_augmentations_has_a_layer() -> None:
    for dataset, values in AUGMENTATION_PRESETS.items():
        assert augmentation_layer(dataset).values == values
