"""Downloads: mirrors in order, interrupted downloads resumed, files named only once they are verified."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xaitui.data.http import TransferError, transfer
from xaitui.data.partial_download import PartFile
from xaitui.errors import DataError
from xaitui.system.atomic_files import replacing
from xaitui.system.disk import BLOCK, Report, digest, ensure_free, no_report, publish, writing_to
from xaitui.system.file_lock import exclusive
from xaitui.text import printable


@dataclass(frozen=True)
class Patience:
    """Limits on retries and waiting."""

    tries: int = 4
    """Attempts without a new byte before the next mirror is tried."""
    timeout: float = 30.0
    """Seconds without an answer or a byte."""
    longest: float = 60.0
    """Most seconds between two attempts, whatever the server requests."""
    pause: Callable[[float], None] = time.sleep
    """Waits that many seconds."""


PATIENCE = Patience()


@dataclass(frozen=True)
class Identity:
    """Expected size and hashes of a file; empty or 0 is unknown and not checked."""

    md5: str = ""
    sha256_prefix: str = ""
    size: int = 0

    @property
    def has_hash(self) -> bool:
        """Whether its content is known."""
        return bool(self.md5 or self.sha256_prefix)

    def fits(self, path: Path) -> bool:
        """Whether the right file is at `path`."""
        return path.is_file() and not self.mismatch(path)

    def mismatch(self, path: Path, report: Report = no_report) -> str:
        """Return how the file at `path` differs; empty if it is the expected file."""
        size = path.stat().st_size
        if self.size and size != self.size:
            return f"it has {size} bytes, {self.size} are expected"
        for name, wanted in (("md5", self.md5), ("sha256", self.sha256_prefix)):
            found = digest(path, name, report) if wanted else ""
            if not found.startswith(wanted.lower()):
                return f"its {name.upper()} is {found[: len(wanted)]}, {wanted} is expected"
        return ""


class ForeignFileError(DataError):
    """Another file has the name of the download; it is not replaced, as it may be the user's only copy."""


def keep_foreign(target: Path, wanted: Identity) -> None:
    """Raise ForeignFileError if `target` is another file than the expected one."""
    reason = "it is no file"
    if target.is_file():
        reason = wanted.mismatch(target)
    if reason and os.path.lexists(target):
        raise ForeignFileError(
            printable(f"{target} is not the published file ({reason}) and is not replaced: move it away")
        )


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    md5: str = "",
    sha256_prefix: str = "",
    size: int = 0,
    report: Report | None = None,
    patience: Patience = PATIENCE,
    force: bool = False,
) -> None:
    """Download `target` from the first of `urls` that serves it, unless the expected file is already there.

    The bytes go to ``NAME.part`` and are renamed when length and hash are right. After a break, Ctrl-C included, they
    stay, and the next call goes on from there; after a wrong hash they are removed. Processes that want the same
    file wait for each other.

    Args:
        urls: the same file at each mirror, the first choice first.
        target: where it shall be; its folder is made.
        md5: of the whole file, in hexadecimal.
        sha256_prefix: the first digits of its SHA-256, in hexadecimal.
        size: its length in bytes.
        report: told the bytes that are done and those of the whole file; again from 0 on while the file is hashed.
        patience: when to give a server up.
        force: replace another file of this name.

    Raises:
        ForeignFileError: another file has this name, and `force` is false.
        DataError: no mirror served the right file, or it cannot be written; the message names what was tried.
    """
    wanted, part = Identity(md5, sha256_prefix, size), PartFile(target)
    if wanted.fits(target):
        return
    with writing_to(target.parent), exclusive(_lock(target)):
        if wanted.fits(target):
            return
        if not force:
            keep_foreign(target, wanted)
        failures = []
        for url in urls:
            failure = _from_mirror(url, part, wanted, report or no_report, patience)
            if not failure:
                publish(part.path, target)
                part.discard()
                return
            failures.append(f"{url}: {failure}")
        kept = f"; {part.size} bytes are kept, the same command goes on from there" if part.size else ""
        raise DataError(printable(f"cannot download {target.name}: {'; '.join(failures)}{kept}"))


def _from_mirror(url: str, part: PartFile, wanted: Identity, report: Report, patience: Patience) -> str:
    """Download the expected file to `part`; return the reason of a failure, else an empty text."""
    failures, reached = 0, part.size
    while True:
        wait = 0.0
        try:
            resumed = transfer(
                url, part, size=wanted.size, hashed=wanted.has_hash, timeout=patience.timeout, report=report
            )
            reason = wanted.mismatch(part.path, report)
            if not reason:
                return ""
            part.discard()
            if not resumed:
                return f"a wrong file: {reason}"
        except TransferError as error:
            reason, wait = str(error), error.wait
            if not error.again:
                return reason
        failures = 1 if part.size > reached else failures + 1
        reached = max(reached, part.size)
        if failures >= patience.tries:
            return reason
        patience.pause(min(patience.longest, max(wait, 2.0 ** (failures - 1))))


def import_file(
    source: Path, target: Path, md5: str = "", report: Report | None = None, *, force: bool = False
) -> None:
    """Copy a local file to `target`, which appears only if its content is the expected one.

    Raises:
        ForeignFileError: another file has the name of `target`, and `force` is false.
        DataError: `source` cannot be read or is another file, or `target` cannot be written; nothing is changed then.
    """
    try:
        original = source.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {printable(source)}: {error.strerror}") from error
    hasher = hashlib.md5(usedforsecurity=False)
    with original, writing_to(target.parent), exclusive(_lock(target)):
        total = os.fstat(original.fileno()).st_size
        if not force:
            keep_foreign(target, Identity(md5))
        ensure_free(target.parent, total)
        with replacing(target) as copy:
            while block := original.read(BLOCK):
                hasher.update(block)
                copy.write(block)
                (report or no_report)(copy.tell(), total)
            if md5 and hasher.hexdigest() != md5.lower():
                raise DataError(
                    f"{printable(source)} is not {target.name}: its MD5 is {hasher.hexdigest()}, {md5} is expected; "
                    "nothing was imported"
                )
        PartFile(target).discard()


def _lock(target: Path) -> Path:
    return target.with_name(target.name + ".lock")
