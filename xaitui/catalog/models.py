"""Models by name, and the images and weights that each supports."""

from __future__ import annotations

from pathlib import Path

from xaitui.catalog.records import ModelInfo
from xaitui.errors import UsageError, nearest
from xaitui.text import printable

_SMALL = ("batch_norm", "dropout", "activation")

_RESIDUAL = 8
"""Smallest side for deep networks that would accept one pixel: below it the gradients of a ResNet-152 overflow."""

_MODELS = (
    ModelInfo("simple-cnn-v1", "The report's first network: two convolutions with LeakyReLU, one linear layer.", 4),
    ModelInfo(
        "simple-cnn-v1-softmax", "The same with a softmax before the loss: a mistake, kept to show its effect.", 4
    ),
    ModelInfo(
        "simple-cnn",
        "The report's improved network: three convolutions, batch normalisation, dropout.",
        8,
        options=_SMALL,
    ),
    ModelInfo("alexnet", "AlexNet (Krizhevsky 2014), 61 M parameters.", 63, 224),
    ModelInfo("resnet18", "ResNet-18 (He et al. 2016), 12 M parameters.", _RESIDUAL, 224, ("stem",)),
    ModelInfo("resnet34", "ResNet-34, 22 M parameters.", _RESIDUAL, 224, ("stem",)),
    ModelInfo("resnet50", "ResNet-50, 26 M parameters.", _RESIDUAL, 224, ("stem",)),
    ModelInfo("resnet101", "ResNet-101, 45 M parameters.", _RESIDUAL, 224, ("stem",)),
    ModelInfo("resnet152", "ResNet-152, 60 M parameters.", _RESIDUAL, 224, ("stem",)),
    ModelInfo("xception", "Xception (Chollet 2017), 23 M parameters: depthwise separable convolutions.", 7, 299),
)

MODELS: dict[str, ModelInfo] = {info.name: info for info in _MODELS}

PREFIXES: dict[str, str] = {
    "pretrainedmodels:": "Any network of the pretrainedmodels library, by its name there.",
    "timm:": "Any network of the timm library, by its name there; needs pip install 'xaitui[timm]'.",
}

OWN_MODEL = "FILE.py:FUNCTION"
"""Name of a user's own model; the function takes (num_classes, in_channels, image_size)."""

STEMS = ("auto", "small", "imagenet")
ACTIVATIONS = ("relu", "leaky-relu")
FINETUNING: dict[str, str] = {
    "full": "Train every weight.",
    "head": "Freeze the feature extractor; train the classifier.",
    "linear-probe": "Freeze all but the last linear layer.",
}

SMALL_STEM_SIZE = 64
"""Largest image side in pixels for which auto chooses the small stem."""

_PRETRAINEDMODELS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (
        _RESIDUAL,
        224,
        (
            "resnet18",
            "resnet34",
            "resnet50",
            "resnet101",
            "resnet152",
            "fbresnet152",
            "cafferesnet101",
            "resnext101_32x4d",
            "resnext101_64x4d",
            "se_resnet50",
            "se_resnet101",
            "se_resnet152",
            "se_resnext50_32x4d",
            "se_resnext101_32x4d",
            "senet154",
            "dpn68",
            "dpn68b",
            "dpn92",
            "dpn98",
            "dpn107",
            "dpn131",
        ),
    ),
    (7, 299, ("xception",)),
    (11, 331, ("nasnetalarge", "pnasnet5large")),
    (17, 224, ("squeezenet1_1",)),
    (21, 224, ("squeezenet1_0",)),
    (29, 224, ("densenet121", "densenet169", "densenet201", "densenet161")),
    (31, 224, ("bninception", "nasnetamobile")),
    (32, 224, ("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn")),
    (63, 224, ("alexnet",)),
    (75, 299, ("inceptionv3", "inceptionv4", "inceptionresnetv2")),
    (75, 331, ("polynet",)),
)
"""Smallest side, side of the pretrained weights, and the library names that share them."""

PRETRAINEDMODELS: dict[str, ModelInfo] = {
    info.name: info
    for smallest, pretrained, names in _PRETRAINEDMODELS
    for info in (
        ModelInfo(f"pretrainedmodels:{name}", f"{name} of the pretrainedmodels library.", smallest, pretrained)
        for name in names
    )
}


def is_own_model(name: str) -> bool:
    """Return whether a model name refers to a user's own file."""
    return ".py:" in name or name.endswith(".py")


def split_own_model(name: str) -> tuple[Path, str]:
    """Split ``path/to/file.py:build`` into the file and the function.

    Raises:
        UsageError: the name has no function.
    """
    path, _, function = name.rpartition(":")
    if not path.endswith(".py") or not function.isidentifier():
        raise UsageError(f"model {printable(name)!r}: name the file and the function that builds it, {OWN_MODEL}")
    return Path(path).expanduser(), function


def model_info(name: str) -> ModelInfo:
    """Return the record of a catalog model, a library model with its prefix, or a user's own model.

    Raises:
        UsageError: there is no such model; the message names the nearest one.
    """
    if is_own_model(name):
        path, function = split_own_model(name)
        return ModelInfo(name, f"{function} of {printable(path)}", min_size=1)
    if name.startswith("timm:") and name != "timm:":
        return ModelInfo(name, f"{name.removeprefix('timm:')} of the timm library.", min_size=1)
    known = PRETRAINEDMODELS if name.startswith("pretrainedmodels:") else MODELS
    if name not in known:
        others = [] if known is PRETRAINEDMODELS else [*(f"{prefix}NAME" for prefix in PREFIXES), OWN_MODEL]
        raise UsageError(f"there is no model {printable(name)!r}{nearest(name, [*known, *others])}")
    return known[name]


def check_model(name: str, image_size: int, in_channels: int) -> None:
    """Refuse images that the model does not support.

    Raises:
        UsageError: there is no such model, or the images are too small or have no channel.
    """
    info = model_info(name)
    if image_size < info.min_size:
        enough = -(-info.min_size // 8) * 8
        raise UsageError(f"{name} needs images of at least {info.min_size} px: add --image-size {enough}")
    if in_channels < 1:
        raise UsageError(f"{name} needs images with at least one channel, not {in_channels}")


def has_rgb_weights(name: str) -> bool:
    """Return whether published RGB weights exist for a model; assumed for timm."""
    return model_info(name).pretrained_size > 0 or name.startswith("timm:")


def check_start(name: str, in_channels: int, *, published: bool, given: bool) -> None:
    """Refuse weights that do not exist or do not fit the images.

    Args:
        published: whether training starts from the published weights.
        given: whether it starts from a file.

    Raises:
        UsageError: there are no such weights, or they take other channels.
    """
    rgb = has_rgb_weights(name)
    if published and not given and not rgb:
        raise UsageError(f"there are no pretrained weights for {name}: omit --pretrained, or give --weights FILE")
    if rgb and (published or given) and in_channels not in (1, 3):
        raise UsageError(f"pretrained weights take images with 1 or 3 channels, not {in_channels}")


def resolve_stem(stem: str, image_size: int, *, pretrained: bool) -> tuple[str, str]:
    """Choose the stem of a ResNet, its first layers.

    The small stem is a 3x3 convolution of stride 1 without max-pooling, which keeps the detail of small images; the
    ImageNet stem is 7x7 of stride 2 with max-pooling, for which pretrained weights were trained.

    Returns:
        "small" or "imagenet", and the reason.
    """
    if stem != "auto":
        return stem, "as asked"
    if pretrained:
        return "imagenet", "the pretrained weights require it; --stem small for the other"
    if image_size <= SMALL_STEM_SIZE:
        return "small", f"images of up to {SMALL_STEM_SIZE} px keep their detail; --stem imagenet for the other"
    return "imagenet", f"images are larger than {SMALL_STEM_SIZE} px; --stem small for the other"
