"""A restorer whose effect is known in advance, and the way of one file through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restorae.formats import begin_result, open_original
from restorae.restoring import Restorer, Treatment, restore_picture
from restorae.restoring.pictures import Account
from restorae.restoring.restorers import Change
from restorae.shapes import Images


class Known(Restorer):
    """Halves contrast around a bright grey, `gain` x + `offset`, unless something else is said; remembers what it was shown."""

    name = "known"
    halo = 0

    def __init__(self, gain: float = 0.5, offset: float = 0.25) -> None:
        self.gain, self.offset = gain, offset
        self.shapes: list[tuple[int, ...]] = []

    def bytes_per_pixel(self, channels: int) -> float:
        return 16.0 * channels

    def settled(self, size: tuple[int, int], sample: Callable[[], Images]) -> Change:
        return self.restore_images

    def restore_images(self, images: Images) -> Images:
        self.shapes.append(tuple(images.shape))
        assert images.dtype == torch.float32
        assert images.isfinite().all()
        return images * self.gain + self.offset


def identity() -> Known:
    """Gives back what it is shown."""
    return Known(1, 0)


def whole_range(values: np.ndarray) -> np.ndarray:
    """What `Known` makes of values whose type's full range means 0 to 1."""
    if values.dtype.kind == "f":
        return np.asarray(values * 0.5 + 0.25, values.dtype)
    largest = np.iinfo(values.dtype).max
    return np.rint(values * 0.5 + 0.25 * largest).astype(values.dtype)


def restore_file(
    source: Path,
    target: Path,
    restorer: Restorer | None = None,
    *,
    kind: str | None = None,
    quality: int | None = None,
    axes: str | None = None,
    **others: Any,
) -> tuple[Account, list[str]]:
    """One file through `Known`, or another restorer; what was done, and everything the person is told."""
    treatment = Treatment(
        **{
            name: others.pop(name)
            for name in ("strength", "tile", "values", "together")
            if name in others
        }
    )
    original = open_original(source, axes)
    with begin_result(original, target, kind, quality) as result:
        account = restore_picture(original, result, restorer or Known(), treatment, **others)
        result.finish()
    return account, [*original.notices, *account.notices, *result.notices]
