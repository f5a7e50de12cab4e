"""Forms that were being written when they were left: kept for the next time, on disk for the next console."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from xaitui.system.atomic_files import write_atomic
from xaitui.tui.threads import begin_thread


class Drafts:
    """What was written into each form, by the form's name."""

    def __init__(self) -> None:
        """Read what an earlier console has kept; a file that cannot be read is as good as none."""
        self._path = Path(platformdirs.user_state_dir("xaitui")) / "drafts.json"
        self._lock = threading.Lock()
        self._kept: dict[str, Mapping[str, Any]] = {}
        with suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                self._kept = {name: draft for name, draft in found.items() if isinstance(draft, dict)}

    def get(self, form: str) -> Mapping[str, Any] | None:
        """The draft of a form, as it was kept."""
        return self._kept.get(form)

    def keep(self, form: str, draft: Mapping[str, Any]) -> None:
        """Keep what is written in a form."""
        if draft != self._kept.get(form):
            self._kept = {**self._kept, form: draft}
            begin_thread(self._save)

    def discard(self, form: str) -> None:
        """Forget the draft of a form."""
        if form in self._kept:
            self._kept = {name: draft for name, draft in self._kept.items() if name != form}
            begin_thread(self._save)

    def _save(self) -> None:
        """Write what is kept by now; where that is not possible, it lasts as long as this console."""
        with self._lock, suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps(self._kept))
