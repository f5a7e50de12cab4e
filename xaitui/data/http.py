"""A single attempt to download a file over HTTP, resuming an earlier one.

The standard library's client does it: none of the dependencies brings another, and resuming, which is most of the
work, is no part of any of them. Certificates are always checked.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from xaitui.data.partial_download import PartFile
from xaitui.system.disk import BLOCK, Report, ensure_free
from xaitui.system.fault_points import Point, point
from xaitui.version import __version__

_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Status codes of temporary failures."""
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class TransferError(Exception):
    """A failed attempt, and whether to try the same address again."""

    def __init__(self, reason: str, *, again: bool, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.again = again
        self.wait = wait
        """Seconds to wait, as requested by the server."""


def transfer(url: str, part: PartFile, *, size: int, hashed: bool, timeout: float, report: Report) -> bool:
    """Download the rest of `part`; return whether it resumed from earlier bytes.

    Args:
        url: where the file is.
        part: what there is of it; it stays after an error, for the next attempt.
        size: the length the file must have, 0 where that is not known.
        hashed: whether a hash will be checked in the end. Only then may bytes of another address be gone on with.
        timeout: seconds without an answer or a byte after which the server is given up.
        report: told the bytes that are done and those of the whole file.

    Raises:
        TransferError: the server cannot be reached, refuses, breaks off, or serves a file of another length.
        DataError: the disk has no room for it.
        OSError: the part cannot be written.
    """
    if size and part.size == size:
        return True
    validator = part.validator(url)
    start = part.size if (hashed or validator) and not (size and part.size > size) else 0
    response = _request(url, start, validator, timeout, part)
    if response is None:
        return True
    with response:
        begin, total = _agree(response, start, size)
        ensure_free(part.path.parent, max(0, (total or size) - begin))
        if begin == 0:
            part.begin(url, _strong_validator(response))
        _copy(response, part, begin, total or size, report)
    return begin > 0


def _request(url: str, start: int, validator: str, timeout: float, part: PartFile) -> http.client.HTTPResponse | None:
    """Request the bytes from `start` on; return None if `start` is already the length of the file."""
    headers = {"User-Agent": f"xaitui/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    with _network():
        try:
            response: http.client.HTTPResponse = urlopen(Request(url, headers=headers), timeout=timeout)
        except HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            error.close()
            match = _CONTENT_RANGE.fullmatch(error.headers.get("Content-Range", ""))
            if match is not None and match[2] == str(start):
                return None
            part.discard()
            raise TransferError("the server's file is shorter than the broken download", again=True) from None
    if url.startswith("https:") and not response.geturl().startswith("https:"):
        response.close()
        raise TransferError("the server leads to an address without encryption", again=False)
    return response


@contextlib.contextmanager
def _network() -> Iterator[None]:
    """Convert network errors to TransferError."""
    try:
        yield
    except HTTPError as error:
        asked = error.headers.get("Retry-After") or ""
        wait = float(asked) if asked.isdigit() else 0.0
        raise TransferError(f"HTTP {error.code} {error.reason}", again=error.code in _PASSING, wait=wait) from error
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        reason = " ".join(str(cause).split()) or type(cause).__name__
        raise TransferError(reason, again=not isinstance(cause, ssl.SSLCertVerificationError)) from error


def _agree(response: http.client.HTTPResponse, start: int, size: int) -> tuple[int, int]:
    """Return the offset of the response and the length of the whole file, 0 if unknown."""
    begin, total = 0, response.length or 0
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None or match[1] is None or int(match[1]) != start:
            raise TransferError("the server answers with other bytes than those asked for", again=False)
        begin, total = start, 0 if match[2] == "*" else int(match[2])
    if size and total and total != size:
        raise TransferError(f"the server has {total} bytes under this name, the file has {size}", again=False)
    return begin, total


def _strong_validator(response: http.client.HTTPResponse) -> str:
    """The validator that If-Range accepts: weak tags promise only that the meaning is the same, not the bytes."""
    tag = str(response.headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(response.headers.get("Last-Modified", ""))


def _copy(response: http.client.HTTPResponse, part: PartFile, begin: int, total: int, report: Report) -> None:
    done = begin
    with part.path.open("r+b") as file:
        file.seek(begin)
        report(done, total)
        while block := _read(response):
            point(Point.BLOCK_RECEIVED, part.target.name)
            file.write(block)
            done += len(block)
            report(done, total)
            if total and done > total:
                part.discard()
                raise TransferError(f"the server sends more than the {total} bytes of the file", again=False)
    if done < total:
        raise TransferError(f"the connection broke off after {done} of {total} bytes", again=True)


def _read(response: http.client.HTTPResponse) -> bytes:
    with _network():
        return response.read1(BLOCK)
