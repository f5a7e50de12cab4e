from __future__ import annotations

import pytest
import torch

from xaitui.catalog.records import Task
from xaitui.training.evaluate import probabilities


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_probabilities_are_float32_of_the_widened_logits(task: Task, dtype: torch.dtype) -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [30.0, 0.0, -30.0]], dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        given_probabilities = probabilities(logits, task)
    assert given_probabilities.dtype == torch.float32
    wide = logits.double()
    expected = torch.sigmoid(wide) if task is Task.MULTI_LABEL else torch.softmax(wide, dim=1)
    torch.testing.assert_close(given_probabilities.double(), expected, rtol=1e-6, atol=1e-7)
