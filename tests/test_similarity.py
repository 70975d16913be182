"""Similarity: held against scikit-image and against the formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio
from skimage.metrics import structural_similarity as reference_ssim

from restorae.errors import ShapeMismatch
from restorae.similarity import fit_gain, psnr_from, squared_errors, structural_similarity

SIZES = st.integers(1, 9)


def image(height: int, width: int) -> torch.Tensor:
    """A part of a real photograph, (1, 1, height, width)."""
    return torch.from_numpy(
        data.camera()[100 : 100 + height, 200 : 200 + width].astype(np.float32) / 255
    )[None, None]


def noisy(images: torch.Tensor, sigma: float) -> torch.Tensor:
    return images + sigma * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))


@given(st.integers(1, 4), st.sampled_from((1, 3)), SIZES, SIZES, st.integers(0, 1000))
def test_errors_and_psnr_are_scikit_images(count, channels, height, width, seed):
    source = torch.Generator().manual_seed(seed)
    images, clean = (torch.rand(count, channels, height, width, generator=source) for _ in range(2))
    found = squared_errors(images, clean)
    assert found.shape == (count,)
    for error, image, truth in zip(
        found, images.double().numpy(), clean.double().numpy(), strict=True
    ):
        assert error.item() == pytest.approx(mean_squared_error(image, truth), rel=1e-5)
        assert psnr_from(error).item() == pytest.approx(
            peak_signal_noise_ratio(truth, image, data_range=1.0), abs=1e-4
        )


def test_psnr_without_error_is_infinite_and_of_numbers_too():
    assert psnr_from(0.0).item() == math.inf
    assert psnr_from(1.0).item() == 0.0
    assert psnr_from(torch.tensor([0.1, 0.001])).tolist() == pytest.approx([10, 30], abs=1e-6)


@pytest.mark.parametrize("shape", [(11, 11), (11, 40), (64, 64), (33, 90)])
@pytest.mark.parametrize("sigma", [0.02, 0.2])
def test_ssim_is_scikit_images(shape, sigma):
    clean = image(*shape)
    damaged = noisy(clean, sigma)
    expected = reference_ssim(
        damaged[0, 0].double().numpy(),
        clean[0, 0].double().numpy(),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert structural_similarity(damaged, clean).item() == pytest.approx(expected, abs=2e-5)


def test_ssim_of_colour_is_the_mean_over_its_channels():
    clean = torch.from_numpy(data.astronaut()[:48, 200:260].astype(np.float32) / 255).permute(
        2, 0, 1
    )[None]
    damaged = noisy(clean, 0.1)
    expected = reference_ssim(
        damaged[0].double().numpy(),
        clean[0].double().numpy(),
        channel_axis=0,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert structural_similarity(damaged, clean).item() == pytest.approx(expected, abs=2e-5)


def test_ssim_is_one_for_the_same_and_of_each_image_by_itself():
    clean = torch.cat([image(20, 24), image(40, 24)[..., 20:, :], image(20, 24).flip(3)])
    damaged = noisy(clean, 0.1)
    assert structural_similarity(clean, clean).tolist() == pytest.approx([1, 1, 1], abs=1e-6)
    together = structural_similarity(damaged, clean)
    alone = [
        structural_similarity(one[None], truth[None]).item()
        for one, truth in zip(damaged, clean, strict=True)
    ]
    assert together.tolist() == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (10, 30), (30, 10)])
def test_an_image_without_room_for_the_window_has_no_ssim(shape):
    clean = image(*shape).repeat(2, 1, 1, 1)
    assert structural_similarity(clean, clean).isnan().tolist() == [True, True]


@given(
    st.integers(1, 4),
    st.sampled_from((1, 3)),
    SIZES,
    st.floats(0.01, 100),
    st.floats(-50, 50),
    st.integers(0, 1000),
)
def test_gain_and_offset_are_those_of_numpys_least_squares(
    count, channels, side, gain, offset, seed
):
    source = torch.Generator().manual_seed(seed)
    clean = torch.rand(count, channels, side + 1, side, generator=source)
    images = gain * clean + offset + 0.1 * gain * torch.rand(clean.shape, generator=source)
    for image, truth, *found in zip(
        images.double().numpy(), clean.double().numpy(), *fit_gain(images, clean), strict=True
    ):
        columns = np.stack([image.ravel(), np.ones(image.size)], 1)
        (gain, offset), *_ = np.linalg.lstsq(
            columns - [[image.mean(), 0]], truth.ravel(), rcond=None
        )
        if gain > 0:
            assert [value.item() for value in found] == pytest.approx(
                [gain, offset - gain * image.mean()], rel=1e-6, abs=1e-9
            )


def test_an_inverted_image_and_one_without_contrast_get_an_offset_alone():
    clean = image(20, 24)
    for poor in (
        1 - clean,
        torch.full_like(clean, 0.3),
        torch.full_like(clean, 0.3) + 1e-8 * clean,
    ):
        gain, offset = fit_gain(poor, clean)
        assert gain.tolist() == [0.0]
        assert offset.item() == pytest.approx(clean.double().mean().item())
    gain, offset = fit_gain(clean, torch.full_like(clean, 0.5))
    assert (gain.item(), offset.item()) == pytest.approx((0.0, 0.5), abs=1e-9)


@pytest.mark.parametrize("compare", [squared_errors, structural_similarity, fit_gain])
@pytest.mark.parametrize("other", [(2, 1, 16, 17), (1, 1, 16, 16), (2, 3, 16, 16)])
def test_images_of_different_shapes_are_not_compared(compare, other):
    with pytest.raises(ShapeMismatch, match="cannot be compared"):
        compare(torch.zeros(2, 1, 16, 16), torch.zeros(other))
