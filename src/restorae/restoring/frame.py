"""A frame as tiles see it: stored rows in, working values to the restorer and back, stored rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from restorae.formats import Page, Rows
from restorae.pixels import ValueRange, mix_stored
from restorae.regions import Region
from restorae.restoring.output_contract import Output, RestoredRows
from restorae.restoring.restorer import Restored
from restorae.shapes import Image, Images

_NO_VALUE = 0.5


@dataclass(frozen=True, kw_only=True)
class Blending:
    """How restored values are mixed with the stored ones."""

    strength: float = 1.0
    """How far towards the restored values, 0 to 1."""
    mask: np.ndarray | None = None
    """(height, width), 0 to 255; None restores everything."""
    show_mask: bool = False
    """Give the restorer the mask as one further channel."""


class Frame:
    """What is restored in one go: a page, or the pages of a stack that show the channels of one plane.

    It is the source and the sink of its tiles. Only the rows that the current tiles need are held.

    Args:
        pages: indices of its pages in the file; they are of one size and type.
        outlines: their outlines.
        rows: gives a page's rows.
        outputs: what takes the restored rows.
        values: what the stored values mean.
        blending: how restored values are mixed with the stored ones.
    """

    def __init__(
        self,
        *,
        pages: Sequence[int],
        outlines: Sequence[Page],
        rows: Callable[[int], Rows],
        outputs: Sequence[Output],
        values: ValueRange,
        blending: Blending = Blending(),
    ) -> None:
        self.pages, self.outlines, self._rows, self.outputs = pages, outlines, rows, outputs
        self.values, self.blending = values, blending
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
        self._further: np.ndarray | None = None
        self.not_finite = 0
        self.bounds_total = 0.0

    def read(self, region: Region) -> Image:
        """The region's working values, (channels[ + mask], height, width), as tiles ask for them: from top to bottom."""
        self._hold(region)
        stored = self._stored(region)
        not_finite = self._not_finite(stored)
        if not_finite is not None:
            stored = _filled(stored, not_finite)
        working = self.values.to_working(stored).transpose(2, 0, 1)
        if self.blending.show_mask:
            working = np.concatenate([working, self._mask_of(region)[None]])
        return torch.from_numpy(np.ascontiguousarray(working))

    def write(self, region: Region, values: Image) -> None:
        """Take what `pack` made of a region's restored values; rows that are complete go to the outputs."""
        stored = self._stored(region)
        packed = values.permute(1, 2, 0).cpu().numpy()
        not_finite = self._not_finite(stored)
        if not_finite is not None:
            self.not_finite += int(not_finite.sum())
        blended = self._blend(stored, packed[..., : self.channels], not_finite, region)
        further = self._further_of(packed[..., self.channels :], not_finite, region)
        if not self._strips:
            inside = slice(region.top - self._top, region.bottom - self._top)
            self._strips = [held[inside].copy() for held in self._held]  # alpha comes along
            self._further = np.empty((region.height, self.width, further.shape[2]), np.float32)
        assert self._further is not None
        self._further[:, region.left : region.right] = further
        first = 0
        for strip, outline in zip(self._strips, self.outlines, strict=True):
            strip[:, region.left : region.right, : outline.channels] = blended[
                ..., first : first + outline.channels
            ]
            first += outline.channels
        if region.right == self.width:
            self._put(region.top)
            self._strips, self._further, self._written = [], None, region.bottom

    def _put(self, top: int) -> None:
        """Give complete rows to the outputs, page by page."""
        assert self._further is not None
        height, width, count = self._further.shape
        groups = self._further.reshape(height, width, count // self.channels, self.channels)
        first = 0
        for page, outline, strip in zip(self.pages, self.outlines, self._strips, strict=True):
            last = first + outline.channels
            rows = RestoredRows(
                page=page,
                top=top,
                stored=strip,
                further=groups[..., first:last],
                values=self._range_of(first, last),
            )
            for output in self.outputs:
                output.put(rows)
            first = last
        if any(output.takes_bounds for output in self.outputs):
            self.bounds_total += float(groups[:, :, -1].sum(dtype=np.float64))

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
        for index, reader in enumerate(self._readers):
            new = reader.read(region.bottom - have)
            self._held[index] = np.concatenate([self._held[index][keep - self._top :], new])
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

    def _not_finite(self, stored: np.ndarray) -> np.ndarray | None:
        """Where values are NaN or infinite, if they are anywhere."""
        if self.dtype.kind != "f":
            return None
        found = ~np.isfinite(stored)
        return found if found.any() else None

    def _mask_of(self, region: Region) -> np.ndarray:
        mask = self.blending.mask
        assert mask is not None
        return mask[region.top : region.bottom, region.left : region.right].astype(
            np.float32
        ) / np.float32(255)

    def _blend(
        self,
        stored: np.ndarray,
        restored: np.ndarray,
        not_finite: np.ndarray | None,
        region: Region,
    ) -> np.ndarray:
        """The stored values to write.

        Restored values are first made what they would be as written (rounded, cut to their type's range), and then mixed
        with the stored ones: half strength is half way between two files that could both be written.
        """
        strength, mask = self.blending.strength, self.blending.mask
        written = self.values.to_stored(restored, self.dtype)
        if mask is not None or strength != 1:
            weight = (
                np.float64(strength)
                if mask is None
                else np.float64(strength) * self._mask_of(region)[..., None]
            )
            written = mix_stored(stored, written, weight)
        return written if not_finite is None else np.where(not_finite, stored, written)

    def _further_of(
        self, further: np.ndarray, not_finite: np.ndarray | None, region: Region
    ) -> np.ndarray:
        """Samples and error bounds behind the restored values: nothing is off where the mask keeps the original."""
        if not further.shape[2]:
            return further
        if self.blending.mask is not None:
            further = further * self._mask_of(region)[..., None]
        if not_finite is not None:
            repeats = further.shape[2] // self.channels
            further = np.where(np.tile(not_finite, repeats), np.float32(0), further)
        return further


def pack(restored: Restored) -> Images:
    """Everything restored as channels of one tensor: the mean, then the samples, then the defects or the bound."""
    parts = [restored.mean]
    if restored.samples is not None:
        parts += [sample.to(restored.mean.device) for sample in restored.samples]
    if restored.defects is not None:
        parts.append(restored.defects.expand_as(restored.mean))
    if restored.bound is not None:
        parts.append(restored.bound)
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def _filled(stored: np.ndarray, not_finite: np.ndarray) -> np.ndarray:
    """Stored values with NaN and infinite ones replaced by the nearest finite value of their channel."""
    from scipy import ndimage  # a third of a second, for images that seldom come

    filled = stored.copy()
    for channel in range(stored.shape[2]):
        bad = not_finite[..., channel]
        if bad.all():
            filled[..., channel] = _NO_VALUE
        elif bad.any():
            nearest = ndimage.distance_transform_edt(
                bad, return_distances=False, return_indices=True
            )
            filled[..., channel] = stored[..., channel][tuple(nearest)]
    return filled
