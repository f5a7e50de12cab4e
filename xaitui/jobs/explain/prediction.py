"""Grad-CAM of the predicted class for image files, stored as images in the run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from xaitui.explain.methods.layers import choose_layer
from xaitui.explain.methods.methods import Explainer
from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.picture import save_picture
from xaitui.explain.trust.degenerate import problems_of
from xaitui.jobs.predict.images import Prediction
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.text import printable

FOLDER = "predict"
"""Among the explanations of a run."""


def explain_prediction(model: TrainedModel, prediction: Prediction) -> tuple[Path | None, str]:
    """Write Grad-CAM of the most probable class beside the picture as the model got it.

    Returns:
        The file, or None where there is nothing to paint; and the layer that was looked at, or what is wrong.

    Raises:
        UsageError: the model has no layer that gives maps.
        OSError: the run cannot be written.
    """
    pixels = torch.from_numpy(prediction.pixels).permute(2, 0, 1)[None].to(model.device)
    inputs, best = model.prepare(pixels), int(prediction.probabilities.argmax())
    layer = choose_layer(model.module, inputs)
    recipe = Recipe("grad-cam", layer.path)
    black = -model.prepare.mean / model.prepare.std
    maps = Explainer(model.module, recipe, black, batch=1)(inputs, torch.tensor([best], device=model.device))
    found = maps.cpu().numpy()
    if problem := problems_of(found)[0]:
        return None, problem
    folder = model.run.explanations / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    said = f"{model.preprocessing.classes[best]}: {100 * float(prediction.probabilities[best]):.1f} %"
    lines = [printable(f"{prediction.path.name}, {said}"), f"Grad-CAM of that class at {layer}; not scored"]
    path = folder / _name(prediction)
    save_picture(path, prediction.pixels, found[0], lines, signed=recipe.info.signed)
    return path, str(layer)


def _name(prediction: Prediction) -> str:
    """Of the file's name and its content: two pictures of one name stay apart, and the same one is written once."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in prediction.path.stem)[:60]
    return f"{stem}-{hashlib.sha256(prediction.pixels.tobytes()).hexdigest()[:8]}.png"
