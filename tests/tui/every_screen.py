"""The way to every screen from the list of runs, by keys, and what is seen there."""

from __future__ import annotations

from pathlib import Path

from tests.builders.events import epoch_finished, epoch_started, started, step
from tests.builders.predictions import predict, right_but
from tests.builders.runs import finished_run, made_run
from tests.builders.studies import ended_trial, made_study
from tests.tui.console_pilot import screen_text, until
from xaitui.studies.trials import plan
from xaitui.tui.app import ConsoleApp
from xaitui.tui.screen import ConsoleScreen

ROUTES: dict[str, tuple[str, ...]] = {
    "runs": (),
    "new": ("n",),
    "live": ("enter",),
    "plot": ("enter", "enter"),
    "compare": ("space", "space", "c"),
    "evaluate": ("E",),
    "mistakes": ("E", "m"),
    "explain": ("X",),
    "training_maps": ("X", "x"),
    "two_runs": ("space", "space", "c", "X"),
    "data": ("D",),
    "gpu": ("G",),
    "studies": ("W",),
    "study": ("W", "enter"),
    "new_study": ("W", "n"),
}
"""The keys that lead from the list of runs to each screen."""

BEYOND = {
    "data": "pathmnist",
    "gpu": "devices of",
    "live": "best 0.8",
    "plot": "train",
    "compare": "accuracy",
    "new": "xaitui train",
    "runs": "finished",
    "studies": "rates",
    "study": "1/2 over",
    "new_study": "nothing to vary",
    "evaluate": "accuracy",
    "mistakes": "2 of 10 images",
    "explain": "1 of 2 mistakes",
    "training_maps": "nothing was watched",
    "two_runs": "watched nothing",
}
"""What is seen there once it stands."""

WITHOUT_FOCUS = {"gpu", "explain", "training_maps", "two_runs"}
"""The screens that have nothing to be focused, or not always."""


def make_two(runs_dir: Path) -> Path:
    """Two runs that are over, the newest first, and a study."""
    events = (started(), epoch_started(1), step(5), step(10), epoch_finished(1, accuracy=0.8))
    predict(made_run(runs_dir, "20260302-101010-digits-bbbb", *events), right_but(2, 10), "test")
    finished_run(runs_dir, "20260301-101010-digits-aaaa", 0.9)
    study = made_study(runs_dir, sampler="grid")
    ended_trial(study, plan(study.read())[0], 0.75)
    return runs_dir


async def go(app: ConsoleApp, name: str) -> None:
    """Press the keys of a route, each once the screen before it stands; the cursor is on the newer run."""
    await until(app, lambda: "bbbb" in screen_text(app) and app.screen.focused is not None)
    for key in ROUTES[name]:
        before = app.screen
        await until(app, lambda: BEYOND[name_of(app)] in screen_text(app))
        app.simulate_key(key)
        if key != "space":
            await until(app, lambda before=before: app.screen is not before and _stands(app))  # type: ignore[misc]
    await until(app, lambda: BEYOND[name] in screen_text(app))


def _stands(app: ConsoleApp) -> bool:
    if not isinstance(app.screen, ConsoleScreen):
        return False
    return app.screen.focused is not None or name_of(app) in WITHOUT_FOCUS


def name_of(app: ConsoleApp) -> str:
    return app.screen.NAME if isinstance(app.screen, ConsoleScreen) else ""
