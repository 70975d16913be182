"""Error maps: beside each restored file, how far off each of its pixels may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from restorae.error_bound import stored_span
from restorae.errors import ShapeMismatch, UsageError
from restorae.formats import Original, Page, begin_plain, plain_suffix
from restorae.pixels import ValueRange, stored_values
from restorae.restoring.jobs import ARRAYS
from restorae.restoring.restorers import Change, ModelRestorer, Restorer
from restorae.shapes import Images

ERROR_GAIN = 5.0
"""An error picture shows the bound times this: white is a bound of 0.2 of the range, or more."""
_BYTES = 48.0
"""What measuring a pixel's surroundings takes beside the network."""


class Bounded(Restorer):
    """A calibrated model: behind the restored channels of a tile come their error bounds.

    Args:
        restorer: the model.

    Raises:
        UsageError: it knows nothing of its errors; the message says how to measure them.
    """

    tells_bounds = True

    def __init__(self, restorer: Restorer) -> None:
        if not isinstance(restorer, ModelRestorer):
            raise UsageError(
                f"{restorer.name} was calibrated on nothing, so nobody knows how far off it may be. Restore without --error-map, or with "
                "a model: training calibrates it, and so does restorae models calibrate."
            )
        self.restorer, self.model = restorer, restorer.model
        if not self.model.card.error_bounds:
            self.model.bound_for(self.model.network.channels)  # says so
        self.name, self.values, self.device = restorer.name, restorer.values, restorer.device
        self.multiple_of = restorer.multiple_of
        reach = max(bound.reach for bound in self.model.card.error_bounds.values())
        self.halo = None if restorer.halo is None else restorer.halo + reach

    def bytes_per_pixel(self, channels: int) -> float:
        return self.restorer.bytes_per_pixel(channels) + _BYTES * channels

    def settled(self, size: tuple[int, int], sample: Callable[[], Images]) -> Change:
        change = self.restorer.settled(size, sample)

        def with_bounds(images: Images) -> Images:
            restored = change(images)
            try:
                bound = self.model.bound_for(images.shape[1])
            except UsageError as error:  # the fault of this one picture among many
                raise ShapeMismatch(str(error)) from None
            return torch.cat([restored, bound.of(images.to(restored.device), restored)], 1)

        return with_bounds

    def restore_images(self, images: Images) -> Images:
        return self.restorer.restore_images(images)


def error_maps_of(target: Path) -> tuple[Path, ...]:
    """The files that the error map of a result may become: a PNG, or a TIFF where a PNG cannot hold it; of an array an array."""
    suffixes = (".npy",) if target.suffix.lower() in ARRAYS else (".png", ".tif")
    return tuple(target.with_name(f"{target.stem}-error{suffix}") for suffix in suffixes)


class ErrorMap:
    """The error map of one file while it grows; then `finish`, or `drop`.

    Of an array it is an array of the same shape, float32 in the units of its values: restored ± error is where nine clean values
    in ten lie. Of a picture it is a picture, upright, the bound times `ERROR_GAIN`, with 16 bits where the picture has more than 8.

    Raises:
        OutputError: there is no room for it.
    """

    def __init__(self, original: Original, target: Path) -> None:
        names = error_maps_of(target)
        self.in_units = original.is_array
        if original.is_array:
            self.pages = tuple(
                replace(page, dtype=np.dtype(np.float32)) for page in original.pages[:1]
            ) * len(original.pages)
            name = names[0]
        else:
            self.pages = tuple(_plain(page) for page in original.pages)
            name = names[0] if plain_suffix(self.pages, original) == ".png" else names[1]
        self.result = begin_plain(name, self.pages, original)

    def put(
        self, page: int, top: int, bounds: np.ndarray, values: ValueRange, dtype: np.dtype
    ) -> None:
        """Bounds of a page's rows from `top` on, (count, width, channels), on the [0, 1] scale.

        Args:
            page: its place in the file.
            top: the first of the rows.
            bounds: of each value.
            values: what the stored values mean.
            dtype: their type.
        """
        outline = self.pages[page]
        if not self.in_units:
            self.result.put(
                page, top, stored_values(np.clip(ERROR_GAIN * bounds, 0, 1), outline.dtype)
            )
            return
        rows = np.zeros((*bounds.shape[:2], outline.bands), np.float32)  # alpha is never off
        rows[..., : bounds.shape[2]] = bounds * stored_span(values, dtype)
        self.result.put(page, top, rows)

    def finish(self) -> None:
        """Write it, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        self.result.finish()

    def drop(self) -> None:
        """Give back what was taken; nothing is written."""
        self.result.drop()


def _plain(page: Page) -> Page:
    return replace(
        page,
        bands=page.channels,
        alpha=0,
        dtype=np.dtype(np.uint16 if page.dtype.itemsize > 1 else np.uint8),
    )
