"""Events of a run, as frozen records.

A step number is the number of optimizer steps that were finished; an epoch number counts from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Scalars = dict[str, float]
"""Names to numbers; one that is undefined is nan, and its reason stands in a field `undefined`."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Anything that is written to the journal."""

    time: float = 0.0
    """Wall clock, in seconds since 1970; set by the journal."""


@dataclass(frozen=True, kw_only=True)
class LifeCycle(Event):
    """An event that decides the state of a run; it is on the disk before the run goes on."""


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """An event that belongs to the work itself, and is done again when a run goes back to a checkpoint."""

    epoch: int
    step: int


@dataclass(frozen=True, kw_only=True)
class RunStarted(LifeCycle):
    """The data is loaded, the model built, and the first step is next."""

    dataset: str
    model: str
    device: str
    parameters: int
    train_size: int
    val_size: int
    test_size: int
    epochs: int
    steps_per_epoch: int
    log_every: int
    monitor: str
    mode: str
    patience: int
    classes: str = ""
    """The first ten classes, with their images in train, val and test; empty in runs that did not note it."""


@dataclass(frozen=True, kw_only=True)
class RunResumed(LifeCycle):
    """A process took the run up again from a checkpoint; what was journaled after the checkpoint is void."""

    from_step: int
    journal_offset: int
    """Length of the journal, in bytes, when the checkpoint was written."""
    checkpoint: str
    epochs: int
    exact: bool
    reason: str = ""
    """Why the run cannot go on exactly, where it cannot."""
    changed_data: str = ""
    """How the data differ from those that the run was trained on before, where a user accepted that."""


@dataclass(frozen=True, kw_only=True)
class RunExtended(LifeCycle):
    """A run was given more epochs than it was made with."""

    epochs_before: int
    epochs: int


@dataclass(frozen=True, kw_only=True)
class RunFinished(LifeCycle):
    """The run came to its end; `test` was computed once, from the best weights."""

    epoch: int
    step: int
    reason: str
    best_epoch: int
    best: float
    weights: str
    """Which weights were tested: of which epoch, and whether averaged."""
    test: Scalars
    undefined: dict[str, str] = field(default_factory=dict)
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RunStopped(LifeCycle):
    """The run was asked to stop; it can be resumed. The best weights so far were tested, if there are any."""

    epoch: int
    step: int
    reason: str
    exit_code: int
    saved: bool
    weights: str = ""
    test: Scalars = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RunPaused(LifeCycle):
    """The run waits, with everything in memory, until it is told to go on; what it has done is saved."""

    epoch: int
    step: int


@dataclass(frozen=True, kw_only=True)
class RunContinued(LifeCycle):
    """The pause is over."""

    epoch: int
    step: int


@dataclass(frozen=True, kw_only=True)
class HandingOver(LifeCycle):
    """The run was saved, and another process, which was started for that, takes it up."""

    epoch: int
    step: int
    pid: int
    """The process that is to take it up."""
    host: str
    deadline: float
    """Wall clock by which it must have begun."""


@dataclass(frozen=True, kw_only=True)
class RunFailed(LifeCycle):
    """The run broke."""

    epoch: int
    step: int
    kind: str
    message: str
    exit_code: int


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """A line for people."""

    message: str


@dataclass(frozen=True, kw_only=True)
class RequestAnswered(Event):
    """A request of another process was taken up."""

    request: str


@dataclass(frozen=True, kw_only=True)
class EpochStarted(Progress):
    """The first step of an epoch is next."""

    epochs: int
    """How many the run has by now."""


@dataclass(frozen=True, kw_only=True)
class StepLogged(Progress):
    """Some steps were done since the last one of these."""

    loss: float
    """Mean over the images of those steps."""
    lr: float
    images_per_second: float
    memory: int
    """Peak bytes of device memory, 0 where the device does not tell."""
    waiting: float = 0.0
    """Part of the time, 0 to 1, that the training waited for its data."""


@dataclass(frozen=True, kw_only=True)
class MemoryRanOut(Progress):
    """The memory was not enough; the work goes on from the same place with fewer images computed at once."""

    during: str
    """"training" or "evaluation"."""
    before: int
    """Images at once until now."""
    after: int
    """Images at once from now on; a step of training still takes its whole batch."""
    batch_norm: bool = False
    """Whether that changes the statistics of batch normalisation, and so the numbers."""


@dataclass(frozen=True, kw_only=True)
class BadStep(Progress):
    """A step after which the training cannot go on; what ends the run follows."""

    what: str
    """What was not finite: "loss", "weights", "statistics" (the model's buffers) or "optimizer" (its state), where a
    step before in the same epoch may have been the first; or "labels", which were no classes."""
    images: str
    """Those of its batch, as rows of the training split, with spaces between."""


@dataclass(frozen=True, kw_only=True)
class Evaluated(Progress):
    """A split was evaluated."""

    split: str
    scores: Scalars
    undefined: dict[str, str] = field(default_factory=dict)
    averaged: bool = False
    seconds: float


@dataclass(frozen=True, kw_only=True)
class EpochFinished(Progress):
    """An epoch is over, evaluation included; one row of metrics.csv."""

    train_loss: float
    train_accuracy: float
    """Of the predictions made during training: augmented images, dropout on, weights changing. nan where targets are
    mixed."""
    val: Scalars
    lr: float
    images_per_second: float
    """Of the training; evaluation is not counted."""
    seconds: float
    """Of the whole epoch, evaluation included."""
    best_epoch: int
    best: float
    waited: int
    """Epochs since the best one."""
    patience: int


@dataclass(frozen=True, kw_only=True)
class Profiled(Progress):
    """It was measured where the time of some steps goes."""

    steps: int
    """How many were measured."""
    images: int
    """In all of them."""
    milliseconds: Scalars
    """Mean time of a step in data, augmentation, forward, backward, optimizer, logging, and other: the rest of it."""
    flop: float
    """Floating-point operations of forward and backward in a step; nan where they could not be counted."""
    peak: float
    """Floating-point operations a second that a large matrix product reaches on the device, in the run's precision and
    with its threads; nan where it could not be measured."""
    share_of_peak: float
    """What the steps reached of that, 0 to 1."""
    trace: str
    """File of some further steps, in the run directory; empty where it could not be written."""


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(Progress):
    """A checkpoint is on the disk."""

    path: str
    seconds: float


EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        RunStarted,
        RunResumed,
        RunExtended,
        RunPaused,
        RunContinued,
        HandingOver,
        RunFinished,
        RunStopped,
        RunFailed,
        Note,
        RequestAnswered,
        EpochStarted,
        StepLogged,
        MemoryRanOut,
        BadStep,
        Profiled,
        Evaluated,
        EpochFinished,
        CheckpointSaved,
    )
}
