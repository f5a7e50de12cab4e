"""A real HTTP server on this machine that serves bytes, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """How one request is answered."""

    body: bytes = b""
    status: int = 200
    break_after: int | None = None
    """Bytes of this answer after which the connection is closed."""
    announce: int | None = None
    """A Content-Length that is not the true one."""
    chunked: bool = False
    """Whether the length is not announced at all."""
    ignore_range: bool = False
    shift_range: int = 0
    """Bytes by which a partial answer starts too late."""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Seen:
    """One request, and how many bytes of a body it was given."""

    path: str
    range: str
    if_range: str
    sent: int


@dataclass
class FileServer:
    """Answers each path with its list of answers, one a request; the last one is repeated."""

    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def serve(self, path: str, *answers: Answer) -> str:
        """Answer `path` in this way from now on; return its address."""
        self.answers[path] = list(answers)
        return self.address + path

    @property
    def sent(self) -> list[int]:
        """Bytes given to each request, in order."""
        return [seen.sent for seen in self.seen]

    def next_answer(self, path: str) -> Answer:
        """The answer whose turn it is."""
        answers = self.answers.get(path, [Answer(status=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextlib.contextmanager
def serving() -> Iterator[FileServer]:
    """Run a server for the length of the block."""
    server = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, server)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        server.address = f"http://127.0.0.1:{http_server.server_address[1]}"
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http_server.shutdown()
            thread.join()


def _answer(handler: BaseHTTPRequestHandler, server: FileServer) -> None:
    answer = server.next_answer(handler.path)
    asked = handler.headers.get("Range", "")
    if_range = handler.headers.get("If-Range", "")
    status, body, headers = _entity(answer, asked, if_range)
    given = body if answer.break_after is None else body[: answer.break_after]
    server.seen.append(Seen(handler.path, asked, if_range, len(given)))
    handler.send_response(status)
    if not answer.chunked:
        handler.send_header("Content-Length", str(len(body) if answer.announce is None else answer.announce))
    for name, value in (*answer.headers, *headers):
        handler.send_header(name, value)
    handler.end_headers()
    with contextlib.suppress(OSError):  # a client that has had enough
        handler.wfile.write(given)


def _entity(answer: Answer, asked: str, if_range: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Status, body and further headers for what was asked."""
    known = [value for name, value in answer.headers if name in ("ETag", "Last-Modified")]
    if answer.status != 200 or answer.ignore_range or not asked or (if_range and if_range not in known):
        return answer.status, answer.body, []
    total = len(answer.body)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    if start >= total:
        return 416, b"", [("Content-Range", f"bytes */{total}")]
    start += answer.shift_range
    return 206, answer.body[start:], [("Content-Range", f"bytes {start}-{total - 1}/{total}")]
