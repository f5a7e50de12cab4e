from __future__ import annotations

from typing import Any

import pytest
import torch

from xaitui.models.build import build_model
from xaitui.models.pretrainedmodels_library import import_pretrainedmodels
from xaitui.models.summary import summarize
from xaitui.models.xception import Xception


def reference(num_classes: int) -> Any:
    """pretrainedmodels' finished network."""
    library = import_pretrainedmodels()
    torch.manual_seed(0)
    return library.xception(num_classes=num_classes, pretrained=None)


def test_it_has_the_parameters_and_the_keys_of_the_reference() -> None:
    with torch.device("meta"):
        ours, theirs = Xception(1000), reference(1000)
    assert sum(p.numel() for p in ours.parameters()) == 22_855_952
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(ours.state_dict()[key].shape == tensor.shape for key, tensor in theirs.state_dict().items())
    assert "last_linear.weight" in ours.state_dict()


def test_it_computes_what_the_reference_computes() -> None:
    theirs = reference(7)
    ours = Xception(7)
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize(
    ("size", "grid", "giga"), [(28, 1, 0.08), (64, 2, 0.37), (128, 4, 1.48), (168, 6, 2.76), (299, 10, 8.36)]
)
def test_it_takes_any_size(size: int, grid: int, giga: float) -> None:
    with torch.device("meta"):
        module = build_model("xception", num_classes=1000, in_channels=3, image_size=size).module.eval()
        assert isinstance(module, Xception)
        assert module.features(torch.zeros(1, 3, size, size)).shape == (1, 2048, grid, grid)
    assert summarize(module, 3, size).multiply_adds / 1e9 == pytest.approx(giga, abs=0.01)
