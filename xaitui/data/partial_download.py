"""A download that is not finished, as it lies on the disk."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from xaitui.system.damaged_files import RECORD_DAMAGE


@dataclass(frozen=True)
class PartFile:
    """The bytes that came, beside their target; a note says which version of which address they are of."""

    target: Path

    @property
    def path(self) -> Path:
        """The bytes from the beginning of the file."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def note(self) -> Path:
        """Address and validator (ETag or Last-Modified) of those bytes, as JSON."""
        return self.target.with_name(self.target.name + ".part.json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        with contextlib.suppress(OSError):
            return self.path.stat().st_size
        return 0

    def begin(self, url: str, validator: str) -> None:
        """Start again from the first byte."""
        self.path.write_bytes(b"")
        self.note.write_text(json.dumps({"url": url, "validator": validator}))

    def validator(self, url: str) -> str:
        """What tells whether `url` still serves the version these bytes are of; empty where nothing does."""
        with contextlib.suppress(*RECORD_DAMAGE):
            noted = json.loads(self.note.read_text())
            return str(noted["validator"]) if noted["url"] == url else ""
        return ""

    def discard(self) -> None:
        """Forget these bytes."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
