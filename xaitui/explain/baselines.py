"""What stands for nothing being there, to which some methods compare an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from xaitui.explain.faithfulness import blur


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
