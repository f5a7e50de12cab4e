"""What a builder is asked for, and what it hands over."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from xaitui.models.weights import WeightsFile


@dataclass(frozen=True)
class ModelRequest:
    """The model that is wanted, as its builder sees it."""

    name: str
    num_classes: int
    in_channels: int
    """Channels of the first layer: those of the image, or 3 where RGB weights are to be loaded first."""
    image_size: int
    batch_norm: bool = True
    dropout: bool = True
    activation: str = "relu"
    stem: str = "imagenet"
    """"small" or "imagenet", already decided."""


@dataclass(frozen=True)
class Net:
    """A network with the places that fine-tuning has to know."""

    module: nn.Module
    first_layer: str
    """Path of the convolution that the image enters; empty where it is not known."""
    classifier: tuple[str, ...]
    """Paths of the modules after the feature extractor; the last one gives the logits. Empty where not known."""
    mean: tuple[float, ...] = ()
    """Normalisation of [0, 1] RGB images that the pretrained weights were made with; empty where there are none."""
    std: tuple[float, ...] = ()
    size: int = 0
    """Side in pixels of the images that those weights were made with."""
    weights: tuple[WeightsFile, ...] = ()
    """The files that fit, the default first."""
    fresh: tuple[str, ...] = ()
    """Paths that no pretrained file can fill, because this network has another layer there."""
    dropped: tuple[str, ...] = ()
    """Paths that a pretrained file holds and this network does not need."""
    bgr: bool = False
    """Whether the pretrained first layer takes blue before red."""
    loaded: bool = False
    """Whether its own library has filled it with pretrained weights already."""

    @property
    def head(self) -> str:
        """Path of the layer that gives the logits; empty where it is not known."""
        return self.classifier[-1] if self.classifier else ""
