from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from xaitui.catalog.records import Task
from xaitui.training.losses import balanced_weights, build_loss, one_hot

ONE_LABEL = [Task.MULTI_CLASS, Task.BINARY, Task.ORDINAL]


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(12, 3, generator=torch.Generator().manual_seed(0)) * 3


@pytest.fixture
def targets() -> torch.Tensor:
    return torch.arange(12) % 3


def test_all_four_tasks_are_covered() -> None:
    assert {*ONE_LABEL, Task.MULTI_LABEL} == set(Task)


@pytest.mark.parametrize("task", ONE_LABEL)
def test_one_label_is_cross_entropy(task: Task, logits: torch.Tensor, targets: torch.Tensor) -> None:
    torch.testing.assert_close(build_loss(task)(logits, targets), F.cross_entropy(logits, targets))
    smoothed = build_loss(task, label_smoothing=0.1)(logits, targets)
    torch.testing.assert_close(smoothed, F.cross_entropy(logits, targets, label_smoothing=0.1))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_hard_and_blended_targets_agree(
    smoothing: float, weighted: bool, logits: torch.Tensor, targets: torch.Tensor
) -> None:
    weights = torch.tensor([0.5, 1.0, 2.0]) if weighted else None
    loss = build_loss(Task.MULTI_CLASS, label_smoothing=smoothing, class_weights=weights)
    blended = one_hot(targets, 3, Task.MULTI_CLASS)
    torch.testing.assert_close(loss(logits, targets), loss(logits, blended))


def test_losses_of_micro_batches_add_up_with_class_weights(logits: torch.Tensor, targets: torch.Tensor) -> None:
    loss = build_loss(Task.MULTI_CLASS, class_weights=torch.tensor([0.5, 1.0, 4.0]))
    parts = [loss(logits[part], targets[part]) * len(targets[part]) for part in (slice(0, 5), slice(5, 12))]
    torch.testing.assert_close(torch.stack(parts).sum() / 12, loss(logits, targets))


def test_several_labels_are_binary_cross_entropy(logits: torch.Tensor) -> None:
    labels = (torch.arange(36).view(12, 3) % 5 == 0).long()
    loss = build_loss(Task.MULTI_LABEL)
    torch.testing.assert_close(loss(logits, labels), F.binary_cross_entropy_with_logits(logits, labels.float()))
    weights = torch.tensor([1.0, 3.0, 9.0])
    weighted = build_loss(Task.MULTI_LABEL, class_weights=weights)(logits, labels)
    expected = F.binary_cross_entropy_with_logits(logits, labels.float(), pos_weight=weights)
    torch.testing.assert_close(weighted, expected)


def test_smoothing_of_labels_moves_them_towards_one_half() -> None:
    labels = torch.tensor([[0.0, 1.0]])
    logits = torch.logit(torch.tensor([[0.1, 0.9]])).requires_grad_()
    torch.autograd.backward(build_loss(Task.MULTI_LABEL, label_smoothing=0.2)(logits, labels))
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 2), atol=1e-7, rtol=0)


@pytest.mark.parametrize("task", list(Task))
def test_loss_is_float32_and_per_sample_whatever_the_logits(task: Task, logits: torch.Tensor) -> None:
    targets = torch.ones(12, 3) if task is Task.MULTI_LABEL else torch.zeros(12, dtype=torch.long)
    each = build_loss(task).per_sample(logits.bfloat16(), targets)
    assert (each.dtype, each.shape) == (torch.float32, (12,))
    torch.testing.assert_close(each.mean(), build_loss(task)(logits.bfloat16(), targets))


def test_balanced_weights_give_every_class_the_same_say() -> None:
    labels = np.array([0] * 6 + [1] * 2 + [3] * 4, dtype=np.int64)
    weights = balanced_weights(labels, 4, Task.MULTI_CLASS)
    torch.testing.assert_close(weights, torch.tensor([2 / 3, 2.0, 0.0, 1.0]))
    assert weights[torch.from_numpy(labels)].mean() == pytest.approx(1.0)


def test_balanced_weights_of_labels_are_negatives_over_positives() -> None:
    labels = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]], dtype=np.int64)
    torch.testing.assert_close(balanced_weights(labels, 3, Task.MULTI_LABEL), torch.tensor([3.0, 1.0, 0.0]))
