"""Calibration, and whether it holds, on images and errors whose law is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorae.data import ArrayImages, ListedImages
from restorae.degradations import Degradation, GaussianNoise
from restorae.error_bound import ErrorBound
from restorae.evaluating import CoverageTally, TestSet, calibrate, evaluate
from restorae.shapes import Images

NOISE = Degradation.of("gaussian-noise(sigma=0.02..0.2)")


def waves(count: int, side: int = 48, seed: int = 0) -> ArrayImages:
    """Images between 0.3 and 0.7: waves of drawn length and height."""
    source = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    turns, heights = source.uniform(0.02, 0.3, (count, 2)), source.uniform(0, 0.2, count)
    images = [
        0.5 + height * np.sin(down * rows + across * columns)
        for (down, across), height in zip(turns, heights, strict=True)
    ]
    return ArrayImages(np.float32(images))


def halfway(images: Images) -> Images:
    """Takes half of what differs from the middle away."""
    return 0.5 * images + 0.25


def test_on_images_never_seen_the_share_is_the_stated_one():
    bound = calibrate(halfway, TestSet(waves(60), degradation=NOISE))
    assert bound.images == 60
    tally = CoverageTally(bound)
    evaluate(halfway, TestSet(waves(60, seed=1), degradation=NOISE, seed=1), also=tally.add)
    found = tally.coverage()
    assert found.level == 0.9
    assert 0.88 < found.share < 0.92, str(found)
    assert found.share_low < found.share < found.share_high


def test_it_holds_at_each_strength_of_the_damage_and_is_the_smaller_for_less():
    bound = calibrate(halfway, TestSet(waves(60), degradation=NOISE))
    means = []
    for sigma in (0.05, 0.1, 0.19):
        tally = CoverageTally(bound)
        evaluate(
            halfway,
            TestSet(waves(40, seed=1), degradation=GaussianNoise(sigma=sigma), seed=1),
            also=tally.add,
        )
        assert tally.coverage().share == pytest.approx(0.9, abs=0.04), sigma
        means.append(tally.coverage().mean_bound)
    assert means == sorted(means)


def test_coverage_is_counted_image_by_image():
    bound = ErrorBound(changed=(0.1,), structure=(0.1,), bounds=((0.25,),))
    tally = CoverageTally(bound)
    clean = torch.zeros(2, 1, 1, 4)
    tally.add(
        clean,
        torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, -9.0]]).reshape(2, 1, 1, 4),
        clean,
    )
    tally.add(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    assert tally.shares == [0.5, 1.0, 0.0], "what is restored is clipped before it is compared"
    found = tally.coverage()
    assert found.share == 0.5
    assert (found.share_low, found.share_high) == pytest.approx(np.percentile([0.5, 1, 0], (5, 95)))
    assert found.mean_bound == 0.25
    assert "50.0% of pixels lie within the bound for 90%" in str(found)


def test_every_image_counts_alike_however_large():
    clean = [np.full((8, 8), 0.5, np.float32)] * 3 + [np.full((200, 200), 0.5, np.float32)]
    degraded = [image + off for image, off in zip(clean, (0.1, 0.1, 0.1, 0.3), strict=True)]
    names = list("abcd")
    bound = calibrate(
        lambda images: images,
        TestSet(ListedImages(clean, names), degraded=ListedImages(degraded, names)),
        level=0.7,
    )
    assert bound.bounds[0][0] == pytest.approx(0.1, rel=1e-3), "three images in four are off by 0.1"


def test_the_same_seed_gives_the_same_bound():
    test_set = TestSet(waves(3, side=160), degradation=NOISE)
    assert calibrate(halfway, test_set, seed=4) == calibrate(halfway, test_set, seed=4)
    assert calibrate(halfway, test_set, seed=4) != calibrate(halfway, test_set, seed=5)


def test_a_single_image_is_damaged_more_than_once():
    seen = []
    calibrate(
        lambda images: seen.append(images.std().item()) or images,
        TestSet(waves(1), degradation=NOISE),
    )
    assert max(seen) > 2 * min(seen), "so that the range of the damage is seen"


def test_of_many_images_some_are_read(monkeypatch):
    monkeypatch.setattr("restorae.evaluating.calibration.MOST_IMAGES", 5)
    seen = []
    clean = waves(23, side=12)
    bound = calibrate(lambda images: seen.append(images) or images, TestSet(clean, degraded=clean))
    assert [
        next(place for place in range(23) if torch.equal(clean[place], images[0]))
        for images in seen
    ] == [0, 6, 11, 16, 22]
    assert bound.images == 5
