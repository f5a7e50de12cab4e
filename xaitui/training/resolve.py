"""What the machine chooses for a run, decided once, so that a resume on any day computes the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import torch

from xaitui.config.applicability import check_precision
from xaitui.config.schema import RunConfig
from xaitui.errors import UsageError
from xaitui.training.device import ChosenDevice
from xaitui.training.order import log_every, steps_per_epoch

EVAL_BATCH_SIZE = 256


@dataclass(frozen=True)
class Resolved:
    """The choices that decide the bits of a result, besides the configuration."""

    device: str
    """Class of the device: "cpu", "cuda", "mps"."""
    device_name: str
    threads: int
    channels_last: bool
    precision: str
    tf32: bool
    fused: bool
    """Whether the optimizer's fused kernels are used, where it has them."""
    eval_batch_size: int
    log_every: int
    """Steps between two journal lines."""
    torch: str
    reasons: dict[str, str] = field(default_factory=dict)

    def table(self) -> dict[str, Any]:
        """For the `[resolved]` table of a run's file."""
        return asdict(self)

    @staticmethod
    def from_table(table: Mapping[str, Any]) -> Resolved:
        """Read the `[resolved]` table.

        Raises:
            UsageError: a key is missing, unknown, or of a wrong type.
        """
        names = {item.name for item in fields(Resolved)}
        if set(table) != names:
            odd = sorted(names ^ set(table))
            raise UsageError(f"the [resolved] table of the run lacks or does not know {odd[0]!r}")
        return Resolved(**table)


def resolve_machine(config: RunConfig, chosen: ChosenDevice, train_size: int) -> Resolved:
    """Choose for a new run.

    Raises:
        UsageError: the device cannot do what the configuration asks for.
    """
    training, device = config.training, chosen.device
    _check_precision(training.precision, device)
    layout, why_layout = _layout(training.channels_last, device)
    threads, why_threads = _threads(training.threads)
    cuda = device.type == "cuda"
    return Resolved(
        device=device.type,
        device_name=chosen.name,
        threads=threads,
        channels_last=layout,
        precision=training.precision,
        tf32=cuda and not training.deterministic,
        fused=cuda,
        eval_batch_size=training.eval_batch_size or max(EVAL_BATCH_SIZE, training.batch_size),
        log_every=log_every(steps_per_epoch(train_size, training.batch_size), training.epochs),
        torch=torch.__version__,
        reasons={"device": chosen.reason, "channels_last": why_layout, "threads": why_threads},
    )


def differences(run: Resolved, here: ChosenDevice) -> list[str]:
    """Why this machine cannot go on exactly with what a run was made with; empty where it can."""
    found = []
    if run.device != here.device.type:
        found.append(f"the run was made on {run.device}, this is {here.device.type}")
    elif run.device_name != here.name:
        found.append(f"the run was made on {run.device_name}, this is {here.name}")
    if run.torch != torch.__version__:
        found.append(f"the run was made with torch {run.torch}, this is {torch.__version__}")
    return found


def adapted(run: Resolved, here: ChosenDevice) -> Resolved:
    """The run's choices on another device class."""
    cuda = here.device.type == "cuda"
    return replace(run, device=here.device.type, device_name=here.name, tf32=cuda and run.tf32, fused=cuda)


def _check_precision(precision: str, device: torch.device) -> None:
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise UsageError("this GPU has no bfloat16; use --precision float16 or float32")
    check_precision(precision, device.type)


def _layout(wanted: str, device: torch.device) -> tuple[bool, str]:
    if wanted != "auto":
        return wanted == "on", "asked for"
    return device.type in ("cuda", "cpu"), "faster for convolutions"


def _threads(wanted: int) -> tuple[int, str]:
    if wanted:
        return wanted, "asked for"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return usable, "the processors this process may use"
