"""The devices on the screen. The driver is a fake one; processors and memory are those of this machine."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pynvml
import pytest

from tests.fake_nvml import GIB, FakeGpu, FakeNvml
from tests.tui.console_pilot import open_console, screen_rows, screen_text, until
from xaitui.hardware.sample import GpuSample, HostSample, Sample
from xaitui.tui.gpu import panel as gpu_panel
from xaitui.tui.gpu.panel import GpuPanel
from xaitui.tui.gpu.rows import ASCII, BLOCKS, Cells, rows
from xaitui.tui.gpu.screen import GpuScreen

H100 = GpuSample(
    0,
    "GPU-1111",
    "NVIDIA H100 80GB HBM3",
    hidden=False,
    mig=False,
    utilisation=87,
    memory_used=13 * GIB,
    memory_total=80 * GIB,
    ours=10 * GIB,
    others=2 * GIB,
    temperature=61,
    power=312.0,
    power_limit=700.0,
    clock=1755,
    clock_max=1980,
)
DIVIDED = GpuSample(
    1, "GPU-2222", "NVIDIA A100-SXM4-40GB", hidden=True, mig=True, memory_used=GIB, memory_total=40 * GIB
)
HOST = HostSample((100.0, 0.0, 50.0, 50.0), 6 * GIB, 24 * GIB, (2.0, 1.0, 0.5), 101.0, GIB)


def history(*gpus: GpuSample, problem: str = "", host: HostSample = HOST) -> list[Sample]:
    """Two samples, of which the first found the GPUs idle."""
    idle = tuple(dataclasses.replace(gpu, utilisation=None if gpu.utilisation is None else 0) for gpu in gpus)
    return [Sample(1.0, host, idle, problem), Sample(2.0, host, gpus, problem)]


def draw(samples: list[Sample], width: int, height: int, cells: Cells = BLOCKS) -> list[str]:
    lines = rows(samples, width, height, cells)
    assert len(lines) <= height
    assert all(line.cell_length <= width for line in lines)
    return [line.plain.rstrip() for line in lines]


def test_with_room_every_value_is_a_bar_a_text_and_a_history() -> None:
    lines = draw(history(H100), 70, 20)
    assert lines[0] == "[0] NVIDIA H100 80GB HBM3"
    assert lines[1] == f" utilisation {'▇' * 16}░░ 87 %{'▁▇':>34}"
    texts = ["87 %", "13.0/80.0 GiB", "10.0 GiB", "2.0 GiB", "61 C", "312/700 W", "1755/1980 MHz"]
    assert [line[32:52].rstrip() for line in lines[1:8]] == texts
    assert lines[8:10] == ["", "this machine"]
    assert lines[10].split() == ["processors", "▇" * 9 + "░" * 9, "50", "%", "of", "4", "cores", "▅▅"]
    assert lines[11] == " each core   █▁▅▅"
    assert [line.split()[0] for line in lines[12:]] == ["load", "memory", "ours", "our"]


def test_a_device_is_one_line_where_there_is_little_room() -> None:
    assert draw(history(H100), 80, 3) == [
        "[0] H100 ▇▇▇▇▇▇▇░  87 %  mem 13.0/80.0 GiB (ours 10.0)  61 C  312/700 W       ▁▇",
        "cpu ▇▇▇▇░░░░ 50 % of 4 cores  load 2.00 1.00 0.50  ours 101 % of a core       ▅▅",
        "mem ▇▇░░░░░░ 6.0/24.0 GiB  ours 1.0 GiB" + f"{'▃▃':>41}",
    ]
    assert len(draw(history(H100), 80, 1)) == 1


def test_what_is_not_told_is_na_and_has_no_bar_and_no_history() -> None:
    lines = draw(history(H100, DIVIDED), 80, 24)
    start = lines.index("[1] NVIDIA A100-SXM4-40GB  hidden by CUDA_VISIBLE_DEVICES, MIG")
    shown = {line[:13].strip(): line[13:].split() for line in lines[start + 1 : start + 8]}
    assert shown.pop("memory")[1:3] == ["1.0/40.0", "GiB"]
    assert list(shown) == ["utilisation", "ours", "others", "temperature", "power", "clock"]
    assert all(words == ["N/A"] for words in shown.values())
    assert (
        "[1] A100-SXM4-40GB hidden MIG            N/A  mem 1.0/40.0 GiB (ours N/A)"
        in draw(history(H100, DIVIDED), 80, 4)[1]
    )


@pytest.mark.parametrize("width", [1, 30, 60, 200])
@pytest.mark.parametrize("count", [0, 1, 2, 8])
def test_it_never_passes_the_room_there_is_and_shows_more_in_more(count: int, width: int) -> None:
    gpus = (dataclasses.replace(H100, index=index, uuid=f"GPU-{index}") for index in range(count))
    samples = history(*gpus, problem="" if count else "no NVIDIA driver")
    heights = [len(draw(samples, width, height)) for height in range(1, 90)]
    assert heights[0] == 1
    assert heights[-1] > heights[2]


def test_devices_that_have_no_room_are_counted() -> None:
    samples = history(*(dataclasses.replace(H100, index=index, uuid=f"GPU-{index}") for index in range(8)))
    assert draw(samples, 80, 4)[3] == "and 5 more"
    assert len(draw(samples, 80, 8)) == 8


def test_without_a_driver_the_processors_and_the_reason_are_shown() -> None:
    lines = draw(history(problem="no NVIDIA driver (gone\x1b[2J)"), 80, 20)
    assert lines[0] == r"no NVIDIA driver (gone\x1b[2J)"
    assert [line.split()[0] for line in lines[3:]] == ["processors", "each", "load", "memory", "ours", "our"]
    assert [line[:3] for line in draw(history(problem="no NVIDIA driver"), 80, 3)] == ["no ", "cpu", "mem"]


def test_many_cores_take_several_lines() -> None:
    host = dataclasses.replace(HOST, cores=(100.0,) * 100)
    lines = draw(history(host=host), 63, 20)
    start = next(number for number, line in enumerate(lines) if line.startswith(" each core"))
    assert "".join(lines[start : start + 2]).count("█") == 100


def test_ascii_is_all_that_is_drawn_where_it_was_asked_for() -> None:
    for height in (3, 24):
        text = "\n".join(draw(history(H100, DIVIDED), 80, height, ASCII))
        assert text.isascii()
        assert "###" in text


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeNvml]:
    """Looks without delay, at GPUs that are given."""
    monkeypatch.setattr(gpu_panel, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr("xaitui.hardware.sampler.FIRST_SECONDS", 0.0)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return lambda *gpus: FakeNvml(gpus).install(monkeypatch)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (160, 48)])
async def test_the_screen_shows_our_share_of_each_device(
    size: tuple[int, int], prompt: Callable[..., FakeNvml], runs_dir: Path
) -> None:
    fake = prompt(FakeGpu(compute=((os.getpid(), 10 * GIB), (1, 2 * GIB))))
    async with open_console(runs_dir, size) as (app, pilot):
        await pilot.press("G")
        await until(app, lambda: "this machine" in screen_text(app))
        shown = screen_rows(app)
        assert shown[0].strip().startswith("devices of ")
        assert shown[1].strip() == "[0] NVIDIA H100 80GB HBM3"
        assert any(row.split()[0] == "ours" and "10.0 GiB" in row for row in shown[2:9])
        assert any(row.split()[0] == "others" and "2.0 GiB" in row for row in shown[2:9])
        await pilot.press("escape")
        await until(app, lambda: not isinstance(app.screen, GpuScreen))
        assert fake.opened == 1
    assert fake.opened == 0


async def test_a_driver_that_goes_away_is_said_on_the_screen(
    prompt: Callable[..., FakeNvml], runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xaitui.hardware.sampler.Sampler.__init__.__defaults__", (frozenset, 0.02))
    fake = prompt(FakeGpu())
    async with open_console(runs_dir, (80, 24), ascii=True) as (app, _):
        app.push_screen(GpuScreen())
        await until(app, lambda: "[0] NVIDIA H100" in screen_text(app))
        assert screen_text(app).isascii()
        fake.error = pynvml.NVMLError_DriverNotLoaded()
        await until(app, lambda: "the NVIDIA driver went away (Driver Not Loaded)" in screen_text(app))
        assert "this machine" in screen_text(app)


async def test_a_sample_is_drawn_once(prompt: Callable[..., FakeNvml], runs_dir: Path) -> None:
    prompt(FakeGpu())
    async with open_console(runs_dir, (80, 24)) as (app, _):
        app.push_screen(GpuScreen())
        await until(app, lambda: "this machine" in screen_text(app))
        panel = app.screen.query_one(GpuPanel)
        app.sampler.stop()
        panel.look()
        drawn: list[bool] = []
        panel.refresh = lambda *regions, **options: drawn.append(True)  # type: ignore[assignment, method-assign]
        panel.look()
        assert drawn == []
