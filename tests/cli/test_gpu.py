from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pynvml
import pytest

from tests.fake_nvml import GIB, FakeGpu, FakeNvml
from tests.run_commands import made_set, start
from xaitui.cli import gpu as module
from xaitui.cli.app import run
from xaitui.runs.find import writers
from xaitui.runs.lock import owning


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def gpu(*words: str) -> int:
    """The exit code of the command, which opens no console."""
    return run(["gpu", *words], lambda options, first: pytest.fail("a console was opened"))


def two_gpus(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """One that tells everything, and a divided one that tells little and is hidden."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1")
    missing = pynvml.NVMLError_NotSupported()
    divided = FakeGpu(
        "GPU-2222",
        "Tesla V100-SXM2-32GB-LS\x1b[2J",
        mig=[1, 1],
        power=missing,
        clock=missing,
        compute=missing,
        temperature=missing,
        memory=missing,
    )
    return FakeNvml([FakeGpu(compute=((os.getpid(), 10 * GIB), (1, 2 * GIB))), divided]).install(monkeypatch)


def test_without_a_driver_it_shows_the_processors_and_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_library() -> None:
        raise pynvml.NVMLError_LibraryNotFound

    monkeypatch.setattr(pynvml, "nvmlInit", no_library)
    assert gpu() == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"processors  \d+ % of \d+ cores?, load \d+\.\d\d \d+\.\d\d \d+\.\d\d", lines[0])
    assert re.fullmatch(r"memory      [\d.]+/[\d.]+ GiB", lines[1])
    assert re.fullmatch(r"ours        \d+ % of a core, [\d.]+ [MG]iB: this program and its runs", lines[2])
    assert lines[3:] == ["no NVIDIA driver (NVML Shared Library Not Found)"]


def test_a_table_of_80_columns_with_na_for_what_is_not_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = two_gpus(monkeypatch)
    assert gpu("--once") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert " ".join(lines[3].split()) == "GPU NAME UTIL MEMORY GiB OURS OTHERS TEMP POWER W CLOCK MHz"
    assert " ".join(lines[4].split()) == "[0] H100 80GB HBM3 87 % 13.0/80.0 10.0 2.0 61 C 312/700 1755/1980"
    assert " ".join(lines[5].split()).endswith(" N/A N/A N/A N/A N/A N/A/700 N/A/1980")
    assert lines[6:] == ["[1] hidden by CUDA_VISIBLE_DEVICES, MIG"]
    assert max(map(len, lines)) < 80
    assert "\x1b" not in captured.out
    assert fake.opened == 0


def test_an_object_a_sample_for_scripts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    two_gpus(monkeypatch)
    assert gpu("--once", "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    (line,) = captured.out.splitlines()
    sample = json.loads(line)
    assert sample.keys() == {"time", "host", "gpus", "problem"}
    first, second = sample["gpus"]
    assert (first["utilisation"], first["memory_used"], first["ours"], first["hidden"]) == (
        87,
        13 * GIB,
        10 * GIB,
        False,
    )
    assert (second["utilisation"], second["memory_used"], second["hidden"], second["mig"]) == (None, None, True, True)
    assert sample["host"]["cores"]


def test_an_interval_asks_for_samples_until_it_is_interrupted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("xaitui.cli.gpu.time.sleep", pause)
    assert gpu("--json", "--interval", "0.5") == 130
    assert pauses == [0.0, 0.5, 0.5, 0.5]
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_run_that_is_going_is_ours(tmp_path: Path, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=str(made_set(tmp_path / "set.npz")), training__epochs=1)
    assert writers(runs_dir) == set()
    with owning(execution.run.lock, execution.run.heartbeat):
        assert writers(runs_dir) == {os.getpid()}
    assert writers(runs_dir) == set()


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf", "often"])
def test_an_interval_that_is_none_is_refused(interval: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu("--interval", interval) == 2
    assert capsys.readouterr().err.startswith("xaitui: Invalid value for '--interval'")
