"""Before a run of hours: how long it will take, and whether it fits, by a few real steps of it. Nothing is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch

from xaitui.config.schema import RunConfig
from xaitui.jobs.failures import failure_of
from xaitui.jobs.measure.memory import OF_PROCESS, MemoryMeter
from xaitui.jobs.measure.speed import evaluation_speed, training_speed
from xaitui.jobs.preflight.batch_size import automatic, fitting_batch, most_for_steps
from xaitui.jobs.preflight.report import Preflight
from xaitui.jobs.prepare import Found, Prepared, Say, prepare
from xaitui.stop import Stop
from xaitui.training.memory import smallest_micro_batch


def preflight(config: RunConfig, stop: Stop, say: Say, available: int | None = None) -> Preflight:
    """Open data and model as a run does, and take a few of its steps; a run that follows is what it would have been.

    Args:
        config: the run; a batch size that is to be found is found.
        stop: ends it between two steps.
        say: told while it waits for a GPU or reads a large file.
        available: bytes of memory that it may count on, instead of those that there are.

    Raises:
        XaituiError: of the kind with which the run would fail.
    """
    try:
        with _torch_as_it_was():
            config, found = settle_batch_size(config, stop, say, available)
            process = MemoryMeter(torch.device("cpu"))
            process.restart()
            prepared = prepare(config, stop, say, found=found)
            return _measured(prepared, stop, available, opening=process.peak())
    except (MemoryError, RuntimeError) as error:
        raise failure_of(error, Path()) from error


def _measured(prepared: Prepared, stop: Stop, available: int | None, opening: int) -> Preflight:
    """Take the steps; `opening` is what the process took at its peak while the data was opened."""
    trainer, dataset, resolved = prepared.trainer, prepared.dataset, prepared.resolved
    parts, batch_size = trainer.parts, prepared.config.training.batch_size
    meter = MemoryMeter(parts.numerics.device)
    available = available or meter.available()
    fit = fitting_batch(parts, meter, available, len(dataset.train), stop)
    at_once = min(parts.micro_batch, batch_size, fit.images)
    meter.restart()
    speeds = training_speed(parts, batch_size, at_once, stop), evaluation_speed(trainer, stop)
    peak = max(meter.peak(), opening if meter.kind == OF_PROCESS else 0)
    return Preflight(
        device=resolved.device_name,
        batch_size=batch_size,
        computed_at_once=at_once,
        precision=resolved.precision,
        epochs=trainer.epochs,
        train_images=len(dataset.train),
        val_images=len(dataset.val),
        test_images=dataset.test_size,
        training_speed=speeds[0],
        evaluation_speed=speeds[1],
        peak_memory=peak,
        memory_kind=meter.kind,
        available_memory=available,
        largest_batch=fit.images,
        largest_is_tried=fit.tried,
        notes=tuple(_notes(prepared, at_once)),
    )


def _notes(prepared: Prepared, at_once: int) -> Iterator[str]:
    training = prepared.config.training
    yield from prepared.notes
    if at_once < min(training.batch_size, prepared.trainer.parts.micro_batch, len(prepared.dataset.train)):
        yield (
            f"a batch of {training.batch_size:,} does not fit: {at_once:,} images were computed at once; use "
            f"--batch-size or --micro-batch-size {at_once}"
        )
    if training.patience:
        yield "early stopping may end it sooner"


def settle_batch_size(
    config: RunConfig, stop: Stop, say: Say, available: int | None = None
) -> tuple[RunConfig, Found | None]:
    """The configuration with a number as batch size, and what was found with it; as it is where it has one.

    Raises:
        XaituiError: the run could not begin.
        RuntimeError, MemoryError: memory ran out before its first step.
    """
    if config.training.batch_size:
        return config, None
    say("finding the largest batch that fits")
    with _torch_as_it_was():
        for_now = _with(config, batch_size=config.training.assumed_batch_size, compile=False)
        prepared = prepare(for_now, stop, say)
        parts, images = prepared.trainer.parts, len(prepared.dataset.train)
        meter, smallest = MemoryMeter(parts.numerics.device), smallest_micro_batch(parts.model)
        fit = fitting_batch(parts, meter, available or meter.available(), most_for_steps(images, smallest), stop)
        size, why = automatic(fit, images, smallest)
    known = prepared.resolved.reasons
    found = Found(
        prepared.resolved.precision, {"batch_size": why} | {key: known[key] for key in ("precision",) if key in known}
    )
    del prepared, parts  # the run is to find the memory as it was
    meter.restart()
    return _with(config, batch_size=size), found


def _with(config: RunConfig, **training: int) -> RunConfig:
    """The configuration with other settings of its training."""
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


@contextlib.contextmanager
def _torch_as_it_was() -> Iterator[None]:
    """Put back what torch keeps for the whole process: what `configure` sets, and the generators."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    flags = cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = flags
