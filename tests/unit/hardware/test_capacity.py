"""Limits of containers and jobs, in made trees of control groups of both versions."""

from __future__ import annotations

import math
from pathlib import Path

import psutil
import pytest

from xaitui.hardware.capacity import ControlGroups, available_memory, default_threads, usable_cores

V1 = "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n1:name=systemd:/x\n"
NO_LIMIT = "9223372036854771712\n"


def groups(folder: Path, own: str, files: dict[str, str]) -> ControlGroups:
    (folder / "own").write_text(own)
    for name, text in files.items():
        path = folder / "mounted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ControlGroups(folder / "own", folder / "mounted")


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "800000 100000\n"}, 4),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("0::/not/seen/from/here\n", {"cpu.max": "200000 100000\n"}, 2),
        (V1 + "0::/\n", {"unified/cpu.max": "300000 100000"}, 3),
        (
            V1,
            {"cpu,cpuacct/docker/a/cpu.cfs_quota_us": "250000", "cpu,cpuacct/docker/a/cpu.cfs_period_us": "1000"},
            250,
        ),
        (V1, {"cpu/cpu.cfs_quota_us": "250000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.5),
        (V1, {"cpu/docker/a/cpu.cfs_quota_us": "-1\n", "cpu/docker/a/cpu.cfs_period_us": "100000\n"}, math.inf),
        ("0::/a\n", {"other/cpu.max": "100000 100000"}, math.inf),
        ("", {}, math.inf),
    ],
)
def test_the_smallest_quota_up_to_the_root_counts(
    own: str, files: dict[str, str], cores: float, tmp_path: Path
) -> None:
    assert groups(tmp_path, own, files).cores() == cores


@pytest.mark.parametrize(
    ("own", "files", "left"),
    [
        ("0::/\n", {"memory.max": "1000\n", "memory.current": "300\n"}, 700),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "300\n"}, math.inf),
        ("0::/a\n", {"a/memory.max": "max\n", "a/memory.current": "5", "memory.max": "40", "memory.current": "35"}, 5),
        (
            "0::/\n",
            {
                "memory.max": "1000",
                "memory.current": "900",
                "memory.stat": "anon 300\nactive_file 200\ninactive_file 400\n",
            },
            700,
        ),
        (
            V1,
            {
                "memory/docker/a/memory.limit_in_bytes": "500",
                "memory/docker/a/memory.usage_in_bytes": "400",
                "memory/docker/a/memory.stat": "inactive_file 9\ntotal_inactive_file 100\ntotal_active_file 50\n",
                "memory/memory.limit_in_bytes": NO_LIMIT,
                "memory/memory.usage_in_bytes": "9000",
            },
            250,
        ),
        (V1, {"memory/memory.limit_in_bytes": "500", "memory/memory.usage_in_bytes": "600"}, 0),
        ("", {}, math.inf),
    ],
)
def test_memory_is_counted_to_the_nearest_limit_without_the_file_cache(
    own: str, files: dict[str, str], left: float, tmp_path: Path
) -> None:
    found = groups(tmp_path, own, files)
    assert found.memory_left() == left
    assert available_memory(found) == left or (left == math.inf and available_memory(found) > 0)


@pytest.mark.parametrize(
    ("environ", "quota", "threads", "why"),
    [
        ({}, 0, 15, "the 16 cores this process may use, but one for the console and for reading data"),
        ({"OMP_NUM_THREADS": "1"}, 0, 1, "OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "6,2"}, 0, 6, "OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "99"}, 2, 2, "the processor quota of the container, 2 cores"),
        ({"OMP_NUM_THREADS": "many"}, 2.5, 2, "the processor quota of the container, 2.5 cores"),
        ({}, 0.5, 1, "the processor quota of the container, 0.5 cores"),
        ({"SLURM_CPUS_PER_TASK": "4"}, 0, 4, "SLURM_CPUS_PER_TASK"),
        ({"SLURM_CPUS_PER_TASK": "8"}, 9, 7, "SLURM_CPUS_PER_TASK, but one for the console and for reading data"),
    ],
)
def test_the_smallest_of_what_bounds_threads_decides(
    environ: dict[str, str], quota: float, threads: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(16)), raising=False)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 16)
    made = groups(tmp_path, "0::/\n", {"cpu.max": f"{int(quota * 1000)} 1000"} if quota else {})
    assert default_threads(environ, made) == (threads, why)
    assert usable_cores({}, made)[0] == max(1, int(quota or 16))
