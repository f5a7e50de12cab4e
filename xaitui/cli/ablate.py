"""`xaitui ablate`: a baseline, and each of some factors turned the other way, over several seeds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from xaitui.cli.arguments import RunsDir
from xaitui.cli.options import with_base_settings
from xaitui.cli.sweep import LEFT_OUT, Base, Detach, DryRun, Name, Probe, Workers, start
from xaitui.studies.create import StudyWords


def _ablate(
    settings: dict[str, Any],
    base: Base = "",
    toggle: Annotated[
        list[str], typer.Option("--toggle", metavar="SETTING", help="model.dropout, or model.activation=leaky-relu")
    ] = [],  # noqa: B006 -- never changed
    combinations: Annotated[bool, typer.Option("--combinations", help="All combinations, not each alone.")] = False,
    seeds: Annotated[int, typer.Option("--seeds", help="Runs of each, paired by their seed.")] = 5,
    objective: Annotated[str, typer.Option("--objective", help="val_accuracy, val_auc ...")] = "",
    name: Name = "",
    workers: Workers = 0,
    detach: Detach = False,
    dry_run: DryRun = False,
    probe: Probe = False,
    runs_dir: RunsDir = None,
) -> int:
    """Turn parts on and off, and set them beside the baseline, seed by seed."""
    words = StudyWords(
        base, settings, (), toggle, name, "grid" if combinations else "one-at-a-time", objective, seeds, tested="all"
    )
    return start(words.study(), runs_dir, workers, background=detach, dry_run=dry_run, probe=probe)


command = with_base_settings(_ablate, LEFT_OUT)
