"""Construction of networks by name; only the code of that network is imported, as torchvision takes seconds."""

from __future__ import annotations

from xaitui.models.own_model import OwnSource, build_own_model
from xaitui.models.request import ModelRequest, Net
from xaitui.models.simple_cnn import build_simple_cnn, build_simple_cnn_v1, build_softmaxed_cnn_v1


def construct(request: ModelRequest, own: OwnSource | None = None, *, load: bool = False) -> Net:
    """Build a network with fresh weights.

    Args:
        own: the source, if it is a user's own model.
        load: let timm fill one of its networks with its own pretrained weights.

    Raises:
        UsageError: an own model fails, or timm is not installed or has no such model.
        DataError: timm could not fetch its weights.
    """
    if own is not None:
        return build_own_model(own, request)
    match request.name:
        case "simple-cnn-v1":
            return build_simple_cnn_v1(request)
        case "simple-cnn-v1-softmax":
            return build_softmaxed_cnn_v1(request)
        case "simple-cnn":
            return build_simple_cnn(request)
        case "xception":
            from xaitui.models.xception import build_xception

            return build_xception(request)
        case name if name.startswith("pretrainedmodels:"):
            from xaitui.models.pretrained import build_from_pretrainedmodels

            return build_from_pretrainedmodels(request)
        case name if name.startswith("timm:"):
            from xaitui.models.timm_library import build_from_timm

            return build_from_timm(request, load=load)
        case _:
            from xaitui.models.torchvision_nets import build_torchvision_net

            return build_torchvision_net(request)
