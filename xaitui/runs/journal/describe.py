"""Readable lines for events, the same during a run, afterwards, and in another terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from xaitui.catalog.metrics import METRICS
from xaitui.config.units import format_duration
from xaitui.events import (
    BadStep,
    EpochFinished,
    Evaluated,
    Event,
    HandingOver,
    LifeCycle,
    MemoryRanOut,
    Note,
    Profiled,
    Progress,
    RequestAnswered,
    RunContinued,
    RunExtended,
    RunFailed,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    RunStopped,
    Scalars,
)
from xaitui.metrics.format import score_text
from xaitui.text import last_part, listed, printable

SHOWN_IMAGES = 16
"""Most images of a bad batch that are listed."""
WIDTH = 79
"""Columns at which text is wrapped; paths and commands are not broken, so that they can be copied."""


def describe(event: Event, epochs: int) -> list[str]:
    """Readable lines for an event, without terminal control characters."""
    return [printable(line) for line in _lines(event, epochs)]


def memory_ran_out(event: MemoryRanOut) -> str:
    """Description of the effect of running out of memory."""
    said = f"ran out in {event.during} at step {event.step}: {event.after} images at once instead of {event.before}"
    if event.during != "training":
        return said
    said += ", their gradients added up to those of the batch"
    return f"{said}; batch normalisation now takes the statistics of {event.after}" if event.batch_norm else said


_WRONG = {
    "loss": "a loss that is not finite",
    "weights": "weights that are not finite",
    "statistics": "running statistics that are not finite",
    "optimizer": "the optimizer a state that is not finite",
    "labels": "labels that are no classes",
}
"""Descriptions of the fault of a step that ended a run."""
_FOUND_LATER = ("statistics", "optimizer")
"""Faults that the loss does not show; they are checked at the end of an epoch and before a checkpoint."""


def bad_step(event: BadStep) -> str:
    """Description of a faulty step and the images of its batch."""
    wrong = _WRONG.get(event.what, f"{event.what} that cannot be used")
    images = listed(event.images.split(), SHOWN_IMAGES)
    before = ", or one before it in the epoch," if event.what in _FOUND_LATER else ""
    return f"of step {event.step} (epoch {event.epoch}){before} gave {wrong}; images of the training split: {images}"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=" " * 7, break_long_words=False, break_on_hyphens=False)


def _lines(event: Event, epochs: int) -> list[str]:
    match event:
        case RunStarted():
            return [
                f"train  {last_part(event.model)} ({event.parameters:,} parameters) on {last_part(event.dataset)}",
                f"data   {event.train_size:,} train, {event.val_size:,} val, {event.test_size:,} test images",
                *(_wrapped(f"class  {event.classes}") if event.classes else []),
                f"device {event.device}, {event.epochs} epochs of {event.steps_per_epoch} steps",
            ]
        case RunResumed():
            exact = "exactly" if event.exact else f"not exactly: {event.reason}"
            return _wrapped(f"resume from step {event.from_step}, {exact}")
        case Progress():
            return _describe_progress(event, epochs)
        case Note():
            return _wrapped(f"note   {event.message}")
        case RequestAnswered():
            return [f"asked  {event.request}"]
        case RunFinished() | RunStopped() | RunFailed():
            return _describe_end(event)
        case LifeCycle():
            return _describe_change(event)
    return []


def _describe_progress(event: Progress, epochs: int) -> list[str]:
    match event:
        case Evaluated() if event.epoch <= 1 or event.split == "test":  # once, because it does not change
            return [line for note in _undefined(event) for line in _wrapped(f"note   {note}")]
        case EpochFinished():
            return [epoch_line(event, epochs)]
        case MemoryRanOut():
            return _wrapped(f"memory {memory_ran_out(event)}")
        case BadStep():
            return _wrapped(f"batch  {bad_step(event)}")
        case Profiled():
            return profile_lines(event)
    return []


def _undefined(event: Evaluated) -> Iterator[str]:
    """One line for each reason why scores are undefined."""
    for why in dict.fromkeys(event.undefined.values()):
        names = [METRICS[name].label for name, reason in event.undefined.items() if reason == why]
        yield f"{event.split} {', '.join(names)} {'is' if len(names) == 1 else 'are'} undefined: {why}"


def _describe_change(event: LifeCycle) -> list[str]:
    match event:
        case RunPaused():
            return [f"pause  at step {event.step}, saved; it waits"]
        case RunContinued():
            return ["pause  is over"]
        case HandingOver():
            return [f"hand   over to process {event.pid} on {event.host}, at step {event.step}"]
        case RunExtended():
            return [f"epochs {event.epochs_before} -> {event.epochs}"]
    return []


def _describe_end(event: RunFinished | RunStopped | RunFailed) -> list[str]:
    match event:
        case RunFinished():
            return [
                f"end    {event.reason} ({format_duration(event.seconds)})",
                *_test_lines(event.test, event.weights),
            ]
        case RunStopped():
            saved = "saved; go on with xaitui resume" if event.saved else "not saved; the last checkpoint stands"
            return [f"stop   {event.reason} at step {event.step}, {saved}", *_test_lines(event.test, event.weights)]
        case RunFailed():
            return [f"xaitui: {event.message}"]


def epoch_line(event: EpochFinished, epochs: int) -> str:
    """One epoch in at most 80 columns: training / validation loss, accuracy and AUC, speed, the best epoch so far."""
    width = len(str(epochs))
    loss, accuracy, auc = (score_text(event.val.get(name, math.nan)) for name in ("loss", "accuracy", "auc"))
    patience = f"patience {event.waited}/{event.patience}" if event.patience else ""
    return (
        f"epoch  {event.epoch:>{width}}/{epochs}  loss {score_text(event.train_loss)}/{loss}  "
        f"acc {score_text(event.train_accuracy)}/{accuracy}  auc {auc}  {event.images_per_second:,.0f} img/s  "
        f"{'*' if event.best_epoch == event.epoch else patience}"
    ).rstrip()


def profile_lines(event: Profiled) -> list[str]:
    """Time of each phase of a step, speed compared with the device's peak, and the path of the trace."""
    whole = sum(event.milliseconds.values())
    seconds = whole * event.steps / 1000
    speed = f"{event.images / seconds:,.0f} images/s" if seconds else "-"
    head = f"time   mean of {event.steps} step{'s' if event.steps > 1 else ''}, {speed}"
    rows = [f"{name:<16} {value:>9,.2f} ms {_percent(value, whole):>6}" for name, value in event.milliseconds.items()]
    last = [f"{'together':<16} {whole:>9,.2f} ms", *_beside_peak(event)]
    last += [f"a trace of more steps, for ui.perfetto.dev: {event.trace}"] if event.trace else []
    return [head, *(f"{'':<7}{row}" for row in (*rows, *last))]


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _beside_peak(event: Profiled) -> list[str]:
    if math.isnan(event.share_of_peak):
        return []
    return [
        f"{event.flop / 1e9:,.2f} GFLOP a step: {100 * event.share_of_peak:.1f} % of the {event.peak / 1e9:,.0f} "
        "GFLOP/s",
        "that a large matrix product reaches here",
    ]


def _test_lines(test: Scalars, weights: str) -> list[str]:
    if not test:
        return []
    scores = "  ".join(f"{METRICS[name].label} {score_text(test[name])}" for name in METRICS if name in test)
    words = f"test   {scores} (of {weights})"
    return textwrap.wrap(words, WIDTH, subsequent_indent=" " * 7, break_on_hyphens=False)
