"""Requests to model builders, and their results."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from xaitui.models.weights import WeightsFile


@dataclass(frozen=True)
class ModelRequest:
    """Request for a model."""

    name: str
    num_classes: int
    in_channels: int
    """Channels of the first layer: those of the image, or 3 if RGB weights are to be loaded."""
    image_size: int
    batch_norm: bool = True
    dropout: bool = True
    activation: str = "relu"
    stem: str = "imagenet"
    """"small" or "imagenet"."""


@dataclass(frozen=True)
class Net:
    """A network with the layer paths needed for fine-tuning."""

    module: nn.Module
    first_layer: str
    """Path of the first convolution; empty if unknown."""
    classifier: tuple[str, ...]
    """Paths of the modules after the feature extractor; the last one gives the logits. Empty where not known."""
    mean: tuple[float, ...] = ()
    """Normalisation of [0, 1] RGB images for the pretrained weights; empty if there are none."""
    std: tuple[float, ...] = ()
    size: int = 0
    """Side in pixels of the images of those weights."""
    weights: tuple[WeightsFile, ...] = ()
    """Weights files that fit, the default first."""
    fresh: tuple[str, ...] = ()
    """Paths that pretrained files cannot fill, because the network has other layers there."""
    dropped: tuple[str, ...] = ()
    """Paths in pretrained files that the network does not have."""
    bgr: bool = False
    """Whether the pretrained first layer takes BGR images."""
    loaded: bool = False
    """Whether its library has already loaded pretrained weights."""

    @property
    def head(self) -> str:
        """Path of the layer that gives the logits; empty if unknown."""
        return self.classifier[-1] if self.classifier else ""
