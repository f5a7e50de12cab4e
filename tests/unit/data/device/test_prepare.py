from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from xaitui.data.device.prepare import Prepare

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def some_images(channels: int = 3, height: int = 28, width: int = 28) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (4, channels, height, width), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_scaled_and_normalised_exactly(channels: int) -> None:
    images = some_images(channels)
    prepare = Prepare(28, MEAN[:channels], STD[:channels])
    unit = images.numpy().astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(prepare.to_unit(images).numpy(), unit)
    mean, std = (np.array(values[:channels], np.float32).reshape(-1, 1, 1) for values in (MEAN, STD))
    np.testing.assert_array_equal(prepare(images).numpy(), (unit - mean) / std)


@pytest.mark.parametrize("size", [(28, 28), (20, 33)])
@pytest.mark.parametrize("side", [7, 14, 27, 56, 64])
def test_resizing_agrees_with_pillow(size: tuple[int, int], side: int) -> None:
    images = some_images(1, *size)
    resized = Prepare(side, [0.0], [1.0])(images)
    for image, result in zip(images, resized, strict=True):
        plane = Image.fromarray(image[0].numpy().astype(np.float32) / 255)
        expected = np.asarray(plane.resize((side, side), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(result[0].numpy(), expected, atol=2e-6)


def test_shrinking_a_fine_pattern_gives_its_mean() -> None:
    stripes = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    stripes[..., ::2] = 255
    shrunk = Prepare(8, [0.0], [1.0])(stripes)
    assert shrunk[..., 1:-1].sub(0.5).abs().max() < 0.07, "without antialias it would be 0 or 1"


@pytest.mark.parametrize("side", [0, 28])
def test_images_of_the_right_size_are_not_touched(side: int) -> None:
    images = some_images()
    torch.testing.assert_close(Prepare(side, [0.0] * 3, [1.0] * 3)(images), images / 255, rtol=0, atol=0)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("side", [28, 14])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layout_and_type_are_those_asked_for(memory_format: torch.memory_format, side: int, dtype: torch.dtype) -> None:
    prepare = Prepare(side, MEAN, STD, dtype=dtype, memory_format=memory_format)
    for images in (some_images(), some_images().contiguous(memory_format=torch.channels_last)):
        assert prepare.to_unit(images).is_contiguous(memory_format=memory_format)
        assert prepare.to_unit(images).dtype == torch.float32
        result = prepare(images)
        assert result.is_contiguous(memory_format=memory_format)
        assert result.dtype == dtype
        assert result.shape == (4, 3, side, side)


def test_it_carries_nothing_into_a_checkpoint() -> None:
    assert Prepare(28, MEAN, STD).state_dict() == {}
