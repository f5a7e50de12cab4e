"""A new run that is measured from its form, in a real process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run_commands import ROOT
from tests.tui.console_pilot import until
from tests.tui.new_run_form import Desk
from tests.tui.test_new_run import desk
from xaitui.config.resolve import build_config
from xaitui.tui.new_run.measurement import Measurement
from xaitui.tui.new_run.screen import NewRunScreen

SMALL = build_config({"data.fraction": 0.2, "training.threads": 1})


@pytest.fixture(autouse=True)
def _from_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def measurement(at: Desk) -> Measurement:
    return at.screen.query_one(Measurement)


@pytest.mark.parametrize("size", [(60, 18)])
async def test_it_is_said_below_the_form_and_stale_once_a_setting_is_another(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with desk(tmp_path, SMALL, size) as at:
        assert not measurement(at).display
        at.press("ctrl+o")
        await until(at.app, lambda: at.shows("measuring..."))
        await until(at.app, lambda: at.shows("images/s"))
        assert all(map(at.shows, (" an epoch, ", "for 15 epochs and the test", "memory ", "a batch of 32, up to ")))
        assert at.screen.region.contains_region(measurement(at).region)
        assert at.shows("$ xaitui train --fraction=0.2")
        await at.go_to("run.note")
        await at.write("x")
        await until(at.app, lambda: at.shows("--note=x"))
        assert not at.shows("stale")
        await at.go_to("training.epochs")
        await at.write("7")
        await until(at.app, lambda: at.shows("stale: "))
        at.press("ctrl+r")
        await until(at.app, lambda: not at.shows("stale: "))
        assert at.shows("images/s")
    assert list(tmp_path.iterdir()) == []


async def test_a_batch_that_is_to_be_found_can_be_written_and_a_failure_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path, build_config({"data.dataset": "nothing.npz"})) as at:
        at.press("ctrl+o")
        await until(at.app, lambda: at.shows("cannot measure: "))
        assert at.shows("nothing.npz")
        await at.go_to("training.batch_size")
        await at.write("auto")
        await until(at.app, lambda: at.shows("--batch-size=0"))
        assert at.form.config is not None
        assert at.form.config.training.batch_size == 0
        await until(at.app, lambda: at.shows("stale: "))


async def test_what_is_wrong_is_shown_and_not_measured(tmp_path: Path, told: list[str]) -> None:
    async with desk(tmp_path, SMALL) as at:
        await at.go_to("optimizer.lr")
        await at.write("fast")
        await until(at.app, lambda: at.form.errors)
        await at.go_to("data.fraction")
        at.press("ctrl+o")
        await until(at.app, lambda: at.focused == "optimizer.lr")
        assert not measurement(at).display
        assert "is not valid" in told[0]


async def test_leaving_the_form_ends_the_process(tmp_path: Path) -> None:
    async with desk(tmp_path, SMALL) as at:
        at.press("ctrl+o")
        await until(at.app, lambda: measurement(at).process is not None)
        process = measurement(at).process
        assert process is not None
        at.press("ctrl+o")
        await until(at.app, lambda: measurement(at).process is not process)
        other = measurement(at).process
        assert other is not None
        assert process.wait() < 0
        assert other.poll() is None
        at.press("escape")
        await until(at.app, lambda: not isinstance(at.app.screen, NewRunScreen))
        await until(at.app, lambda: other.poll() is not None)
        assert other.returncode < 0
