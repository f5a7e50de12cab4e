"""Unfinished downloads on disk."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from xaitui.system.damaged_files import RECORD_DAMAGE


@dataclass(frozen=True)
class PartFile:
    """The received bytes, beside their target, with a note on their address and version."""

    target: Path

    @property
    def path(self) -> Path:
        """File of the received bytes."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def note(self) -> Path:
        """Address and validator (ETag or Last-Modified) of those bytes, as JSON."""
        return self.target.with_name(self.target.name + ".part.json")

    @property
    def size(self) -> int:
        """Number of received bytes."""
        with contextlib.suppress(OSError):
            return self.path.stat().st_size
        return 0

    def begin(self, url: str, validator: str) -> None:
        """Discard the received bytes and start again."""
        self.path.write_bytes(b"")
        self.note.write_text(json.dumps({"url": url, "validator": validator}))

    def validator(self, url: str) -> str:
        """Return the validator of the received bytes; empty if unknown or of another address."""
        with contextlib.suppress(*RECORD_DAMAGE):
            noted = json.loads(self.note.read_text())
            return str(noted["validator"]) if noted["url"] == url else ""
        return ""

    def discard(self) -> None:
        """Delete the received bytes."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
