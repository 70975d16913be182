"""Noise: moments against theory, in both modes. A tolerance is five standard errors unless it says otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from restorae.degradations import Degradation, GaussianNoise, PoissonNoise, SaltAndPepper, Speckle
from restorae.errors import BadSpec
from restorae.randomness import generator
from restorae.shapes import Images

PIXELS = 20 * 100 * 100
Apply = Callable[[Degradation, Images], Images]


def exactly(part: Degradation, clean: Images) -> Images:
    return part.draw(generator(0), len(clean)).apply(clean)


def for_training(part: Degradation, clean: Images) -> Images:
    return part.degrade(clean, generator(0))


in_both_modes = pytest.mark.parametrize("apply", [exactly, for_training])


def flat(value: float, channels: int = 1) -> Images:
    return torch.full((20, channels, 100, 100), value)


@in_both_modes
@pytest.mark.parametrize(("mean", "sigma"), [(0.0, 0.1), (0.5, 0.3), (-0.2, 1.0)])
def test_gaussian_noise_has_its_mean_and_sigma(apply, mean, sigma):
    noise = (apply(GaussianNoise(mean=mean, sigma=sigma), flat(0.4)) - 0.4).double()
    assert noise.mean().item() == pytest.approx(mean, abs=5 * sigma / PIXELS**0.5)
    assert noise.std().item() == pytest.approx(sigma, rel=5 / (2 * PIXELS) ** 0.5)
    scaled = (noise - noise.mean()) / noise.std()
    assert scaled.pow(3).mean().item() == pytest.approx(0, abs=5 * (6 / PIXELS) ** 0.5)
    assert scaled.pow(4).mean().item() == pytest.approx(3, abs=5 * (24 / PIXELS) ** 0.5)


@in_both_modes
def test_gaussian_noise_is_white(apply):
    noise = apply(GaussianNoise(sigma=1.0), flat(0.0, channels=3))
    for one, other in (
        (noise[..., 1:], noise[..., :-1]),
        (noise[..., 1:, :], noise[..., :-1, :]),
        (noise[:, 0], noise[:, 1]),
        (noise[1:], noise[:-1]),
    ):
        assert (one * other).mean().item() == pytest.approx(0, abs=5 / one.numel() ** 0.5)


@in_both_modes
def test_the_exercises_noise_is_not_clipped_and_clip_cuts_it(apply):
    clean = flat(0.5)
    free, cut = (
        apply(GaussianNoise(mean=0.5, sigma=0.3, clip=clip), clean) for clip in (False, True)
    )
    assert free.max() > 1.5
    assert torch.equal(cut, free.clamp(0, 1))


@in_both_modes
def test_a_range_of_sigma_is_drawn_once_per_image(apply):
    clean = torch.zeros(300, 1, 40, 40)
    spread = apply(GaussianNoise(sigma="0.1..0.5"), clean).std((1, 2, 3))
    assert 0.09 < spread.min() < 0.13
    assert 0.47 < spread.max() < 0.55
    assert spread.mean().item() == pytest.approx(0.3, abs=5 * 0.4 / 12**0.5 / 300**0.5)


@in_both_modes
@pytest.mark.parametrize(("amount", "salt"), [(0.05, 0.5), (0.4, 0.25), (1.0, 0.0), (0.3, 1.0)])
def test_salt_and_pepper_take_their_shares(apply, amount, salt):
    spoilt = apply(SaltAndPepper(amount=amount, salt=salt), flat(0.5))
    assert set(spoilt.unique().tolist()) <= {0.0, 0.5, 1.0}
    for value, share in ((1.0, amount * salt), (0.0, amount * (1 - salt)), (0.5, 1 - amount)):
        error = 5 * (share * (1 - share) / PIXELS) ** 0.5
        assert (spoilt == value).double().mean().item() == pytest.approx(share, abs=error + 1e-9)


@in_both_modes
def test_salt_and_pepper_fall_on_each_channel_by_itself(apply):
    spoilt = apply(SaltAndPepper(amount=0.5), flat(0.5, channels=3)) != 0.5
    both = (spoilt[:, 0] & spoilt[:, 1]).double().mean().item()
    assert both == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / PIXELS) ** 0.5)


@in_both_modes
@pytest.mark.parametrize("peak", [0.5, 10.0, 30.0, 1e4])
@pytest.mark.parametrize("value", [0.0, 0.2, 1.0, 3.0])
def test_poisson_noise_keeps_the_mean_and_has_the_variance_of_light(apply, peak, value):
    counted = apply(PoissonNoise(peak=peak), flat(value)).double()
    variance = value / peak
    assert counted.mean().item() == pytest.approx(value, abs=5 * (variance / PIXELS) ** 0.5 + 1e-6)
    # the variance of a Poisson sample's variance is (1/λ + 2) λ² / n
    light = value * peak
    error = 5 * ((1 / light + 2) / PIXELS) ** 0.5 if light else 0.0
    assert counted.var().item() == pytest.approx(variance, rel=error + 1e-4, abs=1e-12)
    photons = counted * peak
    assert torch.allclose(photons, photons.round(), atol=1e-3 * max(1, peak / 1e3)), (
        "photons are whole"
    )


@in_both_modes
def test_poisson_noise_counts_negative_values_as_dark(apply):
    assert not apply(PoissonNoise(), flat(-0.3)).any()


@in_both_modes
@pytest.mark.parametrize(("value", "sigma"), [(0.5, 0.2), (1.0, 0.6), (-0.5, 0.2)])
def test_speckle_is_as_strong_as_the_image_is_bright(apply, value, sigma):
    noise = (apply(Speckle(sigma=sigma), flat(value)) - value).double()
    assert noise.mean().item() == pytest.approx(0, abs=5 * abs(value) * sigma / PIXELS**0.5)
    assert noise.std().item() == pytest.approx(
        abs(value) * sigma, rel=5 / (2 * PIXELS) ** 0.5 + 1e-5
    )
    assert not apply(Speckle(sigma=sigma), flat(0.0)).any()


@pytest.mark.parametrize(
    "text",
    [
        "gaussian-noise(sigma=-0.1)",
        "speckle(sigma=-1..1)",
        "poisson-noise(peak=0)",
        "salt-and-pepper(amount=1.1)",
        "salt-and-pepper(salt=-0.1)",
    ],
)
def test_strengths_that_mean_nothing_are_refused(text):
    with pytest.raises(BadSpec, match="cannot be used"):
        Degradation.of(text)
