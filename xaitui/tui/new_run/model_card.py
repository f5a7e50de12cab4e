"""The card of a model: its size, its cost, its trainable part and its memory."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from xaitui.config.units import format_size
from xaitui.errors import XaituiError
from xaitui.tui.datasets.card import DEBOUNCE
from xaitui.tui.threads import in_thread, work
from xaitui.tui.widgets.facts import Fact, Facts, bar, problem
from xaitui.tui.widgets.picture import is_plain

if TYPE_CHECKING:
    from xaitui.config.schema import RunConfig
    from xaitui.models.estimate import Memory, ModelEstimate

_BAR = 16
"""Columns of the longest bar."""


@dataclass(frozen=True)
class _Input:
    """What a model sees."""

    classes: int
    channels: int
    side: int


@dataclass(frozen=True)
class _Measured:
    """A model and its images; `estimate` is None where it is not built here."""

    config: RunConfig
    input: _Input
    estimate: ModelEstimate | None


class ModelCard(VerticalScroll):
    """The model of a configuration."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._config: RunConfig | None = None

    def compose(self) -> ComposeResult:
        """One text."""
        yield Facts(label_width=15)

    def show(self, config: RunConfig) -> None:
        """Show the model of a configuration, once it has stood for a moment."""
        before, self._config = self._config, config
        if before is None or _seen_of(before) != _seen_of(config):
            self._measure(config)

    @work(exclusive=True, group="model-card")
    async def _measure(self, config: RunConfig) -> None:
        await asyncio.sleep(DEBOUNCE)
        facts = self.query_one(Facts)
        if "torch" not in sys.modules:
            facts.show(Fact("", "loading torch..."))
        try:
            measured = await in_thread(_measure, config)
        except (XaituiError, OSError) as error:
            facts.show(problem(error))
        else:
            facts.show(*_facts(measured, plain=is_plain(self.app)))


def _seen_of(config: RunConfig) -> tuple[object, ...]:
    """What of a configuration the card depends on."""
    return config.data, config.model, config.optimizer, config.training


def _measure(config: RunConfig) -> _Measured:
    """Build the model without its numbers; in a thread, for this loads torch."""
    from xaitui.catalog.models import check_model, is_own_model

    found = _input(config)
    check_model(config.model.name, found.side, found.channels)
    if is_own_model(config.model.name):
        return _Measured(config, found, None)
    from xaitui.models.estimate import estimate

    measured = estimate(config, classes=found.classes, channels=found.channels, image_size=found.side)
    return _Measured(config, found, measured)


def _input(config: RunConfig) -> _Input:
    from xaitui.catalog.datasets import check_size, dataset_info, is_own_data
    from xaitui.data.preview import preview

    data = config.data
    if is_own_data(data.dataset):
        seen = preview(data.dataset, size=data.size, image_size=data.image_size, per_class=0)
        info, size = seen.info, seen.size
    else:
        info = dataset_info(data.dataset)
        size = data.size or info.sizes[0]
        check_size(info, size)
    return _Input(len(info.classes), info.channels, data.image_size or size)


def _facts(measured: _Measured, *, plain: bool) -> Iterator[Fact]:
    from xaitui.catalog.models import model_info

    config, seen, estimate = measured.config, measured.input, measured.estimate
    channels = f"{seen.channels} channel{'s' if seen.channels > 1 else ''}"
    yield Fact("", config.model.name, "bold")
    yield Fact("", model_info(config.model.name).description)
    yield Fact("input", f"{seen.side} x {seen.side} px, {channels}, {seen.classes} classes")
    if estimate is None:
        yield Fact("own model", "built when the run starts, for its code runs then")
        return
    summary, batch = estimate.summary, config.training.assumed_batch_size
    everything = summary.trainable == summary.parameters
    yield Fact("parameters", f"{summary.parameters:,}")
    yield Fact("trained", "all of them" if everything else f"{summary.trainable:,} of them")
    yield Fact("frozen", estimate.frozen)
    yield Fact("multiply-adds", f"{summary.multiply_adds:,} for one image")
    example = "" if config.training.batch_size else ", for example"
    yield Fact("memory", f"about {format_size(estimate.memory.total)} to train with batches of {batch}{example}")
    yield from _memory_facts(estimate.memory, config.optimizer.name, plain=plain)
    yield from (Fact("note", note) for note in estimate.notes)


def _memory_facts(memory: Memory, optimizer: str, *, plain: bool) -> Iterator[Fact]:
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        optimizer: memory.optimizer,
        "activations": memory.activations,
    }
    most = max(*parts.values(), 1)
    for name, size in parts.items():
        yield Fact(f"  {name}", f"{format_size(size):>10}  ", bar=bar(size / most, _BAR, plain=plain))
