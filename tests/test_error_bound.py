"""Error bounds: what is measured against SciPy, what is fitted against laws that are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import ndimage

from restorae.error_bound import ErrorBound, fit, measures, stored_span
from restorae.errors import BadSpec, ShapeMismatch
from restorae.value_range import FULL_RANGE, ValueRange

TABLE = ErrorBound(
    changed=(0.01, 0.1),
    structure=(0.01, 0.04, 0.16),
    bounds=((0.01, 0.02, 0.03), (0.04, 0.05, 0.06)),
)


def around(values: np.ndarray) -> np.ndarray:
    """The mean over 5 × 5 pixels, twice, each over as many as there are."""
    for _ in range(2):
        there = ndimage.uniform_filter(np.ones_like(values), 5, mode="constant")
        values = ndimage.uniform_filter(values, 5, mode="constant") / there
    return values


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (4, 3), (31, 20)], ids=str)
def test_measures_are_those_of_scipy(seeded, size):
    degraded, restored = seeded(2, 3, *size), seeded(2, 3, *size, seed=1)
    changed, structure = measures(degraded, restored)
    for image in range(2):
        for channel in range(3):
            before, after = (each[image, channel].double().numpy() for each in (degraded, restored))
            variance = (around(after**2) - around(after) ** 2).clip(0)
            np.testing.assert_allclose(
                changed[image, channel], np.sqrt(around((after - before) ** 2)), atol=1e-5
            )
            np.testing.assert_allclose(structure[image, channel] ** 2, variance, atol=1e-6)


def test_a_pixel_depends_on_nothing_beyond_the_declared_reach(seeded):
    degraded, restored = (0.5 + 0.05 * seeded(1, 1, 41, 41, seed=seed) for seed in (0, 1))
    bound = TABLE.of(degraded, restored)
    degraded[..., 20, 20] += 0.5
    restored[..., 20, 20] -= 0.5
    places = (TABLE.of(degraded, restored) != bound).nonzero()[:, -2:]
    reach = (places - 20).abs().max().item()
    assert reach == TABLE.reach, f"declared reach {TABLE.reach}, measured {reach}"


@pytest.mark.parametrize(
    ("changed", "structure", "expected"),
    [
        (0.01, 0.01, 0.01),
        (0.1, 0.16, 0.06),
        (0.01, 0.02, 0.015),
        (10**-1.5, 0.04, 0.035),
        (0.0, 0.0, 0.01),
        (7.0, 7.0, 0.06),
    ],
)
def test_between_knots_it_is_interpolated_over_logarithms_and_beyond_them_it_stays(
    changed, structure, expected
):
    assert TABLE.at(torch.tensor([changed]), torch.tensor([structure])).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_a_table_of_one_entry_is_a_constant(seeded):
    bound = ErrorBound(changed=(0.1,), structure=(0.1,), bounds=((0.25,),))
    assert bound.of(seeded(2, 3, 8, 9), seeded(2, 3, 8, 9, seed=1)).unique().tolist() == [0.25]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"bounds": ((0.1,), (0.1,))}, "needs as many bounds"),
        ({"changed": (0.1, 0.1)}, "increasing"),
        ({"structure": (0.0, 0.1, 0.2)}, "positive"),
        ({"level": 1.0}, "level"),
    ],
)
def test_a_table_that_cannot_be_one_is_refused(settings, told):
    with pytest.raises(BadSpec, match=told):
        ErrorBound(**(TABLE.model_dump() | settings))


def test_images_of_two_sizes_are_refused(seeded):
    with pytest.raises(ShapeMismatch, match="differ"):
        TABLE.of(seeded(1, 1, 4, 4), seeded(1, 1, 4, 5))


def test_it_is_saved_and_rebuilt_the_same():
    assert ErrorBound.model_validate_json(TABLE.model_dump_json()) == TABLE


# ------------------------------------------------------------------------------------------------- fitting


def normal_errors(count: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Surroundings drawn evenly over logarithms, and normal errors as large as their geometric mean."""
    source = np.random.default_rng(seed)
    changed, structure = np.exp(source.uniform(np.log(0.02), np.log(0.2), (2, count)))
    return (
        changed,
        structure,
        np.abs(source.normal(0, np.sqrt(changed * structure))),
        np.ones(count),
    )


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_the_share_is_the_stated_one_on_what_it_was_fitted_to(level):
    changed, structure, errors, weights = normal_errors(50_000)
    bound = fit(changed, structure, errors, weights, level=level)
    within = (
        errors
        <= bound.at(
            *(torch.from_numpy(each.astype(np.float32)) for each in (changed, structure))
        ).numpy()
    )
    assert within.mean() == pytest.approx(level, abs=0.002)
    assert within.mean() >= level - 1e-4


def test_the_bound_is_the_quantile_that_the_law_of_the_errors_says():
    bound = fit(*normal_errors(400_000))
    factor = np.array(bound.bounds) / np.sqrt(np.outer(bound.changed, bound.structure))
    assert factor[1:-1, 1:-1] == pytest.approx(1.645, rel=0.06), (
        "90 % of a normal law lie within 1.645 standard deviations"
    )


def test_in_every_part_of_the_table_the_share_is_near_the_stated_one():
    bound = fit(*normal_errors(200_000))
    changed, structure, errors, _ = normal_errors(200_000, seed=1)
    within = (
        errors
        <= bound.at(
            *(torch.from_numpy(each.astype(np.float32)) for each in (changed, structure))
        ).numpy()
    )
    edges = np.geomspace(0.02, 0.2, 5)
    shares = [within[(low <= changed) & (changed < high)].mean() for low, high in pairwise(edges)]
    assert min(shares) > 0.88, shares
    assert max(shares) < 0.92, shares


def test_heavier_pixels_count_for_more():
    flat = np.full(2000, 0.1)
    errors = np.repeat([0.1, 0.3], 1000)
    assert fit(flat, flat, errors, np.repeat([1.0, 0.01], 1000)).bounds == ((0.1,),)
    assert fit(flat, flat, errors, np.repeat([0.01, 1.0], 1000)).bounds == ((0.3,),)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_few_pixels_give_a_bound_too(count):
    bound = fit(*normal_errors(count))
    assert all(0 < each < 1 for row in bound.bounds for each in row)


def test_without_any_error_it_is_faint_and_still_a_bound():
    flat = np.zeros(500)
    bound = fit(flat, flat, flat, np.ones(500))
    assert 0 <= bound.bounds[0][0] < 1 / 1000


def test_what_is_written_stays_small():
    assert len(fit(*normal_errors(20_000)).model_dump_json()) < 1000


def test_the_span_of_stored_values_is_how_many_of_their_units_the_working_scale_has():
    assert stored_span(FULL_RANGE, np.dtype(np.uint8)).tolist() == [255]
    assert stored_span(FULL_RANGE, np.dtype(np.float32)).tolist() == [1]
    assert stored_span(ValueRange((10.0, 0.0), (30.0, 5.0)), np.dtype(np.uint16)).tolist() == [
        20,
        5,
    ]
