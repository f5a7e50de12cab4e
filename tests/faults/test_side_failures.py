"""What stands beside a training fails: the sampler, the drawing, the log, the program of --on-end. It never notices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.run_commands import assert_equal_weights, finish, logged_steps, made_set, start
from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.live_run import Watch, training
from xaitui.events import RunFinished
from xaitui.hardware.sampler import Reader
from xaitui.runs.directory import RunDirectory

EPOCHS = 12


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    data = made_set(tmp_path / "set.npz", images=160)
    return {"data__dataset": str(data), "training__batch_size": 8, "training__threads": 1, "training__epochs": EPOCHS}


def assert_unmoved(run: RunDirectory, settings: dict[str, Any], folder: Path) -> None:
    """The run is the one that nothing failed beside."""
    whole = start(folder / "whole", **settings)
    finish(whole)
    assert logged_steps(run) == logged_steps(whole.run)
    assert_equal_weights(run, whole.run)


@pytest.mark.parametrize("fails", ["the drawing process", "the sampler"])
async def test_a_console_whose_parts_fail_trains_on(
    fails: str, settings: dict[str, Any], runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = 0

    def read(reader: Reader) -> None:
        nonlocal failed
        failed += 1
        raise RuntimeError("the driver is gone")

    async with open_console(runs_dir, (100, 30), training(**settings), interval=0.1) as (app, _):
        watch = Watch(app)
        await watch.until_epoch(1)
        if fails == "the sampler":
            monkeypatch.setattr(Reader, "read", read)
            await until(app, lambda: failed > 1)  # it is tried again and again
        else:
            drawing = app.drawer._process
            await until(app, lambda: drawing.process is not None)
            assert drawing.process is not None
            drawing.process.kill()
        await watch.until_state("finished")
        assert "finished" in screen_text(app)
        run = watch.run
    assert_unmoved(run, settings, tmp_path)


@pytest.mark.parametrize("program", [("/no/such/program",), ("false",)])
def test_a_program_that_is_missing_or_fails_and_a_log_that_cannot_be_written_are_no_failure_of_the_run(
    program: tuple[str, ...], settings: dict[str, Any], tmp_path: Path
) -> None:
    execution = start(tmp_path / "runs", run__on_end=program, **settings | {"training__epochs": 2})
    execution.run.log.mkdir()
    assert isinstance(finish(execution)[-1], RunFinished)
    assert_unmoved(execution.run, settings | {"training__epochs": 2}, tmp_path)
