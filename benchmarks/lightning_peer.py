"""The same training by Lightning's Trainer, which most people know; imported only where it is compared with."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.peers import LR, Work, build, loader, synchronize


class _Module(lightning.LightningModule):  # type: ignore[misc]
    def __init__(self, work: Work) -> None:
        super().__init__()
        self.model = build(work)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        inputs, targets = batch
        return F.cross_entropy(self.model(inputs), targets.squeeze(1))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=LR)


class _Clock(lightning.Callback):  # type: ignore[misc]
    """Takes the time of an epoch, from the end of its first step to that of its last."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._began = self.seconds = 0.0

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
        if index == 0:
            synchronize(self._device)
            self._began = time.perf_counter()

    def on_train_epoch_end(self, *_: Any) -> None:
        synchronize(self._device)
        self.seconds = time.perf_counter() - self._began


def lightning_speed(work: Work) -> float:
    """Images a second of a pass; logger, checkpoints, progress bar and summary are off, and no workers load."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    clock = _Clock(work.device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it advises workers
        trainer = lightning.Trainer(
            accelerator=work.device,
            devices=1,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[clock],
        )
        trainer.fit(_Module(work), loader(work, 0))
    return work.speed(clock.seconds)
