from __future__ import annotations

from pathlib import Path

import pytest

from xaitui.catalog.models import (
    MODELS,
    PREFIXES,
    PRETRAINEDMODELS,
    check_model,
    model_info,
    resolve_stem,
    split_own_model,
)
from xaitui.errors import ExitCode, UsageError


def test_the_tables_hold_what_they_promise() -> None:
    assert len(MODELS) == 10
    assert len(PRETRAINEDMODELS) == 45
    assert all(name == info.name for table in (MODELS, PRETRAINEDMODELS) for name, info in table.items())
    assert all(info.description.endswith(".") for info in (*MODELS.values(), *PRETRAINEDMODELS.values()))
    assert set(PREFIXES) == {"pretrainedmodels:", "timm:"}


@pytest.mark.parametrize("name", [*MODELS, "pretrainedmodels:vgg16", "timm:convnext_tiny", "here/net.py:build"])
def test_every_name_has_a_record(name: str) -> None:
    assert model_info(name).name == name
    assert model_info(name).min_size >= 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet81", "there is no model 'resnet81'; did you mean 'resnet18'?"),
        ("simplecnn", "there is no model 'simplecnn'; did you mean 'simple-cnn'?"),
        (
            "pretrainedmodels:vg16",
            "there is no model 'pretrainedmodels:vg16'; did you mean 'pretrainedmodels:vgg16'?",
        ),
        ("timm:", "there is no model 'timm:'; did you mean 'timm:NAME'?"),
        ("net.py", "model 'net.py': name the file and the function that builds it, FILE.py:FUNCTION"),
        ("net.py:", "model 'net.py:': name the file and the function that builds it, FILE.py:FUNCTION"),
        ("net.py:a.b", "model 'net.py:a.b': name the file and the function that builds it, FILE.py:FUNCTION"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        model_info(name)
    assert str(caught.value) == message
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_name_with_control_characters_cannot_forge_output() -> None:
    with pytest.raises(UsageError) as caught:
        model_info("\x1b[31mresnet18\n")
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_own_model_is_split_at_its_last_colon() -> None:
    assert split_own_model("a:b/net.py:build") == (Path("a:b/net.py"), "build")
    assert split_own_model("~/net.py:build")[0].is_absolute()


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("alexnet", 28, "alexnet needs images of at least 63 px: add --image-size 64"),
        ("simple-cnn", 7, "simple-cnn needs images of at least 8 px: add --image-size 8"),
        (
            "pretrainedmodels:inceptionv4",
            64,
            "pretrainedmodels:inceptionv4 needs images of at least 75 px: add --image-size 80",
        ),
    ],
)
def test_small_images_are_refused_with_a_size_that_will_do(name: str, size: int, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_model(name, size, 3)
    assert str(caught.value) == message
    check_model(name, int(message.rpartition(" ")[2]), 3)


def test_an_image_without_channels_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one channel, not 0"):
        check_model("simple-cnn", 28, 0)


@pytest.mark.parametrize(
    ("stem", "size", "pretrained", "chosen"),
    [
        ("auto", 28, False, "small"),
        ("auto", 64, False, "small"),
        ("auto", 65, False, "imagenet"),
        ("auto", 28, True, "imagenet"),
        ("small", 224, True, "small"),
        ("imagenet", 28, False, "imagenet"),
    ],
)
def test_the_stem_follows_the_size_unless_asked(stem: str, size: int, pretrained: bool, chosen: str) -> None:
    kind, why = resolve_stem(stem, size, pretrained=pretrained)
    assert kind == chosen
    assert (why == "as asked") == (stem != "auto")
