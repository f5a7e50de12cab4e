"""A run's trained model for a notebook: `xaitui.load("last").predict("digit.png")`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from xaitui.data.picture import decode, decode_image
from xaitui.errors import UsageError
from xaitui.jobs.predict.agreement import Agreement, compare_answers
from xaitui.jobs.predict.images import Pixels, predict_pixels
from xaitui.jobs.predict.trained_model import TrainedModel, load_trained
from xaitui.runs.directory import RunDirectory
from xaitui.runs.preprocessing import Preprocessing

AnImage = str | Path | Image.Image | NDArray[Any] | Tensor
"""A file, a picture, an array uint8 (H, W) or (H, W, C), or a tensor uint8 (H, W) or (C, H, W)."""


@dataclass(frozen=True)
class LoadedRun:
    """A trained model with what belongs before and after it."""

    trained: TrainedModel

    @property
    def model(self) -> nn.Module:
        """The module, in evaluation mode: what `preprocess` gives to logits (N, classes)."""
        return self.trained.module

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs, in their order."""
        return self.trained.preprocessing.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes an input, in numbers."""
        return self.trained.preprocessing

    @property
    def weights(self) -> str:
        """Which weights these are."""
        return self.trained.weights

    def preprocess(self, image: AnImage) -> Tensor:
        """What the model takes for one image, float32 (1, C, S, S) on the model's device.

        Raises:
            UsageError: it is no image of bytes.
            DataError: the picture cannot be used.
        """
        pixels = torch.from_numpy(self._pixels(image)).permute(2, 0, 1)[None]
        prepared: Tensor = self.trained.prepare(pixels.to(self.trained.device))
        return prepared

    def predict(self, images: AnImage | Sequence[AnImage]) -> NDArray[np.float32]:
        """Probabilities (N, classes) of one image or of several; arrays may have them along a first axis.

        Raises:
            UsageError: one is no image of bytes.
            DataError: a picture cannot be used.
        """
        return predict_pixels(self.trained, [self._pixels(image) for image in _one_by_one(images)])

    def compare_stored(self) -> Agreement:
        """Compare with the probabilities that the run stored, of up to 512 test images."""
        return compare_answers(self.trained, self.predict)

    def _pixels(self, image: AnImage) -> Pixels:
        needed = self.preprocessing
        form = needed.source_size, needed.channels, needed.grey_range
        match image:
            case str() | Path():
                return decode(Path(image).expanduser(), *form)
            case Image.Image():
                return decode_image(image, *form)
            case Tensor():
                last = image.movedim(0, -1) if image.ndim == 3 else image
                return decode_image(_picture(last.cpu().numpy()), *form)
            case np.ndarray():
                return decode_image(_picture(image), *form)
        raise UsageError(f"an image is a file, a picture, an array or a tensor, not {type(image).__name__}")


def load_run(run: RunDirectory, *, device: str = "auto", data_dir: str = "", trust_model: bool = False) -> LoadedRun:
    """Load the best weights of a run, as `load_trained` does."""
    return LoadedRun(load_trained(run, device=device, data_dir=data_dir, trust_model=trust_model))


def _one_by_one(images: AnImage | Sequence[AnImage]) -> Sequence[AnImage]:
    match images:
        case np.ndarray() | Tensor():
            channels = images.shape[-1 if isinstance(images, np.ndarray) else 0] if images.ndim == 3 else 0
            is_one = images.ndim == 2 or channels in _CHANNELS
            return [images] if is_one else list(images)
        case str() | Path() | Image.Image():
            return [images]
    return images


_CHANNELS = (1, 3, 4)
"""Of grey, RGB, and RGB with alpha; a first or last axis of another length counts images."""


def _picture(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8:
        raise UsageError(f"pixels are uint8 from 0 to 255, not {array.dtype} (of 0-1 floats, np.rint(x * 255))")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in _CHANNELS) or 0 in array.shape:
        raise UsageError(f"an image of shape {array.shape} is neither (H, W) nor (H, W, 1, 3 or 4)")
    return Image.fromarray(np.ascontiguousarray(array))
