from __future__ import annotations

from pathlib import Path

from tests.run_commands import finish, made_set, start, take_up
from xaitui.events import RunFinished
from xaitui.runs.requests import Request, ask, take


def test_what_was_asked_of_a_process_that_has_ended_is_not_asked_of_the_next(tmp_path: Path, runs_dir: Path) -> None:
    """A stop that came in the last moment of a run must not stop the run when it is given more epochs."""
    dataset = str(made_set(tmp_path / "set.npz"))
    execution = start(runs_dir, data__dataset=dataset, training__batch_size=8, training__epochs=1)
    finish(execution)
    ask(execution.run.path, Request.STOP)
    last = finish(take_up(execution.run, extend=40))[-1]
    assert isinstance(last, RunFinished)
    assert last.epoch == 41
    assert take(execution.run.path) == {}
