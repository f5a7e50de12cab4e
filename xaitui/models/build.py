"""Building of networks by name, ready for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from xaitui.catalog.models import (
    ACTIVATIONS,
    FINETUNING,
    MODELS,
    STEMS,
    check_model,
    check_start,
    has_rgb_weights,
    is_own_model,
    model_info,
    resolve_stem,
)
from xaitui.errors import DataError, UsageError, nearest
from xaitui.models.adapt import take_grey, train_only
from xaitui.models.construct import construct
from xaitui.models.inspect import inspect_library_model, inspect_own_model
from xaitui.models.own_model import OwnSource, read_source
from xaitui.models.request import ModelRequest, Net
from xaitui.models.state_dict import fill
from xaitui.models.weights import FoundWeights, find_weights, read_state_dicts
from xaitui.system.disk import Report
from xaitui.text import printable

Values = tuple[float, ...]
"""One value per channel."""


@dataclass(frozen=True)
class BuiltModel:
    """A network and its properties."""

    module: nn.Module
    """Takes (N, in_channels, image_size, image_size), returns (N, num_classes) logits: no softmax."""
    notes: tuple[str, ...] = ()
    """Notes for the user: the stem and why, which weights were loaded, what was frozen."""
    mean: Values = ()
    """Normalisation of [0, 1] images, one value per channel; empty leaves it to the caller."""
    std: Values = ()
    first_layer: str = ""
    """Path of the first convolution; empty if unknown."""
    classifier: tuple[str, ...] = ()
    """Paths of the layers after the feature extractor; the last one gives the logits."""
    weights_sha256: str = ""
    """Hash of the weights file that was loaded."""
    source_path: Path | None = None
    """File of a user's own model, which a run copies."""
    source_sha256: str = ""


def build_model(
    name: str,
    *,
    num_classes: int,
    in_channels: int,
    image_size: int,
    batch_norm: bool = True,
    dropout: bool = True,
    activation: str = "relu",
    stem: str = "auto",
    pretrained: bool = False,
    weights: str = "",
    finetune: str = "full",
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    source: Path | None = None,
    load: bool = True,
    report: Report | None = None,
) -> BuiltModel:
    """Build a model, load pretrained weights, fit it to the images, and freeze the layers that are not trained.

    Fresh weights depend only on torch's global generator: seed it first. A user's own model (`FILE.py:FUNCTION`)
    executes its file: pass only names that the user has typed.

    Args:
        pretrained: start from the published ImageNet weights, cached or downloaded.
        weights: a weights file to start from instead.
        mean, std: the normalisation that the caller has chosen, one value per channel; empty for that of the
            pretrained weights.
        source: a copy of the own model's file to run instead of the one in its name.
        load: False builds the same network without reading weights, to be filled from a checkpoint.
        report: called with the progress of a download.

    Raises:
        UsageError: an unknown name or choice, unsupported images, or an own model that fails.
        DataError: the weights are missing, damaged, or of another model.
    """
    check_model(name, image_size, in_channels)
    _check_choices(activation=activation, stem=stem, finetune=finetune)
    starts = pretrained or bool(weights)
    rgb = starts and has_rgb_weights(name)
    check_start(name, in_channels, published=pretrained, given=bool(weights))
    own = read_source(name, source) if is_own_model(name) else None
    stem, why = resolve_stem(stem, image_size, pretrained=starts)
    request = ModelRequest(
        name, num_classes, 3 if rgb else in_channels, image_size, batch_norm, dropout, activation, stem
    )
    net = construct(request, own, load=load and pretrained and not weights)
    notes = [f"{stem} stem: {why}"] if "stem" in model_info(name).options else []
    found = None
    if starts and load and not net.loaded:
        found = find_weights(name, net.weights, Path(weights).expanduser() if weights else None, report)
        notes.append(_fill(net, found, has_stems="stem" in model_info(name).options))
    mean, std = tuple(mean or (net.mean if starts else ())), tuple(std or (net.std if starts else ()))
    if rgb and in_channels == 1:
        mean, std, note = _take_grey(net, mean, std)
        notes.append(note)
    notes += _freeze(net, finetune, starts=starts, is_own=own is not None)
    notes += _inspect(net, request, in_channels, own)
    return BuiltModel(
        module=net.module,
        notes=tuple(notes),
        mean=mean,
        std=std,
        first_layer=net.first_layer,
        classifier=net.classifier,
        weights_sha256=found.sha256 if found else "",
        source_path=own.path if own else None,
        source_sha256=own.sha256 if own else "",
    )


def _check_choices(*, activation: str, stem: str, finetune: str) -> None:
    for option, value, choices in (
        ("--activation", activation, ACTIVATIONS),
        ("--stem", stem, STEMS),
        ("--finetune", finetune, tuple(FINETUNING)),
    ):
        if value not in choices:
            raise UsageError(f"{option} cannot be {printable(value)!r}{nearest(value, choices)}")


def _fill(net: Net, found: FoundWeights, *, has_stems: bool) -> str:
    try:
        filled = fill(net, read_state_dicts(found.path), found.path)
    except DataError as error:
        if has_stems and f"{net.first_layer}.weight is " in str(error):
            raise DataError(f"{error}; if it has the other stem, give --stem small or --stem imagenet") from None
        raise
    fresh = f"not from it but fresh: {', '.join(filled.anew)}" if filled.anew else ""
    return "; ".join(filter(None, (f"weights: {found.description}", *filled.origin, fresh)))


def _take_grey(net: Net, mean: Values, std: Values) -> tuple[Values, Values, str]:
    """Adapt a network with RGB weights to grey images; return the normalisation that remains for the caller."""
    if take_grey(net.module, net.first_layer, mean, std):
        note = "first layer: its kernels are summed over RGB, which equals a grey image repeated three times"
        return mean[:1], std[:1], note
    note = "first layer: repeats the grey image three times and normalises each copy as the weights expect"
    return (0.0,), (1.0,), note


def _freeze(net: Net, finetune: str, *, starts: bool, is_own: bool) -> Iterator[str]:
    """Freeze the layers that are not trained, and yield notes on it."""
    if finetune == "full":
        return
    if not net.classifier:
        raise UsageError("--finetune needs a linear layer at the end of the model, and this one has none")
    train_only(net.module, net.classifier if finetune == "head" else net.classifier[-1:])
    parameters = list(net.module.parameters())
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    yield f"{finetune}: {trained:,} of {sum(p.numel() for p in parameters):,} parameters are trained"
    if is_own and not starts:
        yield "the frozen layers have the weights that the model's own code gave them"
    elif not starts:
        yield "the frozen layers have random weights: neither --pretrained nor --weights was given"


def _inspect(net: Net, request: ModelRequest, in_channels: int, own: OwnSource | None) -> Iterator[str]:
    """Inspect a network of a library or a user, and yield notes on its limits."""
    if request.name in MODELS:
        return
    shape = (2, in_channels, request.image_size, request.image_size)
    if own is not None:
        use = inspect_own_model(net.module, shape, request.num_classes, own)
    else:
        use = inspect_library_model(net, shape, request.num_classes, request.name)
    if net.loaded:
        yield "weights: timm's own pretrained ones, which it fetched itself; not verified"
    if not use.clean:
        yield (
            f"explanations: {len(use.reused)} activations are used more than once and {use.functional} are functions, "
            "so methods that need a module for each cannot be used"
        )
