from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.configs import configs
from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.models import MODELS
from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.catalog.presets import AUGMENTATION_PRESETS, PRESETS
from xaitui.catalog.schedules import SCHEDULES
from xaitui.config.command_line import command_line, parse_command_line
from xaitui.config.form import GROUPS, Form, form_of
from xaitui.config.resolve import build_config, preset_layer, resolve
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.toml import to_toml
from xaitui.config.validity import refused
from xaitui.errors import UsageError


def visible(form: Form) -> list[str]:
    return [record.path for group in GROUPS for record in form.visible(group)]


@given(configs())
@example(RunConfig())
def test_a_form_is_the_configuration_and_its_line(config: RunConfig) -> None:
    form = form_of(config)
    assert form.config == config
    assert form.command_line == command_line(config)
    assert form.paste(form.command_line) == form


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_form(name: str) -> None:
    config = resolve([preset_layer(name)]).config
    form = Form().apply_preset(name)
    assert form == form_of(config)
    assert (form.config, form.preset) == (config, name)
    assert form.errors == {}


@given(configs())
def test_every_setting_that_was_changed_can_be_seen(config: RunConfig) -> None:
    form = form_of(config)
    assert form.changed <= set(visible(form))
    assert form.changed == form.texts.keys()


@given(configs(), st.lists(st.tuples(st.sampled_from(list(FIELDS)), st.text(max_size=5)), max_size=5))
def test_whatever_is_written_the_form_knows_what_to_say(config: RunConfig, texts: list[tuple[str, str]]) -> None:
    form = form_of(config)
    for path, text in texts:
        form = form.set(path, text)
    assert (form.config is None) <= bool(form.errors)
    assert set(form.errors) <= set(FIELDS)
    assert all(reason for reason in form.errors.values())
    assert form.command_line.startswith("xaitui train")
    assert form.draft == build_config({path: text for path, text in form.texts.items() if path not in form._checked[1]})
    assert visible(form)
    if form.config is not None:
        assert parse_command_line(form.command_line) == form.config


def test_all_that_is_wrong_is_said_at_once_and_where() -> None:
    form = Form().set("optimizer.lr", "fast").set("training.epochs", "0").set("run.device", "gpu")
    assert form.config is None
    assert form.errors == {
        "optimizer.lr": "'fast' is not valid; it takes a number above 0 up to 1000",
        "training.epochs": "'0' is not valid; it takes a whole number from 1 to 100000",
        "run.device": "'gpu' is not a device; use auto, cpu, cuda, cuda:0 or mps",
    }
    assert form.command_line == "xaitui train --lr=fast --epochs=0 --device=gpu"
    assert form.draft == RunConfig()
    assert form.set("optimizer.lr", "0.1").errors.keys() == {"training.epochs", "run.device"}


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("optimizer.name", "adm", "there is no 'adm'; did you mean 'adam'?"),
        ("training.precision", "fp16", "'fp16' is not known; did you mean 'float16'?"),
        ("augmentation.hflip", "perhaps", "'perhaps' is not valid; it takes true or false"),
        ("run.max_time", "soon", "write a duration as 7h50m, 90s or a number of seconds"),
    ],
)
def test_a_reason_is_that_of_the_command_line(path: str, text: str, reason: str) -> None:
    form = Form().set(path, text)
    assert form.errors[path] == reason
    with pytest.raises(UsageError, match="--") as caught:
        parse_command_line(form.command_line)
    assert str(caught.value).endswith(reason)


@pytest.mark.parametrize(
    ("texts", "path", "reason"),
    [
        ({"data.dataset": "pathmnits"}, "data.dataset", "unknown dataset 'pathmnits'; did you mean 'pathmnist'?"),
        ({"data.dataset": ""}, "data.dataset", "unknown dataset ''"),
        ({"data.dataset": "organmnist3d"}, "data.dataset", "organmnist3d holds volumes: 3D datasets are not supported"),
        ({"data.dataset": "mnist", "data.size": "64"}, "data.size", "mnist does not come at 64 px, only at 28 px"),
        ({"model.name": "resnet81"}, "model.name", "there is no model 'resnet81'; did you mean 'resnet18'?"),
        ({"model.name": "alexnet"}, "data.image_size", "alexnet needs images of at least 63 px: add --image-size 64"),
        ({"model.pretrained": "true"}, "model.pretrained", "there are no pretrained weights for simple-cnn"),
        ({"augmentation.rot90": "true"}, "augmentation.rot90", "rot90 does not suit digits: a mirrored digit is"),
        (
            {"data.dataset": "organamnist", "augmentation.stain_jitter": "0.1"},
            "augmentation.stain_jitter",
            "stain-jitter is for images of 3 channels, organamnist has 1",
        ),
        ({"training.precision": "float16", "run.device": "cpu"}, "training.precision", "float16 is for GPUs"),
    ],
)
def test_what_does_not_go_together_is_said_at_the_setting_to_change(
    texts: dict[str, str], path: str, reason: str
) -> None:
    form = Form(texts)
    assert form.errors.keys() == {path}
    assert form.errors[path].startswith(reason)
    assert form.config is not None


def test_data_of_ones_own_is_not_judged_before_it_is_read(tmp_path: Path) -> None:
    for dataset in (str(tmp_path), "cells.npz"):
        assert Form().set("data.dataset", dataset).set("augmentation.hflip", "true").errors == {}


def test_each_pair_of_a_set_and_a_model_is_refused_for_the_size_only() -> None:
    seen = 0
    for dataset in DATASETS:
        for model in MODELS:
            reasons = refused(build_config({"data.dataset": dataset, "model.name": model}))
            assert reasons.keys() <= {"data.image_size"}
            seen += 1
    assert seen == len(DATASETS) * len(MODELS) >= 100


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_augmentations_that_suit_a_set_are_allowed_there(dataset: str) -> None:
    form = Form().set("data.dataset", dataset).augment()
    assert form.config == build_config({"data.dataset": dataset, **AUGMENTATION_PRESETS[dataset]})
    assert form.errors == {}


@pytest.mark.parametrize("name", [*OPTIMIZERS, *SCHEDULES])
def test_a_kind_shows_its_settings_with_its_defaults(name: str) -> None:
    group = "optimizer" if name in OPTIMIZERS else "schedule"
    info = OPTIMIZERS.get(name) or SCHEDULES[name]
    form = Form().set(f"{group}.name", name)
    assert {record.path for record in form.visible(group)} == {f"{group}.{key}" for key in ("name", *info.settings)}
    assert form.changed <= {f"{group}.name"}
    for key, value in info.settings.items():
        assert build_config({f"{group}.name": name, f"{group}.{key}": form.text(f"{group}.{key}")}) == form.config
        assert getattr(getattr(form.draft, group), key) == value


def test_another_kind_drops_what_only_the_one_before_took() -> None:
    form = Form().set("optimizer.name", "sgd").set("optimizer.momentum", "0.5").set("optimizer.lr", "0.3")
    assert form.set("optimizer.name", "adam").texts == {"optimizer.lr": "0.3"}


def test_a_default_that_is_written_out_is_no_change() -> None:
    form = Form().set("optimizer.lr", "0.001").set("training.epochs", "15").set("model.dropout", "true")
    assert form == Form()
    assert form.set("optimizer.name", "sgd").text("optimizer.lr") == "0.01"


def test_an_emptied_number_is_its_default_and_an_emptied_text_is_empty() -> None:
    form = Form().set("training.epochs", "3").set("training.epochs", "").set("run.note", "a").set("run.note", "")
    assert form == Form()
    milestones = Form().set("schedule.name", "multistep").set("schedule.milestones", "")
    assert milestones.draft.schedule.milestones == ()
    assert milestones.clear("schedule.milestones").draft.schedule.milestones == (0.5, 0.75)


@pytest.mark.parametrize(
    ("texts", "hidden", "shown"),
    [
        (
            {},
            ["data.size", "data.data_dir", "model.stem", "model.pretrained", "model.finetune", "augmentation.hflip"],
            ["data.val_fraction", "model.dropout", "augmentation.rotate"],
        ),
        (
            {"data.dataset": "pathmnist"},
            ["data.val_fraction"],
            ["data.size", "data.data_dir", "augmentation.hflip", "augmentation.stain_jitter"],
        ),
        ({"data.dataset": "octmnist"}, ["augmentation.stain_jitter"], ["augmentation.hflip"]),
        ({"data.dataset": "cells.npz"}, ["data.data_dir"], ["data.val_fraction", "augmentation.rot90"]),
        (
            {"model.name": "resnet18"},
            ["model.dropout", "model.activation"],
            ["model.stem", "model.pretrained", "model.finetune"],
        ),
        ({"model.name": "resnet18", "model.dropout": "false"}, ["model.activation"], ["model.dropout"]),
        ({"model.weights": "w.pt"}, [], ["model.finetune"]),
        ({"run.device": "cpu"}, ["run.wait_gpu"], ["run.device"]),
    ],
)
def test_what_means_nothing_here_is_hidden_unless_it_was_set(
    texts: dict[str, str], hidden: list[str], shown: list[str]
) -> None:
    paths = visible(Form(texts))
    assert not set(hidden) & set(paths)
    assert set(shown) <= set(paths)


def test_choices_say_what_they_mean() -> None:
    form = Form().set("data.dataset", "pathmnist")
    assert form.options("data.dataset")["pathmnist"] == DATASETS["pathmnist"].title
    assert form.options("optimizer.name").keys() == OPTIMIZERS.keys()
    assert list(form.options("data.size")) == ["28", "64", "128", "224"]
    assert form.options("augmentation.hflip").keys() == {"true", "false"}
    assert form.options("optimizer.lr") == {}


def test_a_preset_leaves_the_table_of_the_run_alone() -> None:
    form = Form().set("run.name", "mine").set("training.epochs", "3").apply_preset("report-xception")
    assert (form.preset, form.draft.run.name, form.draft.training.epochs) == ("report-xception", "mine", 15)
    assert form.set("training.seed", "1").preset == ""


@pytest.mark.parametrize(
    ("line", "texts", "detach"),
    [
        ("$ xaitui train --epochs 3 --headless --json", {"training.epochs": "3"}, False),
        ("--lr=0.1 --no-dropout --detach", {"optimizer.lr": "0.1", "model.dropout": "false"}, True),
        (
            "xaitui train --augment -b 8",
            {"training.batch_size": "8", **form_of(build_config(AUGMENTATION_PRESETS["digits"])).texts},
            False,
        ),
        ("xaitui train --opt sgd --momentum 0.5", {"optimizer.name": "sgd", "optimizer.momentum": "0.5"}, False),
    ],
)
def test_a_pasted_line_fills_the_form(line: str, texts: dict[str, str], detach: bool) -> None:
    assert Form({"run.note": "before"}).paste(line) == Form(texts, detach)


def test_a_pasted_line_may_name_a_preset_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    config = build_config({"training.epochs": 3, "training.seed": 4})
    file.write_text(to_toml(config))
    assert Form().paste(f"xaitui train --config {file}") == form_of(config)
    pasted = Form().paste("xaitui train --preset=medmnist --lr 0.1")
    assert pasted == Form().apply_preset("medmnist").set("optimizer.lr", "0.1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rm -rf runs", "there is no option rm"),
        ("xaitui train --epoch 3", "there is no option --epoch; did you mean '--epochs'?"),
        ("xaitui train --epochs 0", "--epochs: '0' is not valid; it takes a whole number from 1 to 100000"),
        ("xaitui train --preset", "--preset needs a value: its name"),
        ("xaitui train --hflip=perhaps", "--hflip: 'perhaps' is not valid; it takes true or false"),
    ],
)
def test_a_bad_line_is_refused_with_a_reason(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Form().paste(line)
    assert str(caught.value).startswith(message)


def test_a_process_of_its_own_is_said_in_the_line() -> None:
    form = Form(detach=True)
    assert form.command_line == "xaitui train --detach"
    assert Form().paste(form.command_line) == form
