"""The model randomisation test: a map must change when the weights are replaced by random ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from xaitui.explain.trust.degenerate import problems_of
from xaitui.explain.trust.judged_images import Explain, Subjects
from xaitui.metrics.rank_correlation import rank_correlation
from xaitui.metrics.statistics import spread
from xaitui.seeds import derive_seed

RANDOMISED_IMAGES = 8
"""Enough to tell whether maps change; each stage costs as much as explaining them."""
STAGES = 8
"""How often maps are made again at most; deeper networks lose several layers at a time."""
PASSES_BELOW, PARTLY_BELOW = 0.2, 0.5
"""Rank correlations at the end: Adebayo and others give plots and no threshold, so these are our own."""
WINDOW = 5
"""Side of the window of SSIM, as in the code of Adebayo and others; small maps take 3."""

Outcome = Literal["passes", "falls partly", "fails", "cannot be told"]
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True)
class Randomisation:
    """How like their originals the maps are, as more and more layers are drawn anew: means over the images."""

    images: int
    layers: tuple[str, ...]
    """The last layer, seen from the output, that has been drawn anew at each stage; all are, at the last one."""
    spearman_abs: tuple[float, ...]
    """Rank correlation of the sizes, stage by stage; NaN where no map says anything."""
    spearman_signed: tuple[float, ...]
    ssim: tuple[float, ...]
    """Structural similarity of the sizes, each map scaled to at most 1."""

    @property
    def outcome(self) -> Outcome:
        """What the rank correlation of the sizes at the last stage says."""
        if not self.layers or math.isnan(self.spearman_abs[-1]):
            return "cannot be told"
        last = abs(self.spearman_abs[-1])
        if last < PASSES_BELOW:
            return "passes"
        return "falls partly" if last < PARTLY_BELOW else "fails"

    @property
    def passes(self) -> bool:
        """Whether the maps of a network of random weights have nothing of the original ones."""
        return self.outcome == "passes"

    @property
    def reason(self) -> str:
        """One line for people."""
        if self.outcome == "cannot be told":
            return "with random weights no map says anything" if self.layers else "the model has no weights"
        return f"with random weights the maps keep a rank correlation of {self.spearman_abs[-1]:.2f} to their own"

    @property
    def badge(self) -> str:
        """What must stand beside every map of the method; empty where it passes."""
        said = {
            "fails": "fails the model randomisation test",
            "falls partly": "passes model randomisation only in part",
        }
        return said.get(self.outcome, "")

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not known is None."""
        series = {
            name: [None if math.isnan(value) else value for value in getattr(self, name)]
            for name in ("spearman_abs", "spearman_signed", "ssim")
        }
        said = {"passes": self.passes, "outcome": self.outcome, "reason": self.reason}
        return {**asdict(self), "layers": list(self.layers), **series, **said}


def randomise(module: nn.Module, explain_with: Callable[[nn.Module], Explain], subjects: Subjects) -> Randomisation:
    """Explain again while the layers lose their weights one after another, from the output to the input.

    The cascading randomisation of Adebayo and others (2018, https://arxiv.org/abs/1810.03292), on a copy of the module.
    A layer that knows no `reset_parameters` has its values shuffled.

    Args:
        module: in evaluation mode; it is left as it is.
        explain_with: gives a method on another module of the same layers.
        subjects: their `model` is not asked, for each stage has its own.
    """
    original = _explained(explain_with(module), subjects)
    shaken = copy.deepcopy(module)
    names, likenesses = [], []
    for stage in _stages(shaken, subjects.inputs[:1]):
        for name in stage:
            _draw_anew(shaken.get_submodule(name), derive_seed(subjects.seed, "randomise", name))
        names.append(stage[-1] or "(the model itself)")
        likenesses.append(_likeness(original, _explained(explain_with(shaken), subjects)))
    by_kind = tuple(zip(*likenesses, strict=True)) or ((), (), ())
    return Randomisation(len(subjects), tuple(names), *by_kind)


def _explained(explain: Explain, subjects: Subjects) -> NDArray[np.float32]:
    """The maps (N, H, W) of one stage, made batch by batch."""
    maps = [subjects.tensor(explain(group.inputs, group.targets)) for _, group in subjects.groups(1)]
    found: NDArray[np.float32] = torch.cat(maps).cpu().numpy()
    return found


def _stages(module: nn.Module, sample: Tensor) -> Iterator[list[str]]:
    """Paths of the layers with weights, from the output to the input, in at most `STAGES` parts."""
    groups = _groups(module, sample)[::-1]
    for part in np.array_split(np.arange(len(groups)), min(STAGES, len(groups)) or 1):
        if len(part):
            yield [name for place in part for name in groups[place]]


def _groups(module: nn.Module, sample: Tensor) -> list[list[str]]:
    """The layers with weights in the order of their calls, each with the normalisation that follows it."""
    groups: list[list[str]] = []
    for name in _calls(module, sample):
        if groups and isinstance(module.get_submodule(name), _NORMS):
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def _calls(module: nn.Module, sample: Tensor) -> Sequence[str]:
    """Paths of the modules that own parameters, in the order in which a pass comes to them for the last time.

    Those that are never called, such as parts of an attention that hand over their weights only, stand at the end.
    """
    calls: list[str] = []
    owners = {
        name: part for name, part in module.named_modules() if next(part.parameters(recurse=False), None) is not None
    }

    def note(name: str) -> Callable[..., None]:
        return lambda *_: calls.append(name)

    handles = [part.register_forward_pre_hook(note(name)) for name, part in owners.items()]
    try:
        with torch.no_grad():
            module(sample)
    finally:
        for handle in handles:
            handle.remove()
    called = list(dict.fromkeys(reversed(calls)))[::-1]
    return [*called, *(name for name in owners if name not in calls)]


def _draw_anew(layer: nn.Module, seed: int) -> None:
    """Give a layer the weights of a new one; the generators of torch are put back."""
    weights = list(layer.parameters(recurse=False))
    devices = {weight.device.index or 0 for weight in weights if weight.device.type == "cuda"}
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(seed)
        if callable(reset := getattr(layer, "reset_parameters", None)):
            reset()
            return
        for weight in weights:
            order = torch.randperm(weight.numel(), device=weight.device)
            weight.copy_(weight.flatten()[order].view_as(weight))


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float, float]:
    """Means over the images of the rank correlation of sizes and of signed values, and of SSIM, of maps (N, H, W)."""
    told = [not (a or b) for a, b in zip(problems_of(one), problems_of(other), strict=True)]
    if not any(told):
        return math.nan, math.nan, math.nan
    one, other = one[told], other[told]
    sizes = np.abs(one), np.abs(other)
    likenesses = (
        rank_correlation(*sizes).tolist(),
        rank_correlation(one, other).tolist(),
        [structure(a, b) for a, b in zip(*sizes, strict=True)],
    )
    by_size, signed, ssim = (spread(each).mean for each in likenesses)
    return by_size, signed, ssim


def structure(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """SSIM of two maps of sizes; NaN where they are smaller than its window."""
    window = WINDOW if min(one.shape) >= WINDOW else 3
    if min(one.shape) < window:
        return math.nan
    return float(structural_similarity(one / one.max(), other / other.max(), win_size=window, data_range=1.0))
