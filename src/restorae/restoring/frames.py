"""A picture's frame as tiles see it: stored rows in, working values to the restorer and back, stored rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from restorae.formats import Page, Result, Rows
from restorae.pixels import ValueRange
from restorae.regions import Region
from restorae.restoring.error_maps import ErrorMap
from restorae.shapes import Image

_MIDDLE = 0.5


class Frame:
    """What is restored in one go: a page, or the pages of a stack that show the channels of one plane.

    It is the source and the sink of its tiles. Only the rows that the current tiles need are held.

    Args:
        pages: places of its pages in the file; they are of one size and type.
        outlines: their outlines.
        rows: gives a page's rows.
        result: where restored rows go.
        values: what the stored values mean.
        strength: how far towards the restored values, 0 to 1.
        mask: (height, width), 0 to 255; None restores everything.
        show_mask: give the restorer the mask as one further channel.
        errors: takes the error bounds that come behind the restored channels.
    """

    def __init__(
        self,
        pages: Sequence[int],
        outlines: Sequence[Page],
        rows: Callable[[int], Rows],
        result: Result,
        values: ValueRange,
        strength: float = 1.0,
        mask: np.ndarray | None = None,
        show_mask: bool = False,
        errors: ErrorMap | None = None,
    ) -> None:
        self.pages, self.outlines, self._rows, self.result = pages, outlines, rows, result
        self.values, self.strength, self.mask, self.show_mask, self.errors = (
            values,
            strength,
            mask,
            show_mask,
            errors,
        )
        self.height, self.width, self.dtype = (
            outlines[0].height,
            outlines[0].width,
            outlines[0].dtype,
        )
        self.channels = sum(outline.channels for outline in outlines)
        self.restart()

    def restart(self) -> None:
        """Begin again from the first row."""
        self._readers = [self._rows(page) for page in self.pages]
        self._held = [
            np.empty((0, self.width, outline.bands), self.dtype) for outline in self.outlines
        ]
        self._top = self._written = 0
        self._strips: list[np.ndarray] = []
        self._bounds: np.ndarray | None = None
        self.kept_out = 0
        self.bounds_total = 0.0

    def read(self, region: Region) -> Image:
        """The region's working values, (channels[ + mask], height, width), as tiles ask for them: from top to bottom."""
        self._hold(region)
        stored = self._stored(region)
        kept_out = self._kept_out(stored)
        if kept_out is not None:
            stored = _filled(stored, kept_out)
        working = self.values.to_working(stored).transpose(2, 0, 1)
        if self.show_mask:
            assert self.mask is not None
            working = np.concatenate([working, self._weight(region)[None]])
        return torch.from_numpy(np.ascontiguousarray(working))

    def write(self, region: Region, values: Image) -> None:
        """Take a region's restored values, (channels, height, width), and behind them their error bounds, if those were asked for.

        Rows that are complete go to the result.
        """
        stored = self._stored(region)
        given = values.permute(1, 2, 0).cpu().numpy()
        changed = self._changed(stored, given[..., : self.channels], region)
        if self.errors is not None:
            self._write_bounds(
                self.errors, self._bounded(stored, given[..., self.channels :], region), region
            )
        if not self._strips:
            inside = slice(region.top - self._top, region.bottom - self._top)
            self._strips = [held[inside].copy() for held in self._held]  # alpha comes along
        first = 0
        for strip, outline in zip(self._strips, self.outlines, strict=True):
            strip[:, region.left : region.right, : outline.channels] = changed[
                ..., first : first + outline.channels
            ]
            first += outline.channels
        if region.right == self.width:
            for page, strip in zip(self.pages, self._strips, strict=True):
                self.result.put(page, region.top, strip)
            self._strips, self._written = [], region.bottom

    def _write_bounds(self, errors: ErrorMap, bounds: np.ndarray, region: Region) -> None:
        if self._bounds is None:
            self._bounds = np.zeros((region.height, self.width, self.channels), np.float32)
        self._bounds[:, region.left : region.right] = bounds
        if region.right < self.width:
            return
        self.bounds_total += float(self._bounds.sum(dtype=np.float64))
        first = 0
        for page, outline in zip(self.pages, self.outlines, strict=True):
            last = first + outline.channels
            errors.put(
                page,
                region.top,
                self._bounds[..., first:last],
                self._range_of(first, last),
                self.dtype,
            )
            first = last
        self._bounds = None

    def _range_of(self, first: int, last: int) -> ValueRange:
        """What the values of some of the channels mean."""
        if len(self.values.low) == 1:
            return self.values
        return ValueRange(self.values.low[first:last], self.values.high[first:last])

    def _hold(self, region: Region) -> None:
        """Have the region's rows in memory; forget those above it that are written."""
        have = self._top + len(self._held[0])
        if region.bottom <= have:
            return
        keep = max(self._top, min(region.top, self._written))
        for place, reader in enumerate(self._readers):
            new = reader.read(region.bottom - have)
            self._held[place] = np.concatenate([self._held[place][keep - self._top :], new])
        self._top = keep

    def _stored(self, region: Region) -> np.ndarray:
        """The region's stored values without alpha: (height, width, channels)."""
        rows, columns = (
            slice(region.top - self._top, region.bottom - self._top),
            slice(region.left, region.right),
        )
        parts = [
            held[rows, columns, : outline.channels]
            for held, outline in zip(self._held, self.outlines, strict=True)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, 2)

    def _kept_out(self, stored: np.ndarray) -> np.ndarray | None:
        """Where values are NaN or infinite, if they are anywhere."""
        if self.dtype.kind != "f":
            return None
        found = ~np.isfinite(stored)
        return found if found.any() else None

    def _weight(self, region: Region) -> np.ndarray:
        assert self.mask is not None
        return self.mask[region.top : region.bottom, region.left : region.right].astype(
            np.float32
        ) / np.float32(255)

    def _changed(self, stored: np.ndarray, restored: np.ndarray, region: Region) -> np.ndarray:
        """The stored values to write: restored as far as strength and mask say, and as they were where those say nothing."""
        kept_out = self._kept_out(stored)
        if self.mask is None and self.strength == 1:
            changed = self.values.to_stored(restored, self.dtype)
        else:
            weight = (
                np.float32(self.strength)
                if self.mask is None
                else self.strength * self._weight(region)[..., None]
            )
            before = self.values.to_working(
                stored if kept_out is None else _filled(stored, kept_out)
            )
            changed = np.where(
                weight > 0,
                self.values.to_stored(before + weight * (restored - before), self.dtype),
                stored,
            )
        if kept_out is not None:
            self.kept_out += int(kept_out.sum())
            changed = np.where(kept_out, stored, changed)
        return changed

    def _bounded(self, stored: np.ndarray, bounds: np.ndarray, region: Region) -> np.ndarray:
        """The bounds of what is written: what the mask leaves out is taken for right, and what is no number is as it was."""
        if self.mask is not None:
            bounds = bounds * self._weight(region)[..., None]
        kept_out = self._kept_out(stored)
        return bounds if kept_out is None else np.where(kept_out, np.float32(0), bounds)


def _filled(stored: np.ndarray, kept_out: np.ndarray) -> np.ndarray:
    """Stored values with those that are no numbers replaced by the nearest number of their channel."""
    from scipy import ndimage  # a third of a second, for pictures that seldom come

    filled = stored.copy()
    for channel in range(stored.shape[2]):
        bad = kept_out[..., channel]
        if bad.all():
            filled[..., channel] = _MIDDLE
        elif bad.any():
            nearest = ndimage.distance_transform_edt(
                bad, return_distances=False, return_indices=True
            )
            filled[..., channel] = stored[..., channel][tuple(nearest)]
    return filled
