"""Grad-CAM of a model that is being trained: nothing of the model is changed by it, and nothing is left on it.

R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def grad_cam(module: nn.Module, layer: str, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Explain one logit of each image by the activations of a layer, weighted by their mean gradients.

    What captum's `LayerGradCam` with `relu_attributions` gives, in one pass. The graph begins at the layer, so that no
    gradient of a weight is computed, and a model whose weights are frozen can be explained too. A layer that is called
    more than once counts with its last call.

    Args:
        module: in evaluation mode; it and `inputs` in float32.
        layer: path of the layer, whose output has the shape (N, K, h, w).
        inputs: normalised images (N, C, H, W).
        targets: the class of each, int64 (N,).

    Returns:
        Maps (N, H, W), not negative, enlarged bilinearly to the size of the inputs; and the logits (N, classes).

    Raises:
        AttributeError: there is no such layer.
        RuntimeError: it gives no maps of an image, or the logits do not depend on it.
    """
    kept: list[Tensor] = []

    def cut(_: nn.Module, __: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise RuntimeError(f"the layer {layer} gives no maps of an image")
        kept.append(output.detach().requires_grad_())
        return kept[-1].clone()  # the next layer may work in place

    handle = module.get_submodule(layer).register_forward_hook(cut)
    try:
        with torch.enable_grad():
            logits = module(inputs)
            if not kept:
                raise RuntimeError(f"the layer {layer} is not used")
            chosen = logits.gather(1, targets[:, None]).sum()
            (gradients,) = torch.autograd.grad(chosen, kept[-1])
    finally:
        handle.remove()
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    maps = (weights * kept[-1].detach()).sum(dim=1, keepdim=True).relu()
    enlarged = F.interpolate(maps, inputs.shape[-2:], mode="bilinear", align_corners=False)
    return enlarged[:, 0], logits.detach()
