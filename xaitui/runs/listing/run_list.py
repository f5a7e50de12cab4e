"""The runs of a folder as rows, looked at again and again at little cost.

What a run's journal says changes only when its file does. So a row is made anew only then, and rows of runs that have
ended are kept in the user's cache folder. Whether a run lives is not in its files: that is looked up each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from xaitui.events import RunFailed, RunStarted, RunStopped, Scalars
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.listing.progress import time_left
from xaitui.runs.listing.settings import ConfigHead, best_scores, read_config_head, read_settings
from xaitui.runs.lock import read_owner
from xaitui.runs.state import RunSummary, State, judged, summarise
from xaitui.system.damaged_files import RECORD_DAMAGE

VERSION = 2
"""Of the cache; one of another version is made anew."""

_ENDED = (State.FINISHED, State.STOPPED, State.FAILED)
_Stamp = tuple[int, int, int]
"""Size and time of the journal, time of the configuration; -1 for what is not there."""


@dataclass(frozen=True)
class RunRow:
    """What the list shows of one run; text is as it stands in the files."""

    run: RunDirectory
    state: State
    why: str = ""
    """What ended or broke it."""
    name: str = ""
    tags: tuple[str, ...] = ()
    dataset: str = ""
    model: str = ""
    device: str = ""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    monitor: str = ""
    """The validation metric that decides the best epoch."""
    mode: str = ""
    best: float = math.nan
    best_epoch: int = 0
    test: Scalars = field(default_factory=dict)
    began: float = 0.0
    """Wall clock; 0 where the run has not begun."""
    seconds: float = 0.0
    """Worked so far."""
    exit_code: int = 0
    """Of a run that failed or was stopped."""
    parameters: int = 0
    eta: float = math.nan
    """Seconds until the last epoch is over; only of a live run."""

    @property
    def id(self) -> str:
        """Name of the run's folder."""
        return self.run.id


_CACHED = tuple(item.name for item in fields(RunRow) if item.name != "run")


@dataclass(frozen=True)
class _Known:
    """What was found at the last look."""

    stamp: _Stamp
    row: RunRow
    summary: RunSummary | None = None
    """Of a run that may still go on; none where the row is final until the files change."""
    config: ConfigHead = field(default_factory=ConfigHead)


class RunList:
    """The runs of a folder; remembers what it has read."""

    def __init__(self, runs_dir: Path, cache: Path | None = None) -> None:
        """List `runs_dir`; what is derived is kept in the file `cache`, by default one in the user's cache folder."""
        self._runs_dir = runs_dir.absolute()
        self._cache = cache or _cache_file(self._runs_dir)
        self._known: dict[str, _Known] | None = None
        self._saved: set[_Stamp] = set()
        self._settings: dict[str, tuple[_Stamp, Mapping[str, Any]]] = {}
        self._scores: dict[str, tuple[_Stamp, Scalars]] = {}
        self.rows: tuple[RunRow, ...] = ()
        """As of the last complete look, the newest first."""

    def refresh(self, now: float | None = None) -> Iterator[None]:
        """Look at every run again, one at each step; `rows` is the new list once the steps are over.

        Raises:
            OSError: the folder of runs cannot be read.
        """
        if self._known is None:
            self._known = _load(self._cache, self._runs_dir)
            self._saved = {known.stamp for known in self._known.values()}
        now = time.time() if now is None else now
        found = {}
        for run in list_runs(self._runs_dir):
            found[run.id] = _look(run, self._known.get(run.id), now)
            yield
        self._known = found
        self.rows = tuple(known.row for known in found.values())

    def forget(self) -> None:
        """Read every file anew at the next look, kept rows or not."""
        self._known, self._settings, self._scores = {}, {}, {}

    def save(self) -> None:
        """Write what is worth keeping, if there is more of it than before; a cache that cannot be written is none."""
        final = {run_id: known for run_id, known in (self._known or {}).items() if known.row.state in _ENDED}
        stamps = {known.stamp for known in final.values()}
        if stamps != self._saved:
            self._saved = stamps
            with contextlib.suppress(OSError):
                _store(self._cache, self._runs_dir, final)

    def read(self) -> tuple[RunRow, ...]:
        """Look at every run again at once, and keep what was derived.

        Raises:
            OSError: the folder of runs cannot be read.
        """
        for _ in self.refresh():
            pass
        self.save()
        return self.rows

    def settings(self, row: RunRow) -> Mapping[str, Any]:
        """A run's configuration by dotted path, as its file has it; empty where it cannot be read."""
        stamp, known = _stamp(row.run), self._settings.get(row.id)
        if known is None or known[0][2] != stamp[2]:
            self._settings[row.id] = known = (stamp, read_settings(row.run))
        return known[1]

    def scores(self, row: RunRow) -> Scalars:
        """Every validation metric of a run's best epoch."""
        stamp, known = _stamp(row.run), self._scores.get(row.id)
        if known is None or known[0][:2] != stamp[:2]:
            self._scores[row.id] = known = (stamp, best_scores(row.run, row.best_epoch))
        return known[1]


def read_row(run: RunDirectory) -> RunRow:
    """What one run is."""
    return _look(run, None, time.time()).row


def _stamp(run: RunDirectory) -> _Stamp:
    try:
        journal = os.stat(run.journal)  # noqa: PTH116 -- a thousand of these are one look at the list
    except OSError:
        size, written = -1, -1
    else:
        size, written = journal.st_size, journal.st_mtime_ns
    try:
        return size, written, os.stat(run.config).st_mtime_ns  # noqa: PTH116
    except OSError:
        return size, written, -1


def _look(run: RunDirectory, known: _Known | None, now: float) -> _Known:
    """What a run is by now, from what was known of it before."""
    owner = read_owner(run.lock) if known is not None and known.summary is not None else None
    stamp = _stamp(run)
    if known is not None and known.stamp == stamp:
        if known.summary is None:
            return known
        summary, config = judged(known.summary, owner), known.config
    else:
        summary = summarise(run)
        config = known.config if known is not None and known.stamp[2] == stamp[2] else read_config_head(run)
    is_open = summary.state not in (*_ENDED, State.BROKEN)
    return _Known(stamp, _row(summary, config, now), summary if is_open else None, config)


def _row(summary: RunSummary, config: ConfigHead, now: float) -> RunRow:
    state, why = summary.state, summary.why
    if config.trouble and not state.is_live and state is not State.BROKEN:
        state, why = State.BROKEN, config.trouble
    started = summary.started
    return RunRow(
        run=summary.run,
        state=state,
        why=why,
        name=config.name,
        tags=config.tags,
        dataset=started.dataset if started else config.dataset,
        model=started.model if started else config.model,
        device=started.device if started else "",
        monitor=started.monitor if started else "",
        mode=started.mode if started else "",
        epoch=summary.epoch,
        epochs=summary.epochs,
        step=summary.step,
        best=summary.best,
        best_epoch=summary.best_epoch,
        test=summary.test,
        began=summary.began,
        seconds=_seconds(summary, now),
        exit_code=summary.last.exit_code if isinstance(summary.last, RunFailed | RunStopped) else 0,
        parameters=started.parameters if started else 0,
        eta=_eta(summary, started) if started and state is State.RUNNING else math.nan,
    )


def _seconds(summary: RunSummary, now: float) -> float:
    if summary.seconds and summary.state in _ENDED:
        return summary.seconds
    until = now if summary.state in (State.RUNNING, State.REMOTE) else summary.heard
    return max(0.0, until - summary.began) if summary.began else 0.0


def _eta(summary: RunSummary, started: RunStarted) -> float:
    left = time_left(started, summary.epochs, summary.step, summary.finished, summary.images_per_second)
    return math.nan if left is None else left


def _cache_file(runs_dir: Path) -> Path:
    from xaitui.data.locate import cache_home

    return cache_home() / "runs" / f"{hashlib.sha256(os.fsencode(runs_dir)).hexdigest()[:16]}.json"


def _load(path: Path, runs_dir: Path) -> dict[str, _Known]:
    """What an earlier process kept; nothing where that is torn, of another version or of another folder."""
    try:
        record = json.loads(path.read_bytes())
        if (record["version"], record["folder"]) != (VERSION, os.fspath(runs_dir)):
            return {}
        return {
            run_id: _Known((size, written, config), _unpack(RunDirectory(runs_dir / run_id), values))
            for run_id, (size, written, config, values) in record["runs"].items()
        }
    except RECORD_DAMAGE:
        return {}


def _store(path: Path, runs_dir: Path, known: Mapping[str, _Known]) -> None:
    from xaitui.system.atomic_files import write_atomic

    runs = {run_id: [*each.stamp, _pack(each.row)] for run_id, each in known.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"version": VERSION, "folder": os.fspath(runs_dir), "runs": runs}
    write_atomic(path, json.dumps(record, separators=(",", ":")))


def _pack(row: RunRow) -> list[Any]:
    return [getattr(row, name) for name in _CACHED]


def _shape(values: list[Any]) -> list[type]:
    return [type(value) for value in values]


_SHAPE = _shape(json.loads(json.dumps(_pack(RunRow(RunDirectory(Path()), State.BROKEN)))))


def _unpack(run: RunDirectory, values: list[Any]) -> RunRow:
    if _shape(values) != _SHAPE:
        raise TypeError("not a row of this version")
    state, why, name, tags, *rest = values
    return RunRow(run, State(state), why, name, tuple(tags), *rest)
