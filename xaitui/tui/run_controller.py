"""The one bridge between the console and what trains: a thread, or processes of their own.

The thread's only contact with the screens is that the run's journal grows, and that a `Launch` fills in. One run at a
time may be in the thread, for torch's threads and random numbers are one per process; more go into processes.
"""

from __future__ import annotations

import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from xaitui.config.command_line import arguments
from xaitui.config.schema import RunConfig
from xaitui.errors import ExitCode, UsageError, XaituiError
from xaitui.events import Event, HandingOver, RequestAnswered
from xaitui.hardware.host_allocator import keep_freed_memory
from xaitui.jobs.background import RUN_LINE, start_detached, start_resume
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.runs.directory import RunDirectory
from xaitui.runs.requests import Request, ask
from xaitui.stop import Stop, StoppedError, StopReason
from xaitui.text import last_part

if TYPE_CHECKING:
    from xaitui.jobs.train.execution import Execution

IN_THE_CONSOLE = "in the console"
"""Where a request comes from, for people."""
HAND_OVER = StopReason("the console was left", ExitCode.FINISHED, hand_over=True)
STOP = StopReason(f"asked to stop {IN_THE_CONSOLE}", ExitCode.FINISHED, test=True)
TERMINATED = StopReason("SIGTERM", ExitCode.TERMINATED)


class Launch:
    """A run that was asked for: what is said while it begins, then its directory, or why it has none."""

    def __init__(self, title: str, *, in_thread: bool) -> None:
        self.title = title
        """What was asked for, for people."""
        self.in_thread = in_thread
        self.words: deque[str] = deque(maxlen=200)
        self.run: RunDirectory | None = None
        """Where the run is, once it has begun."""
        self.error = ""
        """Why it could not begin, or could not be handed over."""
        self.over = threading.Event()
        """Set when this console has nothing more to do with it."""

    def say(self, text: str) -> None:
        """Take down a word about the beginning; may be called from any thread."""
        self.words.append(text)


class RunController:
    """Starts runs, and knows the one that is in this process."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._stop = Stop()
        self._thread: threading.Thread | None = None
        self._again: Callable[[], subprocess.Popen[bytes]] | None = None
        """Starts the run of the thread in a process, where it has to leave before it has begun."""
        self._processes: list[subprocess.Popen[bytes]] = []
        self.own: Launch | None = None
        """The run that is, or was last, in the thread."""

    @property
    def busy(self) -> bool:
        """Whether a run is going on in this process, and would end with it."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, config: RunConfig, *, own_process: bool = False) -> Launch:
        """Begin a new run.

        Raises:
            UsageError: one is going on in this console already; in a process of its own it could begin.
            OSError: no process can be started.
        """
        title = f"{last_part(config.model.name)} on {last_part(config.data.dataset)}"
        if own_process:
            return self._in_process(title, config)
        command = ["xaitui", "train", *arguments(config)]

        def begin(stop: Stop, launch: Launch) -> Execution:
            from xaitui.jobs.train.start import begin_run

            return begin_run(config, self._runs_dir, stop, launch.say, command)

        return self._in_thread(title, begin, lambda: start_detached(config, self._runs_dir))

    def resume(self, run: RunDirectory, options: ResumeOptions = ResumeOptions()) -> Launch:  # noqa: B008 -- frozen
        """Take a run up again, in the thread.

        Raises:
            UsageError: another one is going on in this console.
        """

        def begin(stop: Stop, launch: Launch) -> Execution:
            from xaitui.jobs.train.start import begin_again

            return begin_again(run, stop, launch.say, options)

        return self._in_thread(run.id, begin, lambda: start_resume(run))

    def _in_thread(
        self, title: str, begin: Callable[[Stop, Launch], Execution], again: Callable[[], subprocess.Popen[bytes]]
    ) -> Launch:
        if self.busy:
            raise UsageError("a run is going on in this console; start this one in its own process")
        launch, self._stop, self._again = Launch(title, in_thread=True), Stop(), again
        self.own = launch
        keep_freed_memory()  # before the thread begins, which else would get a pool of its own
        self._thread = threading.Thread(target=self._work, args=(launch, begin, self._stop), name="training")
        self._thread.start()
        return launch

    def _work(self, launch: Launch, begin: Callable[[Stop, Launch], Execution], stop: Stop) -> None:
        """Carry a run out; the thread's body."""
        try:
            launch.say("loading torch")
            execution = begin(stop, launch)
            launch.run = execution.run
            _carry_out(execution, launch)
        except StoppedError as error:
            self._stopped_early(launch, error, stop)
        except XaituiError as error:
            launch.error = str(error)
        finally:
            if launch.run is None and not launch.error:
                launch.error = "it ended without a word"
            launch.over.set()

    def _stopped_early(self, launch: Launch, error: StoppedError, stop: Stop) -> None:
        """A run that waited, and has no directory yet, goes on waiting in a process of its own if it is to be kept."""
        launch.error = str(error)
        if stop.now is not None and stop.now.hand_over and self._again is not None:
            try:
                process = self._again()
                launch.error = f"it goes on in process {process.pid}"
            except OSError as failure:
                launch.error = f"it could not be handed over: {failure.strerror}"

    def _in_process(self, title: str, config: RunConfig) -> Launch:
        launch = Launch(title, in_thread=False)
        process = start_detached(config, self._runs_dir)
        self._processes = [item for item in self._processes if item.poll() is None]
        self._processes.append(process)
        threading.Thread(target=_listen, args=(launch, process), name="starting", daemon=True).start()
        return launch

    def ask(self, reason: StopReason) -> None:
        """Ask the run of this process to stop."""
        self._stop.ask(reason)

    def join(self) -> None:
        """Wait for the run of this process; signals are handled meanwhile."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.5)


def _carry_out(execution: Execution, launch: Launch) -> None:
    """Do the work of a run; where another process goes on with it, that one ends the epoch which was to be the last."""
    is_last_epoch = False
    event: Event | None = None
    for event in execution.events():  # each is in the journal, from where the screens read it
        is_last_epoch |= isinstance(event, RequestAnswered) and event.request == Request.STOP_AFTER_EPOCH
    if is_last_epoch and isinstance(event, HandingOver):
        try:
            ask(execution.run.path, Request.STOP_AFTER_EPOCH, IN_THE_CONSOLE)
        except OSError as error:
            launch.error = f"it was handed over, but cannot be asked to stop after the epoch: {error.strerror}"


def _listen(launch: Launch, process: subprocess.Popen[bytes]) -> None:
    """Take down what a process says until its run has a directory."""
    output: IO[bytes] | None = process.stdout
    assert output is not None
    with output:
        for line in output:
            text = line.decode(errors="replace").rstrip()
            if text.startswith(RUN_LINE):
                launch.run = RunDirectory(Path(shlex.split(text)[1]))
                break
            launch.say(text)
    if launch.run is None:
        code = process.wait()
        last = launch.words[-1] if launch.words else f"its process ended with {code}"
        launch.error = last.removeprefix("xaitui: ")
    launch.over.set()
