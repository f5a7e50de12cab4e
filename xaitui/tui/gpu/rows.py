"""The rows of the GPU panel: as much about each device as there is room for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from textual.content import Content

from xaitui.config.units import format_size
from xaitui.hardware import wording
from xaitui.hardware.sample import GpuSample, HostSample, Sample
from xaitui.hardware.wording import share, with_unit
from xaitui.text import printable
from xaitui.tui.palette import MUTED

T = TypeVar("T", GpuSample, HostSample)


@dataclass(frozen=True)
class Cells:
    """What bars and histories are made of."""

    full: str
    empty: str
    levels: str
    """From nothing to all, one for each step."""


BLOCKS = Cells("▇", "░", "▁▂▃▄▅▆▇█")
ASCII = Cells("#", ".", ".:-=+*#")


@dataclass(frozen=True)
class Metric(Generic[T]):
    """Something that is shown as a bar, a text and a history."""

    label: str
    share: Callable[[T], float | None]
    """From 0 to 1; None where it is not told."""
    text: Callable[[T], str]


GPU_METRICS: tuple[Metric[GpuSample], ...] = (
    Metric("utilisation", lambda gpu: share(gpu.utilisation, 100), lambda gpu: wording.percent(gpu.utilisation)),
    Metric(
        "memory",
        lambda gpu: share(gpu.memory_used, gpu.memory_total),
        lambda gpu: with_unit(wording.memory(gpu), "GiB"),
    ),
    Metric(
        "ours", lambda gpu: share(gpu.ours, gpu.memory_total), lambda gpu: with_unit(wording.gibibytes(gpu.ours), "GiB")
    ),
    Metric(
        "others",
        lambda gpu: share(gpu.others, gpu.memory_total),
        lambda gpu: with_unit(wording.gibibytes(gpu.others), "GiB"),
    ),
    Metric("temperature", lambda gpu: share(gpu.temperature, 100), wording.temperature),
    Metric("power", lambda gpu: share(gpu.power, gpu.power_limit), lambda gpu: with_unit(wording.power(gpu), "W")),
    Metric("clock", lambda gpu: share(gpu.clock, gpu.clock_max), lambda gpu: with_unit(wording.clock(gpu), "MHz")),
)

HOST_METRICS: tuple[Metric[HostSample], ...] = (
    Metric(
        "processors",
        lambda host: share(host.processor, 100),
        lambda host: f"{wording.percent(host.processor)} of {wording.cores(host)}",
    ),
    Metric("load", lambda host: share(host.load and host.load[0], len(host.cores)), wording.load),
    Metric(
        "memory",
        lambda host: share(host.memory_used, host.memory_total),
        lambda host: with_unit(wording.memory(host), "GiB"),
    ),
    Metric(
        "ours",
        lambda host: share(host.our_processor, 100 * len(host.cores)),
        lambda host: f"{wording.percent(host.our_processor)} of a core",
    ),
    Metric(
        "our memory", lambda host: share(host.our_memory, host.memory_total), lambda host: format_size(host.our_memory)
    ),
)

FULL, SHORT, LINE, NOTHING = 3, 2, 1, 0
_CHOICES = ((FULL, FULL), (FULL, LINE), (SHORT, FULL), (SHORT, LINE), (LINE, FULL), (LINE, LINE), (LINE, NOTHING))
"""How much is shown of each GPU and of the machine: the first that fits is taken."""

_MODEL = 16
_LABEL = 13
_TEXT = 21
"""Cells of a model in a line, of a label, of a text."""


def rows(history: Sequence[Sample], width: int, height: int, cells: Cells = BLOCKS) -> list[Content]:
    """The newest of some samples and how they went, in at most `height` rows of at most `width` cells."""
    now = history[-1]
    painter = _Painter(history, width, cells)
    for of_gpus, of_host in _CHOICES:
        blocks = [[painter.problem()]] if now.problem else []
        blocks += [painter.gpu(gpu, of_gpus) for gpu in now.gpus]
        blocks += [painter.host(of_host)] if of_host else []
        if sum(map(len, blocks)) <= height:
            break
    apart = sum(map(len, blocks)) + len(blocks) - 1 <= height and of_gpus != LINE
    lines = [line for block in blocks for line in ([Content("")] if apart else []) + block][apart:]
    if len(lines) > height > 0:
        lines[height - 1 :] = [Content.styled(f"and {len(lines) - height + 1} more", MUTED)]
    return [line.truncate(width) for line in lines[:height]]


class _Painter:
    def __init__(self, history: Sequence[Sample], width: int, cells: Cells) -> None:
        self._history = history
        self._now = history[-1]
        self._width = width
        self._cells = cells

    def problem(self) -> Content:
        return Content.styled(printable(self._now.problem), "$text-warning")

    def gpu(self, gpu: GpuSample, detail: int) -> list[Content]:
        """One GPU in one row, in three, or in a row for each of its values."""
        past = [each for sample in self._history for each in sample.gpus if each.uuid == gpu.uuid]
        if detail == LINE:
            return [self._gpu_line(gpu, past)]
        name, marks = f"[{gpu.index}] {printable(gpu.name)}", printable(wording.marks(gpu))
        if detail == FULL:
            block = [_title([name, marks]), *(self._metric(metric, gpu, past) for metric in GPU_METRICS)]
        else:
            busy, memory, ours, _, *others = GPU_METRICS
            title = [name, marks, f"ours {ours.text(gpu)}", *(metric.text(gpu) for metric in others)]
            block = [_title(title), self._metric(busy, gpu, past), self._metric(memory, gpu, past)]
        return [line.stylize("dim") for line in block] if gpu.hidden else block

    def _gpu_line(self, gpu: GpuSample, past: Sequence[GpuSample]) -> Content:
        busy, memory, _, _, *others = GPU_METRICS
        texts = [f"mem {memory.text(gpu)} (ours {wording.gibibytes(gpu.ours)})", *(each.text(gpu) for each in others)]
        head = max((len(_head(each)) for each in self._now.gpus), default=0)
        line = self._line(f"{_head(gpu):<{head}}", busy, gpu, past, [printable(gpu.problem)] if gpu.problem else texts)
        return line.stylize("dim") if gpu.hidden else line

    def _line(self, head: str, metric: Metric[T], value: T, past: Sequence[T], texts: Sequence[str]) -> Content:
        """A bar of one metric, the texts that have room, and a history in what is left."""
        parts = [(f"{head} ", ""), *self._bar(metric.share(value), 8), (f" {metric.text(value):>5}", "")]
        left = self._width - sum(len(text) for text, _ in parts)
        for text in texts:
            if len(text) + 2 > left:
                break
            parts.append((f"  {text}", ""))
            left -= len(text) + 2
        if left > 4:
            parts += [("  ", ""), self._spark([metric.share(each) for each in past], left - 2)]
        return Content.assemble(*parts)

    def host(self, detail: int) -> list[Content]:
        """The machine in two rows, or in a row for each of its values and some for its cores."""
        host, past = self._now.host, [sample.host for sample in self._history]
        if detail == LINE:
            processors, load, memory, ours, our_memory = HOST_METRICS
            return [
                self._line("cpu", processors, host, past, [f"load {load.text(host)}", f"ours {ours.text(host)}"]),
                self._line("mem", memory, host, past, [f"ours {our_memory.text(host)}"]),
            ]
        metrics = [self._metric(metric, host, past) for metric in HOST_METRICS]
        return [_title(["this machine"]), metrics[0], *self._cores(host), *metrics[1:]]

    def _cores(self, host: HostSample) -> list[Content]:
        """A cell for each core."""
        room = max(1, self._width - _LABEL)
        levels = "".join(self._level(percent / 100) for percent in host.cores)
        lines = [levels[start : start + room] for start in range(0, len(levels), room)]
        labels = ["each core", *[""] * len(lines)]
        return [
            Content.assemble((f" {label:<{_LABEL - 1}}", MUTED), (line, "$primary"))
            for label, line in zip(labels, lines, strict=False)
        ]

    def _metric(self, metric: Metric[T], value: T, past: Sequence[T]) -> Content:
        """A row of a label, a bar, a text and a history."""
        room = max(0, self._width - _LABEL - _TEXT)
        bar = min(40, room // 2)
        return Content.assemble(
            (f" {metric.label:<{_LABEL - 1}}", MUTED),
            *self._bar(metric.share(value), bar),
            f" {metric.text(value):<{_TEXT - 1}}",
            self._spark([metric.share(each) for each in past], room - bar),
        )

    def _bar(self, part: float | None, width: int) -> list[tuple[str, str]]:
        """A bar; one without a value is empty, and without a track."""
        if part is None:
            return [(" " * width, "")]
        filled = min(width, max(round(part * width), int(part > 0)))
        return [(self._cells.full * filled, "$primary"), (self._cells.empty * (width - filled), "$foreground 25%")]

    def _spark(self, parts: Sequence[float | None], width: int) -> tuple[str, str]:
        """The last values, the newest at the right; what is not told is a gap."""
        recent = parts[-width:] if width > 0 else ()
        return "".join(map(self._level, recent)).rjust(width), "$secondary"

    def _level(self, part: float | None) -> str:
        levels = self._cells.levels
        return " " if part is None else levels[min(len(levels) - 1, int(part * len(levels)))]


def _head(gpu: GpuSample) -> str:
    """Number, model and marks of a GPU in few letters: what follows the size of its memory says little."""
    words = printable(gpu.name).removeprefix("NVIDIA ").split() or ["GPU"]
    model = " ".join(itertools.takewhile(lambda word: not word.endswith("GB"), words)) or words[0]
    hidden = {True: " hidden", None: " hidden?", False: ""}[gpu.hidden]
    return f"[{gpu.index}] {model[:_MODEL]}{hidden}{' MIG' if gpu.mig else ''}"


def _title(parts: Sequence[str]) -> Content:
    first, *rest = [part for part in parts if part]
    return Content.assemble((first, "bold"), *((f"  {text}", MUTED) for text in rest))
