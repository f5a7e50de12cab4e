from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.run_commands import made_set, start
from xaitui.models.build import build_model


@pytest.mark.parametrize(("channels", "normalize"), [(3, "auto"), (3, "imagenet"), (1, "auto"), (1, "imagenet")])
def test_weights_of_colour_images_see_what_they_were_trained_on(
    channels: int, normalize: str, tmp_path: Path, runs_dir: Path
) -> None:
    """The logits are those of the RGB network on the ImageNet-normalised image, grey repeated three times."""
    torch.manual_seed(7)
    rgb = build_model("resnet18", num_classes=2, in_channels=3, image_size=32, stem="imagenet")
    torch.save(rgb.module.state_dict(), tmp_path / "weights.pth")
    dataset = made_set(tmp_path / "set.npz", side=32, channels=channels)
    execution = start(
        runs_dir,
        data__dataset=str(dataset),
        data__normalize=normalize,
        training__threads=1,
        model__name="resnet18",
        model__weights=str(tmp_path / "weights.pth"),
    )
    parts = execution.prepared.trainer.parts
    images = parts.train.batches([torch.arange(4)])
    batch, _ = next(images)
    images.close()
    unit = batch.float() / 255
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    expected = (unit.expand(-1, 3, -1, -1) - mean[:, None, None]) / std[:, None, None]
    with torch.no_grad():
        got = parts.model.eval()(parts.prepare(batch))
        wanted = rgb.module.eval()(expected)
    assert torch.allclose(got, wanted, atol=1e-4)
