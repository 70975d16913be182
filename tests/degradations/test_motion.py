"""Motion blur: against SciPy's convolution and the moments of a straight way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import convolve, convolve1d

from restorae.degradations import MotionBlur
from restorae.degradations.motion import taps
from restorae.randomness import generator
from restorae.shapes import Images


def moved(clean: Images, length: float | str, angle: float | str) -> Images:
    return MotionBlur(length=length, angle=angle).draw(generator(0), len(clean)).apply(clean)


@given(st.floats(0.01, 40), st.floats(-180, 180))
def test_the_kernel_is_a_straight_way_of_its_length_and_direction(length, angle):
    kernel = np.array(taps(length, math.radians(angle)))
    down, right, weight = kernel.T
    assert weight.sum() == pytest.approx(1, abs=1e-9)
    assert (weight > 0).all()
    # as long as it is wide on both sides of the middle
    assert (weight * down).sum() == pytest.approx(0, abs=1e-9)
    assert (weight * right).sum() == pytest.approx(0, abs=1e-9)
    # a way of length l spreads by l² / 12; a pixel's width and sharing between neighbours add a quarter of a pixel each at most
    along = right * math.cos(math.radians(angle)) - down * math.sin(math.radians(angle))
    across = down * math.cos(math.radians(angle)) + right * math.sin(math.radians(angle))
    assert (weight * along**2).sum() == pytest.approx(length**2 / 12, abs=0.5)
    assert (weight * across**2).sum() < 0.5


@pytest.mark.parametrize(("length", "angle"), [(5, 0), (9, 90), (12.3, 30), (7, -60), (3, 180)])
@pytest.mark.parametrize("size", [(30, 40), (3, 17), (1, 1)])
def test_an_image_is_convolved_with_it_and_continued_by_its_border(length, angle, size, seeded):
    clean = seeded(2, 3, *size)
    kernel = taps(length, math.radians(angle))
    reach = max(max(abs(down), abs(right)) for down, right, _ in kernel)
    square = np.zeros((2 * reach + 1, 2 * reach + 1))
    for down, right, weight in kernel:
        square[reach - down, reach - right] += weight  # SciPy's convolution mirrors its kernel
    expected = np.stack(
        [
            [convolve(one, square, mode="nearest") for one in image]
            for image in clean.double().numpy()
        ]
    )
    assert np.abs(moved(clean, length, angle).numpy() - expected).max() < 2e-6


@pytest.mark.parametrize(("angle", "axis"), [(0, 1), (90, 0)])
def test_along_an_axis_an_odd_length_is_a_mean_of_so_many_pixels(angle, axis, seeded):
    clean = seeded(1, 1, 25, 25)
    expected = convolve1d(
        clean[0, 0].double().numpy(), np.full(7, 1 / 7), axis=axis, mode="nearest"
    )
    assert np.abs(moved(clean, 7, angle)[0, 0].numpy() - expected).max() < 2e-6


def test_45_degrees_leads_from_the_lower_left_to_the_upper_right():
    clean = torch.zeros(1, 1, 21, 21)
    clean[..., 10, 10] = 1
    seen = moved(clean, 12, 45)[0, 0]
    assert seen[7, 13] > 0.05
    assert seen[13, 7] > 0.05
    assert seen[7, 7] == seen[13, 13] == 0


def test_each_image_moves_by_its_own_draw(seeded):
    clean = seeded(1, 1, 20, 20).repeat(4, 1, 1, 1)
    part = MotionBlur(length="2..9", angle="-90..90")
    draw = part.draw(generator(1), 4)
    for one, length, angle in zip(
        draw.apply(clean), draw.amounts["length"], draw.amounts["angle"], strict=True
    ):
        assert torch.allclose(one, moved(clean[:1], length, angle)[0], atol=1e-5)
