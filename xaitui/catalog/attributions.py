"""Attribution methods by name, with their requirements, costs and limits.

An attribution map gives each pixel its contribution to one output of a model: the logit of the chosen class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xaitui.errors import UsageError, nearest
from xaitui.text import printable


@dataclass(frozen=True)
class AttributionInfo:
    """Properties of an attribution method."""

    name: str
    title: str
    """Name on screen."""
    description: str
    needs: str
    """Requirement on the model."""
    cost: str
    """Passes through the model for one image: forward, or forward and backward for gradients."""
    limits: str
    """Known limits of its maps."""
    source: str
    signed: bool = True
    """Whether values can be negative, as evidence against the class."""
    gradient: bool = True
    """Whether the model must be differentiable."""
    layer: bool = False
    """Whether it uses the output of one layer, which can be chosen."""
    own_activations: bool = False
    """Whether each activation of the model must be a separate module that is called once."""
    baseline: bool = False
    """Whether it compares the image with a baseline image, which represents absence."""
    steps: bool = False
    """Whether it integrates along a path, with a configurable number of steps."""
    random: bool = False
    """Whether it draws random noise, from a seed."""
    warning: str = ""
    """Warning to show with every map of the method."""


_METHODS = (
    AttributionInfo(
        "saliency",
        "Saliency",
        "Magnitude of the gradient: where a small change would change the logit.",
        "gradients",
        "1 pass",
        "noisy; sensitivity, not contribution: does not tell evidence for the class from evidence against it",
        "Simonyan et al. 2014",
        signed=False,
    ),
    AttributionInfo(
        "input-x-gradient",
        "Input x gradient",
        "Gradient times the difference of the pixel from the training mean.",
        "gradients",
        "1 pass",
        "noisy; pixels near the training mean get no attribution, whatever their effect",
        "Shrikumar et al. 2016",
    ),
    AttributionInfo(
        "smoothgrad",
        "SmoothGrad",
        "Magnitude of the mean gradient over noisy copies of the image.",
        "gradients",
        "25 passes",
        "depends on the noise level; sensitivity, not contribution",
        "Smilkov et al. 2017",
        signed=False,
        random=True,
    ),
    AttributionInfo(
        "integrated-gradients",
        "Integrated gradients",
        "Gradients integrated along a straight path from a baseline; the map sums to the change of the logit.",
        "gradients",
        "50 to 800 passes",
        "depends on the baseline: pixels equal to the baseline get no attribution",
        "Sundararajan et al. 2017",
        baseline=True,
        steps=True,
    ),
    AttributionInfo(
        "deeplift",
        "DeepLIFT",
        "Differences of activations from those of a baseline, propagated back by the rescale rule.",
        "a module for each activation",
        "1 pass of two images",
        "depends on the baseline; inexact for layers that multiply inputs",
        "Shrikumar et al. 2017",
        own_activations=True,
        baseline=True,
    ),
    AttributionInfo(
        "grad-cam",
        "Grad-CAM",
        "Feature maps of one layer weighted by their mean gradients: regions that support the class.",
        "a convolutional layer",
        "1 pass",
        "as coarse as its layer; shows only evidence for the class",
        "Selvaraju et al. 2017",
        signed=False,
        layer=True,
    ),
    AttributionInfo(
        "guided-grad-cam",
        "Guided Grad-CAM",
        "Grad-CAM times guided backpropagation: fine detail within the region.",
        "a convolutional layer and a module for each ReLU",
        "2 passes",
        "its detail largely reproduces image edges, whatever the weights",
        "Selvaraju et al. 2017",
        layer=True,
        own_activations=True,
        warning="fails the model randomisation test: its maps hardly change with random weights (Adebayo et al. 2018)",
    ),
    AttributionInfo(
        "occlusion",
        "Occlusion",
        "Drop of the logit when a square is covered by the baseline.",
        "outputs only",
        "one pass per position of the square, up to about 200",
        "as coarse as its square; redundant parts of the image hide each other",
        "Zeiler and Fergus 2014",
        gradient=False,
        baseline=True,
    ),
    AttributionInfo(
        "gradient-shap",
        "Gradient SHAP",
        "Expected gradients at random points between a baseline and noisy copies of the image.",
        "gradients",
        "50 passes",
        "an approximation with some noise; depends on the baseline",
        "Lundberg and Lee 2017",
        baseline=True,
        random=True,
    ),
)

ATTRIBUTIONS: Mapping[str, AttributionInfo] = {info.name: info for info in _METHODS}

ALL_ZERO, ALL_EQUAL, NOT_FINITE = MAP_PROBLEMS = ("all zero", "all equal", "not finite")
"""Defects of a map that make it unfit to be shown or scored."""

DEFAULT_METHODS = ("grad-cam", "integrated-gradients")
"""A coarse and cheap method, and a fine one whose maps sum to the change of the logit."""

BASELINES: Mapping[str, str] = {
    "black": "A black image.",
    "mean": "The mean colour of the image itself.",
    "blur": "The blurred image.",
}
"""Baseline images; the first is the default."""

DEFAULT_BASELINE = next(iter(BASELINES))


def attribution_info(name: str) -> AttributionInfo:
    """Return the record of a method.

    Raises:
        UsageError: there is no such method; the message names the nearest one.
    """
    if name not in ATTRIBUTIONS:
        raise UsageError(f"there is no method {printable(name)!r}{nearest(name, ATTRIBUTIONS)}")
    return ATTRIBUTIONS[name]
