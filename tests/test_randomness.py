"""Chance: seeds, generators and the fields drawn from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.randomness import (
    SEED_LIMIT,
    BatchRandomSource,
    PerImageRandomSource,
    derive_seed,
    draw_seeds,
    generator,
)

SEEDS = st.integers(0, 2**63 - 1)
PLACES = st.lists(st.integers(0, 2**32 - 1), max_size=4)


@given(SEEDS, PLACES)
def test_a_derived_seed_has_63_bits_and_does_not_change(seed, path):
    derived = derive_seed(seed, *path)
    assert 0 <= derived <= SEED_LIMIT
    assert derived == derive_seed(seed, *path)


def test_derived_seeds_stay_the_same_in_every_version():
    # old recipes, saved draws and half-finished trainings count on these
    assert (
        derive_seed(0)
        == int(np.random.SeedSequence(0).generate_state(1, np.uint64)[0]) & SEED_LIMIT
    )
    assert (
        derive_seed(7, 1, 2)
        == int(np.random.SeedSequence(7, spawn_key=(1, 2)).generate_state(1, np.uint64)[0])
        & SEED_LIMIT
    )


def test_no_two_places_share_a_seed():
    seeds = [
        derive_seed(seed, first, second)
        for seed in range(4)
        for first in range(20)
        for second in range(20)
    ]
    assert len(set(seeds)) == len(seeds)
    assert (
        len({derive_seed(0, *path) for path in ((), (1, 2), (2, 1), (12,), (1, 2, 0), (0, 1, 2))})
        == 6
    )


def test_generators_of_one_place_agree_and_of_two_places_do_not():
    def first(*path: int) -> torch.Tensor:
        return torch.rand(8, generator=generator(3, *path))

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_drawn_seeds_are_whole_numbers_that_differ():
    seeds = draw_seeds(generator(0), 1000)
    assert len(set(seeds)) == 1000
    assert all(type(seed) is int and 0 <= seed < SEED_LIMIT for seed in seeds)
    assert max(seeds).bit_length() == 63
    assert draw_seeds(generator(0), 1000) == seeds


CHANCES = {
    "batch": lambda count: BatchRandomSource(generator(5)),
    "per image": lambda count: PerImageRandomSource(draw_seeds(generator(5), count)),
}
each_chance = pytest.mark.parametrize("rng", CHANCES.values(), ids=CHANCES)


@each_chance
def test_fields_have_the_moments_of_their_law(rng):
    count = 40 * 2500
    tolerance = 5 / count**0.5  # five standard errors of a mean of unit variance
    source = rng(40)
    normal = source.normal((40, 1, 50, 50))
    uniform = source.uniform((40, 1, 50, 50))
    assert normal.dtype == uniform.dtype == torch.float32
    assert normal.mean().item() == pytest.approx(0, abs=tolerance)
    assert normal.var().item() == pytest.approx(1, abs=2 * tolerance)
    assert normal.pow(3).mean().item() == pytest.approx(0, abs=4 * tolerance)
    assert normal.pow(4).mean().item() == pytest.approx(3, abs=10 * tolerance)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert uniform.mean().item() == pytest.approx(1 / 2, abs=tolerance)
    assert uniform.var().item() == pytest.approx(1 / 12, abs=tolerance)


@each_chance
@pytest.mark.parametrize("rate", [0.0, 0.3, 5.0, 400.0])
def test_poisson_counts_have_mean_and_variance_of_their_rate(rng, rate):
    counts = rng(20).poisson(torch.full((20, 1, 40, 40), rate))
    assert counts.dtype == torch.float32
    assert torch.equal(counts, counts.round())
    error = 5 * (rate / counts.numel()) ** 0.5
    assert counts.mean().item() == pytest.approx(rate, abs=error)
    assert counts.var().item() == pytest.approx(rate, rel=0.06, abs=1e-9)


@each_chance
def test_fields_drawn_one_after_the_other_are_independent(rng):
    source = rng(10)
    first, second = source.normal((10, 1, 50, 50)), source.normal((10, 1, 50, 50))
    assert (first * second).mean().item() == pytest.approx(0, abs=5 / first.numel() ** 0.5)
    across = (first[0] * first[1]).mean().item()
    assert across == pytest.approx(0, abs=5 / first[0].numel() ** 0.5)


@given(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7), st.data())
def test_an_images_fields_depend_on_its_own_seed_alone(count, height, width, data):
    seeds = draw_seeds(generator(1), count)
    one = data.draw(st.integers(0, count - 1))
    together, alone = PerImageRandomSource(seeds), PerImageRandomSource(seeds[one : one + 1])
    for field in ("normal", "uniform"):
        both = (
            getattr(each, field)((len(each.sources), 2, height, width))
            for each in (together, alone)
        )
        whole, single = both
        assert torch.equal(whole[one], single[0])
    rates = torch.full((count, 2, height, width), 3.0)
    assert torch.equal(together.poisson(rates)[one], alone.poisson(rates[one : one + 1])[0])


def test_the_stream_of_a_seed_is_numpys_philox():
    drawn = PerImageRandomSource([42]).normal((1, 3, 4))
    assert np.array_equal(
        drawn[0].numpy(),
        np.random.Generator(np.random.Philox(42)).standard_normal((3, 4), np.float32),
    )


@each_chance
def test_nothing_touches_the_global_generators(rng):
    before, before_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()
    source = rng(2)
    source.normal((2, 3)), source.uniform((2, 3)), source.poisson(torch.ones(2, 3))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], before_numpy)
