"""`xaitui reproduce`: the report's tables and figures, each one command, set beside the report's own numbers."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from xaitui.catalog.experiments import EXPERIMENTS, Experiment
from xaitui.cli.arguments import RunsDir
from xaitui.cli.completion import one_of
from xaitui.cli.output.reproduction import put_reproduction
from xaitui.cli.output.streams import put, put_all, say
from xaitui.cli.output.study import plan_lines
from xaitui.cli.run_study import take_up
from xaitui.cli.sweep import DryRun, Workers
from xaitui.config.units import format_duration
from xaitui.errors import DataError, ExitCode, UsageError
from xaitui.hardware.gpus import read_driver
from xaitui.runs.folder import runs_folder
from xaitui.studies.create import check_study
from xaitui.studies.definition import Study
from xaitui.studies.folder import create_study, studies_dir
from xaitui.studies.reproduction import ALL, Cut, cut_words, find_experiments, study_of
from xaitui.studies.status import StudyReader
from xaitui.studies.time_estimates import Estimates, measured_speed, total, train_images
from xaitui.studies.trials import Trial, plan

PROBED = 8
"""Images in the batch that is timed to say how long a heavy experiment would take."""


def command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT",
            help=f"{', '.join(EXPERIMENTS)}, or {ALL}.",
            autocompletion=one_of([*EXPERIMENTS, ALL]),
        ),
    ],
    seeds: Annotated[int, typer.Option("--seeds", help="Runs of each setting.")] = 3,
    fraction: Annotated[float, typer.Option("--fraction", help="Part of the training images: a cut.")] = 1.0,
    epochs: Annotated[int, typer.Option("--epochs", help="Epochs instead of the report's: a cut.")] = 0,
    dataset: Annotated[str, typer.Option("--dataset", help="Another dataset than the report's.")] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder where data files are looked for first.")] = "",
    device: Annotated[
        str, typer.Option("--device", help="auto, cpu, cuda or cuda:N; cpu runs what needs a GPU too.")
    ] = "auto",
    workers: Workers = 0,
    dry_run: DryRun = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for tables and figures.")] = None,
    runs_dir: RunsDir = None,
) -> int:
    """Run an experiment of the report, resumably, and set it beside the report's own numbers."""
    cut = Cut(fraction, epochs, dataset)
    settings = {path: value for path, value in (("data.data_dir", data_dir), ("run.device", device)) if value}
    folder = runs_folder(runs_dir)
    experiments = find_experiments(name)
    made = [(each, [study_of(each, part, cut, seeds, settings) for part in each.parts]) for each in experiments]
    codes = []
    for experiment, studies in made:
        try:
            codes.append(_reproduce(experiment, studies, cut, folder, out, workers, dry_run=dry_run))
        except (DataError, UsageError) as error:
            if len(made) == 1:
                raise
            say(f"{experiment.name}: {error}")
            codes.append(int(error.exit_code))
        if codes[-1] not in (0, ExitCode.TRIALS_FAILED, ExitCode.DATA, ExitCode.USAGE):
            break
    return max(codes, default=0)


def _reproduce(
    experiment: Experiment,
    studies: list[Study],
    cut: Cut,
    folder: Path,
    out: Path | None,
    workers: int,
    *,
    dry_run: bool,
) -> int:
    words = cut_words(experiment, cut)
    put(f"{experiment.title}{f'  [{words}]' if words else ''}")
    if experiment.heavy and not words:
        _require_gpu(experiment, studies)
    plans = [_checked(experiment, study, folder) for study in studies]
    if dry_run:
        for study, trials in zip(studies, plans, strict=True):
            put_all(plan_lines(study, trials, Estimates.read(folder)))
        return 0
    code = 0
    for study in studies:
        code = max(code, take_up(create_study(study, folder), workers, shows=False))
        if code not in (0, ExitCode.TRIALS_FAILED):
            break
    _show(experiment, cut, words, studies, folder, out)
    return code


def _checked(experiment: Experiment, study: Study, folder: Path) -> list[Trial]:
    """Every trial of a study, the data that it needs found.

    Raises:
        DataError: a file is missing; says also how long the experiment would take.
    """
    try:
        return check_study(study)
    except DataError as error:
        estimates = Estimates.read(folder)
        known = [estimates.seconds(trial.config) for trial in plan(study)]
        seconds, unknown = total(known)
        words = (
            "is not known, for none like them has finished here" if unknown else f"is about {format_duration(seconds)}"
        )
        raise DataError(f"{error}; the time that its {len(known)} runs would take {words}") from None


def _require_gpu(experiment: Experiment, studies: list[Study]) -> None:
    """Refuse to begin what would take weeks on a processor, unless it is asked for.

    Raises:
        UsageError: says how long it would take here.
    """
    base = studies[0].base
    if base.run.device != "auto" or read_driver().gpus:
        return
    speed = measured_speed(base, PROBED)
    seconds = train_images(base) / speed
    runs = sum(len(plan(study)) for study in studies)
    raise UsageError(
        f"{experiment.name} needs a GPU, and there is none here: {experiment.heavy}. On this processor an epoch would "
        f"take about {format_duration(seconds)} ({speed:.1f} images/s measured), the {runs} runs about "
        f"{format_duration(seconds * base.training.epochs * runs)}; --fraction 0.01 --epochs 1 is a run-through, "
        "--device cpu runs it all the same"
    )


def _show(experiment: Experiment, cut: Cut, words: str, studies: list[Study], folder: Path, out: Path | None) -> None:
    from xaitui.report.reproduction import gather
    from xaitui.report.reproduction_files import write_reproduction

    standings = [StudyReader(create_study(study, folder)).read() for study in studies]
    found = gather(experiment, cut, words, standings)
    place = out.absolute() if out is not None else studies_dir(folder) / studies[0].name
    put_reproduction(found)
    for path in write_reproduction(found, place, shlex.join(["xaitui", *sys.argv[1:]])):
        put(f"wrote  {path}")
