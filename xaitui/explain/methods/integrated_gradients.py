"""Integrated gradients with as many steps as an image needs."""

from __future__ import annotations

import torch
from captum.attr import IntegratedGradients

from xaitui.explain.methods.recipe import Attributions, Call, completeness_error

MOST_STEPS = 800
TOLERANCE = 0.01
"""Completeness error below which an image needs no more steps."""


def integrated_gradients(call: Call) -> Attributions:
    """Integrate the gradients from the baseline to the image (Sundararajan and others 2017).

    The steps of an image are doubled, up to `MOST_STEPS`, until the sum of its map is the change of its logit but for
    `TOLERANCE` (https://arxiv.org/abs/1703.01365, section 5: 20 to 300 steps are enough for 5 %).
    """
    method = IntegratedGradients(call.module)
    change = call.change()
    values = torch.empty_like(call.inputs)
    errors, reached = torch.empty_like(change), torch.empty_like(change)
    unfinished, steps = torch.arange(len(change), device=change.device), call.recipe.steps
    while len(unfinished):
        found = method.attribute(
            call.inputs[unfinished],
            call.baselines[unfinished],
            target=call.targets[unfinished],
            n_steps=steps,
            internal_batch_size=call.batch,
        ).detach()
        error = completeness_error(found, change[unfinished])
        values[unfinished], errors[unfinished], reached[unfinished] = found.float(), error, float(steps)
        if steps >= MOST_STEPS or not call.exact:
            break
        unfinished, steps = unfinished[~(error < TOLERANCE)], min(2 * steps, MOST_STEPS)
    return Attributions(values, {"completeness": errors, "steps": reached})
