"""Downscaling: what it keeps, and what it cuts off the spectrum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import downscale_local_mean

from restorae.degradations import Downscale
from restorae.randomness import generator
from restorae.shapes import Images


def smaller(clean: Images, factor: float | str, method: str = "area") -> Images:
    return Downscale(factor=factor, method=method).draw(generator(0), len(clean)).apply(clean)


def power(image: Images, low: float, high: float) -> float:
    """Power at frequencies between `low` and `high` cycles per pixel along either side, of white noise: 1."""
    spectrum = np.abs(np.fft.fft2(image[0, 0].double().numpy())) ** 2 / image.numel()
    frequency = np.abs(np.fft.fftfreq(image.shape[-1]))
    highest = np.maximum(frequency[:, None], frequency)
    return float(spectrum[(highest >= low) & (highest < high)].mean())


@pytest.mark.parametrize("method", ["area", "bicubic"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_spectrum_ends_near_the_small_image_s_own(factor, method):
    noise = torch.randn(1, 1, 240, 240, generator=torch.Generator().manual_seed(0))
    seen = smaller(noise, factor, method)
    assert power(seen, 0.01, 0.15 / factor) > 0.75, "low frequencies stay"
    assert power(seen, 0.9 / factor, 0.51) < 0.02, "high ones are gone"


@pytest.mark.parametrize("factor", [2, 5])
def test_area_is_the_mean_of_what_a_pixel_covers(factor, seeded):
    clean = seeded(1, 1, 40, 60)
    small = downscale_local_mean(clean[0, 0].double().numpy(), (factor, factor))
    seen = smaller(clean, factor)[0, 0].double().numpy()
    # enlarged, a pixel's block keeps about its mean: bicubic weights share a little with the neighbours
    assert (
        np.corrcoef(downscale_local_mean(seen, (factor, factor)).ravel(), small.ravel())[0, 1]
        > 0.97
    )


@pytest.mark.parametrize("method", ["area", "bicubic"])
@pytest.mark.parametrize("factor", [1.0, 1.3, 2.0, 7.7, 64.0])
@pytest.mark.parametrize("size", [(31, 17), (1, 9), (1, 1)])
def test_a_flat_image_stays_flat(factor, method, size):
    clean = torch.full((1, 3, *size), 0.7)
    assert torch.allclose(smaller(clean, factor, method), clean, atol=1e-5)


def test_nothing_is_left_but_the_mean_where_one_pixel_is_left(seeded):
    clean = seeded(1, 3, 12, 9)
    assert torch.allclose(
        smaller(clean, 64), clean.mean((2, 3), keepdim=True).expand_as(clean), atol=1e-5
    )


def test_each_image_is_made_small_by_its_own_draw(seeded):
    clean = seeded(1, 1, 24, 24).repeat(4, 1, 1, 1)
    draw = Downscale(factor="1..6").draw(generator(1), 4)
    for one, factor in zip(draw.apply(clean), draw.amounts["factor"], strict=True):
        assert torch.equal(one, smaller(clean[:1], factor)[0])
