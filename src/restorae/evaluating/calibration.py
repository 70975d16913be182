"""Calibration: measures the errors of restored pixels, which gives error bounds for images without a clean version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import numpy as np
import torch

from restorae.error_bound import LEVEL, ErrorBound, fit, measures
from restorae.evaluating.test_set import TestSet
from restorae.progress import SILENT, Progress
from restorae.randomness import derive_seed, generator
from restorae.shapes import Images

MOST_IMAGES = 500
"""Largest number of images to measure; more would hardly improve the bound."""
_LEAST = 24
"""Fewer images than this are damaged several times over, up to about this number."""
_PIXELS = 2_000_000
_PIXELS_OF_ONE = 20_000


def calibrate(
    restore: Callable[[Images], Images],
    test_set: TestSet,
    *,
    on: str = "",
    level: float = LEVEL,
    seed: int = 0,
    progress: Progress = SILENT,
) -> ErrorBound:
    """Measure the error bound of `restore` on the images of a test set.

    The images must not be training images: the errors would be too small. All images have the same weight, whatever their
    size. Pixels are sampled from each image, which bounds the memory, and large sets are sampled evenly. Small sets are
    damaged several times where damage is drawn, which covers its range. Restored images are clipped to [0, 1], as for scores.

    Args:
        restore: maps a batch (n, channels, height, width) to its restored images; for example a model's `restore_images`.
        test_set: images whose clean version is known, and their damage.
        on: name of the images, for the model's card.
        level: share of the pixels whose error stays within the bound.
        seed: seed of the choice of pixels.
        progress: reports the progress.
    """
    count = min(len(test_set), MOST_IMAGES)
    indices = np.linspace(0, len(test_set) - 1, count).round().astype(int).tolist()
    repeats = -(-_LEAST // count) if test_set.degradation is not None else 1
    test_sets = [
        test_set,
        *(replace(test_set, seed=derive_seed(test_set.seed, again)) for again in range(1, repeats)),
    ]
    most = max(1, min(_PIXELS // (count * repeats), _PIXELS_OF_ONE))
    found: list[np.ndarray] = []
    progress.begin("Calibrating", count * repeats, "images")
    try:
        for index, (degraded, clean) in enumerate(
            chain.from_iterable(each.at(indices) for each in test_sets)
        ):
            restored = restore(degraded)
            measured = (
                torch.stack([*measures(degraded, restored), (restored.clamp(0, 1) - clean).abs()])
                .reshape(3, -1)
                .cpu()
            )
            chosen = measured
            if measured.shape[1] > most:
                # with replacement: a permutation of all pixels of a large image would take longer than restoring it
                chosen = measured[
                    :, torch.randint(measured.shape[1], (most,), generator=generator(seed, index))
                ]
            found.append(
                np.concatenate(
                    [chosen.numpy(), np.full((1, chosen.shape[1]), 1 / chosen.shape[1], np.float32)]
                )
            )
            progress.advance(1)
    finally:
        progress.end()
    changed, structure, errors, weights = np.concatenate(found, 1).astype(np.float64)
    return fit(changed, structure, errors, weights, level=level, images=count, on=on)
