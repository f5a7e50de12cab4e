"""`xaitui sweep`: create, run, show, resume, retry and stop studies."""

from __future__ import annotations

import json as json_module
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from xaitui.catalog.presets import PRESETS
from xaitui.cli.arguments import RunsDir
from xaitui.cli.completion import complete_study, one_of
from xaitui.cli.help_sections import SectionedGroup
from xaitui.cli.options import with_base_settings
from xaitui.cli.output.streams import put, put_all, say
from xaitui.cli.output.study import counts_line, plan_lines, standing_lines, standing_record, trial_line
from xaitui.cli.run_study import begin, work_here
from xaitui.errors import UsageError
from xaitui.runs.folder import runs_folder
from xaitui.studies.create import StudyWords, check_objectives, check_study, study_of_file
from xaitui.studies.definition import TESTED, Study
from xaitui.studies.folder import create_study, find_study, list_studies
from xaitui.studies.samplers import PRUNERS, SAMPLERS
from xaitui.studies.status import StudyReader
from xaitui.studies.study_file import to_toml
from xaitui.studies.time_estimates import Estimates
from xaitui.studies.trials import Trial

app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)

LEFT_OUT = frozenset({"run.name", "run.note", "run.max_time", "run.on_end", "run.wait_gpu"})
"""Settings of one run that mean nothing for many."""

Base = Annotated[
    str,
    typer.Option(
        "--base", metavar="PRESET", help="A preset, or a TOML file of settings.", autocompletion=one_of(PRESETS)
    ),
]
Vary = Annotated[
    list[str], typer.Option("--vary", metavar="SETTING=VALUES", help="lr=0.001,0.01  lr=1e-4..1e-1:log  epochs=5..20:5")
]
Name = Annotated[str, typer.Option("--name", help="What the study is called; its folder.", show_default=False)]
Seeds = Annotated[int, typer.Option("--seeds", help="Runs of each setting, each with another seed.")]
Workers = Annotated[
    int, typer.Option("--workers", help="Worker processes, one a GPU or share of the cores; 0 works in this process.")
]
Detach = Annotated[bool, typer.Option("--detach", help="Go on in the background, whatever becomes of this terminal.")]
Probe = Annotated[bool, typer.Option("--probe", help="With --dry-run: time models that no run here has timed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print every run with its estimate, and do nothing.")]
StudyWord = Annotated[
    str, typer.Argument(metavar="STUDY", help="A study's name, or last.", autocompletion=complete_study)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def _sweep(
    context: typer.Context,
    settings: dict[str, Any],
    file: Annotated[Path | None, typer.Option("--config", "-c", help="A TOML file of a study.")] = None,
    base: Base = "",
    vary: Vary = [],  # noqa: B006 -- never changed
    sampler: Annotated[
        str, typer.Option("--sampler", help=", ".join(SAMPLERS), autocompletion=one_of(SAMPLERS))
    ] = "one-at-a-time",
    objective: Annotated[str, typer.Option("--objective", help="val_accuracy, val_loss, parameters, seconds ...")] = "",
    seeds: Seeds = 1,
    trials: Annotated[int, typer.Option("--trials", help="Settings that random, tpe, cma-es or nsga2 try.")] = 0,
    pruner: Annotated[str, typer.Option("--pruner", help=", ".join(PRUNERS), autocompletion=one_of(PRUNERS))] = "none",
    storage: Annotated[
        str, typer.Option("--optuna-storage", help="Optuna's: an SQLAlchemy URL; a file by default.")
    ] = "",
    tested: Annotated[
        str,
        typer.Option(
            "--test",
            help=f"Of which the test split is read in the end: {', '.join(TESTED)}.",
            autocompletion=one_of(TESTED),
        ),
    ] = "best",
    name: Name = "",
    workers: Workers = 0,
    detach: Detach = False,
    dry_run: DryRun = False,
    probe: Probe = False,
    runs_dir: RunsDir = None,
) -> int:
    """Search settings in a study, whose trials are ordinary runs."""
    if context.invoked_subcommand is not None:
        return 0
    if file is not None:
        if vary or base or seeds != 1 or trials:
            raise UsageError("--config names a whole study; leave --base, --vary, --seeds and --trials away")
        study = study_of_file(file, name)
        return start(study, runs_dir, workers, background=detach, dry_run=dry_run, probe=probe)
    words = StudyWords(base, settings, vary, (), name, sampler, objective, seeds, trials, pruner, storage, tested)
    return start(words.study(), runs_dir, workers, background=detach, dry_run=dry_run, probe=probe)


def start(study: Study, runs_dir: Path | None, workers: int, *, background: bool, dry_run: bool, probe: bool) -> int:
    """Check a study, then show or begin it."""
    folder = runs_folder(runs_dir)
    trials = check_study(study)
    if dry_run:
        show_plan(study, trials, folder, probe=probe)
        return 0
    if study.storage:
        from xaitui.studies.optuna_proposer import check_storage

        check_storage(study)
    check_objectives(study, trials)
    return begin(create_study(study, folder), workers, background=background)


def show_plan(study: Study, trials: Sequence[Trial], folder: Path, *, probe: bool) -> None:
    """Print every run that a study will make, with its estimate."""
    estimates = Estimates.read(folder)
    for config in [trial.config for trial in trials] or [study.base] if probe else []:
        estimates.measure(config)
    put_all(plan_lines(study, trials, estimates))


app.callback(cls=SectionedGroup)(with_base_settings(_sweep, LEFT_OUT))


@app.command("ls")
def list_command(runs_dir: RunsDir = None) -> int:
    """List the studies, that which was last worked on first."""
    folder = runs_folder(runs_dir)
    studies = list_studies(folder)
    if not studies:
        say(f"there are no studies in {folder}; start one with: xaitui sweep --vary optimizer.lr=0.001,0.01")
    for study in studies:
        put(counts_line(StudyReader(study).read()))
    return 0


@app.command("status")
def status_command(
    study: StudyWord = "last",
    trials: Annotated[bool, typer.Option("--trials", help="Every trial, not only every setting.")] = False,
    runs_dir: RunsDir = None,
    json: AsJson = False,
) -> int:
    """Show how a study stands: each setting over its seeds, the best first."""
    standing = StudyReader(find_study(study, runs_folder(runs_dir))).read()
    if json:
        put(json_module.dumps(standing_record(standing), allow_nan=False))
        return 0
    put_all(standing_lines(standing))
    for each in standing.trials if trials else ():
        put(f"{each.trial.id}  {trial_line(each, standing.study)}")
    return 0


@app.command("show")
def show_command(study: StudyWord = "last", runs_dir: RunsDir = None) -> int:
    """Print a study's definition, which `sweep --config` takes."""
    put(to_toml(find_study(study, runs_folder(runs_dir)).read()).rstrip())
    return 0


@app.command("resume")
def resume_command(
    study: StudyWord = "last",
    workers: Workers = 0,
    detach: Detach = False,
    retry_before: Annotated[float, typer.Option("--retry-before", hidden=True)] = 0.0,
    runs_dir: RunsDir = None,
) -> int:
    """Go on with a study where it was; finished trials are never run again."""
    folder = find_study(study, runs_folder(runs_dir))
    check_study(folder.read())
    return begin(folder, workers, background=detach, retry_before=retry_before)


@app.command("retry")
def retry_command(
    study: StudyWord = "last",
    failed: Annotated[
        bool, typer.Option("--failed", help="Trials that failed, diverged or ran out of memory.")
    ] = False,
    workers: Workers = 0,
    detach: Detach = False,
    runs_dir: RunsDir = None,
) -> int:
    """Try failed trials again, and go on with the study."""
    from xaitui.studies.claim import retry_failed

    if not failed:
        raise UsageError("say what is to be tried again: xaitui sweep retry --failed STUDY")
    folder = find_study(study, runs_folder(runs_dir))
    check_study(folder.read())
    return begin(folder, workers, background=detach, retry_before=retry_failed(folder))


@app.command("stop")
def stop_command(study: StudyWord = "last", runs_dir: RunsDir = None) -> int:
    """Ask every process that works on a study to save and end, on whichever machine."""
    folder = find_study(study, runs_folder(runs_dir))
    if not StudyReader(folder).read().is_live:
        raise UsageError(f"nothing works on {folder.name}")
    try:
        folder.stop.touch()
    except OSError as error:
        raise UsageError(f"cannot leave a request in {folder.path}: {error.strerror}") from None
    say(f"asked; what was saved goes on with: xaitui sweep resume {folder.name}")
    return 0


@app.command("work")
def work_command(
    study: StudyWord,
    worker: Annotated[int, typer.Option("--worker", hidden=True)] = 0,
    cores: Annotated[str, typer.Option("--cores", help="Numbers of the processor cores to keep to.")] = "",
    retry_before: Annotated[float, typer.Option("--retry-before", hidden=True)] = 0.0,
    runs_dir: RunsDir = None,
) -> int:
    """Join the work on a study, from this machine or from another one that has the same folder of runs."""
    folder = find_study(study, runs_folder(runs_dir))
    if cores:
        try:
            os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
        except (ValueError, OSError):
            raise UsageError(f"--cores takes numbers of cores of this machine, such as 0,1, not {cores!r}") from None
    return work_here(folder, retry_before)
