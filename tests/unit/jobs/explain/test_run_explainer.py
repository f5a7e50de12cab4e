"""Explaining within the memory that there is."""

from __future__ import annotations

import numpy as np
import pytest

from tests.run_commands import finish, start
from tests.unit.jobs.train.test_out_of_memory import ERRORS, Wall
from xaitui.errors import OutOfMemoryError
from xaitui.jobs.explain.run_explainer import RunExplainer
from xaitui.jobs.explain.store import Wanted
from xaitui.jobs.predict.trained_model import load_trained
from xaitui.runs.directory import RunDirectory

INDICES = list(range(14))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    execution = start(
        tmp_path_factory.mktemp("explained") / "runs", data__dataset="digits", data__fraction=0.2, training__epochs=1
    )
    finish(execution)
    return execution.run


@pytest.mark.parametrize("method", ["grad-cam", "integrated-gradients", "deeplift"])
def test_maps_are_the_same_in_smaller_batches(run: RunDirectory, method: str) -> None:
    maps: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    for wall in (None, Wall(6, ERRORS["accelerator"], training=False)):
        trained = load_trained(run, device="cpu")
        if wall is not None:
            trained.module.register_forward_hook(wall)
        explainer = RunExplainer(trained)
        recipe = explainer.resolver.recipe(method, seed=len(maps))  # with another seed nothing is taken from the run
        found = explainer.explain(recipe, Wanted("test", INDICES, "true", scored=False))
        maps.append(np.stack([found.map(row) for row in range(len(INDICES))]))
        assert explainer.memory.batch <= 6 or wall is None
    assert maps[1] == pytest.approx(maps[0], rel=0.02, abs=0.02 * float(np.abs(maps[0]).max()))


def test_where_not_a_single_image_fits_it_says_so(run: RunDirectory) -> None:
    trained = load_trained(run, device="cpu")
    explainer = RunExplainer(trained)
    recipe = explainer.resolver.recipe("saliency")
    trained.module.register_forward_hook(Wall(0, ERRORS["library"], training=False))
    with pytest.raises(OutOfMemoryError, match="not a single image"):
        explainer.explain(recipe, Wanted("test", INDICES, "true"))
