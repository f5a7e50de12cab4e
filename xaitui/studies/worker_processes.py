"""Workers of a study: processes of their own, one for each GPU or for each share of the processor's cores."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xaitui.hardware.capacity import usable_cores
from xaitui.hardware.gpus import read_driver
from xaitui.hardware.visible import SETTING
from xaitui.jobs.background import spawn
from xaitui.studies.folder import StudyFolder

MOST_WORKERS = 1_000


@dataclass(frozen=True)
class Place:
    """Where one worker computes."""

    gpu: str = ""
    """UUID of its GPU; empty where there is none."""
    cores: tuple[int, ...] = ()
    """The cores that it keeps to; empty for all."""
    threads: int = 0
    """The threads that it may compute with, fewer than its cores; 0 leaves them to it."""

    def environment(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The variables of its process."""
        threads = {"OMP_NUM_THREADS": str(self.threads)} if self.threads and "OMP_NUM_THREADS" not in environ else {}
        return threads | ({SETTING: self.gpu} if self.gpu else {})


@dataclass
class Worker:
    """A process that works on a study."""

    number: int
    place: Place
    process: subprocess.Popen[bytes]


def places(count: int, cores: Sequence[int], gpus: Sequence[str], usable: int) -> list[Place]:
    """Share the machine out: GPUs in turn, and cores in equal parts; where there are fewer cores, some share one.

    Args:
        usable: how many of the cores may be busy at a time.
    """
    shares = [tuple(cores[index::count]) or (cores[index % len(cores)],) for index in range(count)]
    threads = max(1, usable // count) if count > 1 and usable < len(cores) else 0
    return [
        Place(gpus[index % len(gpus)] if gpus else "", shares[index] if count > 1 else (), threads)
        for index in range(count)
    ]


def visible_gpus(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that workers may take: those that CUDA_VISIBLE_DEVICES names, or all."""
    given = environ.get(SETTING)
    if given is not None:
        return [word.strip() for word in given.split(",") if word.strip()]
    return [gpu.uuid for gpu in read_driver().gpus]


def start_workers(folder: StudyFolder, count: int, more: Sequence[str] = ()) -> list[Worker]:
    """Start worker processes; each writes its words to a log of its own in the study's folder.

    Raises:
        OSError: one cannot be started; those before it are ended.
    """
    started: list[Worker] = []
    try:
        cores = sorted(os.sched_getaffinity(0))
        for number, place in enumerate(places(count, cores, visible_gpus(), usable_cores()[0])):
            started.append(_start(folder, number, place, more))
    except OSError:
        interrupt(started, signal.SIGTERM)
        for worker in started:
            worker.process.wait()  # what it has of a trial is being saved
        raise
    return started


def start_in_background(folder: StudyFolder, workers: int = 0, more: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start a process of its own that carries a study out, whatever becomes of whoever started it.

    Its words go to a log in the study's folder.

    Raises:
        OSError: it cannot be started.
    """
    words = ["sweep", "resume", folder.name, f"--runs-dir={folder.path.parent.parent}", *more]
    with folder.words.open("ab") as log:
        return spawn([*words, *([f"--workers={workers}"] if workers else [])], log)


def _start(folder: StudyFolder, number: int, place: Place, more: Sequence[str]) -> Worker:
    runs_dir = folder.path.parent.parent
    words = ["sweep", "work", folder.name, f"--runs-dir={runs_dir}", f"--worker={number}", *more]
    words += [f"--cores={','.join(map(str, place.cores))}"] if place.cores else []
    with folder.log(number).open("ab") as log:
        return Worker(number, place, spawn(words, log, place.environment()))


def last_words(path: Path) -> str:
    """What a worker said last."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def interrupt(workers: Sequence[Worker], number: signal.Signals) -> None:
    """Pass a signal on to the workers that are still there."""
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.send_signal(number)
