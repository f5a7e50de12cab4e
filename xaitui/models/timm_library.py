"""`timm:NAME`: any network of timm, where that is installed."""

from __future__ import annotations

from typing import Any

from xaitui.errors import DataError, UsageError, nearest
from xaitui.models.activations import own_activations
from xaitui.models.net import ModelRequest, Net


def build_from_timm(request: ModelRequest, *, load: bool) -> Net:
    """Build one of timm's networks.

    Args:
        load: let timm fetch its own pretrained weights, from its own cache or the network.

    Raises:
        UsageError: timm is not installed, or has no model of this name.
        DataError: the weights could not be fetched.
    """
    try:
        import timm
    except ModuleNotFoundError:
        raise UsageError(f"{request.name} needs timm: pip install 'xaitui[timm]'") from None
    name = request.name.partition(":")[2]
    if not timm.is_model(name):
        raise UsageError(f"timm has no model {name!r}{nearest(name.partition('.')[0], timm.list_models())}")
    try:
        module = timm.create_model(name, pretrained=load, num_classes=request.num_classes, in_chans=request.in_channels)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise (DataError if load else UsageError)(f"timm cannot make {name}: {reason}") from error
    own_activations(module)
    facts = module.pretrained_cfg
    return Net(
        module,
        first_layer=_only(facts.get("first_conv")),
        classifier=(_only(facts.get("classifier")),),
        mean=tuple(facts.get("mean", ())),
        std=tuple(facts.get("std", ())),
        loaded=load,
    )


def _only(path: Any) -> str:
    """One path, where timm names a list of them for models with several heads or stems."""
    return str(path if isinstance(path, str) else next(iter(path or ()), ""))
