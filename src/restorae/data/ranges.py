"""Value ranges of pairs: 16-bit or float images that use a small part of their range, mapped as `restore` maps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import torch

from restorae.data.image_set import ArrayImages, ImageSet
from restorae.errors import BadImage
from restorae.pixels import FULL_RANGE, ValueRange, Values, choose_range, full_scale
from restorae.shapes import Image

_SAMPLED = 1_000_000
_SAMPLED_PAGES = 64
_LOOKED_AT = 20
_UNITS = 1 / 16
"""A degraded image that fills less of its range than this, with a clean one that fills its own, has other units (12 bits in 16)."""
_NEAR = (-0.5, 1.5)
_SMALLEST_SPAN = 0.4
_SAME_GAIN = (0.8, 1.25)
_UNLIKE = 0.05


@dataclass(frozen=True)
class Meaning:
    """The value ranges of a pair."""

    degraded: ValueRange
    clean: ValueRange
    _: KW_ONLY
    gain: float | None = None
    """Gain from the clean image's exposure to the degraded one's; None if the clean image keeps its own."""


@dataclass
class PairRanges:
    """The value ranges of each pair, determined at first use.

    A degraded image is mapped exactly as `restore` maps a file like it. Results will be written in that range, so its clean
    partner uses the same range: restored images then have the clean image's values. If that puts the clean image far
    from [0, 1], the two have different exposures, and the clean image is converted to the degraded one's exposure by a gain and
    an offset, fitted to the pair.
    """

    degraded: ImageSet
    clean: ImageSet
    _: KW_ONLY
    found: dict[int, Meaning] = field(default_factory=dict)

    def of(self, index: int) -> Meaning:
        """The value ranges of the pair at `index`."""
        key = (
            -1 if isinstance(self.degraded, ArrayImages) else index
        )  # the images of an array share their range when restored
        if key not in self.found:
            self.found[key] = self._find(range(len(self.degraded)) if key < 0 else [index])
        return self.found[key]

    def _find(self, indices: Sequence[int]) -> Meaning:
        degraded, clean = sampled(self.degraded, indices), sampled(self.clean, indices)
        given, wanted = choose_range(degraded), choose_range(clean)
        if given.is_full and (wanted.is_full or degraded.dtype == clean.dtype):
            return Meaning(FULL_RANGE, FULL_RANGE)
        # from here on in units of each type's full range
        low, high = (
            (0.0, 1.0)
            if given.is_full
            else (value / scale_of(degraded.dtype) for value in (given.low[0], given.high[0]))
        )
        same = ValueRange((low * scale_of(clean.dtype),), (high * scale_of(clean.dtype),))
        bottom, top = same.to_working(
            np.percentile(clean.astype(np.float64), (0.1, 99.9))[:, None]
        )[:, 0]
        if _NEAR[0] <= bottom and top <= _NEAR[1] and top - bottom >= _SMALLEST_SPAN:
            return Meaning(given, same)
        fitted = exposure(
            _planes(degraded) / scale_of(degraded.dtype), _planes(clean) / scale_of(clean.dtype)
        )
        if fitted is None:
            return Meaning(given, wanted)
        gain, offset = fitted
        if _SAME_GAIN[0] <= gain <= _SAME_GAIN[1]:  # strong noise widens the degraded one's range
            return Meaning(given, same)
        scale = scale_of(clean.dtype)
        return Meaning(
            given,
            ValueRange(((low - offset) / gain * scale,), ((high - offset) / gain * scale,)),
            gain=gain,
        )


class RangedImages(ImageSet):
    """The degraded or the clean images of pairs, mapped by their ranges."""

    def __init__(
        self, images: ImageSet, ranges: PairRanges, *, role: str, indices: Sequence[int]
    ) -> None:
        self.images, self.ranges, self.role, self.indices = images, ranges, role, list(indices)
        self.names = [images.names[pair] for pair in indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Image:
        pair = self.indices[index]
        meaning = self.ranges.of(pair)
        values = meaning.degraded if self.role == "degraded" else meaning.clean
        stored = _stored(self.images, pair)
        working = values.to_working(stored if stored.ndim == 3 else stored[..., None])
        return torch.from_numpy(np.ascontiguousarray(working.transpose(2, 0, 1))).expand(
            self.channels, -1, -1
        )

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
    kinds = [{images.dtype(index) for index in range(len(images))} for images in (degraded, clean)]
    if None in kinds[0] | kinds[1] or kinds[0] | kinds[1] <= {
        np.dtype(np.uint8),
        np.dtype(np.bool_),
    }:
        return degraded, clean, "auto", []
    notices = (
        []
        if kinds[0] == kinds[1]
        else [f"The degraded images hold {_depth(kinds[0])}, the clean ones {_depth(kinds[1])}."]
    )
    for images in (degraded, clean):
        _require_finite(images)
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


def exposure(degraded: np.ndarray, clean: np.ndarray) -> tuple[float, float] | None:
    """Gain and offset from clean values to their degraded partners; None if the two are not correlated.

    The fit predicts the degraded values, so noise in them alone does not bias it.
    """
    around, given = clean - clean.mean(), degraded - degraded.mean()
    varies = float((around * around).mean())
    if varies == 0 or not given.any():
        return None
    shared = float((around * given).mean())
    if shared / (varies * float((given * given).mean())) ** 0.5 < _UNLIKE:
        return None
    gain = shared / varies
    return gain, float(degraded.mean() - gain * clean.mean())


def sampled(images: ImageSet, indices: Sequence[int]) -> np.ndarray:
    """Evenly spaced values of the images at `indices`, (count, channels): the sample from which `restore` chooses a file's range."""
    chosen = indices[:: max(1, len(indices) // _SAMPLED_PAGES)]
    parts = []
    for index in chosen:
        stored = _stored(images, index)
        every = max(
            1, round((stored.shape[0] * stored.shape[1] / (_SAMPLED // len(chosen))) ** 0.5)
        )
        values = stored[::every, ::every]
        parts.append(
            values.reshape(-1, 1) if values.ndim == 2 else values.reshape(-1, values.shape[-1])
        )
    return np.concatenate(parts)


def scale_of(dtype: np.dtype) -> float:
    """The stored value that means 1, by type; 1 for types without a full scale."""
    return full_scale(dtype) if dtype.kind == "u" and dtype.itemsize <= 4 else 1.0


def _stored(images: ImageSet, index: int) -> np.ndarray:
    stored = images.as_stored(index)
    assert stored is not None
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise BadImage(
            f"{images.names[index]} holds NaN or infinite values, which training on pairs cannot use. Replace them."
        )
    return stored


def _planes(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.astype(np.float64).mean(1))


def _require_finite(images: ImageSet) -> None:
    """Raise before training for images in memory; images in files are checked when they are read."""
    if not images.in_files:
        for index in range(len(images)):
            _stored(images, index)


def _dimmed(degraded: ImageSet, clean: ImageSet, indices: Sequence[int]) -> bool:
    """Whether most degraded images use a small part of their range, not by their units, while the clean ones use all of it."""
    shared = isinstance(degraded, ArrayImages)
    small = dim = 0
    for group in [range(len(degraded))] if shared else [[index] for index in indices]:
        values, partner = sampled(degraded, group), sampled(clean, group)
        given = choose_range(values)
        if not given.is_full:
            small += 1
            fills = (given.high[0] - given.low[0]) / scale_of(values.dtype) >= _UNITS
            signed = values.dtype.kind not in "uf" or given.low[0] < 0
            dim += (
                fills
                and not signed
                and given.high[0] <= scale_of(values.dtype)
                and choose_range(partner).is_full
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
