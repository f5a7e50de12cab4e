"""`xaitui gpu`: what GPUs, processors and memory do, as a table or for scripts."""

from __future__ import annotations

import contextlib
import json as json_module
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from xaitui.cli.arguments import RunsDir
from xaitui.cli.output.streams import put
from xaitui.config.units import format_size
from xaitui.hardware import wording
from xaitui.hardware.sample import GpuSample, HostSample, Sample
from xaitui.hardware.sampler import FIRST_SECONDS, Reader
from xaitui.runs.find import writers
from xaitui.runs.folder import runs_folder
from xaitui.text import printable

INTERVAL = 1.0
NAME_WIDTH = 17
WIDTH = 79


def command(
    once: Annotated[bool, typer.Option("--once", help="One sample; so it is without a terminal too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a sample; null is what is not told.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval", min=0.1, max=3600, help="Seconds between samples, 1 by default; asks for more than one."
        ),
    ] = None,
    runs_dir: RunsDir = None,
) -> int:
    """Show utilisation, memory, temperature, power and clocks of each GPU, and what the machine does besides."""
    folder = runs_folder(runs_dir)
    forever = not once and (interval is not None or sys.stdout.isatty())
    with contextlib.closing(Reader(lambda: writers(folder))) as reader:
        time.sleep(FIRST_SECONDS)
        _show(reader.read(), json=json)
        while forever:
            time.sleep(interval or INTERVAL)
            if not json:
                put("")
            _show(reader.read(), json=json)
    return 0


def _show(sample: Sample, *, json: bool) -> None:
    for line in [json_module.dumps(asdict(sample), allow_nan=False)] if json else table(sample):
        put(line)


def table(sample: Sample) -> Iterator[str]:
    """The lines of a sample, within 80 columns."""
    yield from _host(sample.host)
    if sample.gpus:
        yield _row("GPU", "NAME", "UTIL", "MEMORY GiB", "OURS", "OTHERS", "TEMP", "POWER W", "CLOCK MHz")
    for gpu in sample.gpus:
        yield _gpu(gpu)
    for gpu in sample.gpus:
        if marks := wording.marks(gpu):
            yield f"[{gpu.index}] {printable(marks)}"[:WIDTH]
    if sample.problem:
        yield printable(sample.problem)[:WIDTH]


def _host(host: HostSample) -> Iterator[str]:
    ours = f"{wording.percent(host.our_processor)} of a core, {format_size(host.our_memory)}"
    yield f"processors  {wording.percent(host.processor)} of {wording.cores(host)}, load {wording.load(host)}"
    yield f"memory      {wording.memory(host)} GiB"
    yield f"ours        {ours}: this program and its runs"


def _gpu(gpu: GpuSample) -> str:
    return _row(
        f"[{gpu.index}]",
        printable(gpu.name).removeprefix("NVIDIA ")[:NAME_WIDTH],
        wording.percent(gpu.utilisation),
        wording.memory(gpu),
        wording.gibibytes(gpu.ours),
        wording.gibibytes(gpu.others),
        wording.temperature(gpu),
        wording.power(gpu),
        wording.clock(gpu),
    )


def _row(index: str, name: str, *values: str) -> str:
    widths = (5, 11, 5, 6, 5, 7, 9)
    cells = [f"{value:>{width}}" for value, width in zip(values, widths, strict=True)]
    return " ".join([f"{index:<4}", f"{name:<{NAME_WIDTH}}", *cells])
