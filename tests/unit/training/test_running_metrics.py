from __future__ import annotations

import math

import torch

from xaitui.catalog.records import Task
from xaitui.training.numerics import Numerics
from xaitui.training.running_metrics import Meter

CPU = Numerics(torch.device("cpu"))


def test_means_weigh_batches_by_their_images() -> None:
    now = [0.0]
    meter = Meter(Task.MULTI_CLASS, CPU, lambda: now[0])
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    meter.add(torch.tensor(1.0), logits, torch.tensor([0, 1, 1]))
    meter.add(torch.tensor(5.0), logits[:1], torch.tensor([0]))
    now[0] = 2.0
    window, speed, _ = meter.window()
    assert (window.loss, window.accuracy, window.images) == (2.0, 0.75, 4)
    assert speed == 2.0
    assert math.isnan(meter.window()[0].loss)
    assert meter.epoch().loss == 2.0
    assert meter.epoch().images == 0


def test_several_labels_count_each_yes_and_no() -> None:
    meter = Meter(Task.MULTI_LABEL, CPU)
    meter.add(torch.tensor(1.0), torch.tensor([[3.0, -3.0, 3.0, -3.0]]), torch.tensor([[1, 0, 0, 0]]))
    assert meter.epoch().accuracy == 0.75


def test_a_restored_meter_goes_on_with_the_same_sums() -> None:
    meter, other = Meter(Task.MULTI_CLASS, CPU), Meter(Task.MULTI_CLASS, CPU)
    batch = (torch.tensor(0.3), torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    meter.add(*batch)
    other.restore(meter.state())
    for each in (meter, other):
        each.add(*batch)
    assert meter.epoch() == other.epoch()
