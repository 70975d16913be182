"""Measuring how far off restored pixels are, so that it can be told of pictures whose clean version nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import numpy as np
import torch

from restorae.error_bound import LEVEL, ErrorBound, fit, measures
from restorae.evaluating.scores import TestSet
from restorae.progress import SILENT, Progress
from restorae.randomness import derive_seed, generator
from restorae.shapes import Images

MOST_PICTURES = 500
"""More pictures would make the bound hardly surer."""
_LEAST = 24
"""Fewer are damaged so often that there are as many."""
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
    """The error bound of what `restore` makes of the exam's pictures.

    They must not have been trained on: a network errs less there. Every picture counts alike, however large it is; of each some
    pixels are drawn, so that memory stays bounded, and of many pictures some, evenly spread. A few are damaged several times
    over, where damage is drawn, so that its range is seen. Restored pictures are clipped to [0, 1], as when they are scored.

    Args:
        restore: maps a batch (n, channels, height, width) to its restored images; a model's `restore_images`, say.
        test_set: pictures whose clean version is known, and their damage.
        on: what the pictures are called, for the model's card.
        level: share of the pixels that the bound is to hold for.
        seed: which pixels are drawn.
        progress: hears how far it is.
    """
    count = min(len(test_set), MOST_PICTURES)
    places = np.linspace(0, len(test_set) - 1, count).round().astype(int).tolist()
    repeats = -(-_LEAST // count) if test_set.degradation is not None else 1
    test_sets = [
        test_set,
        *(replace(test_set, seed=derive_seed(test_set.seed, again)) for again in range(1, repeats)),
    ]
    most = max(1, min(_PIXELS // (count * repeats), _PIXELS_OF_ONE))
    found: list[np.ndarray] = []
    progress.begin("Calibrating", count * repeats, "pictures")
    try:
        for place, (degraded, clean) in enumerate(
            chain.from_iterable(each.at(places) for each in test_sets)
        ):
            restored = restore(degraded)
            measured = (
                torch.stack([*measures(degraded, restored), (restored.clamp(0, 1) - clean).abs()])
                .reshape(3, -1)
                .cpu()
            )
            chosen = measured
            if measured.shape[1] > most:
                # with replacement: a permutation of all pixels of a large picture would take longer than restoring it
                chosen = measured[
                    :, torch.randint(measured.shape[1], (most,), generator=generator(seed, place))
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
    return fit(changed, structure, errors, weights, level=level, pictures=count, on=on)
