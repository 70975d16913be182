"""Diagonal Gaussians against PyTorch's distributions, and the bound that keeps variances finite."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from restorae.posterior import LOG_VAR_LIMIT, DiagonalGaussian, join

SHAPES = [(1, 1), (3, 2), (2, 40), (2, 3, 4, 5)]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def belief(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> DiagonalGaussian:
    source = torch.Generator().manual_seed(seed)
    mean, log_var = (2 * torch.randn(shape, generator=source, dtype=dtype) for _ in range(2))
    return DiagonalGaussian(mean, log_var)


def theirs(gaussian: DiagonalGaussian) -> Independent:
    """The same in PyTorch's words."""
    return Independent(
        Normal(gaussian.mean, torch.exp(gaussian.log_var / 2)), gaussian.mean.dim() - 1
    )


# ------------------------------------------------------------------------------------------------- numbers


@each_shape
def test_the_divergence_from_the_standard_normal_is_pytorchs(shape):
    ours = belief(*shape)
    standard = DiagonalGaussian.standard(shape)
    assert torch.allclose(ours.kl(), kl_divergence(theirs(ours), theirs(standard)), rtol=1e-10)
    assert torch.allclose(ours.kl(), ours.kl(standard), rtol=1e-10)


@each_shape
def test_the_divergence_from_any_other_is_pytorchs(shape):
    ours, prior = belief(*shape), belief(*shape, seed=1)
    assert torch.allclose(ours.kl(prior), kl_divergence(theirs(ours), theirs(prior)), rtol=1e-10)
    by_dimension = kl_divergence(Normal(ours.mean, ours.std), Normal(prior.mean, prior.std))
    assert torch.allclose(ours.kl_by_dimension(prior), by_dimension, rtol=1e-10)
    assert ours.kl(prior).shape == shape[:1]


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 1000))
def test_a_divergence_is_never_negative_and_zero_from_itself(count, latent, seed):
    ours, prior = belief(count, latent, seed=seed), belief(count, latent, seed=seed + 1)
    assert (ours.kl_by_dimension(prior) >= 0).all()
    assert ours.kl(ours).abs().max() < 1e-12
    assert DiagonalGaussian.standard((count, latent)).kl().tolist() == [0.0] * count


@each_shape
def test_the_log_density_is_pytorchs(shape):
    ours = belief(*shape)
    latents = belief(*shape, seed=2).mean
    assert torch.allclose(ours.log_prob(latents), theirs(ours).log_prob(latents), rtol=1e-10)


def test_the_density_of_one_dimension_sums_to_one():
    steps = torch.linspace(-40, 40, 20_001, dtype=torch.float64)[:, None]
    ours = DiagonalGaussian(torch.full_like(steps, 1.5), torch.full_like(steps, math.log(4.0)))
    assert torch.trapezoid(ours.log_prob(steps).exp(), steps[:, 0]).item() == pytest.approx(
        1, abs=1e-9
    )


def test_the_standard_deviation_is_the_root_of_the_variance():
    ours = belief(3, 4)
    assert torch.allclose(ours.std.square(), ours.log_var.exp(), rtol=1e-12)


# ------------------------------------------------------------------------------------------------- draws


def test_draws_have_the_moments_that_they_are_said_to_have():
    count = 40_000
    mean, std = torch.tensor([-1.0, 0.0, 3.0]), torch.tensor([0.1, 1.0, 2.5])
    gaussian = DiagonalGaussian(mean.expand(count, 3), (2 * std.log()).expand(count, 3))
    drawn = gaussian.sample(torch.Generator().manual_seed(0))
    errors = (drawn.mean(0) - mean) / (std / count**0.5)
    assert (errors.abs() < 4).all(), f"means off by {errors.tolist()} standard errors"
    errors = (drawn.var(0) / std.square() - 1) / (2 / count) ** 0.5
    assert (errors.abs() < 4).all(), f"variances off by {errors.tolist()} standard errors"
    assert torch.corrcoef(drawn.T).triu(1).abs().max() < 4 / count**0.5, (
        "dimensions are independent"
    )


@each_shape
def test_the_same_generator_gives_the_same_draw(shape):
    ours = belief(*shape, dtype=torch.float32)
    first, again, other = (ours.sample(torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert first.shape == shape
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_generator_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    belief(2, 3).sample(torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_reach_both_moments_through_a_draw():
    mean, log_var = (part.requires_grad_() for part in (belief(3, 4).mean, belief(3, 4).log_var))
    drawn = DiagonalGaussian(mean, log_var).sample(torch.Generator().manual_seed(0))
    to_mean, to_log_var = torch.autograd.grad(drawn.sum(), (mean, log_var))
    assert torch.equal(to_mean, torch.ones_like(mean))
    assert torch.allclose(to_log_var, (drawn - mean) / 2), "z = mean + exp(log_var / 2) · noise"


# ------------------------------------------------------------------------------------------------- kept finite


@given(st.floats(-1e4, 1e4))
def test_log_variances_are_cut_and_otherwise_left_alone(value):
    bounded = DiagonalGaussian.bounded(torch.zeros(1, 1), torch.tensor([[value]])).log_var.item()
    assert bounded == pytest.approx(max(-LOG_VAR_LIMIT, min(LOG_VAR_LIMIT, value)), abs=2e-3)
    if abs(value) <= LOG_VAR_LIMIT:
        assert bounded == torch.tensor(value).item()


@pytest.mark.parametrize("value", [LOG_VAR_LIMIT + 1, 88.0, 1e4, 3e8, 1e30, -1e30])
def test_nothing_overflows_however_large_the_log_variance(value):
    gaussian = DiagonalGaussian.bounded(torch.zeros(1, 2), torch.full((1, 2), value))
    for figure in (
        gaussian.std,
        gaussian.kl(),
        gaussian.sample(torch.Generator().manual_seed(0)),
        gaussian.log_prob(torch.ones(1, 2)),
    ):
        assert figure.isfinite().all()


@pytest.mark.parametrize("value", [3e8, -3e8, 1e30])
def test_the_limit_holds_for_numbers_too_large_to_count_in_ones(value):
    bounded = DiagonalGaussian.bounded(torch.zeros(1, 1), torch.tensor([[value]]))
    assert bounded.log_var.item() == math.copysign(LOG_VAR_LIMIT, value)


@pytest.mark.parametrize("start", [60.0, -60.0])
def test_a_log_variance_beyond_the_limit_finds_its_way_back(start):
    log_var = torch.full((1, 1), start, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        DiagonalGaussian.bounded(torch.zeros(1, 1), log_var).log_var.sum(), log_var
    )
    assert gradient.item() == 1.0, "the cut lets the gradient through"
    (gradient,) = torch.autograd.grad(
        DiagonalGaussian.bounded(torch.zeros(1, 1), log_var).kl().sum(), log_var
    )
    assert gradient.isfinite()
    assert gradient.item() * start > 0, "a step down the divergence leads back"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_moments_are_kept_in_float32_whatever_computed_them(dtype):
    gaussian = DiagonalGaussian.bounded(
        torch.ones(2, 3, dtype=dtype), torch.full((2, 3), 11.0, dtype=dtype)
    )
    assert gaussian.mean.dtype == gaussian.log_var.dtype == torch.float32
    assert gaussian.kl().isfinite().all(), "exp(11) has no place in float16"


# ------------------------------------------------------------------------------------------------- batches


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_batches_are_joined_and_taken_apart(counts):
    whole = belief(sum(counts), 3)
    starts = [sum(counts[:place]) for place in range(len(counts))]
    parts = [whole[start : start + count] for start, count in zip(starts, counts, strict=True)]
    assert [len(part) for part in parts] == counts
    again = join(parts)
    assert torch.equal(again.mean, whole.mean)
    assert torch.equal(again.log_var, whole.log_var)
    assert torch.equal(torch.cat([part.kl() for part in parts]), whole.kl())


@each_shape
@pytest.mark.parametrize("count", [1, 3])
def test_repeated_is_the_whole_batch_again_and_again(shape, count):
    ours = belief(*shape)
    repeated = ours.repeated(count)
    for mine, original in ((repeated.mean, ours.mean), (repeated.log_var, ours.log_var)):
        assert isinstance(mine, Tensor)
        assert torch.equal(mine, torch.cat([original] * count))
