"""Pairs of 16 bits and floats: what their values mean in training is what they will mean where the model restores."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from skimage import data

from restorae.data import ListedImages, match, open_images
from restorae.data.pair_ranges import exposure, sampled
from restorae.data.ranges import RangedImages
from restorae.errors import BadImage
from restorae.formats import open_original
from restorae.restoring.facts import ImageFacts
from restorae.value_range import choose_range

CAMERA = data.camera()[::4, ::4] / 255


def stored(
    values: np.ndarray, gain: float = 1, offset: float = 0, dtype: str = "uint16"
) -> np.ndarray:
    """A micrograph of 1000 to 4000, exposed otherwise."""
    return np.clip(np.rint(offset + gain * (1000 + 3000 * values)), 0, 65_535).astype(dtype)


def pairs_of(degraded: list[np.ndarray], clean: list[np.ndarray]):
    names = [str(place) for place in range(len(clean))]
    return match(ListedImages(degraded, names), ListedImages(clean, names))[0]


def noisy(seed: int, sigma: float = 0.1) -> np.ndarray:
    return CAMERA + np.random.default_rng(seed).normal(0, sigma, CAMERA.shape)


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_both_images_of_one_exposure_are_taken_in_the_degraded_ones_range(sigma: float) -> None:
    degraded, clean = stored(noisy(0, sigma)), stored(CAMERA)
    pairs = pairs_of([degraded], [clean])
    found = choose_range(degraded[..., None])
    assert not found.is_full
    assert torch.allclose(
        pairs.degraded[0][0],
        torch.from_numpy((degraded - found.low[0]) / (found.high[0] - found.low[0])).float(),
    )
    assert torch.allclose(
        pairs.clean[0][0],
        torch.from_numpy((clean - found.low[0]) / (found.high[0] - found.low[0])).float(),
    )
    assert pairs.values == "auto"
    assert "as restore will do" in pairs.notices[0]


@pytest.mark.parametrize(("gain", "offset"), [(0.2, 100), (3, 0), (3, -2500)])
def test_a_clean_image_of_another_exposure_is_brought_to_the_degraded_ones(
    gain: float, offset: float
) -> None:
    pairs = pairs_of([stored(noisy(0), gain, offset)], [stored(CAMERA)])
    found = choose_range(stored(noisy(0), gain, offset)[..., None])
    expected = (stored(CAMERA, gain, offset).astype(float) - found.low[0]) / (
        found.high[0] - found.low[0]
    )
    apart = (pairs.clean[0][0] - torch.from_numpy(expected)).abs().max()
    assert apart < 0.02, (
        f"the clean image is {apart:.3f} from what it would be in the degraded one's exposure"
    )
    said = re.search(
        r"gain (\S+)\): restored images will have the exposure of the degraded ones",
        pairs.notices[1],
    )
    assert said, pairs.notices
    assert float(said[1]) == pytest.approx(gain, rel=0.05)


def test_gain_and_offset_are_not_moved_by_noise() -> None:
    many = np.random.default_rng(0).uniform(0, 1, 200_000)
    found = exposure(0.4 * many + 0.1 + np.random.default_rng(1).normal(0, 0.5, many.shape), many)
    assert found == pytest.approx((0.4, 0.1), abs=0.01)
    assert exposure(np.random.default_rng(2).uniform(0, 1, many.shape), many) is None
    assert exposure(many, np.ones_like(many)) is None


@pytest.mark.parametrize("shape", [(50, 70), (1500, 1700)])
def test_files_are_mapped_in_training_exactly_as_when_they_are_restored(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).gamma(2, 300, shape).astype(np.uint16)
    for folder in ("degraded", "clean"):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "a.tif", image // (1 if folder == "degraded" else 2))
    pairs, _ = match(open_images(tmp_path / "degraded"), open_images(tmp_path / "clean"))
    assert isinstance(pairs.degraded, RangedImages)
    original = open_original(tmp_path / "degraded" / "a.tif")
    assert pairs.degraded.ranges.of(0).degraded == ImageFacts.measure(original, "auto").range_of(
        [0]
    )


def test_an_array_is_mapped_in_training_exactly_as_when_it_is_restored(tmp_path: Path) -> None:
    images = np.random.default_rng(0).gamma(2, 300, (90, 40, 30)).astype(np.uint16)
    np.save(tmp_path / "a.npy", images)
    np.save(tmp_path / "b.npy", images // 2)
    pairs, _ = match(open_images(tmp_path / "a.npy"), open_images(tmp_path / "b.npy"))
    assert isinstance(pairs.degraded, RangedImages)
    original = open_original(tmp_path / "a.npy")
    assert pairs.degraded.ranges.of(7).degraded == ImageFacts.measure(original, "auto").range_of(
        [7]
    )
    assert sampled(open_images(tmp_path / "a.npy"), range(90)).collected.shape[1] == 1


def test_images_of_8_and_of_full_16_bits_are_taken_by_their_types() -> None:
    eight, sixteen = (
        np.rint(noisy(0).clip(0, 1) * 255).astype(np.uint8),
        np.rint(CAMERA * 65_535).astype(np.uint16),
    )
    pairs = pairs_of([eight], [sixteen])
    assert torch.allclose(pairs.degraded[0][0], torch.from_numpy(eight / 255).float())
    assert torch.allclose(pairs.clean[0][0], torch.from_numpy(sixteen / 65_535).float())
    assert pairs.notices == (
        "The degraded images hold 8 bits, the clean ones 16 bits: each is mapped by its type's full range.",
    )


def test_images_that_faded_beside_full_ones_are_taken_by_their_types_and_so_restored() -> None:
    faded, full = (
        np.rint((0.4 + 0.15 * CAMERA) * 65_535).astype(np.uint16),
        np.rint(CAMERA * 65_535).astype(np.uint16),
    )
    pairs = pairs_of([faded], [full])
    assert pairs.values == "full-range"
    assert torch.allclose(pairs.degraded[0][0], torch.from_numpy(faded / 65_535).float())
    assert "learns to fill it" in pairs.notices[0]


def test_floats_of_any_scale_are_pairs() -> None:
    pairs = pairs_of([stored(noisy(0), dtype="float32")], [stored(CAMERA, dtype="float32")])
    assert pairs.clean[0].min() > -0.1
    assert pairs.clean[0].max() < 1.1


def test_where_one_of_a_pair_has_no_value_nothing_is_learned() -> None:
    degraded, clean = stored(noisy(0), dtype="float32"), stored(CAMERA, dtype="float32")
    whole = pairs_of([degraded], [clean])
    hole, gap = np.zeros(CAMERA.shape, bool), np.zeros(CAMERA.shape, bool)
    hole[10:14, 20:30], gap[50:53, 60:70] = True, True
    pairs = pairs_of([np.where(hole, np.nan, degraded)], [np.where(gap, -np.inf, clean)])
    assert torch.equal(pairs.clean[0][0][hole | gap], pairs.degraded[0][0][hole | gap])
    assert torch.allclose(
        pairs.clean[0][0][~(hole | gap)], whole.clean[0][0][~(hole | gap)], atol=0.01
    )
    assert any("70 NaN, infinite or no-data values replaced" in notice for notice in pairs.notices)


def test_an_image_without_a_single_value_is_left_out_by_name() -> None:
    clean = [stored(noisy(seed), dtype="float32") for seed in range(3)]
    degraded = [clean[0], np.full_like(clean[1], np.nan), clean[2]]
    pairs = pairs_of(degraded, clean)
    assert pairs.clean.names == ["0", "2"]
    assert "Left out, with no values but NaN, infinite or no-data ones: 1." in pairs.notices
    with pytest.raises(BadImage, match="no values"):
        pairs_of(degraded[1:2], clean[1:2])
