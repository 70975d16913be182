"""Scores against independent arithmetic."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restorae.data import ArrayImages, ListedImages
from restorae.degradations import Degradation, GaussianNoise
from restorae.errors import SettingsConflict, ShapeMismatch, UnknownKind
from restorae.evaluating import TestSet, constant_answer_error, evaluate, has_collapsed
from restorae.layout import Layout
from restorae.randomness import generator


def some_images(count: int = 7, side: int = 20) -> np.ndarray:
    return np.random.default_rng(0).random((count, side, side), dtype=np.float32)


def test_scores_equal_scikit_image() -> None:
    clean = some_images()
    degraded = np.clip(clean + np.random.default_rng(1).normal(0, 0.1, clean.shape), 0, 1).astype(
        np.float32
    )
    found = evaluate(
        lambda images: images, TestSet(ArrayImages(clean), degraded=ArrayImages(degraded))
    )
    psnr = [
        peak_signal_noise_ratio(c, d, data_range=1) for c, d in zip(clean, degraded, strict=True)
    ]
    ssim = [
        structural_similarity(
            c, d, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for c, d in zip(clean, degraded, strict=True)
    ]
    assert found.count == 7
    assert found.restored.psnr == pytest.approx(np.mean(psnr), abs=1e-4)
    assert found.restored.ssim == pytest.approx(np.mean(ssim), abs=2e-3)
    assert found.restored.mse == pytest.approx(((clean - degraded) ** 2).mean(), rel=1e-5)
    assert found.restored.rmse == pytest.approx(np.sqrt(((clean - degraded) ** 2).mean()), rel=1e-5)
    assert found.restored.psnr_pooled == pytest.approx(
        -10 * np.log10(((clean - degraded) ** 2).mean()), abs=1e-4
    )
    assert found.degraded == found.restored


def test_restored_images_are_clipped_and_degraded_ones_are_not() -> None:
    clean = np.ones((2, 12, 12), np.float32)
    test_set = TestSet(ArrayImages(clean), degraded=ArrayImages(clean * 3))
    found = evaluate(lambda images: images, test_set)
    assert found.degraded.mse == pytest.approx(4.0)
    assert found.restored.mse == 0.0
    assert found.restored.psnr is None, "an image without error has no finite PSNR"


def test_pooled_and_mean_psnr_differ_where_images_do() -> None:
    clean = np.zeros((2, 12, 12), np.float32)
    degraded = np.stack([np.full((12, 12), 0.1), np.full((12, 12), 0.01)]).astype(np.float32)
    found = evaluate(
        lambda images: images, TestSet(ArrayImages(clean), degraded=ArrayImages(degraded))
    )
    assert found.restored.psnr == pytest.approx(30.0, abs=1e-3)
    assert found.restored.psnr_pooled == pytest.approx(
        -10 * np.log10((0.01 + 0.0001) / 2), abs=1e-3
    )


def test_large_images_weigh_by_their_pixels_in_the_pool() -> None:
    clean = ListedImages(
        [np.zeros((10, 10), np.uint8), np.zeros((30, 30), np.uint8)], ["small", "large"]
    )
    degraded = ListedImages(
        [np.full((10, 10), 51, np.uint8), np.zeros((30, 30), np.uint8)], ["small", "large"]
    )
    found = evaluate(lambda images: images, TestSet(clean, degraded=degraded))
    assert found.restored.mse == pytest.approx(0.04 * 100 / 1000)


def test_each_image_has_its_own_scores_under_its_name() -> None:
    clean = some_images()
    degraded = np.clip(clean + np.random.default_rng(1).normal(0, 0.1, clean.shape), 0, 1).astype(
        np.float32
    )
    names = ["a.png", "b/c.png", "\udcff.png", "two\nlines", "e", "f", "g"]
    test_set = TestSet(ArrayImages(clean, names=names), degraded=ArrayImages(degraded))
    found = evaluate(lambda images: (images + images.flip(3)) / 2, test_set)
    assert [image.name for image in found.images] == [
        "a.png",
        "b/c.png",
        "\\udcff.png",
        "two\\nlines",
        "e",
        "f",
        "g",
    ]
    for image, truth, seen in zip(found.images, clean, degraded, strict=True):
        assert (
            image.degraded.psnr
            == image.degraded.psnr_pooled
            == pytest.approx(peak_signal_noise_ratio(truth, seen, data_range=1), abs=1e-4)
        )
        assert image.restored.rmse == pytest.approx(
            np.sqrt(((truth - (seen + seen[:, ::-1]) / 2) ** 2).mean()), rel=1e-4
        )
    for score in ("psnr", "ssim", "mse"):
        mean = np.mean([getattr(image.restored, score) for image in found.images])
        assert getattr(found.restored, score) == pytest.approx(mean, rel=1e-6)


def test_what_is_said_of_single_images_stays_out_of_a_dump() -> None:
    test_set = TestSet(ArrayImages(some_images()), degraded=ArrayImages(some_images()[::-1]))
    found = evaluate(lambda images: images, test_set, fit_gain=True)
    assert list(found.model_dump()) == ["count", "degraded", "restored", "seconds"], (
        "model cards hold dumps, not lists of images"
    )
    assert len(found.images) == found.count
    again = pickle.loads(pickle.dumps(evaluate(lambda images: images, test_set)))
    assert [image.degraded for image in again.images] == [image.degraded for image in found.images]


@pytest.mark.parametrize("how", ["pairs", "drawn"])
def test_single_images_of_an_exam_are_those_of_its_batches(how: str) -> None:
    images = ArrayImages(some_images(9))
    noise = Degradation.of("gaussian-noise(sigma=0.1..0.3)")
    test_set = (
        TestSet(images, degradation=noise, seed=3)
        if how == "drawn"
        else TestSet(images, degraded=images.subset(range(8, -1, -1)))
    )
    degraded, clean = next(test_set.batches())
    for place, (seen, truth) in zip((7, 0, 7), test_set.at((7, 0, 7)), strict=True):
        assert torch.equal(seen[0], degraded[place])
        assert torch.equal(truth[0], clean[place])


def test_the_same_seed_gives_the_same_damage_and_another_other_damage() -> None:
    images = ArrayImages(some_images())
    noise = Degradation.of("gaussian-noise(sigma=0.1..0.3)")
    first, again, other = (
        next(TestSet(images, degradation=noise, seed=seed).batches())[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(
        first, noise.draw(generator(0), 7).apply(torch.from_numpy(some_images())[:, None])
    )


def test_the_constant_answer_is_the_mean_image_or_the_patch_mean() -> None:
    clean = some_images(50, 8)
    images = ArrayImages(clean)
    assert constant_answer_error(images, images, None) == pytest.approx(
        clean.var(axis=0).mean(), rel=1e-4
    )
    patches = clean[0].reshape(2, 4, 2, 4).transpose(0, 2, 1, 3).reshape(4, 16)
    assert constant_answer_error(images.subset([0]), images, 4) == pytest.approx(
        patches.var(axis=1).mean(), rel=1e-4
    )


def test_collapse_is_judged_with_a_margin() -> None:
    assert has_collapsed(0.0951, 0.1)
    assert not has_collapsed(0.0949, 0.1)
    assert not has_collapsed(0.0, 0.0), "flat images are no collapse"


def test_pairs_are_read_by_one_range_as_restore_writes_them():
    """12 bits in 16, brighter and wider in the degraded images than in the clean ones."""
    source = np.random.default_rng(0)
    clean = source.integers(1000, 1800, (20, 16, 16)).astype(np.uint16)
    degraded = (clean + source.integers(0, 1500, clean.shape)).astype(np.uint16)
    for dtype, scale in ((np.uint16, 1), (np.int64, 1), (np.float32, 1), (np.float64, 1 / 65535)):
        given = (degraded * scale).astype(dtype)
        test_set = TestSet((clean * scale).astype(dtype), degraded=given)
        ((before, after),) = test_set.batches()
        values = Layout.of(given).values
        span = (values.high[0] - values.low[0]) / scale
        expected = (degraded.astype(float) - clean) / span
        assert np.allclose((before - after)[:, 0], expected, atol=1e-5), dtype
        # a restored image that equals the clean one is without error, but for a few values that are clipped
        found = evaluate(lambda images, clean=after: clean, test_set)
        assert found.restored.mse < 1e-4 < found.degraded.mse


def test_a_test_set_takes_texts_and_arrays():
    clean = some_images()
    by_text = TestSet(clean, degradation="gaussian-noise(sigma=0.1)", seed=3)
    by_part = TestSet(ArrayImages(clean), degradation=GaussianNoise(sigma=0.1), seed=3)
    for (degraded, images), (expected, same) in zip(
        by_text.batches(), by_part.batches(), strict=True
    ):
        assert torch.equal(degraded, expected)
        assert torch.equal(images, same)
    with pytest.raises(ShapeMismatch, match="degraded images"):
        TestSet(clean, degraded=clean[1:])
    with pytest.raises(SettingsConflict):
        TestSet(clean, degraded=clean, degradation="gaussian-noise(sigma=0.1)")
    with pytest.raises(UnknownKind, match="gaussian-noise"):
        TestSet(clean, degradation="gausian-noise")
    with pytest.raises(SettingsConflict):
        evaluate(lambda images: images, TestSet(clean))


def test_missing_pixels_are_not_scored() -> None:
    clean = some_images(7, 40)
    noise = np.random.default_rng(1).normal(0, 0.1, clean.shape)
    degraded = (clean + noise).astype(np.float32)
    clean[0, 20:, :] = np.nan  # where the other side has values
    degraded[1, :, :15] = np.nan
    known = np.isfinite(clean) & np.isfinite(degraded)
    found = evaluate(lambda images: images, TestSet(clean, degraded=degraded), fit_gain=True)
    squares = [np.square(c - d)[k] for c, d, k in zip(clean, degraded, known, strict=True)]
    psnr = -10 * np.log10([np.clip(each, 0, None).mean() for each in squares])
    assert found.degraded.psnr == pytest.approx(psnr.mean(), abs=0.01)
    assert found.degraded.mse == pytest.approx(np.concatenate(squares).mean(), rel=1e-3)
    part = structural_similarity(
        clean[0, :20],
        degraded[0, :20],
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert found.images[0].degraded.ssim == pytest.approx(part, abs=0.02)
    fitted = found.images[0].gain_fitted
    assert fitted is not None
    x, y = degraded[0][known[0]], clean[0][known[0]]
    left = y - np.polyval(np.polyfit(x, y, 1), x)
    assert fitted.degraded.psnr_gain_fitted == pytest.approx(
        -10 * np.log10(np.square(left).mean()), abs=0.01
    )
