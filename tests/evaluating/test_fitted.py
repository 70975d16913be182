"""Scores after a fit of gain and offset, against NumPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restorae.data import ArrayImages
from restorae.evaluating import FittedScores, TestSet, evaluate


def micrographs(count: int = 4, side: int = 40) -> np.ndarray:
    """Parts of a real photograph, dim as a micrograph: of another range each."""
    camera = data.camera().astype(np.float32) / 255
    parts = np.stack([camera[100 + 30 * place :, 200:][:side, :side] for place in range(count)])
    return (0.02 + parts * np.linspace(0.1, 0.4, count, dtype=np.float32)[:, None, None]).astype(
        np.float32
    )


def fitted_scores(restored: np.ndarray, clean: np.ndarray, **options: bool) -> FittedScores:
    found = evaluate(
        lambda images: images,
        TestSet(ArrayImages(clean), degraded=ArrayImages(restored)),
        fit_gain=True,
        **options,
    )
    assert found.gain_fitted is not None
    assert found.gain_fitted.degraded == found.gain_fitted.restored, (
        "both are fitted, and neither is clipped"
    )
    return found.gain_fitted.restored


def test_the_scores_are_those_of_a_least_squares_fit_by_numpy() -> None:
    clean = micrographs()
    source = np.random.default_rng(0)
    seen = (3 * clean - 0.4 + source.normal(0, 0.1, clean.shape)).astype(np.float32)
    psnr, si_psnr, si_ssim = [], [], []
    for image, truth in zip(seen.astype(np.float64), clean.astype(np.float64), strict=True):
        gain, offset = np.polyfit(image.ravel(), truth.ravel(), 1)
        best, span = gain * image + offset, truth.max() - truth.min()
        psnr.append(peak_signal_noise_ratio(truth, best, data_range=1))
        si_psnr.append(peak_signal_noise_ratio(truth, best, data_range=span))
        stretched = ((each - truth.min()) / span for each in (truth, best))
        si_ssim.append(
            structural_similarity(
                *stretched,
                data_range=1,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
        )
    found = fitted_scores(seen, clean)
    assert found.psnr_gain_fitted == pytest.approx(np.mean(psnr), abs=1e-4)
    assert found.si_psnr == pytest.approx(np.mean(si_psnr), abs=1e-4)
    assert found.si_ssim == pytest.approx(np.mean(si_ssim), abs=1e-4)
    assert found.psnr_gain_fitted > found.si_psnr + 5, (
        "a dim image has a small range, so the two peaks are not one"
    )


@pytest.mark.parametrize(("gain", "offset"), [(1, 0.3), (0.25, 0), (20, -5)])
def test_another_exposure_changes_nothing(gain: float, offset: float) -> None:
    clean = micrographs()
    seen = clean + np.random.default_rng(0).normal(0, 0.02, clean.shape).astype(np.float32)
    for other, truth in (
        ((gain * seen + offset).astype(np.float32), clean),
        (seen, (gain * clean + offset).astype(np.float32)),
    ):
        found, expected = fitted_scores(other, truth), fitted_scores(seen, clean)
        assert found.si_psnr == pytest.approx(expected.si_psnr, abs=0.01)
        assert found.si_ssim == pytest.approx(expected.si_ssim, abs=1e-3)


def test_the_plain_scores_are_the_same_with_and_without_the_fit() -> None:
    clean = micrographs()
    test_set = TestSet(ArrayImages(clean), degraded=ArrayImages(clean / 2))
    plain, both = (
        evaluate(lambda images: images * 1.5, test_set, fit_gain=wanted) for wanted in (False, True)
    )
    assert (plain.degraded, plain.restored) == (both.degraded, both.restored)
    assert plain.gain_fitted is None
    assert plain.images[0].gain_fitted is None
    assert both.gain_fitted is not None


def test_an_inverted_image_scores_like_a_flat_one_not_like_a_perfect_one() -> None:
    clean = micrographs()
    flat = np.full_like(clean, 0.7)
    inverted, constant = fitted_scores(1 - clean, clean), fitted_scores(flat, clean)
    means = [-10 * np.log10(truth.var() / np.ptp(truth) ** 2) for truth in clean.astype(np.float64)]
    assert inverted.si_psnr == pytest.approx(np.mean(means), abs=1e-4)
    assert constant.si_psnr == pytest.approx(np.mean(means), abs=1e-4)


def test_a_colour_image_has_one_exposure_so_a_colour_cast_is_an_error() -> None:
    clean = data.astronaut()[100:140, 200:240][None].astype(np.float32) / 255
    dimmed = fitted_scores(0.5 * clean, clean)
    cast = fitted_scores(clean * np.array([1, 0.7, 0.4], np.float32), clean)
    assert dimmed.psnr_gain_fitted is None or dimmed.psnr_gain_fitted > 100
    assert cast.psnr_gain_fitted is not None
    assert cast.psnr_gain_fitted < 30


def test_a_flat_clean_image_has_no_range_and_so_no_scale_invariant_scores() -> None:
    clean = micrographs(2)
    clean[1] = 0.4
    seen = clean + np.random.default_rng(0).normal(0, 0.02, clean.shape).astype(np.float32)
    found = evaluate(
        lambda images: images,
        TestSet(ArrayImages(clean), degraded=ArrayImages(seen)),
        fit_gain=True,
    )
    assert found.gain_fitted is not None
    assert (found.gain_fitted.restored.si_psnr, found.gain_fitted.restored.si_ssim) == (None, None)
    fine, flat = (image.gain_fitted.restored for image in found.images if image.gain_fitted)
    assert fine.si_psnr is not None
    assert flat.si_psnr is None


def test_small_images_and_scores_without_ssim_have_none_of_it() -> None:
    clean = micrographs(side=9)
    assert fitted_scores(clean[:, ::-1], clean).si_ssim is None
    assert fitted_scores(micrographs()[:, ::-1], micrographs(), with_ssim=False).si_ssim is None
