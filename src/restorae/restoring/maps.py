"""Maps beside a restored image: the error bound, defects, and the spread of samples."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from restorae.error_bound import stored_span
from restorae.formats import Original, Page, begin_plain, plain_suffix
from restorae.pixels import stored_values
from restorae.restoring.output_contract import Output, RestoredRows

ERROR_GAIN = 5.0
"""An error map as an image shows the bound times this: white is a bound of 0.2 of the range, or more."""
SPREAD_GAIN = 2.0
"""A spread as an image is the standard deviation times this: values in [0, 1] spread by 0.5 at most, which is then white."""

_COLOUR = 3


class MapOutput(Output):
    """A map of a number for each value, as an image or, of an array, in the units of its values.

    Of an array it is an array of the same shape, float32. Of an image it is a grey image without alpha, upright, the number
    times a gain (of a colour the largest of its three), with 16 bits where the original has more than 8.

    Raises:
        OutputError: there is no room for it.
    """

    bands: int | None = None
    """Channels of the map of an image; None for those of the image."""

    def __init__(self, original: Original, names: Sequence[Path], *, gain: float) -> None:
        self.gain = gain
        self.in_units = original.is_array
        self.pages = tuple(_plain(page, self.in_units, self.bands) for page in original.pages)
        suffix = plain_suffix(self.pages, original)
        target = next(name for name in names if name.suffix == suffix)
        self.writer = begin_plain(target, self.pages, original)

    @abc.abstractmethod
    def measure(self, further: np.ndarray) -> np.ndarray:
        """The number of each value, (count, width, channels), from samples and bounds."""

    def put(self, rows: RestoredRows) -> None:
        measured = self.measure(rows.further)
        outline = self.pages[rows.page]
        if self.in_units:
            shown = np.zeros((*measured.shape[:2], outline.bands), np.float32)  # alpha is exact
            shown[..., : measured.shape[2]] = measured * stored_span(rows.values, rows.stored.dtype)
        else:
            if outline.channels < measured.shape[2]:
                measured = measured.max(2, keepdims=True)
            shown = stored_values(np.clip(self.gain * measured, 0, 1), outline.dtype)
        self.writer.put(rows.page, rows.top, shown)

    def finish(self) -> None:
        self.writer.finish()

    def drop(self) -> None:
        self.writer.drop()


class ErrorMapOutput(MapOutput):
    """How large the error of each value may be."""

    takes_bounds = True

    def __init__(self, original: Original, names: Sequence[Path]) -> None:
        super().__init__(original, names, gain=ERROR_GAIN)

    def measure(self, further: np.ndarray) -> np.ndarray:
        return further[:, :, -1]


class DefectOutput(MapOutput):
    """Where defects were found: one channel, white on black, as a mask is painted."""

    bands = 1

    def __init__(self, original: Original, names: Sequence[Path]) -> None:
        super().__init__(original, names, gain=1)

    def measure(self, further: np.ndarray) -> np.ndarray:
        return further[:, :, -1] if self.in_units else further[:, :, -1, :1]


class SpreadOutput(MapOutput):
    """How much the samples differ: their standard deviation."""

    def __init__(self, original: Original, names: Sequence[Path]) -> None:
        super().__init__(original, names, gain=SPREAD_GAIN)

    def measure(self, further: np.ndarray) -> np.ndarray:
        return np.asarray(further.std(2))


def _plain(page: Page, in_units: bool, bands: int | None) -> Page:
    if in_units:
        return replace(page, dtype=np.dtype(np.float32))
    return replace(
        page,
        bands=bands or (1 if page.channels == _COLOUR else page.channels),
        alpha=0,
        dtype=np.dtype(np.uint16 if page.dtype.itemsize > 1 else np.uint8),
    )
