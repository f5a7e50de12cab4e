"""`timm:NAME`: any network of timm, where that is installed."""

from __future__ import annotations

from xaitui.errors import DataError, UsageError, nearest
from xaitui.models.activations import own_activations
from xaitui.models.request import ModelRequest, Net
from xaitui.text import printable


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
        raise UsageError(f"timm has no model {printable(name)!r}{nearest(name.partition('.')[0], timm.list_models())}")
    try:
        module = timm.create_model(name, pretrained=load, num_classes=request.num_classes, in_chans=request.in_channels)
    except (OSError, RuntimeError, ValueError) as error:
        reason = printable(" ".join(str(error).split()))
        if load:
            raise DataError(f"timm cannot fetch weights for {name}, give --weights FILE: {reason}") from error
        raise UsageError(f"timm cannot make {name}: {reason}") from error
    own_activations(module)
    facts = module.pretrained_cfg
    return Net(
        module,
        first_layer="".join(_first(facts.get("first_conv"))),
        classifier=_first(facts.get("classifier")),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        size=facts["input_size"][-1],
        loaded=load,
    )


def _first(paths: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the path if it is unique: timm names several for models with several stems or heads."""
    return (paths,) if isinstance(paths, str) else tuple(paths or ())[:1]
