from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from xaitui.catalog.augmentations import AUGMENTATION_SETTINGS, AUGMENTATIONS
from xaitui.data.device.augment import AUGMENTATIONS_OF_PIXELS, Augmenter
from xaitui.data.device.augment_color import LUMA
from xaitui.data.device.augment_geometry import SYMMETRIES, transform
from xaitui.data.device.augment_parameters import generator

STRENGTHS: dict[str, dict[str, float]] = {
    "hflip": {"hflip": True},
    "vflip": {"vflip": True},
    "rot90": {"rot90": True},
    "affine": {"rotate": 20.0, "translate": 0.1, "scale": 0.2},
    "color-jitter": {"color_jitter": 0.4},
    "stain-jitter": {"stain_jitter": 0.2},
    "erasing": {"erasing": 0.9},
    "mixup": {"mixup": 0.4},
    "cutmix": {"cutmix": 1.0},
}
NAMES = [*SYMMETRIES, *AUGMENTATIONS_OF_PIXELS]
OF_IMAGES = [(name, channels) for name in NAMES for channels in AUGMENTATIONS[name].channels]
MIXING = [name for name, info in AUGMENTATIONS.items() if info.mixes]


def make_images(count: int = 16, channels: int = 3, height: int = 12, width: int = 12) -> torch.Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0))


def same_images(channels: int) -> torch.Tensor:
    """A batch of one image, over and over: what differs afterwards differs by its parameters."""
    return make_images(1, channels).expand(16, -1, -1, -1).clone()


def rows_of(images: torch.Tensor) -> int:
    """How many different images there are in a batch."""
    return len(torch.unique(images.flatten(1), dim=0))


def quarter_turns(image: torch.Tensor) -> Iterable[torch.Tensor]:
    return (torch.rot90(image, quarters, (-2, -1)) for quarters in range(4))


def test_every_row_of_the_catalog_is_covered_once() -> None:
    assert len(AUGMENTATIONS) == 9
    assert [*NAMES, *MIXING] == list(AUGMENTATIONS) == list(STRENGTHS)
    assert {name: set(settings) for name, settings in STRENGTHS.items()} == {
        name: set(settings) for name, settings in AUGMENTATION_SETTINGS.items()
    }
    assert len(OF_IMAGES) == 13


@pytest.mark.parametrize(("height", "width"), [(12, 12), (8, 13)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("name", "channels"), OF_IMAGES)
def test_shape_type_and_range_stay(name: str, channels: int, dtype: torch.dtype, height: int, width: int) -> None:
    images = make_images(16, channels, height, width).to(dtype).round(decimals=1)
    augmented = Augmenter(STRENGTHS[name]).augment(images, seed=1, step=2)
    assert (augmented.shape, augmented.dtype, augmented.device) == (images.shape, dtype, images.device)
    assert 0.0 <= augmented.min() <= augmented.max() <= 1.0


@pytest.mark.parametrize(("name", "channels"), OF_IMAGES)
def test_samples_of_a_batch_differ(name: str, channels: int) -> None:
    augmented = Augmenter(STRENGTHS[name]).augment(same_images(channels), seed=0, step=0)
    assert rows_of(augmented) >= (2 if name in ("hflip", "vflip") else 4 if name == "rot90" else 10)


@pytest.mark.parametrize(("name", "channels"), OF_IMAGES)
def test_seed_and_step_alone_decide(name: str, channels: int) -> None:
    images, augmenter = make_images(channels=channels), Augmenter(STRENGTHS[name])
    first = augmenter.augment(images, seed=3, step=4)
    torch.manual_seed(99)
    torch.testing.assert_close(Augmenter(STRENGTHS[name]).augment(images, seed=3, step=4), first, rtol=0, atol=0)
    assert not torch.equal(augmenter.augment(images, seed=3, step=5), first)
    assert not torch.equal(augmenter.augment(images, seed=4, step=4), first)


@pytest.mark.parametrize(("name", "channels"), OF_IMAGES)
def test_given_images_are_left_as_they_are(name: str, channels: int) -> None:
    images = make_images(channels=channels)
    before = images.clone()
    Augmenter(STRENGTHS[name]).augment(images, seed=0, step=0)
    torch.testing.assert_close(images, before, rtol=0, atol=0)


@pytest.mark.parametrize("settings", [{}, {name: 0.0 for names in AUGMENTATION_SETTINGS.values() for name in names}])
def test_strength_zero_does_nothing(settings: dict[str, float]) -> None:
    augmenter, images, targets = Augmenter(settings), make_images(), torch.eye(16)
    assert (augmenter.changes_images, augmenter.mixes) == (False, False)
    assert augmenter.augment(images, seed=0, step=0) is images
    assert augmenter.mix(images, targets, seed=0, step=0) == (images, targets)


def test_one_augmentation_draws_the_same_whatever_else_is_on() -> None:
    images = make_images()
    flipped = Augmenter({"hflip": True}).augment(images, seed=0, step=0)
    both = Augmenter({"hflip": True, "vflip": True}).augment(images, seed=0, step=0)
    again = Augmenter({"vflip": True}).augment(flipped, seed=0, step=0)
    torch.testing.assert_close(both, again, rtol=0, atol=0)


def one_by_one(images: torch.Tensor, names: Sequence[str], seed: int, step: int) -> torch.Tensor:
    """Flips and turns by torch's own flips, one after the other, as versions before 2026-12 did them."""

    def where(chosen: NDArray[np.bool_], changed: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return torch.where(torch.from_numpy(chosen).view(-1, 1, 1, 1), changed, images)

    for name in names:
        rng = generator(seed, step, name)
        if name == "rot90":
            quarters = rng.integers(0, 4, len(images))
            if images.shape[-2] == images.shape[-1]:
                images = where(quarters % 2 == 1, images.mT.flip(-2), images)
            images = where(quarters >= 2, images.flip(-1, -2), images)
        else:
            images = where(rng.random(len(images)) < 0.5, images.flip(-1 if name == "hflip" else -2), images)
        images = images.clamp(0.0, 1.0)
    return images


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(32, 3, 12, 12), (32, 1, 12, 12), (32, 3, 8, 13)])
@pytest.mark.parametrize("names", [["hflip"], ["hflip", "vflip"], ["rot90"], ["hflip", "vflip", "rot90"]])
def test_pixels_move_at_once_as_they_would_one_by_one(
    names: list[str], shape: tuple[int, int, int, int], layout: torch.memory_format
) -> None:
    images = make_images(*shape).contiguous(memory_format=layout)
    moved = Augmenter(dict.fromkeys(names, 1.0)).augment(images, seed=3, step=7)
    expected = one_by_one(images, names, seed=3, step=7)
    assert torch.equal(moved, expected)
    jitter = Augmenter({"color_jitter": 0.4, "erasing": 0.5})  # whose means round in the order of the pixels in memory
    assert torch.equal(jitter.augment(moved, seed=3, step=7), jitter.augment(expected, seed=3, step=7))


def test_all_flips_and_turns_take_two_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINETO_LOG_LEVEL", "99")  # it is read once in a process, and other tests look at stderr
    augmenter, images = Augmenter({"hflip": 1.0, "vflip": 1.0, "rot90": 1.0}), make_images()
    augmenter.augment(images, seed=0, step=0)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        augmenter.augment(images, seed=0, step=1)
    ran = {event.name for event in profile.events()}
    computing = {"aten::flip", "aten::where", "aten::clamp", "aten::copy_", "aten::gather", "aten::index_select"}
    assert ran & computing == {"aten::gather", "aten::index_select"}


def test_flips_and_turns_give_exactly_the_symmetries_they_name() -> None:
    images = make_images(64)
    for name, options in (
        ("hflip", lambda image: [image, image.flip(-1)]),
        ("vflip", lambda image: [image, image.flip(-2)]),
        ("rot90", quarter_turns),
    ):
        augmented = Augmenter(STRENGTHS[name]).augment(images, seed=0, step=0)
        for image, result in zip(images, augmented, strict=True):
            assert any(torch.equal(result, option) for option in options(image))


def move(
    images: torch.Tensor, angle: float = 0.0, shift: tuple[float, float] = (0.0, 0.0), zoom: float = 1.0
) -> torch.Tensor:
    count = len(images)
    return transform(images, np.full(count, angle), np.tile(shift, (count, 1)), np.full(count, zoom))


def test_no_movement_is_the_identity() -> None:
    images = make_images()
    torch.testing.assert_close(move(images), images, rtol=0, atol=1e-6)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_angles_are_degrees_counter_clockwise(quarters: int) -> None:
    images = make_images(2, 1, 9, 9)
    expected = torch.rot90(images, quarters, (-2, -1))
    torch.testing.assert_close(move(images, angle=90.0 * quarters), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("angle", [0.0, 90.0])
def test_shifts_are_parts_of_the_sides_to_the_right_and_down(angle: float) -> None:
    images = make_images(2, 1, 9, 9)
    shifted = move(images, angle=angle, shift=(1 / 3, 1 / 9))
    before = move(images, angle=angle)
    torch.testing.assert_close(shifted[..., 1:, 3:], before[..., :-1, :-3], rtol=0, atol=1e-5)


def test_turning_an_oblong_image_does_not_shear_it() -> None:
    rows, columns = torch.meshgrid(torch.arange(40) - 19.5, torch.arange(80) - 39.5, indexing="ij")
    spot = torch.exp(-(rows.square() + columns.square()) / 72)[None, None]
    middle = (..., slice(8, 32), slice(28, 52))
    torch.testing.assert_close(move(spot, angle=30.0)[middle], spot[middle], rtol=0, atol=0.01)


def test_zoom_is_a_factor_of_size() -> None:
    square = torch.zeros(1, 1, 21, 21)
    square[..., 8:13, 8:13] = 1.0
    assert move(square, zoom=1.5).sum() == pytest.approx(25 * 1.5**2, rel=0.05)
    assert move(square, zoom=0.6).sum() == pytest.approx(25 * 0.6**2, rel=0.05)


def test_hue_and_saturation_leave_grey_images_grey() -> None:
    grey = make_images(16, 1).expand(-1, 3, -1, -1)
    augmented = Augmenter({"color_jitter": 0.3}).augment(grey, seed=0, step=0)
    torch.testing.assert_close(augmented[:, 0], augmented[:, 1], rtol=0, atol=1e-5)
    torch.testing.assert_close(augmented[:, 0], augmented[:, 2], rtol=0, atol=1e-5)
    assert LUMA.sum() == pytest.approx(1.0)


def test_stain_jitter_changes_dyed_pixels_in_proportion_to_the_strength() -> None:
    images = same_images(3)
    mild, strong = (
        (Augmenter({"stain_jitter": strength}).augment(images, seed=0, step=0) - images).abs().mean()
        for strength in (0.01, 0.2)
    )
    assert 0.0 < 5 * mild < strong


def test_stain_jitter_of_almost_nothing_is_almost_the_identity() -> None:
    images = make_images().clamp(min=0.01)
    augmented = Augmenter({"stain_jitter": 1e-6}).augment(images, seed=0, step=0)
    torch.testing.assert_close(augmented, images, rtol=0, atol=1e-4)


def test_erasing_covers_one_rectangle_with_the_mean_at_the_rate_asked_for() -> None:
    images = make_images(400, 1, 16, 16)
    augmented = Augmenter({"erasing": 0.25}).augment(images, seed=0, step=0)
    changed = (augmented != images)[:, 0]
    erased = changed.flatten(1).any(dim=1)
    assert 60 < erased.sum() < 140
    for image, result, where in zip(images[erased], augmented[erased], changed[erased], strict=True):
        rows, columns = where.any(dim=1).nonzero().flatten(), where.any(dim=0).nonzero().flatten()
        assert where.sum() == len(rows) * len(columns)
        assert rows[-1] - rows[0] + 1 == len(rows)
        torch.testing.assert_close(result[0][where], image.mean().expand(int(where.sum())))


@pytest.mark.parametrize("settings", [STRENGTHS["mixup"], STRENGTHS["cutmix"], {"mixup": 1.0, "cutmix": 1.0}])
@pytest.mark.parametrize("channels", [1, 3])
def test_mixing_keeps_shape_type_and_range_and_blends_targets(settings: dict[str, float], channels: int) -> None:
    images, targets = make_images(32, channels), torch.eye(4).repeat(8, 1)
    augmenter = Augmenter(settings)
    assert augmenter.mixes
    mixed, blended = augmenter.mix(images, targets, seed=0, step=0)
    assert (mixed.shape, mixed.dtype, blended.shape, blended.dtype) == (
        images.shape,
        images.dtype,
        targets.shape,
        targets.dtype,
    )
    assert 0.0 <= mixed.min() <= mixed.max() <= 1.0
    torch.testing.assert_close(blended.sum(dim=1), torch.ones(32))
    again, _ = augmenter.mix(images, targets, seed=0, step=0)
    torch.testing.assert_close(again, mixed, rtol=0, atol=0)
    other, _ = augmenter.mix(images, targets, seed=0, step=1)
    assert not torch.equal(other, mixed)


@pytest.mark.parametrize("settings", [{"mixup": 0.5}, {"cutmix": 0.5}, {"mixup": 0.5, "cutmix": 0.5}])
@given(seed=st.integers(0, 1000), count=st.integers(1, 6), height=st.integers(1, 9), width=st.integers(1, 9))
def test_target_says_what_part_of_the_image_each_class_has(
    settings: dict[str, float], seed: int, count: int, height: int, width: int
) -> None:
    """Images whose channels are their one-hot labels: the mean of a mixed image must be its blended target."""
    targets = torch.eye(count)
    images = targets[:, :, None, None].expand(-1, -1, height, width).clone()
    mixed, blended = Augmenter(settings).mix(images, targets, seed=seed, step=0)
    torch.testing.assert_close(mixed.mean(dim=(2, 3)), blended, rtol=0, atol=1e-5)


def test_cutmix_pastes_and_mixup_blends() -> None:
    images = torch.tensor([0.0, 1.0]).repeat(16).view(32, 1, 1, 1).expand(-1, 1, 8, 8).clone()
    targets = torch.eye(2).repeat(16, 1)
    pasted, _ = Augmenter({"cutmix": 1.0}).mix(images, targets, seed=0, step=0)
    assert ((pasted == 0.0) | (pasted == 1.0)).all()
    blended, _ = Augmenter({"mixup": 1.0}).mix(images, targets, seed=0, step=0)
    torch.testing.assert_close(blended, blended.mean(dim=(2, 3), keepdim=True).expand_as(blended))
    assert rows_of(blended) > 10


def test_several_labels_are_blended_too() -> None:
    labels = (torch.arange(64).view(16, 4) % 3 == 0).double()
    _, blended = Augmenter({"mixup": 1.0}).mix(make_images(), labels, seed=0, step=0)
    assert blended.dtype == torch.float64
    assert 0.0 <= blended.min() <= blended.max() <= 1.0
    assert ((blended > 0.0) & (blended < 1.0)).any()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_sees_what_a_processor_sees_and_never_waits() -> None:
    settings = {name: value for row in STRENGTHS.values() for name, value in row.items()}
    augmenter, images, targets = Augmenter(settings), make_images(), torch.eye(16)
    expected = augmenter.mix(augmenter.augment(images, seed=0, step=0), targets, seed=0, step=0)
    on_device, targets_on_device = images.cuda(), targets.cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        augmented = augmenter.augment(on_device, seed=0, step=0)
        got = augmenter.mix(augmented, targets_on_device, seed=0, step=0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=0, atol=1e-4)
