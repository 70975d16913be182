"""Value ranges of pairs: 16-bit or float images that use a small part of their range, mapped as `restore` maps them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from restorae.data.gaps import stored_pixels, with_values
from restorae.data.image_set import ArrayImages, ImageSet, ListedImages
from restorae.data.pair_ranges import Meaning, PairRanges, sampled
from restorae.display import counted
from restorae.missing_values import find_missing
from restorae.pixels import scale_of
from restorae.shapes import Image
from restorae.shown_values import either, find_isolated, show
from restorae.value_range import FARTHEST, NEAREST, ValueRange, Values

_LOOKED_AT = 20
_UNITS = 1 / 16
"""A degraded image that fills less of its range than this, with a clean one that fills its own, has other units (12 bits in 16)."""


class RangedImages(ImageSet):
    """The degraded or the clean images of pairs, mapped by their ranges."""

    def __init__(
        self, images: ImageSet, ranges: PairRanges, *, role: str, indices: Sequence[int]
    ) -> None:
        self.images, self.ranges, self.role, self.indices = images, ranges, role, list(indices)
        self.names = [images.names[pair] for pair in indices]
        self.notices: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Image:
        pair = self.indices[index]
        meaning = self.ranges.of(pair)
        values = meaning.degraded if self.role == "degraded" else meaning.clean
        shown, missing = _shown(self.images, pair, values)
        if self.role == "clean" and self.ranges.degraded is not self.ranges.clean:
            degraded, gaps = _shown(self.ranges.degraded, pair, meaning.degraded)
            gaps = either(_of_pixels(missing), _of_pixels(gaps))
            if gaps is not None:  # nothing is to be learned there: the partner is what it is
                shown = np.where(gaps, degraded.mean(2, keepdims=True), shown)
        return torch.from_numpy(np.ascontiguousarray(shown.transpose(2, 0, 1))).expand(
            self.channels, -1, -1
        )

    def missing(self, index: int) -> np.ndarray | None:
        pair, ranges = self.indices[index], self.ranges
        sides = {id(each): each for each in (ranges.degraded, ranges.clean)}.values()
        found = None
        for images in sides:
            missing = find_missing(stored_pixels(images, pair), images.about(pair).no_data)
            found = either(found, None if missing is None else np.asarray(missing.any(2)))
        return found

    def size(self, index: int) -> tuple[int, int]:
        return self.images.size(self.indices[index])

    @property
    def channels(self) -> int:
        return self.images.channels

    @property
    def in_files(self) -> bool:
        return self.images.in_files

    def subset(self, indices: Sequence[int]) -> RangedImages:
        return RangedImages(
            self.images,
            self.ranges,
            role=self.role,
            indices=[self.indices[index] for index in indices],
        )

    def content_hash(self, index: int) -> str:
        return self.images.content_hash(self.indices[index])

    def fingerprint(self, index: int) -> bytes:
        return self.images.fingerprint(self.indices[index])


def in_their_ranges(
    degraded: ImageSet, clean: ImageSet
) -> tuple[ImageSet, ImageSet, Values, list[str]]:
    """Pairs mapped by their value ranges, how a model trained on them maps values, and notices for the user.

    Raises:
        BadImage: an image holds NaN or infinite values.
    """
    if any(images.dtype(0) is None for images in (degraded, clean)):
        return degraded, clean, "auto", []
    degraded, clean, gaps, told = with_values(degraded, clean)
    ranged = _in_ranges(degraded, clean, gaps)
    if gaps:
        told.append(
            f"{counted(gaps, 'NaN, infinite or no-data value')} replaced by neighbouring ones; nothing is learned or scored there."
        )
    for images in ranged[:2]:
        if isinstance(images, RangedImages | ListedImages):
            images.notices = (*told, *ranged[3])
    return ranged[0], ranged[1], ranged[2], [*told, *ranged[3]]


def _in_ranges(
    degraded: ImageSet, clean: ImageSet, gaps: int
) -> tuple[ImageSet, ImageSet, Values, list[str]]:
    kinds = [{images.dtype(index) for index in range(len(images))} for images in (degraded, clean)]
    if not gaps and kinds[0] | kinds[1] <= {np.dtype(np.uint8), np.dtype(np.bool_)}:
        return degraded, clean, "auto", []
    notices = (
        []
        if kinds[0] == kinds[1]
        else [f"The degraded images hold {_depth(kinds[0])}, the clean ones {_depth(kinds[1])}."]
    )
    looked_at = range(0, len(degraded), max(1, len(degraded) // _LOOKED_AT))
    if _dimmed(degraded, clean, looked_at):
        notices.append(
            "The degraded images use a small part of their range, the clean ones all of it: the model learns to fill it."
        )
        return degraded, clean, "full-range", notices
    ranges = PairRanges(degraded, clean)
    meanings = [ranges.of(index) for index in looked_at]
    if (
        isinstance(degraded, ArrayImages)
        and meanings[0].degraded.is_full
        and meanings[0].clean.is_full
        and not gaps
        and all(_are_near(images) for images in (degraded, clean))
    ):
        return degraded, clean, "auto", notices
    notices += _in_words(meanings, paired=degraded is not clean)
    if kinds[0] != kinds[1] and not notices[1:]:
        notices[0] = notices[0][:-1] + ": each is mapped by its type's full range."
    both = [
        RangedImages(images, ranges, role=role, indices=range(len(images)))
        for images, role in ((degraded, "degraded"), (clean, "clean"))
    ]
    return both[0], both[1], "auto", notices


def _shown(
    images: ImageSet, index: int, values: ValueRange
) -> tuple[np.ndarray, np.ndarray | None]:
    """What a network is shown of an image, (height, width, channels), and where nothing was."""
    stored = stored_pixels(images, index)
    missing = find_missing(stored, images.about(index).no_data)
    return show(stored, values, either(missing, find_isolated(stored, values, missing))), missing


def _are_near(images: ImageSet) -> bool:
    """Whether no value lies far outside the range."""
    if not isinstance(images, ArrayImages) or images.stored.dtype.kind != "f":
        return True
    return float(images.stored.min()) >= NEAREST and float(images.stored.max()) <= FARTHEST


def _of_pixels(missing: np.ndarray | None) -> np.ndarray | None:
    return None if missing is None else np.asarray(missing.any(2, keepdims=True))


def _dimmed(degraded: ImageSet, clean: ImageSet, indices: Sequence[int]) -> bool:
    """Whether most degraded images use a small part of their range, not by their units, while the clean ones use all of it."""
    small = dim = 0
    for group in {tuple(degraded.range_group(index)): None for index in indices}:
        values, partner = sampled(degraded, group), sampled(clean, group)
        given = values.range()
        if not given.is_full:
            small += 1
            fills = (given.high[0] - given.low[0]) / scale_of(values.dtype) >= _UNITS
            signed = values.dtype.kind not in "uf" or given.low[0] < 0
            dim += (
                fills
                and not signed
                and given.high[0] <= scale_of(values.dtype)
                and partner.range().is_full
            )
    return dim > small / 2


def _depth(kinds: set[np.dtype | None]) -> str:
    words = {"b": "1 bit", "f": "floats"}
    return " and ".join(
        sorted(
            {
                words.get(kind.kind, f"{8 * kind.itemsize} bits")
                for kind in kinds
                if kind is not None
            }
        )
    )


def _in_words(meanings: Sequence[Meaning], paired: bool) -> list[str]:
    mapped = [
        meaning for meaning in meanings if not (meaning.degraded.is_full and meaning.clean.is_full)
    ]
    if not mapped:
        return []
    where = (
        f"degraded: {mapped[0].degraded}; clean: {mapped[0].clean}"
        if paired
        else str(mapped[0].clean)
    )
    notices = [
        f"Values use a small part of their type's range ({where} for the first image) and are mapped by it, as restore will do."
    ]
    gains = sorted(meaning.gain for meaning in mapped if meaning.gain is not None)
    if gains:
        notices.append(
            f"Degraded and clean images have different exposures (gain {gains[len(gains) // 2]:.3g}): restored images will have the "
            "exposure of the degraded ones."
        )
    return notices
