"""Blur: against SciPy's Gaussian filter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from restorae.degradations import Blur
from restorae.randomness import generator
from restorae.shapes import Images


def blurred(clean: Images, sigma: float | str) -> Images:
    return Blur(sigma=sigma).draw(generator(0), len(clean)).apply(clean)


def reference(image: np.ndarray, sigma: float, radius: int) -> np.ndarray:
    return gaussian_filter(image.astype(np.float64), sigma, mode="nearest", radius=radius)


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1.0, 2.7, 6.0])
@pytest.mark.parametrize("size", [(40, 50), (7, 31), (1, 12), (1, 1)])
def test_interior_and_border_are_scipys(sigma, size, seeded):
    clean = seeded(2, 3, *size)
    result = blurred(clean, sigma)
    for image, channels in zip(result, clean, strict=True):
        for found, one in zip(image, channels, strict=True):
            expected = reference(one.numpy(), sigma, radius=int(np.ceil(4 * sigma)))
            off = np.abs(found.numpy() - expected)
            place = np.unravel_index(off.argmax(), off.shape)
            assert off.max() < 2e-6, (
                f"{off.max():.2g} off at {place}: {found[place]:.6f}, SciPy has {expected[place]:.6f}"
            )


def test_scipys_own_radius_gives_the_same_to_a_thousandth(seeded):
    clean = seeded(1, 1, 40, 40)
    expected = gaussian_filter(clean[0, 0].double().numpy(), 1.6, mode="nearest")
    assert np.abs(blurred(clean, 1.6)[0, 0].numpy() - expected).max() < 1e-3


def test_each_image_is_blurred_by_its_own_draw(seeded):
    clean = seeded(4, 1, 24, 24)
    draw = Blur(sigma="0.5..3").draw(generator(3), 4)
    result = draw.apply(clean)
    for image, one, sigma in zip(result, clean, draw.amounts["sigma"], strict=True):
        assert np.abs(image[0].numpy() - reference(one[0].numpy(), sigma, radius=12)).max() < 2e-6


def test_a_range_from_zero_leaves_the_sharpest_images_sharp(seeded):
    clean = seeded(1, 1, 9, 9)
    part = Blur(sigma="0..2")
    draw = part.draw(generator(0), 1).model_copy(update={"amounts": {"sigma": (0.0,)}})
    assert torch.allclose(draw.apply(clean), clean, atol=1e-6)


@given(st.floats(0, 8), st.integers(1, 12), st.integers(1, 12), st.floats(-1, 2))
def test_a_flat_image_stays_flat(sigma, height, width, value):
    clean = torch.full((1, 1, height, width), value)
    assert torch.allclose(blurred(clean, sigma), clean, atol=1e-5)


def test_blur_spreads_a_point_by_its_variance():
    clean = torch.zeros(1, 1, 41, 41)
    clean[..., 20, 20] = 1
    spread = blurred(clean, 2.0)[0, 0].double()
    distance = torch.arange(41, dtype=torch.float64) - 20
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    assert (spread.sum(0) * distance**2).sum().item() == pytest.approx(4, rel=5e-3)
    assert (spread.sum(1) * distance**2).sum().item() == pytest.approx(4, rel=5e-3)


def test_channels_do_not_mix():
    clean = torch.zeros(1, 3, 9, 9)
    clean[:, 1] = 1
    result = blurred(clean, 2.0)
    assert torch.allclose(result, clean, atol=1e-6)
