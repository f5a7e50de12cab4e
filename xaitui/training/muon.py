"""Muon for convolutional networks: torch's Muon on the hidden weights, AdamW on everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

from xaitui.errors import UsageError

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def matrix_view(weight: Tensor) -> Tensor:
    """View a weight (out, in, ...) as a matrix (out, in * ...) of the same storage.

    For a channels-last weight the columns are in that order. Orthogonalisation is not affected: permuting the columns
    of the input permutes those of the result.
    """
    if weight.is_contiguous():
        return weight.view(len(weight), -1)
    return weight.movedim(1, -1).view(len(weight), -1)


def _matrix_of_gradient(gradient: Tensor, like: Tensor) -> Tensor:
    """Reorder the columns of a gradient, whose memory layout may differ, like those of `matrix_view(like)`."""
    if like.is_contiguous():
        return gradient.reshape(len(gradient), -1)
    return gradient.movedim(1, -1).reshape(len(gradient), -1)


def hidden_weights(module: nn.Module) -> list[nn.Parameter]:
    """Return the trainable weights suited to Muon: those of linear and convolution layers, without the head.

    The head is the last such layer. Grouped and depthwise convolutions are left out: their kernels are
    many small maps side by side, and orthogonalising the stack as one matrix would mix channels that never meet.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, _LAYERS) and layer.weight.requires_grad]
    return [cast(nn.Parameter, layer.weight) for layer in layers[:-1] if getattr(layer, "groups", 1) == 1]


class MuonWithAdamW(torch.optim.Optimizer):
    """One optimizer of two parameter groups: hidden weights by Muon, all other parameters by AdamW.

    Muon (Jordan and others 2024) moves a weight matrix along its orthogonalised momentum. Its steps are scaled to the
    size of AdamW's (Liu and others 2025, "Muon is scalable for LLM training"), so that one learning rate and one weight
    decay serve both groups.

    torch's Muon takes matrices only; it receives views that share the storage of the convolution kernels. Build it
    after the module has its device, type and memory layout, because changing these moves the storage.
    """

    def __init__(
        self,
        hidden: list[nn.Parameter],
        others: list[nn.Parameter],
        *,
        lr: float,
        weight_decay: float,
        momentum: float,
        betas: tuple[float, float],
        fused: bool | None,
    ) -> None:
        if not hidden or not others:
            raise UsageError("muon needs hidden layers to train and a head; train the whole model or choose adamw")
        super().__init__([{"params": hidden}, {"params": others}], {"lr": lr, "weight_decay": weight_decay})
        self._views = [matrix_view(weight.detach()) for weight in hidden]
        self._muon = torch.optim.Muon(
            self._views, lr=lr, weight_decay=weight_decay, momentum=momentum, adjust_lr_fn="match_rms_adamw"
        )
        self._adamw = torch.optim.AdamW(others, lr=lr, weight_decay=weight_decay, betas=betas, fused=fused)

    @property
    def parts(self) -> tuple[torch.optim.Optimizer, ...]:
        """The optimizers of the two groups."""
        return self._muon, self._adamw

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step with the rates in `param_groups`."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        hidden = self.param_groups[0]["params"]
        for weight, view in zip(hidden, self._views, strict=True):
            view.grad = None if weight.grad is None else _matrix_of_gradient(weight.grad, weight)
        for group, inner in zip(self.param_groups, self.parts, strict=True):
            inner.param_groups[0].update({key: group[key] for key in ("lr", "weight_decay")})
            inner.step()
        for view in self._views:
            view.grad = None
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both parts."""
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the states returned by `state_dict`."""
        self._muon.load_state_dict(state_dict["muon"])
        self._adamw.load_state_dict(state_dict["adamw"])
        for group, inner in zip(self.param_groups, self.parts, strict=True):
            group.update({key: inner.param_groups[0][key] for key in ("lr", "weight_decay")})


def split_parameters(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Split the trainable parameters of `module` into those for Muon and those for AdamW."""
    hidden = hidden_weights(module)
    return hidden, _without(module.parameters(), hidden)


def _without(parameters: Iterable[nn.Parameter], taken: list[nn.Parameter]) -> list[nn.Parameter]:
    names = {id(parameter) for parameter in taken}
    return [parameter for parameter in parameters if parameter.requires_grad and id(parameter) not in names]
