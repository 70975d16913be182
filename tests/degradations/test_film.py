"""Scratches, dust and hairs: how many, how wide, how long, how much they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import find_objects, label

from restorae.degradations import Degradation, Dust, Hair, Scratches
from restorae.randomness import generator
from restorae.shapes import Images

KINDS = [Scratches(count=4, length=0.5, tilt=90), Dust(count=30, size=0.05), Hair(count=4)]
each_kind = pytest.mark.parametrize("part", KINDS, ids=lambda part: part.kind)


def marks(part: Degradation, side: int = 400, count: int = 1, seed: int = 0) -> Images:
    """What is painted, where everything is light."""
    light = part.model_copy(update={"light": 1.0, "strength": 1.0})
    return light.draw(generator(seed), count).apply(torch.zeros(count, 1, side, side))


@each_kind
def test_the_same_marks_lie_on_the_image_at_every_size(part):
    draw = part.draw(generator(1), 1)
    small, large = (draw.apply(torch.full((1, 1, side, side), 0.5)) - 0.5 for side in (150, 450))
    shrunk = torch.nn.functional.avg_pool2d(large, 3)
    assert torch.corrcoef(torch.stack([small.flatten(), shrunk.flatten()]))[0, 1] > 0.85
    assert shrunk.abs().sum().item() == pytest.approx(small.abs().sum().item(), rel=0.1)


@each_kind
@pytest.mark.parametrize("light", [0.0, 1.0])
def test_light_ones_lighten_and_dark_ones_darken_and_between_them_nothing_changes(part, light):
    clean = torch.full((3, 3, 120, 120), 0.5)
    change = part.model_copy(update={"light": light}).draw(generator(2), 3).apply(clean) - clean
    assert (change >= 0).all() if light else (change <= 0).all()
    assert change.abs().max() > 0.1
    assert change.abs().max() <= 0.5
    assert (change == 0).float().mean() > 0.8
    assert torch.equal(change[:, 0], change[:, 2])


@each_kind
def test_a_share_of_them_is_light(part):
    part = part.model_copy(update={"light": 0.25, "count": 8})
    change = part.draw(generator(0), 100).apply(torch.full((100, 1, 80, 80), 0.5)) - 0.5
    light, dark = change.clamp(min=0).sum().item(), -change.clamp(max=0).sum().item()
    assert light / (light + dark) == pytest.approx(0.25, abs=0.06)


@each_kind
def test_strength_is_how_opaque_the_strongest_can_be(part):
    part = part.model_copy(update={"light": 1.0, "strength": 0.6})
    part = (
        part.model_copy(update={"width": 0.02}) if isinstance(part, Scratches) else part
    )  # some are wider than a pixel
    most = part.draw(generator(0), 40).apply(torch.zeros(40, 1, 200, 200)).amax((1, 2, 3))
    assert most.max().item() <= 0.6 + 1e-6
    assert most.max().item() > 0.5


def test_a_scratch_has_its_width_and_runs_down_the_film():
    for seed in range(6):
        part = Scratches(count=1, width=0.03, length=2, tilt=0)
        painted = marks(part, seed=seed)[0, 0]
        rows = painted[(painted > 0.3).any(1)]
        # across a vertical line the shares of its pixels add up to its width times its opacity
        wide = (rows.sum(1) / rows.amax(1)).median().item()
        assert 0.03 * 400 / 3 - 0.7 < wide < 0.03 * 400 + 0.7
        _, columns = torch.nonzero(painted > 0.3, as_tuple=True)
        assert columns.max() - columns.min() < 0.03 * 400 + 0.02 * 400


def test_scratches_are_no_longer_and_no_shorter_than_said():
    for seed in range(12):
        row, column = torch.nonzero(
            marks(Scratches(count=1, width=0.01, length=0.4, tilt=90), seed=seed)[0, 0],
            as_tuple=True,
        )
        if row.min() == 0 or column.min() == 0 or row.max() == 399 or column.max() == 399:
            continue  # it leaves the image
        long = math.hypot(row.max() - row.min(), column.max() - column.min())
        # thin ends and gaps at them take their part
        assert 0.4 * 400 / 4 * 0.5 < long < 0.4 * 400 * 1.05 + 8


def test_tilted_scratches_run_in_all_directions_and_others_do_not():
    for tilt, steepest in ((3.0, 0.12), (90.0, math.inf)):
        slopes = []
        for seed in range(20):
            row, column = np.nonzero(
                marks(Scratches(count=1, tilt=tilt, length=0.5), side=200, seed=seed)[0, 0].numpy()
                > 0.1
            )
            if len(row) > 30:
                spread = np.linalg.eigh(np.cov(row, column))[1][:, -1]
                slopes.append(abs(spread[1] / spread[0]))
        assert max(slopes) < steepest
        assert tilt < 90 or (max(slopes) > 2 and min(slopes) < 0.5)


def test_as_many_specks_as_are_counted():
    found = [
        label(marks(Dust(count=12, size=0.02), seed=seed)[0, 0].numpy() > 0, np.ones((3, 3)))[1]
        for seed in range(12)
    ]
    assert max(found) <= 12
    assert np.mean(found) > 11  # few touch, few lie at the border


def test_specks_cover_what_their_law_says():
    # the mean square of a diameter d (1 + 3u²) / 4 is 0.3 d²; bumps add 1.4 % to each half of the area's variance
    covered = marks(Dust(count=100, size=0.04), count=20).gt(0).float().mean().item()
    opaque = marks(Dust(count=100, size=0.04), count=20).mean().item()
    expected = 1 - math.exp(-100 * math.pi / 4 * 0.04**2 * 0.3 * 1.03)
    assert opaque == pytest.approx(0.75 * expected, rel=0.1)  # between half and whole opacity
    assert expected < covered < 1.5 * expected  # edges touch pixels that they cover in part


def test_specks_are_small_and_irregular():
    sizes, fills = [], []
    for seed in range(6):
        painted = marks(Dust(count=15, size=0.08), seed=seed)[0, 0].numpy() > 0.25
        regions, _ = label(painted)
        for rows, columns in find_objects(regions):
            high, wide = rows.stop - rows.start, columns.stop - columns.start
            sizes.append(max(high, wide))
            fills.append(painted[rows, columns].mean())
    assert max(sizes) < 2 * 1.4 * 0.08 * 400
    assert np.median(sizes) < 0.08 * 400 * 0.6
    assert np.std(fills) > 0.05  # circles would fill π / 4 of their boxes, all of them


def test_dust_that_is_painted_in_pieces_is_the_same(monkeypatch):
    draw, clean = Dust(count=40, size=0.05).draw(generator(3), 2), torch.full((2, 1, 90, 90), 0.5)
    whole = draw.apply(clean)
    monkeypatch.setattr("restorae.degradations.film.MARKS", 1)
    assert torch.equal(draw.apply(clean), whole)


def test_a_hair_is_as_long_and_as_wide_as_said():
    for seed in range(10):
        painted = marks(Hair(count=1, length=0.5, width=0.01, curl=60), seed=seed)[0, 0].numpy()
        if painted[0].any() or painted[-1].any() or painted[:, 0].any() or painted[:, -1].any():
            continue  # it leaves the image
        area, opacity = painted.sum(), painted.max()
        # its area is length times width, each between its least and its most
        assert 0.125 * 400 * 0.005 * 400 * 0.8 < area / opacity < 0.5 * 400 * 0.01 * 400 * 1.1
        assert label(painted > 0.1, np.ones((3, 3)))[1] == 1, "a hair is one piece"


def test_curl_bends():
    def straightness(curl: float) -> float:
        ratios = []
        for seed in range(12):
            row, column = np.nonzero(
                marks(Hair(count=1, length=0.5, curl=curl), seed=seed)[0, 0].numpy() > 0.2
            )
            spread = np.linalg.eigvalsh(np.cov(row, column))
            ratios.append(spread[0] / spread[1])
        return float(np.mean(ratios))

    assert straightness(0) < 0.005
    assert straightness(250) > 0.05
