"""An exponential moving average of the weights, which generalises better than the last weights do."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import chain
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """Keeps an exponential moving average of a module's weights.

    The decay warms up as min(decay, (1 + n) / (10 + n)) after n updates: with a fixed decay of 0.999
    the average of a short run, of a few hundred steps, would still be dominated by the initial weights.

    Buffers of floating point, the statistics of batch normalisation, are averaged like the weights: the current ones
    belong to the current weights, and averaged weights with other statistics score erratically. Counters are copied.
    """

    # torch's AveragedModel keeps its count in a tensor, which it reads or copies to the device at every update, and
    # either waits for the GPU. Here the count is a plain number, and only torch's arithmetic is used.

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Begin with a copy of `module` as it is now; `decay`, below 1, is the weight of the past in each update."""
        self.module = deepcopy(module).requires_grad_(False)
        """The module with the averaged weights, for evaluation."""
        self.updates = 0
        """How many times the average has been updated."""
        self._decay = decay

    def update(self, module: nn.Module) -> None:
        """Blend in the weights of `module` after an optimizer step; the first update copies them."""
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates)) if self.updates else 0.0
        averaged, counters = _tensors(self.module)
        current, newest_counters = _tensors(module)
        blend: Callable[[list[Tensor], list[Tensor], int], None] = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        blend(averaged, current, self.updates)
        for counter, newest in zip(counters, newest_counters, strict=True):
            counter.copy_(newest)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the averaged weights and the number of updates."""
        return {"module": self.module.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state returned by `state_dict`."""
        self.module.load_state_dict(state["module"])
        self.updates = state["updates"]


def _tensors(module: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Return the parameters and buffers of a module: those of floating point, and the others."""
    tensors = [tensor.detach() for tensor in chain(module.parameters(), module.buffers())]
    return [t for t in tensors if t.is_floating_point()], [t for t in tensors if not t.is_floating_point()]
