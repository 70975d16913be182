"""A frame as tiles see it: stored rows in, working values to the restorer and back, stored rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from restorae.formats import Page, Rows
from restorae.missing_values import find_missing
from restorae.pixels import mix_stored
from restorae.regions import Region
from restorae.restoring.facts import no_data_of
from restorae.restoring.output_contract import Output, RestoredRows
from restorae.restoring.restorer import Restored
from restorae.shapes import Image, Images
from restorae.shown_values import either, find_isolated, show, with_excess
from restorae.value_range import ValueRange


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
        self.no_data = no_data_of(outlines)
        # outliers are found by comparison with their neighbours; whole numbers in their full range have none
        self._margin = 0 if values.is_full and self.dtype.kind != "f" else 1
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
        self.missing = self.isolated = 0
        self.bounds_total = 0.0

    def read(self, region: Region) -> Image:
        """The region's working values, (channels[ + mask], height, width), as tiles ask for them: from top to bottom."""
        self._hold(region)
        stored, missing, isolated = self._examined(region)
        working = show(stored, self.values, either(missing, isolated)).transpose(2, 0, 1)
        if self.blending.show_mask:
            working = np.concatenate([working, self._mask_of(region)[None]])
        return torch.from_numpy(np.ascontiguousarray(working))

    def write(self, region: Region, values: Image) -> None:
        """Take what `pack` made of a region's restored values; rows that are complete go to the outputs."""
        stored, missing, isolated = self._examined(region)
        packed = values.permute(1, 2, 0).cpu().numpy()
        if missing is not None:
            self.missing += int(missing.sum())
        if isolated is not None:
            self.isolated += int(isolated.sum())
        restored = with_excess(
            stored, packed[..., : self.channels], self.values, either(missing, isolated)
        )
        blended = self._blend(stored, restored, missing, region)
        further = self._further_of(packed[..., self.channels :], missing, region)
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
                values=self.values.part(first, last),
            )
            for output in self.outputs:
                output.put(rows)
            first = last
        if any(output.takes_bounds for output in self.outputs):
            self.bounds_total += float(groups[:, :, -1].sum(dtype=np.float64))

    def _hold(self, region: Region) -> None:
        """Have the region's rows in memory, and those beside it that are compared with; forget those further above that are written."""
        have = self._top + len(self._held[0])
        bottom = min(self.height, region.bottom + self._margin)
        if bottom <= have:
            return
        keep = max(self._top, min(region.top, self._written) - self._margin)
        for index, reader in enumerate(self._readers):
            new = reader.read(bottom - have)
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

    def _examined(self, region: Region) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """The region's stored values, and which are missing and which isolated: the same whatever the tile."""
        margin, held = self._margin, self._top + len(self._held[0])
        top, left = max(self._top, region.top - margin), max(0, region.left - margin)
        bottom, right = min(held, region.bottom + margin), min(self.width, region.right + margin)
        around = Region(top, left, bottom - top, right - left)
        stored = self._stored(around)
        missing = find_missing(stored, self.no_data)
        isolated = find_isolated(stored, self.values, missing)
        inside = region.inside(around)
        return (
            stored[inside],
            None if missing is None else missing[inside],
            None if isolated is None else isolated[inside],
        )

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
        missing: np.ndarray | None,
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
        return written if missing is None else np.where(missing, stored, written)

    def _further_of(
        self, further: np.ndarray, missing: np.ndarray | None, region: Region
    ) -> np.ndarray:
        """Samples and error bounds behind the restored values: nothing is off where the mask keeps the original."""
        if not further.shape[2]:
            return further
        if self.blending.mask is not None:
            further = further * self._mask_of(region)[..., None]
        if missing is not None:
            repeats = further.shape[2] // self.channels
            further = np.where(np.tile(missing, repeats), np.float32(0), further)
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
