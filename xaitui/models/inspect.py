"""Trial passes through networks of libraries and users: supported images and use of activations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xaitui.errors import UsageError
from xaitui.models.activations import ActivationUse, watch_activations
from xaitui.models.own_model import CODE_ERRORS, OwnSource, explained
from xaitui.models.request import Net
from xaitui.text import printable

Shape = tuple[int, int, int, int]


def inspect_library_model(net: Net, shape: Shape, num_classes: int, name: str) -> ActivationUse:
    """Run a library's network once.

    Raises:
        UsageError: it cannot take images of this size.
    """
    try:
        output, use = _run(net.module, shape)
    except CODE_ERRORS as error:
        reason = printable(" ".join(str(error).split()))
        raise UsageError(
            f"{name} cannot take images of {shape[-1]} px: it was made for {net.size} px, add --image-size {net.size} "
            f"({reason})"
        ) from error
    if problem := _wrong_output(output, shape[0], num_classes):
        raise UsageError(f"{name} {problem}")
    return use


def inspect_own_model(module: nn.Module, shape: Shape, num_classes: int, source: OwnSource) -> ActivationUse:
    """Run a user's network once.

    Raises:
        UsageError: it fails, or does not return logits of the right shape.
    """
    with explained(source, f"the model on a batch {tuple(shape)}"):
        output, use = _run(module, shape)
    if problem := _wrong_output(output, shape[0], num_classes):
        raise UsageError(f"the model of {printable(source.path)} {problem}")
    return use


def _run(module: nn.Module, shape: Shape) -> tuple[object, ActivationUse]:
    parameter = next(module.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    draws = device.type != "meta"
    # A network with random layers must not advance the generator. On the meta device nothing is drawn, and restoring
    # the generator would disturb a run that draws from it meanwhile.
    with torch.random.fork_rng(devices=[], enabled=draws):
        return watch_activations(module, torch.zeros(shape, device=device))


def _wrong_output(output: object, batch: int, num_classes: int) -> str:
    if not isinstance(output, Tensor):
        return f"must return a tensor of logits, not {type(output).__name__}"
    if output.shape != (batch, num_classes):
        return f"must return logits of shape {(batch, num_classes)}, not {tuple(output.shape)}"
    return ""
