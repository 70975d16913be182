"""Halftone screens by their spectrum and tones, stripes by their moments."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorae.degradations import Banding, Halftone
from restorae.randomness import generator
from restorae.shapes import Images


def screened(clean: Images, **settings: float) -> Images:
    return Halftone(**settings).draw(generator(0), len(clean)).apply(clean)


@pytest.mark.parametrize(
    ("period", "angle"), [(10.0, 0.0), (16.0, 45.0), (8.0, 15.0), (12.5, -30.0)]
)
def test_the_screen_has_its_period_and_angle(period, angle):
    side = 400
    dots = (
        screened(torch.full((1, 1, side, side), 0.2), period=period / side, angle=angle)[0, 0]
        .double()
        .numpy()
    )
    window = np.hanning(side)
    spectrum = np.abs(np.fft.fft2((dots - dots.mean()) * window[:, None] * window))
    frequency = np.fft.fftfreq(side)
    down, across = np.unravel_index(spectrum.argmax(), spectrum.shape)
    assert np.hypot(frequency[down], frequency[across]) == pytest.approx(1 / period, abs=1.2 / side)
    # a square screen looks the same at every quarter turn
    found = np.degrees(np.arctan2(frequency[down], frequency[across]))
    assert (found - angle + 45) % 90 - 45 == pytest.approx(0, abs=3)


@pytest.mark.parametrize("tone", [0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
def test_the_print_has_the_image_s_tone(tone):
    dots = screened(torch.full((1, 3, 300, 300), tone), period=20 / 300)
    assert dots.mean((2, 3)).flatten().tolist() == pytest.approx([tone] * 3, abs=0.025)
    assert dots.min() >= 0
    assert dots.max() <= 1


def test_dots_are_ink_or_paper_with_edges_about_a_pixel_wide():
    dots = screened(torch.full((1, 1, 400, 400), 0.4), period=40 / 400)
    between = ((dots > 0.02) & (dots < 0.98)).float().mean().item()
    # at this tone the edges of a dot are about three periods long
    assert 0.01 < between < 1.5 * 3 / 40
    assert dots.std().item() == pytest.approx((0.4 * 0.6) ** 0.5, rel=0.06)


def test_the_plates_of_a_colour_image_are_turned_against_each_other():
    red, green, blue = screened(torch.full((1, 3, 200, 200), 0.5), period=0.05)[0]
    for one, other in ((red, green), (green, blue), (red, blue)):
        assert torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].abs() < 0.1


def test_strength_mixes_the_print_with_the_image(seeded):
    clean = seeded(1, 1, 50, 50)
    whole, half = (screened(clean, period=0.2, strength=strength) for strength in (1.0, 0.5))
    assert torch.allclose(half, (whole + clean) / 2, atol=1e-6)


@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
def test_stripes_are_equal_along_them_and_have_their_spread_across(direction):
    part = Banding(strength=0.1, stripes=40, direction=direction)
    added = part.draw(generator(0), 200).apply(torch.zeros(200, 3, 120, 50))
    along, across = (-1, -2) if direction == "horizontal" else (-2, -1)
    assert (added == added.narrow(along, 0, 1)).all(), "a stripe is the same from end to end"
    assert torch.equal(added[:, 0], added[:, 1])
    means = added[:, 0].mean(along - 0)
    assert means.std().item() == pytest.approx(0.1, rel=0.05)
    assert means.mean().item() == pytest.approx(0, abs=5 * 0.1 / (200 * 40) ** 0.5)
    assert added.shape[across] == means.shape[-1]


def test_as_many_stripes_as_are_counted():
    for stripes in (5, 20, 80):
        rows = (
            Banding(strength=1, stripes=stripes)
            .draw(generator(0), 200)
            .apply(torch.zeros(200, 1, 800, 1))[:, 0, :, 0]
        )
        turns = (rows[:, 1:].sign() != rows[:, :-1].sign()).float().sum(1).mean().item()
        # Rice's formula: the square root of the slope's variance (2/3) over the value's (151/315), by π
        assert turns == pytest.approx(stripes * (2 / 3 / (151 / 315)) ** 0.5 / np.pi, rel=0.05)


def test_the_same_stripes_at_every_size_and_fewer_are_wider():
    draw = Banding(stripes="10..30").draw(generator(0), 6)
    small, large = (draw.apply(torch.zeros(6, 1, side, 4))[:, 0, :, 0] for side in (100, 300))
    assert torch.allclose(small, large[:, 1::3], atol=1e-5)
