"""Splines and clouds against SciPy and their own moments; strokes against the area that they should cover."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from restorae.degradations.fields import Stroke, clouds, middles, paint, slope, spline
from restorae.randomness import BatchRandomSource, generator


def test_a_spline_and_its_slope_are_scipys(seeded):
    knots = seeded(4, 9)
    at = torch.linspace(0, 1, 50)
    for row, found, rise in zip(knots, spline(knots, at, -1), slope(knots, at, -1), strict=True):
        reference = BSpline(np.arange(-3, 10), row.double().numpy(), 3)
        assert np.abs(found.numpy() - reference(at.double().numpy() * 6)).max() < 2e-6
        assert np.abs(rise.numpy() - reference.derivative()(at.double().numpy() * 6)).max() < 1e-5


def test_a_spline_runs_along_any_side(seeded):
    knots = seeded(2, 7, 5)
    at = torch.rand(11, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(spline(knots, at, -2), spline(knots.mT, at, -1).mT, atol=1e-6)


@pytest.mark.parametrize("octaves", [1, 4])
def test_clouds_have_mean_0_and_variance_1(octaves):
    at = middles(40, torch.device("cpu"))
    field = clouds(BatchRandomSource(generator(0)), 600, 4, octaves, at, at)
    assert field.mean().item() == pytest.approx(0, abs=5 * (1 / 4) / 600**0.5)
    assert field.var().item() == pytest.approx(1, rel=0.05)


@given(st.floats(0.05, 9), st.floats(0, 180), st.floats(-0.5, 0.5))
def test_a_straight_stroke_covers_its_length_times_its_width(width, angle, aside):
    angle, place = np.radians(angle), (np.arange(6) - 2.5) / 3 * 60
    points = torch.tensor(
        np.stack([np.sin(angle) * place + 50 + aside, np.cos(angle) * place + 50], -1),
        dtype=torch.float32,
    )[None]
    layers = torch.zeros(1, 1, 100, 100)
    stroke = Stroke(points, torch.full((1, 4), width), torch.ones(1, 4), torch.full((1, 4), aside))
    paint(layers, torch.zeros(1), stroke, length=60, width=width + 2 * abs(aside))
    # the ends are cut to whole pixels
    assert layers.sum().item() == pytest.approx(60 * width, rel=0.05)
    assert layers.max().item() <= min(width, 1) + 1e-5


def test_strokes_that_cross_are_as_dark_as_the_darker_and_layers_do_not_mix():
    layers = torch.zeros(2, 2, 20, 20)
    for points in (
        [[10.0, -10.0], [10, 0], [10, 20], [10, 30]],
        [[-10.0, 10.0], [0, 10], [20, 10], [30, 10]],
    ):
        for opacity in (0.5, 0.25):
            knots = torch.tensor(points).expand(2, 4, 2)
            paint(
                layers,
                torch.tensor([0.0, 1.0]),
                Stroke(knots, torch.full((2, 4), 3.0), torch.full((2, 4), opacity)),
                40,
                3,
            )
    assert layers.max() == pytest.approx(0.5)
    assert torch.equal(layers[0, 0], layers[1, 1])
    assert layers[0, 1].sum() == layers[1, 0].sum() == 0


def test_what_lies_outside_leaves_no_trace():
    layers = torch.zeros(1, 1, 9, 9)
    points = torch.tensor([[-30.0, -5.0], [-20, 2], [-10, 4], [-4, 8]])[None]
    paint(layers, torch.zeros(1), Stroke(points, torch.full((1, 4), 2.0), torch.ones(1, 4)), 40, 2)
    assert layers.sum() == 0
