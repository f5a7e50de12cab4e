"""Machine-dependent choices of a run, made once and stored, so that a resumed run computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any

import torch

from xaitui.config.schema import RunConfig
from xaitui.config.validity import check_precision
from xaitui.data.source import DATA_RULES
from xaitui.errors import UsageError
from xaitui.hardware.capacity import default_threads
from xaitui.hardware.compiler import compiler_problem
from xaitui.training.batch_order import log_every, steps_per_epoch
from xaitui.training.device import ChosenDevice

EVAL_BATCH_SIZES = {"cuda": 1024}
"""By device: small batches leave most of a GPU idle. They are halved if memory runs out."""
EVAL_BATCH_SIZE = 256
"""On other devices."""
FUSED_DEVICES = ("cuda", "cpu")
"""Devices on which the fused update of all weights is faster (benchmarks/README.md, Training)."""


@dataclass(frozen=True)
class Resolved:
    """Choices that, besides the configuration, determine the exact result of a run."""

    device: str
    """Class of the device: "cpu", "cuda", "mps"."""
    device_name: str
    threads: int
    channels_last: bool
    precision: str
    tf32: bool
    fused: bool
    """Whether to use the optimizer's fused kernels, if it has them."""
    eval_batch_size: int
    log_every: int
    """Steps between two journal lines."""
    torch: str
    micro_batch: int = 0
    """Images computed at once; 0 for the whole batch."""
    compile: bool = False
    """Whether the model is compiled for training."""
    cuda_graph: bool = False
    """Whether forward and backward of whole batches are captured in CUDA graphs."""
    data_rules: int = 1
    """Version of the rules that turn files into classes and splits."""
    reasons: dict[str, str] = field(default_factory=dict)

    def table(self) -> dict[str, Any]:
        """The values of the `[resolved]` table of config.toml."""
        return asdict(self)

    @staticmethod
    def from_table(table: Mapping[str, Any]) -> Resolved:
        """Read the `[resolved]` table.

        Raises:
            UsageError: a key is missing, unknown, or of a wrong type.
        """
        known = {item.name for item in fields(Resolved)}
        needed = {item.name for item in fields(Resolved) if item.default is MISSING and item.name != "reasons"}
        if odd := sorted((needed - set(table)) | (set(table) - known)):
            raise UsageError(f"the [resolved] table of the run lacks or does not know {odd[0]!r}")
        return Resolved(**table)


def resolve_machine(config: RunConfig, chosen: ChosenDevice, train_size: int) -> Resolved:
    """Make the choices for a new run.

    Raises:
        UsageError: the device does not support the configuration, or nothing can be compiled here.
    """
    training, device = config.training, chosen.device
    _check_precision(training.precision, device)
    if training.compile and (problem := compiler_problem(device.type)):
        raise UsageError(f"--compile cannot be used: {problem.text}; {problem.remedy}, or leave it away")
    layout, why_layout = _layout(training.channels_last, device)
    threads, why_threads = (training.threads, "asked for") if training.threads else default_threads()
    cuda = device.type == "cuda"
    return Resolved(
        device=device.type,
        device_name=chosen.name,
        threads=threads,
        channels_last=layout,
        precision=training.precision,
        tf32=cuda and not training.deterministic,
        fused=device.type in FUSED_DEVICES,
        eval_batch_size=training.eval_batch_size
        or max(EVAL_BATCH_SIZES.get(device.type, EVAL_BATCH_SIZE), training.batch_size),
        log_every=log_every(steps_per_epoch(train_size, training.batch_size), training.epochs),
        torch=torch.__version__,
        micro_batch=training.micro_batch_size,
        compile=training.compile,
        data_rules=DATA_RULES,
        reasons={"device": chosen.reason, "channels_last": why_layout, "threads": why_threads},
    )


def differences(run: Resolved, here: ChosenDevice) -> list[str]:
    """Reasons why this machine cannot continue a run exactly; empty if it can."""
    found = []
    if run.device != here.device.type:
        found.append(f"the run was made on {run.device}, this is {here.device.type}")
    elif run.device_name != here.name:
        found.append(f"the run was made on {run.device_name}, this is {here.name}")
    if run.torch != torch.__version__:
        found.append(f"the run was made with torch {run.torch}, this is {torch.__version__}")
    return found


def adapted(run: Resolved, here: ChosenDevice) -> Resolved:
    """The run's choices, adapted to another device."""
    cuda = here.device.type == "cuda"
    return replace(
        run,
        device=here.device.type,
        device_name=here.name,
        tf32=cuda and run.tf32,
        cuda_graph=cuda and run.cuda_graph,
        fused=here.device.type in FUSED_DEVICES,
    )


def _check_precision(precision: str, device: torch.device) -> None:
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise UsageError("this GPU has no bfloat16; use --precision float16 or float32")
    check_precision(precision, device.type)


def _layout(wanted: str, device: torch.device) -> tuple[bool, str]:
    if wanted != "auto":
        return wanted == "on", "asked for"
    return device.type in ("cuda", "cpu"), "faster for convolutions"
