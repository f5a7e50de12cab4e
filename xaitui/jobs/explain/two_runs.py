"""The images that a run was asked about, explained by the model of another run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from xaitui.errors import UsageError
from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.picture import save_picture
from xaitui.explain.similarity import Likeness, difference, likeness
from xaitui.jobs.explain.run_explainer import RunExplainer
from xaitui.jobs.failures import failure_of
from xaitui.jobs.predict.splits import HowToPredict
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.jobs.prepare import Say
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import Explained
from xaitui.runs.explanations.two_runs import Against, Maps, PairedSample, against_folder, write_against
from xaitui.runs.explanations.writer import explaining
from xaitui.runs.recorded_data import same_data
from xaitui.text import printable

MOST_COMPARED, MOST_PICTURES = 1000, 100
"""Images whose maps are held at once, and those whose difference is drawn."""


class OtherRun:
    """Explains what a run has explained once more, by another run, and sets the maps beside each other."""

    def __init__(self, run: RunDirectory, other: RunDirectory, say: Say, how: HowToPredict) -> None:
        """Load both models.

        Raises:
            UsageError: they are of different data, classes or sizes, or a model is not trusted.
            DataError: one of them has no checkpoint.
        """
        self._own = how.load(run, say)
        self._other = RunExplainer(how.load(other, say), say)
        check_comparable(self._own, self._other.model)

    def compare(self, explained: Explained, *, layer: str = "") -> Against:
        """Explain the same images for the same classes in the same way, and keep both maps with the first run.

        Args:
            explained: what the first run looked at.
            layer: that was asked for; where none was, the other model has its own.

        Raises:
            UsageError: the method cannot explain the other model, the images are not the same ones, or too many.
            XaituiError: of the kind of what is wrong.
        """
        if len(explained.rows) > MOST_COMPARED:
            raise UsageError(f"{len(explained.rows):,} images are too many to compare: {MOST_COMPARED:,} at most")
        found, how = explained.found, explained.found.settings
        pixels = self._pixels(found.split, np.array([sample.index for sample in explained.samples], np.int64))
        recipe = self._other.resolver.recipe(
            found.method, layer=layer, baseline=how["baseline"], steps=how["steps"], seed=how["seed"]
        )
        try:
            own = np.stack([found.map(row) for row in explained.rows])
            theirs = self._maps(recipe, pixels, [sample.target for sample in explained.samples])
            against = self._against(explained, likeness(own, theirs), recipe.layer)
            with explaining(self._own.run):
                write_against(against, own, theirs)
                _draw(against, explained.classes, pixels, difference(own, theirs))
        except (OSError, RuntimeError, MemoryError) as error:
            raise failure_of(error, self._own.run.path) from error
        return against

    def _maps(self, recipe: Recipe, pixels: NDArray[np.uint8], targets: Sequence[int]) -> Maps:
        """What the other model looks at, (n, H, W)."""
        other = self._other
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(other.model.device)
        inputs, classes = other.model.prepare(images), torch.tensor(targets, device=images.device)
        maps = other.memory.within(lambda: other.explainer(recipe).explain(inputs, classes))
        found: Maps = maps.values.cpu().numpy()
        return found

    def _against(self, explained: Explained, alike: Likeness, layer: str) -> Against:
        found, other = explained.found, self._other.model
        numbers = zip(alike.spearman_abs, alike.spearman_signed, alike.ssim, strict=True)
        samples = tuple(
            PairedSample(sample.index, sample.target, *map(float, row))
            for sample, row in zip(explained.samples, numbers, strict=True)
        )
        settings = {name: found.settings[name] for name in ("baseline", "steps", "seed", "weights_sha256")}
        settings |= {"layers": [found.layer, layer], "other_weights_sha256": other.sha256}
        path = against_folder(self._own.run, other.run.id, found.split, found.method)
        return Against(path, other.run.id, found.split, found.method, settings, samples)

    def _pixels(self, split: str, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images, if both runs see the same ones."""
        own, theirs = self._own.split(split), self._other.split(split)
        if indices.max(initial=0) >= len(theirs) or not np.array_equal(own.read(indices), theirs.read(indices)):
            raise UsageError(
                f"the {split} images of {self._own.run.id} and {self._other.model.run.id} are not the "
                "same: seeds cut different ones; try --split test"
            )
        return own.read(indices)


def check_comparable(one: TrainedModel, other: TrainedModel) -> None:
    """Refuse runs whose maps mean different things.

    Raises:
        UsageError: says what differs.
    """
    ours, theirs = one.preprocessing, other.preprocessing
    names = one.config.data.dataset, other.config.data.dataset
    for what, own, foreign in (
        ("dataset", *(("", "") if same_data(one.run, other.run) else names)),
        ("size of the images in px", ours.source_size, theirs.source_size),
        ("side in px that the model sees", ours.image_size, theirs.image_size),
        ("set of classes", ", ".join(ours.classes), ", ".join(theirs.classes)),
    ):
        if own != foreign:
            raise UsageError(
                f"{one.run.id} and {other.run.id} cannot be compared: another {what}, "
                f"{printable(str(own))} and {printable(str(foreign))}"
            )


def _draw(against: Against, classes: Sequence[str], pixels: NDArray[np.uint8], differences: Maps) -> None:
    """A picture of each difference: red where the run looks more than the other one, blue where less."""
    (against.path / "pictures").mkdir(exist_ok=True)
    for row, sample in enumerate(against.samples[:MOST_PICTURES]):
        if not np.isfinite(differences[row]).all():
            continue
        lines = [
            f"{against.method}: red more, blue less than {printable(against.other)}",
            f"image {sample.index} of {against.split}, class {printable(classes[sample.target])}",
            f"rank correlation {sample.spearman_abs:.2f}, signed {sample.spearman_signed:.2f}, SSIM {sample.ssim:.2f}",
        ]
        save_picture(against.picture(row), pixels[row], differences[row], lines, signed=True)
