"""The attribution methods, by captum: from images and classes to maps at the size that the model sees."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from captum.attr import (
    GradientShap,
    GuidedGradCam,
    InputXGradient,
    LayerAttribution,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
    Saliency,
)
from torch import Tensor, nn

from xaitui.explain.methods.deeplift import deeplift, with_own_inputs
from xaitui.explain.methods.integrated_gradients import integrated_gradients
from xaitui.explain.methods.recipe import Attributions, Call, Recipe, seeded
from xaitui.explain.trust.faithfulness import blur

NOISY_COPIES, NOISE = 25, 0.15
"""Of SmoothGrad: how many, and the standard deviation as a part of the image's range, from 10 to 20 % in the paper."""
SHAP_SAMPLES, SHAP_NOISE = 50, 0.09
"""Of gradient SHAP, whose noise is that of captum's example."""
WINDOWS = 7
"""Side of the image over that of occlusion's square, which moves by half of itself."""


@dataclass(frozen=True)
class Maps:
    """The maps of some images."""

    values: Tensor
    """(N, H, W) float32, summed over the channels; positive speaks for the class."""
    facts: Mapping[str, Tensor]
    """By the names of scores: float64 (N,)."""


@dataclass(frozen=True)
class Explainer:
    """A method on a model; the same images and classes get the same maps, whoever else is explained."""

    module: nn.Module
    """In evaluation mode and float32; gives logits (N, classes)."""
    recipe: Recipe
    black: Tensor
    """What normalisation makes of black, (C, 1, 1), on the module's device."""
    batch: int
    """Images that go through the model at once, copies included."""
    exact: bool = True
    """Whether integrated gradients take more steps where the first ones are not enough."""

    def explain(self, inputs: Tensor, targets: Tensor) -> Maps:
        """Explain the logit of the target (N,) of normalised images (N, C, H, W)."""
        size = 1 if self.recipe.info.random else self.batch  # so that what is drawn is the same for each image
        groups = zip(torch.split(inputs, size), torch.split(targets, size), strict=True)
        parts = [self._explain(*group) for group in groups]
        names = parts[0].facts
        return Maps(
            torch.cat([part.values.sum(dim=1) for part in parts]),
            {name: torch.cat([part.facts[name] for part in parts]) for name in names},
        )

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Only the maps."""
        return self.explain(inputs, targets).values

    def on(self, module: nn.Module) -> Explainer:
        """The same with another model of the same layers."""
        return replace(self, module=module)

    def _explain(self, inputs: Tensor, targets: Tensor) -> Attributions:
        baselines = baselines_of(self.recipe.baseline, inputs, self.black)
        inputs = inputs.detach().clone().requires_grad_()  # a frozen model has no graph without it
        call = Call(self.module, self.recipe, inputs, targets, baselines, self.batch, self.exact)
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # captum says that it sets hooks, and removes them
            found = _METHODS[self.recipe.method](call)
        return replace(found, values=found.values.detach().float())


def passes_of(recipe: Recipe, side: int) -> int:
    """About how often an image of that side in pixels passes through the model for one map."""
    match recipe.method:
        case "smoothgrad":
            return NOISY_COPIES
        case "gradient-shap":
            return SHAP_SAMPLES
        case "integrated-gradients":
            return recipe.steps
        case "occlusion":
            window = max(1, round(side / WINDOWS))
            return (1 + (side - window) // max(1, window // 2)) ** 2
    return 1


def _saliency(call: Call) -> Attributions:
    return Attributions(Saliency(call.module).attribute(call.inputs, call.targets, abs=True))


def _input_x_gradient(call: Call) -> Attributions:
    return Attributions(InputXGradient(call.module).attribute(call.inputs, call.targets))


def _smoothgrad(call: Call) -> Attributions:
    tunnel = NoiseTunnel(Saliency(call.module))
    deviation = NOISE * _range(call.inputs)
    total = torch.zeros_like(call.inputs)
    with seeded(call.recipe.seed):
        for copies in _portions(NOISY_COPIES, call.copies):
            found = tunnel.attribute(call.inputs, nt_samples=copies, stdevs=deviation, target=call.targets, abs=False)
            total = total + copies * found.detach()
    return Attributions((total / NOISY_COPIES).abs())


def _gradient_shap(call: Call) -> Attributions:
    method = GradientShap(call.module)
    deviation = SHAP_NOISE * _range(call.inputs)
    total = torch.zeros_like(call.inputs)
    with seeded(call.recipe.seed):
        for copies in _portions(SHAP_SAMPLES, call.copies):
            found = method.attribute(
                call.inputs, call.baselines, n_samples=copies, stdevs=deviation, target=call.targets
            )
            total = total + copies * found.detach()
    return Attributions(total / SHAP_SAMPLES)


def _grad_cam(call: Call) -> Attributions:
    coarse = LayerGradCam(call.module, call.layer()).attribute(call.inputs, call.targets, relu_attributions=True)
    return Attributions(LayerAttribution.interpolate(coarse, tuple(call.inputs.shape[2:]), "bilinear"))


def _guided_grad_cam(call: Call) -> Attributions:
    module = with_own_inputs(call.module)
    method = GuidedGradCam(module, module.get_submodule(call.recipe.layer))
    return Attributions(method.attribute(call.inputs, call.targets, interpolate_mode="bilinear"))


def _occlusion(call: Call) -> Attributions:
    channels, height, width = call.inputs.shape[1:]
    window = max(1, round(min(height, width) / WINDOWS))
    step = max(1, window // 2)
    found = Occlusion(call.module).attribute(
        call.inputs.detach(),
        (channels, window, window),
        strides=(channels, step, step),
        baselines=call.baselines,
        target=call.targets,
        perturbations_per_eval=call.copies,
    )
    return Attributions(found[:, :1])  # a square covers all channels: each has the same value


_METHODS: Mapping[str, Callable[[Call], Attributions]] = {
    "saliency": _saliency,
    "input-x-gradient": _input_x_gradient,
    "smoothgrad": _smoothgrad,
    "integrated-gradients": integrated_gradients,
    "deeplift": deeplift,
    "grad-cam": _grad_cam,
    "guided-grad-cam": _guided_grad_cam,
    "occlusion": _occlusion,
    "gradient-shap": _gradient_shap,
}


def _range(inputs: Tensor) -> float:
    return float(inputs.max() - inputs.min())


def _portions(count: int, most: int) -> Iterator[int]:
    """Numbers that add up to `count`, none larger than `most`."""
    while count:
        portion = min(count, most)
        yield portion
        count -= portion


def baselines_of(kind: str, inputs: Tensor, black: Tensor) -> Tensor:
    """The baseline of each image, of the shape of the inputs.

    Args:
        kind: one of `BASELINES`.
        inputs: normalised images (N, C, H, W).
        black: what normalisation makes of black, (C, 1, 1).
    """
    return _BASELINES[kind](inputs, black)


_BASELINES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "black": lambda inputs, black: black.expand_as(inputs).clone(),
    "mean": lambda inputs, black: inputs.mean(dim=(2, 3), keepdim=True).expand_as(inputs).clone(),
    "blur": lambda inputs, black: blur(inputs),
}
