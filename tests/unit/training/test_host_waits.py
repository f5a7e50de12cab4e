"""Training lets a GPU's host run ahead: between two journal lines no step reads the device or waits for a copy to it.

Seen on the processor, where nothing waits: each call that would wait on a GPU is counted by the line that makes it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.run_commands import made_set
from xaitui.config.resolve import build_config
from xaitui.events import Event, Note
from xaitui.jobs.prepare import prepare
from xaitui.stop import Stop
from xaitui.training.components import Parts
from xaitui.training.numerics import FiniteGuard
from xaitui.training.trainer import Trainer

IMAGES, BATCH = 96, 8

SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "averaged, clipped, scheduled": {
        "training.ema_decay": 0.99,
        "training.clip_norm": 1.0,
        "schedule.name": "cosine",
        "optimizer.name": "adamw",
    },
    "augmented": {
        "augmentation.hflip": True,
        "augmentation.vflip": True,
        "augmentation.rot90": True,
        "augmentation.rotate": 10.0,
        "augmentation.color_jitter": 0.2,
        "augmentation.stain_jitter": 0.05,
        "augmentation.erasing": 0.5,
        "augmentation.mixup": 0.2,
        "augmentation.cutmix": 1.0,
        "training.class_weights": "balanced",
    },
    "resized, in micro-batches": {"data.image_size": 24, "training.micro_batch_size": 4},
}

READS = ("cpu", "numpy", "tolist")
"""Methods of a tensor that wait for its device; `item`, `bool` and the like are seen as one operation."""
NEW_VALUES = (torch.ops.aten.lift_fresh.default, torch.ops.aten._local_scalar_dense.default)
"""A tensor made of Python numbers, which is copied to the device and waited for, and a number read from one."""
NO_WAITS = ("augment_parameters.py, tensor = torch.from_numpy(values)", "losses.py, return F.one_hot(")
"""A copy from pinned memory, which nothing waits for; labels that torch checks on processors only."""


class HostWaits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records what would wait for a GPU, by the line of the package that asked for it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[str] = []

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if operation in NEW_VALUES:
            self.note(str(operation))
        return operation(*args, **(kwargs or {}))

    def note(self, what: str) -> None:
        ours = [frame for frame in traceback.extract_stack() if "tests" not in Path(frame.filename).parts]
        ours = [frame for frame in ours if "site-packages" not in Path(frame.filename).parts] or ours
        line = f"{Path(ours[-1].filename).name}, {ours[-1].line}"
        if not line.startswith(NO_WAITS):
            self.found.append(f"{what}: {line}")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> HostWaits:
    found = HostWaits()
    for name in READS:
        monkeypatch.setattr(Tensor, name, _noting(found, name, getattr(Tensor, name)))
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda *device: found.note("synchronize"))
    return found


def _noting(waits: HostWaits, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*args: Any, **kwargs: Any) -> Any:
        waits.note(name)
        return method(*args, **kwargs)

    return noted


class _NeverDue:
    def due(self, *, epoch_end: bool) -> bool:
        return False

    def save(self, trainer: Trainer) -> NoReturn:
        raise AssertionError("nothing is due")


class _AsOnAGpu(Trainer):
    """Keeps a loss that is not finite in a flag, and reads nothing at a log point: there the host may wait."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._guard = FiniteGuard(parts.numerics.device, parts.optimizer, immediate=False)
        self._step._guard = self._guard

    def _log(self) -> Event:
        return Note(message="a line")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_set(tmp_path_factory.mktemp("images") / "set.npz", images=IMAGES, side=16, channels=3)


@pytest.mark.parametrize("name", SETTINGS)
def test_no_step_waits_for_the_device(images: Path, waits: HostWaits, name: str) -> None:
    settings = {"data.dataset": str(images), "run.device": "cpu", "training.batch_size": BATCH, "training.threads": 1}
    trainer = _AsOnAGpu(prepare(build_config({**settings, **SETTINGS[name]}), Stop(), print).trainer.parts)
    events: Iterator[Event] = trainer._train(Stop(), _NeverDue())
    next(events)  # of the first step, which makes what the others use
    waits.found.clear()
    with waits:
        list(events)
    assert trainer.at.step == IMAGES // BATCH
    assert waits.found == []


def test_waits_are_seen(waits: HostWaits) -> None:
    values = torch.zeros(3)
    with waits:
        values.new_tensor(1.0)
        float(values.sum())
        values.cpu()
        values.tolist()
        torch.accelerator.synchronize()
    assert len(waits.found) >= 5
