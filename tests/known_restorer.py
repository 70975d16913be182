"""A restorer whose effect is known in advance, and the way of one file through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restorae.formats import begin_result, open_original
from restorae.restoring import Capabilities, Restored, Restorer, RestoreRequest, restore_image
from restorae.restoring.image import Hooks, ImageReport
from restorae.restoring.outputs import RestoredOutput
from restorae.restoring.restorer import FrameFacts, RestoreTiles
from restorae.shapes import Images


class Known(Restorer):
    """Halves contrast around a bright grey, `gain` x + `offset`, unless something else is said; remembers what it was shown."""

    capabilities = Capabilities(name="known", halo=0)

    def __init__(self, gain: float = 0.5, offset: float = 0.25) -> None:
        self.gain, self.offset = gain, offset
        self.shapes: list[tuple[int, ...]] = []

    def bytes_per_pixel(self, channels: int) -> float:
        return 16.0 * channels

    def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
        return lambda images, frames: Restored(self.restore_images(images))

    def restore_images(self, images: Images, self_ensemble: int = 1) -> Images:
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
    mask: np.ndarray | None = None,
    say: Callable[[str], None] = lambda message: None,
    advance: Callable[[int], None] = lambda rows: None,
    **settings: Any,
) -> tuple[ImageReport, list[str]]:
    """One file through `Known`, or another restorer; what was done, and everything the person is told."""
    original = open_original(source, axes)
    with begin_result(original, target, kind, quality) as writer:
        report = restore_image(
            original,
            [RestoredOutput(writer)],
            restorer or Known(),
            RestoreRequest(**settings),
            mask=mask,
            hooks=Hooks(advance=advance, say=say),
        )
        writer.finish()
    return report, [*original.notices, *report.notices, *writer.notices]
