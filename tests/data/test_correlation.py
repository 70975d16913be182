"""The correlation of noise, against noise whose correlation is known."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from restorae.data import ArrayImages, noise_correlation


def some_images(noise: np.ndarray) -> ArrayImages:
    return ArrayImages((data.camera()[None] / 255 + noise).astype(np.float32))


@pytest.mark.parametrize("sigma", [0.03, 0.1])
def test_independent_noise_has_none_and_smeared_noise_half(sigma):
    white = np.random.default_rng(0).normal(0, sigma, (1, 512, 512))
    found = noise_correlation(some_images(white))
    assert abs(found.along_rows) < 0.05
    assert abs(found.along_columns) < 0.05
    assert found.along == "neither"
    along_rows = noise_correlation(some_images(white + np.roll(white, 1, axis=2)))
    assert along_rows.along_rows == pytest.approx(0.5, abs=0.06)
    assert along_rows.along == "rows"
    along_columns = noise_correlation(some_images(white + np.roll(white, 1, axis=1)))
    assert along_columns.along_columns == pytest.approx(0.5, abs=0.06)
    assert along_columns.along == "columns"
    both = white + np.roll(white, 1, axis=1)
    assert noise_correlation(some_images(both + np.roll(both, 1, axis=2))).along == "both"


def test_images_that_are_too_small_or_without_noise_say_nothing():
    assert (
        noise_correlation(
            ArrayImages(np.random.default_rng(0).random((3, 8, 8), dtype=np.float32))
        ).along
        == "neither"
    )
    assert noise_correlation(ArrayImages(np.full((1, 64, 64), 0.5, np.float32))).along == "neither"
