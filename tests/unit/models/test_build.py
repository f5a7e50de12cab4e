"""Pretrained weights, grey images and freezing together, as a run asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from xaitui.errors import DataError, UsageError
from xaitui.models.adapt import GreyConv2d
from xaitui.models.build import BuiltModel, build_model
from xaitui.models.construct import construct
from xaitui.models.request import ModelRequest

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of weights with 1,000 classes for each of two networks."""
    folder, paths = tmp_path_factory.mktemp("weights"), {}
    for name in ("xception", "resnet18"):
        torch.manual_seed(7)
        paths[name] = folder / f"{name}.pth"
        torch.save(construct(ModelRequest(name, 1000, 3, 64)).module.state_dict(), paths[name])
    return paths


def build(name: str, weights: Path, channels: int = 3, size: int = 40, **options: object) -> BuiltModel:
    torch.manual_seed(0)
    return build_model(name, num_classes=4, in_channels=channels, image_size=size, weights=str(weights), **options)  # type: ignore[arg-type]


def normalised(image: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return (image - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(std).view(1, -1, 1, 1)


def logits(built: BuiltModel, image: Tensor) -> Tensor:
    """What the caller does: normalise as the model says, and run it."""
    with torch.no_grad():
        result: Tensor = built.module.eval()(normalised(image, built.mean, built.std))
    return result


@pytest.mark.parametrize("name", ["xception", "resnet18"])
def test_a_grey_image_gives_the_logits_of_its_rgb_copy(files: dict[str, Path], name: str) -> None:
    rgb, grey = build(name, files[name]), build(name, files[name], channels=1)
    image = torch.rand(2, 1, 40, 40)
    torch.testing.assert_close(logits(grey, image), logits(rgb, image.expand(-1, 3, -1, -1)), rtol=1e-5, atol=1e-5)
    assert list(grey.module.state_dict()) == list(rgb.module.state_dict())


def test_xception_sums_its_kernels(files: dict[str, Path]) -> None:
    built = build("xception", files["xception"], channels=1)
    assert built.module.get_submodule("conv1").get_parameter("weight").shape == (32, 1, 3, 3)
    assert (built.mean, built.std) == ((0.5,), (0.5,))
    assert (
        built.notes[1] == "first layer: its kernels are summed over RGB, which equals a grey image repeated three times"
    )


def test_a_resnet_repeats_the_image_unless_the_channels_are_normalised_alike(files: dict[str, Path]) -> None:
    built = build("resnet18", files["resnet18"], channels=1)
    assert isinstance(built.module.get_submodule("conv1"), GreyConv2d)
    assert (built.mean, built.std) == ((0.0,), (1.0,))
    asked = build("resnet18", files["resnet18"], channels=1, mean=(0.5,), std=(0.5,))
    assert asked.module.get_submodule("conv1").get_parameter("weight").shape == (64, 1, 7, 7)
    assert (asked.mean, asked.std) == ((0.5,), (0.5,))
    rgb = build("resnet18", files["resnet18"], mean=(0.5,) * 3, std=(0.5,) * 3)
    image = torch.rand(2, 1, 40, 40)
    torch.testing.assert_close(logits(asked, image), logits(rgb, image.expand(-1, 3, -1, -1)), rtol=1e-5, atol=1e-5)


def test_rgb_images_are_normalised_as_the_weights_were_made(files: dict[str, Path]) -> None:
    built = build("resnet18", files["resnet18"])
    assert (built.mean, built.std) == IMAGENET
    scratch = build_model("resnet18", num_classes=4, in_channels=3, image_size=40)
    assert (scratch.mean, scratch.std) == ((), ())


def test_the_notes_say_what_was_loaded(files: dict[str, Path]) -> None:
    built = build("resnet18", files["resnet18"])
    digest = built.weights_sha256[:16]
    assert len(digest) == 16
    assert built.notes == (
        "imagenet stem: the pretrained weights require it; --stem small for the other",
        f"weights: resnet18.pth (sha256 {digest}, not verified: not a published file of this model); "
        "not from it but fresh: fc",
    )


def test_a_small_stem_loads_all_but_the_first_layer(files: dict[str, Path]) -> None:
    built = build("resnet18", files["resnet18"], stem="small")
    assert built.notes[0] == "small stem: as asked"
    assert built.notes[1].endswith("not from it but fresh: conv1, fc")
    published = torch.load(files["resnet18"], weights_only=True)
    state = built.module.state_dict()
    assert torch.equal(state["layer4.1.conv2.weight"], published["layer4.1.conv2.weight"])
    assert state["conv1.weight"].shape == (64, 3, 3, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_checkpoint_fills_the_same_network_without_the_weights_file(files: dict[str, Path], channels: int) -> None:
    first = build("resnet18", files["resnet18"], channels=channels, finetune="linear-probe")
    again = build("resnet18", Path("gone.pth"), channels=channels, finetune="linear-probe", load=False)
    again.module.load_state_dict(first.module.state_dict())
    image = torch.rand(2, channels, 40, 40)
    torch.testing.assert_close(logits(first, image), logits(again, image), rtol=0, atol=0)
    assert (first.mean, first.std) == (again.mean, again.std)


TRAINED = {
    ("simple-cnn", "head"): {"fc1", "fc_bn", "fc2"},
    ("simple-cnn", "linear-probe"): {"fc2"},
    ("simple-cnn-v1", "linear-probe"): {"out"},
    ("alexnet", "head"): {"classifier"},
    ("resnet18", "head"): {"fc"},
    ("xception", "linear-probe"): {"last_linear"},
    ("pretrainedmodels:vgg11", "head"): {"linear0", "linear1", "last_linear"},
    ("pretrainedmodels:vgg11", "linear-probe"): {"last_linear"},
}


@pytest.mark.parametrize(("name", "finetune"), TRAINED)
def test_finetuning_trains_the_classifier_or_its_last_layer(name: str, finetune: str) -> None:
    with torch.device("meta"):
        built = build_model(name, num_classes=4, in_channels=3, image_size=64, finetune=finetune)
    trained = [key for key, parameter in built.module.named_parameters() if parameter.requires_grad]
    assert {key.partition(".")[0] for key in trained} == TRAINED[name, finetune]
    if finetune == "linear-probe":
        assert len(trained) == 2
    built.module.train()
    classifier = tuple(TRAINED[name, finetune])
    norms = [
        (key, layer)
        for key, layer in built.module.named_modules()
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    assert not any(layer.training for key, layer in norms if not key.startswith(classifier))


def test_a_model_without_published_weights_says_so() -> None:
    with pytest.raises(UsageError) as caught:
        build_model("simple-cnn", num_classes=4, in_channels=1, image_size=28, pretrained=True)
    assert str(caught.value) == (
        "there are no pretrained weights for simple-cnn: omit --pretrained, or give --weights FILE"
    )


def test_a_simple_cnn_starts_from_a_file_of_its_own(tmp_path: Path) -> None:
    torch.manual_seed(3)
    first = build_model("simple-cnn", num_classes=10, in_channels=1, image_size=28)
    torch.save({"model": first.module.state_dict(), "epoch": 2}, tmp_path / "best.pt")
    second = build("simple-cnn", tmp_path / "best.pt", channels=1, size=28)
    assert torch.equal(first.module.state_dict()["fc1.weight"], second.module.state_dict()["fc1.weight"])
    assert second.notes[0].endswith("not from it but fresh: fc2")


def test_more_channels_than_rgb_are_refused_for_pretrained_weights(files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="pretrained weights take images with 1 or 3 channels, not 4"):
        build("xception", files["xception"], channels=4)
    scratch = build_model("xception", num_classes=4, in_channels=4, image_size=32)
    assert scratch.module(torch.rand(2, 4, 32, 32)).shape == (2, 4)


def test_the_weights_of_another_network_are_refused(files: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"resnet18.pth is for another model: .*: conv1.weight is 64x3x7x7"):
        build("xception", files["resnet18"])
