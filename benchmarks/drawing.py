"""What drawing the two plots of a live run costs: by library, by the place where it is done, in memory, in bytes sent.

Each measurement has a process of its own. The library: processor time of drawing two panels of two lines of 100 points
each, and resident memory over many drawings. The console: processor time of the event loop's thread for each redraw of
two `Plot` widgets in an app, with the drawing process and with the same drawing on the event loop itself; how late a
timer of 5 ms is meanwhile; and the bytes that a terminal would be sent.

plotext 5 is compared where a folder with it is given: `pip install --target FOLDER plotext==5.3.2`. Of it only the
lines are drawn, of plotext 6 the whole plot as the console shows it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import plotext
import psutil
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.screen import Screen

from benchmarks.conditions import conditions, write_result
from xaitui.plotting.drawer import Drawer
from xaitui.plotting.figure import Drawing, Figure, Line
from xaitui.tui.widgets.plot import Plot

SIZES = ((80, 24), (120, 40), (200, 60))
POINTS = 100
READ_AT = (200, 1000, 5000, 10000, 20000)
"""After how many drawings memory is read."""
PAUSE = 0.1
"""Seconds between two redraws; what the app does in them without a redraw is taken off."""
STYLES = Path(__file__).parents[1] / "xaitui" / "tui" / "live" / "enlarged_plot.tcss"

Values = list[float]


def falling(steps: int, seed: int) -> tuple[Values, Values]:
    """A noisy curve over so many steps, one mean a column as the console thins it."""
    noise = random.Random(seed)
    x = [steps * (number + 1) / POINTS for number in range(POINTS)]
    return x, [2.3 * math.exp(-value / 3000) + 0.1 * seed + 0.05 * noise.random() for value in x]


def panel(title: str, steps: int) -> Figure:
    """A panel of a run that has come so far."""
    lines = [Line(label, *falling(steps, seed), seed) for seed, label in enumerate(("train", "val"))]
    return Figure(title, tuple(lines), mark=steps / 2)


def panel_size(size: tuple[int, int]) -> tuple[int, int]:
    """Two panels, one above the other, with a line above and one below."""
    return size[0], (size[1] - 2) // 2


def drawer_6() -> Callable[[int, int, int], object]:
    """The whole plot, as the console draws it."""
    from xaitui.plotting.draw import draw

    return lambda steps, width, height: draw(panel("loss", steps), width, height)


def drawer_5() -> Callable[[int, int, int], object]:
    """The lines alone, by plotext 5."""

    def draw(steps: int, width: int, height: int) -> object:
        plotext.clear_figure()
        plotext.limit_size(False, False)
        plotext.plotsize(width, height)
        plotext.theme("clear")
        for switch in (plotext.xaxes, plotext.yaxes):
            switch(False, False)
        plotext.xfrequency(0)
        plotext.yfrequency(0)
        for seed in range(2):
            plotext.plot(*falling(steps, seed), marker="braille", color=16 + seed)
        return plotext.build()

    return draw


def measure_library(repeats: int, drawings: int) -> dict[str, Any]:
    """Processor time of two panels by size, and memory by number of drawings, of the plotext that is imported."""
    draw = drawer_5() if plotext.__version__.startswith("5") else drawer_6()
    draw(1000, 40, 10)
    times = {}
    for size in SIZES:
        took = []
        for number in range(repeats):
            began = time.process_time()
            for _ in range(2):
                draw(1000 + number, *panel_size(size))
            took.append(1000 * (time.process_time() - began))
        times[_name(size)] = round(statistics.median(took), 2)
    memory = {}
    for number in range(1, drawings + 1):
        draw(number, 60 + number % 3, 9)
        if number in READ_AT:
            memory[number] = round(psutil.Process().memory_info().rss / 2**20, 2)
    return {"version": plotext.__version__, "two_panels_cpu_ms": times, "resident_mib_after_drawings": memory}


class OnTheLoop(Drawer):
    """The same drawing without a process."""

    async def draw(self, figure: Figure, width: int, height: int) -> Drawing:
        """Draw here and now."""
        from xaitui.plotting.draw import draw

        return draw(figure, width, height)


class TwoPlots(App[None]):
    """Two plots, and a count of what a terminal would be sent."""

    CSS_PATH = STYLES
    drawer: Drawer
    sent = 0

    def compose(self) -> ComposeResult:
        """One above the other."""
        yield Plot()
        yield Plot()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate):
            self.sent += len(renderable.render_segments(self.console).encode())
        super()._display(screen, renderable)


async def measure_console(drawer: Drawer, size: tuple[int, int], redraws: int) -> dict[str, float]:
    """What a redraw of both plots costs the event loop of an app."""
    app = TwoPlots()
    app.drawer = drawer
    late: Values = []
    async with app.run_test(size=(size[0], size[1] - 2)):
        plots = list(app.query(Plot))
        await _redraw(plots, 1, 5)
        ticker = asyncio.create_task(_tick(late))
        idle = await _redraw([], 0, redraws)
        late.clear()
        app.sent = 0
        busy = await _redraw(plots, 50, redraws)
        ticker.cancel()
        sent = app.sent
    await drawer.close()
    return {
        "loop_cpu_ms_per_redraw": round(1000 * (busy - idle) / redraws, 2),
        "late_ms_p99": round(1000 * statistics.quantiles(late, n=100)[98], 1),
        "late_ms_max": round(1000 * max(late), 1),
        "bytes_per_redraw": round(sent / redraws),
    }


async def _redraw(plots: Sequence[Plot], first: int, redraws: int) -> float:
    """Seconds of the thread's processor time while a run goes on, its steps growing by 1/50 each time."""
    figures = [panel("loss", 20 * (number + 1)) for number in range(first, first + redraws)]
    began = time.thread_time()
    for figure in figures:
        for plot in plots:
            plot.show(figure)
        await asyncio.sleep(PAUSE)
    return time.thread_time() - began


async def _tick(late: Values) -> None:
    while True:
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        late.append(time.perf_counter() - due)


def _name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def child(what: str, args: argparse.Namespace) -> object:
    """One measurement, in a process of its own."""
    if what == "library":
        return measure_library(args.repeats, args.drawings)
    kind = {"process": Drawer, "loop": OnTheLoop}[what]
    return {_name(size): asyncio.run(measure_console(kind(), size, args.redraws)) for size in SIZES}


def run_child(what: str, args: argparse.Namespace, folder: str = "") -> Any:
    """Measure in a new process, with the packages of a folder before others."""
    numbers = [f"--{name}={getattr(args, name)}" for name in ("repeats", "drawings", "redraws")]
    line = [sys.executable, "-m", "benchmarks.drawing", f"--child={what}", *numbers]
    paths = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(line, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def report(libraries: Sequence[Mapping[str, Any]], console: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Print the figures."""
    sizes = [_name(size) for size in SIZES]
    print(f"{'two panels, processor ms':<34}" + "".join(f"{size:>10}" for size in sizes))
    for library in libraries:
        print(f"plotext {library['version']:<26}" + "".join(f"{library['two_panels_cpu_ms'][s]:>10}" for s in sizes))
    for key in next(iter(next(iter(console.values())).values())):
        for way, figures in console.items():
            print(f"{key + ', ' + way:<34}" + "".join(f"{figures[size][key]:>10}" for size in sizes))
    for library in libraries:
        print(f"MiB after drawings, plotext {library['version']}: {library['resident_mib_after_drawings']}")


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--drawings", type=int, default=max(READ_AT))
    parser.add_argument("--redraws", type=int, default=60)
    parser.add_argument("--plotext5", metavar="FOLDER", default="")
    parser.add_argument("--child", choices=("library", "process", "loop"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        json.dump(child(args.child, args), sys.stdout)
        return
    libraries = [run_child("library", args, folder) for folder in ("", args.plotext5)[: 2 if args.plotext5 else 1]]
    console = {way: run_child(way, args) for way in ("process", "loop")}
    report(libraries, console)
    figures = {"points_per_line": POINTS, "redraws": args.redraws, "libraries": libraries, "console": console}
    print(f"written to {write_result('drawing', {**conditions(['plotext', 'textual', 'rich']), **figures})}")


if __name__ == "__main__":
    main()
