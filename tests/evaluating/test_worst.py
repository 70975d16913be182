"""The worst images: which, and where they are looked at."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorae.data import ListedImages
from restorae.evaluating import TestSet, evaluate
from restorae.evaluating.worst import MAGNIFIED, SIDE, TITLES, worst_images
from restorae.shapes import Images


def damaged(*sizes: tuple[int, int, float]) -> TestSet:
    """Grey images of given heights, widths and errors; the error is in a square of 10 px at the lower right."""
    source = np.random.default_rng(0)
    clean = [
        source.uniform(0.2, 0.6, (height, width)).astype(np.float32) for height, width, _ in sizes
    ]
    degraded = [image.copy() for image in clean]
    for image, (height, width, error) in zip(degraded, sizes, strict=True):
        image[height - 15 : height - 5, width - 15 : width - 5] += error
    names = [f"{place}.png" for place in range(len(sizes))]
    return TestSet(ListedImages(clean, names), degraded=ListedImages(degraded, names))


def same(images: Images) -> Images:
    return images


def test_the_worst_are_shown_where_their_error_is() -> None:
    test_set = damaged((300, 420, 0.1), (280, 300, 0.3), (300, 300, 0.01))
    found = evaluate(same, test_set)
    shown = worst_images(same, test_set, found, 2)
    assert [name.partition(":")[0] for name, _ in shown] == ["1.png", "0.png"]
    for name, (degraded, restored, clean, error) in shown:
        assert {tuple(each.shape) for each in (degraded, restored, clean, error)} == {
            (1, SIDE, SIDE)
        }, name
        assert torch.equal(degraded, restored), "nothing was restored here"
        assert (error > 0).sum() == 100, "the damage does not lie in what is shown"
        assert torch.allclose(error, MAGNIFIED * (restored - clean).abs())
    assert f"→ {found.images[1].restored.psnr:.2f} dB" in shown[0][0]
    assert len(TITLES) == len(shown[0][1])


def test_more_than_there_are_is_all_of_them() -> None:
    test_set = damaged((30, 30, 0.1), (30, 30, 0.2))
    assert len(worst_images(same, test_set, evaluate(same, test_set), 9)) == 2


def test_small_images_are_enlarged_by_whole_pixels() -> None:
    test_set = damaged((20, 28, 0.1))
    ((_, (degraded, *_)),) = worst_images(same, test_set, evaluate(same, test_set), 1)
    assert tuple(degraded.shape) == (1, 80, 112)
    assert torch.equal(degraded[:, ::4, ::4], test_set.degraded[0] if test_set.degraded else None)
    assert torch.equal(degraded[:, 3::4, 2::4], degraded[:, ::4, ::4])


def test_only_the_worst_are_restored_again_each_by_itself() -> None:
    test_set = damaged(*((20, 20, 0.01 * place) for place in range(1, 9)))
    found = evaluate(same, test_set)
    counts = []

    def watched(images: Images) -> Images:
        counts.append(len(images))
        return images

    worst_images(watched, test_set, found, 3)
    assert counts == [1, 1, 1]


@pytest.mark.parametrize("gain", [0.25, 3.0])
def test_where_the_exposure_was_fitted_it_is_shown_so(gain: float) -> None:
    test_set = damaged((40, 40, 0.1))
    ((name, (degraded, restored, clean, error)),) = worst_images(
        lambda images: gain * images - 0.1,
        test_set,
        evaluate(lambda images: gain * images - 0.1, test_set, fit_gain=True),
        1,
    )
    assert "scale-invariant PSNR" in name
    assert (clean.min().item(), clean.max().item()) == pytest.approx((0, 1))
    assert torch.allclose(restored, degraded, atol=1e-4), "the fit takes the exposure off both"
    assert torch.allclose(error, MAGNIFIED * (restored - clean).abs(), atol=1e-5)
