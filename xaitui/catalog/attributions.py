"""The attribution methods that can be chosen by name: what each needs, costs, and must not be trusted with.

An attribution gives each pixel a number for what it did to one output of a model: the logit of the chosen class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xaitui.errors import UsageError, nearest
from xaitui.text import printable


@dataclass(frozen=True)
class AttributionInfo:
    """What is known of a method before any model is loaded."""

    name: str
    title: str
    """As people read it."""
    description: str
    needs: str
    """Of the model."""
    cost: str
    """For one image, in passes through the model; one is forward, or forward and backward with a gradient."""
    limits: str
    """What its maps do not show."""
    source: str
    signed: bool = True
    """Whether a pixel can speak against the class; else values are not negative."""
    gradient: bool = True
    """Whether the model must be differentiable."""
    layer: bool = False
    """Whether it looks at the output of one layer, which can be chosen."""
    own_activations: bool = False
    """Whether each activation of the model must be a module of its own, called once."""
    baseline: bool = False
    """Whether it compares the image with another one, which stands for nothing being there."""
    steps: bool = False
    """Whether it goes along a path in steps, whose number can be chosen."""
    random: bool = False
    """Whether it draws noise, which a seed makes repeatable."""
    warning: str = ""
    """What must stand beside every map of it."""


_METHODS = (
    AttributionInfo(
        "saliency",
        "Saliency",
        "Size of the gradient: where a small change would move the logit.",
        "gradients",
        "1 pass",
        "noisy; sensitivity, not contribution: says nothing of for or against",
        "Simonyan and others 2014",
        signed=False,
    ),
    AttributionInfo(
        "input-x-gradient",
        "Input x gradient",
        "Gradient times the distance of the pixel from the training mean.",
        "gradients",
        "1 pass",
        "noisy; pixels near the training mean get nothing, whatever they do",
        "Shrikumar and others 2016",
    ),
    AttributionInfo(
        "smoothgrad",
        "SmoothGrad",
        "Size of the mean gradient over noisy copies of the image.",
        "gradients",
        "25 passes",
        "the amount of noise is a choice; sensitivity, not contribution",
        "Smilkov and others 2017",
        signed=False,
        random=True,
    ),
    AttributionInfo(
        "integrated-gradients",
        "Integrated gradients",
        "Gradients summed on the straight way from a baseline; the sum of the map is the change of the logit.",
        "gradients",
        "50 to 800 passes",
        "depends on the baseline: a pixel like the baseline gets nothing",
        "Sundararajan and others 2017",
        baseline=True,
        steps=True,
    ),
    AttributionInfo(
        "deeplift",
        "DeepLIFT",
        "Differences of the activations to those of a baseline, handed back by the rescale rule.",
        "a module for each activation",
        "1 pass of two images",
        "depends on the baseline; layers that multiply inputs are not followed exactly",
        "Shrikumar and others 2017",
        own_activations=True,
        baseline=True,
    ),
    AttributionInfo(
        "grad-cam",
        "Grad-CAM",
        "Maps of one layer, weighted by their mean gradients: which region speaks for the class.",
        "a convolutional layer",
        "1 pass",
        "as coarse as its layer; shows only what speaks for the class",
        "Selvaraju and others 2017",
        signed=False,
        layer=True,
    ),
    AttributionInfo(
        "guided-grad-cam",
        "Guided Grad-CAM",
        "Grad-CAM times guided backpropagation: fine lines inside the region.",
        "a convolutional layer and a module for each ReLU",
        "2 passes",
        "its lines are largely those of the image, whatever the weights",
        "Selvaraju and others 2017",
        layer=True,
        own_activations=True,
        warning="fails the model randomisation test: its maps hardly change with random weights (Adebayo et al. 2018)",
    ),
    AttributionInfo(
        "occlusion",
        "Occlusion",
        "How far the logit falls when a square is covered by the baseline.",
        "nothing but outputs",
        "a pass for each place of the square, up to about 200",
        "as coarse as its square; parts that stand in for each other hide each other",
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
        "an approximation that keeps some noise; depends on the baseline",
        "Lundberg and Lee 2017",
        baseline=True,
        random=True,
    ),
)

ATTRIBUTIONS: Mapping[str, AttributionInfo] = {info.name: info for info in _METHODS}

ALL_ZERO, ALL_EQUAL, NOT_FINITE = MAP_PROBLEMS = ("all zero", "all equal", "not finite")
"""What is wrong with a map that is not to be painted or scored: it tells no pixel from another."""

DEFAULT_METHODS = ("grad-cam", "integrated-gradients")
"""One that is coarse and cheap, and one that is fine and adds up to the change of the logit."""

BASELINES: Mapping[str, str] = {
    "black": "A black image.",
    "mean": "The mean colour of the image itself.",
    "blur": "The image blurred.",
}
"""What can stand for nothing being there; the first is the default."""

DEFAULT_BASELINE = next(iter(BASELINES))


def attribution_info(name: str) -> AttributionInfo:
    """Return the record of a method.

    Raises:
        UsageError: there is no such method; names the nearest one.
    """
    if name not in ATTRIBUTIONS:
        raise UsageError(f"there is no method {printable(name)!r}{nearest(name, ATTRIBUTIONS)}")
    return ATTRIBUTIONS[name]
