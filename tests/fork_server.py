"""Processes of the command line that need not load torch: a server that has loaded it forks one for each request.

Loading takes three seconds; a test that kills a run ten times would do nothing else. What a forked process does from
there on is what `python -m xaitui` does. The server itself computes nothing, for the threads that torch starts then do
not survive a fork.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, Self

ROOT = Path(__file__).parent.parent
LOADED = (
    "xaitui.cli.app",
    "xaitui.cli.train",
    "xaitui.cli.resume",
    "xaitui.cli.run_headless",
    "xaitui.jobs.train.start",
    "xaitui.studies.worker",
    "sklearn.metrics",
    "torch._inductor",
    "optuna",
)
REQUEST = 1 << 20
"""Bytes of a request at the most."""


# -- the server


def serve(path: str) -> None:
    """Fork a process for each request at a socket, and tell how it ended, until standard input closes."""
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    _Forks(path).serve()


class _Forks:
    """The processes that were forked, each with the connection of the one who asked for it."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._forked: dict[int, tuple[int, socket.socket]] = {}
        """Pid and connection, by the descriptor that tells the end of the process."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def serve(self) -> None:
        os.write(1, b"up\n")
        while True:
            for key, _ in self._selector.select():
                if key.fd == 0:
                    return
                if key.fd == self._listener.fileno():
                    self._fork(self._listener.accept()[0])
                else:
                    self._reap(key.fd)

    def _fork(self, client: socket.socket) -> None:
        data, descriptors, _, _ = socket.recv_fds(client, REQUEST, 3)
        length, _, text = data.partition(b"\n")
        while len(text) < int(length):
            text += client.recv(REQUEST)
        pid = os.fork()
        if not pid:
            client.close()
            self._forget()
            _become(json.loads(text), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        watched = os.pidfd_open(pid)
        self._forked[watched] = pid, client
        self._selector.register(watched, selectors.EVENT_READ)
        client.sendall(f"{pid}\n".encode())

    def _reap(self, watched: int) -> None:
        pid, client = self._forked.pop(watched)
        self._selector.unregister(watched)
        os.close(watched)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(OSError), client:
            client.sendall(f"{code}\n".encode())

    def _forget(self) -> None:
        """Leave the server's descriptors to the server."""
        self._selector.close()
        self._listener.close()
        for watched, (_, client) in self._forked.items():
            os.close(watched)
            client.close()


def _become(request: Mapping[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Be the process of a command line; it leaves as the interpreter does."""
    if request["start_new_session"]:
        os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin = sys.__stdin__ = _stream(0, "r")  # type: ignore[misc,assignment]
    sys.stdout = sys.__stdout__ = _stream(1, "w")  # type: ignore[misc,assignment]
    sys.stderr = sys.__stderr__ = _stream(2, "w")  # type: ignore[misc,assignment]
    sys.argv = ["xaitui", *request["words"]]
    from xaitui.__main__ import main
    from xaitui.system.fault_points import injected

    try:
        with contextlib.ExitStack() as stack:
            if hook := request["hook"]:
                module, _, name = hook.partition(":")
                stack.enter_context(injected(getattr(importlib.import_module(module), name)(request["argument"])))
            main()
    except SystemExit as end:
        _leave(end.code)
    raise AssertionError("the command line came back")


def _leave(code: object) -> NoReturn:
    """Leave as the interpreter does, but for taking its modules apart, which takes longer than a short training."""
    assert isinstance(code, int)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    os._exit(code)


def _stream(number: int, mode: str) -> IO[str]:
    """A standard stream as Python opens it: line by line to a terminal and for errors, in blocks otherwise."""
    raw = os.fdopen(number, mode + "b", closefd=False)
    return io.TextIOWrapper(
        raw,
        encoding=os.environ.get("PYTHONIOENCODING", "utf-8"),
        errors="backslashreplace" if number == 2 else "strict",
        line_buffering=number == 2 or os.isatty(number),
    )


# -- the client


class _Server:
    """The server of this process; it ends with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="forked-")
        self.path = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", self.path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self._end)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"up\n"

    def _end(self) -> None:
        self._process.communicate()
        self._folder.cleanup()


_server: _Server | None = None


class Forked:
    """A process of the command line, forked; what the tests use of `subprocess.Popen`, under the same names."""

    def __init__(
        self,
        words: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        *,
        stdin: int | None = None,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.PIPE,
        start_new_session: bool = False,
        hook: str = "",
        argument: str = "",
    ) -> None:
        """Start it.

        Args:
            words: the command line without the program.
            cwd: its working directory.
            environment: all of it.
            stdin, stdout, stderr: a descriptor, PIPE (not for stdin) or None for that of this process.
            start_new_session: whether it has a session of its own.
            hook: "module:function"; what the function makes of `argument` is called at every fault point.
            argument: for `hook`.
        """
        global _server
        _server = _server or _Server()
        self.returncode: int | None = None
        self.args = list(words)
        with contextlib.ExitStack() as stack:
            null = os.open(os.devnull, os.O_RDONLY)
            stack.callback(os.close, null)
            self.stdout, out = _ending(stdout, 1, stack)
            self.stderr, err = _ending(stderr, 2, stack)
            self._connection = socket.socket(socket.AF_UNIX)
            self._connection.connect(_server.path)
            request = {
                "words": list(words),
                "cwd": str(cwd),
                "environment": dict(environment),
                "start_new_session": start_new_session,
                "hook": hook,
                "argument": argument,
            }
            text = json.dumps(request).encode()
            descriptors = [null if stdin is None else stdin, out, err]
            socket.send_fds(self._connection, [f"{len(text)}\n".encode()], descriptors)
            self._connection.sendall(text)
        self._answers = self._connection.makefile()
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """The exit code, or None while it goes on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a warning."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """Read all that it writes, and wait for its end."""
        assert input is None
        texts = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            texts[number] = stream.read()

        streams = [(number, each) for number, each in enumerate((self.stdout, self.stderr)) if each and not each.closed]
        readers = [threading.Thread(target=read, args=each, daemon=True) for each in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return texts[0], texts[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:  # a test that failed waits for nothing
            self.kill()
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()


def _ending(wanted: int | None, number: int, stack: contextlib.ExitStack) -> tuple[IO[str] | None, int]:
    """What this process reads of a stream of the other one, and the descriptor that the other one writes to."""
    if wanted == subprocess.PIPE:
        read, write = os.pipe()
        stack.callback(os.close, write)
        return os.fdopen(read, encoding="utf-8", errors="replace"), write
    if wanted == subprocess.DEVNULL:
        null = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, null)
        return None, null
    return None, number if wanted is None else wanted


if __name__ == "__main__":
    serve(sys.argv[1])
