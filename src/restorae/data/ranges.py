"""Pairs of 16 bits or floats that live in a small part of their range: mapped as restoring will map the degraded ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from restorae.data.pictures import ArrayPictures, Pictures
from restorae.errors import BadPicture
from restorae.pixels import FULL_RANGE, ValueRange, Values, choose_range, full_scale
from restorae.shapes import Image

_SAMPLED = 1_000_000
_SAMPLED_PAGES = 64
_LOOKED_AT = 20
_UNITS = 1 / 16
"""A degraded picture that fills less of its range beside a clean one that fills its own is in other units, 12 bits in 16, say."""
_NEAR = (-0.5, 1.5)
_SMALLEST_SPAN = 0.4
_SAME_GAIN = (0.8, 1.25)
_UNLIKE = 0.05


@dataclass(frozen=True)
class Meaning:
    """What the stored values of a pair mean."""

    degraded: ValueRange
    clean: ValueRange
    gain: float | None = None
    """How much the clean one's exposure was changed to be the degraded one's; None where it was not."""


@dataclass
class PairRanges:
    """What the stored values of each pair mean, found when first asked for.

    A degraded picture is mapped exactly as `restore` maps a file like it. Results will be written in that range, so its clean
    partner is taken in the same one: what is restored then has the clean one's values. Where that leaves the clean picture
    far from [0, 1], the two were exposed differently, and the clean one is brought to the degraded one's exposure by a gain and
    an offset, fitted to the pair.
    """

    degraded: Pictures
    clean: Pictures
    found: dict[int, Meaning] = field(default_factory=dict)

    def of(self, place: int) -> Meaning:
        """What the values of the pair at `place` mean."""
        key = (
            -1 if isinstance(self.degraded, ArrayPictures) else place
        )  # the pictures of an array share their range when restored
        if key not in self.found:
            self.found[key] = self._find(range(len(self.degraded)) if key < 0 else [place])
        return self.found[key]

    def _find(self, places: Sequence[int]) -> Meaning:
        degraded, clean = sampled(self.degraded, places), sampled(self.clean, places)
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
            gain,
        )


class RangedPictures(Pictures):
    """One side of pairs, mapped by their ranges."""

    def __init__(
        self, pictures: Pictures, ranges: PairRanges, side: str, places: Sequence[int]
    ) -> None:
        self.pictures, self.ranges, self.side, self.places = pictures, ranges, side, list(places)
        self.names = [pictures.names[place] for place in places]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Image:
        place = self.places[index]
        meaning = self.ranges.of(place)
        values = meaning.degraded if self.side == "degraded" else meaning.clean
        stored = _stored(self.pictures, place)
        working = values.to_working(stored if stored.ndim == 3 else stored[..., None])
        return torch.from_numpy(np.ascontiguousarray(working.transpose(2, 0, 1))).expand(
            self.channels, -1, -1
        )

    def size(self, index: int) -> tuple[int, int]:
        return self.pictures.size(self.places[index])

    @property
    def channels(self) -> int:
        return self.pictures.channels

    @property
    def in_files(self) -> bool:
        return self.pictures.in_files

    def subset(self, indices: Sequence[int]) -> RangedPictures:
        return RangedPictures(
            self.pictures, self.ranges, self.side, [self.places[index] for index in indices]
        )

    def content_hash(self, index: int) -> str:
        return self.pictures.content_hash(self.places[index])

    def fingerprint(self, index: int) -> bytes:
        return self.pictures.fingerprint(self.places[index])


def in_their_ranges(
    degraded: Pictures, clean: Pictures
) -> tuple[Pictures, Pictures, Values, list[str]]:
    """Pairs mapped by what their values mean; how a model of them maps values; and what a person should know of it.

    Raises:
        BadPicture: a picture holds NaN or infinite values.
    """
    kinds = [
        {pictures.dtype(index) for index in range(len(pictures))} for pictures in (degraded, clean)
    ]
    if None in kinds[0] | kinds[1] or kinds[0] | kinds[1] <= {
        np.dtype(np.uint8),
        np.dtype(np.bool_),
    }:
        return degraded, clean, "auto", []
    told = (
        []
        if kinds[0] == kinds[1]
        else [f"The degraded pictures hold {_depth(kinds[0])}, the clean ones {_depth(kinds[1])}."]
    )
    for pictures in (degraded, clean):
        _require_finite(pictures)
    looked_at = range(0, len(degraded), max(1, len(degraded) // _LOOKED_AT))
    if _dimmed(degraded, clean, looked_at):
        told.append(
            "The degraded pictures use a small part of their range, the clean ones all of it: the model learns to fill it."
        )
        return degraded, clean, "full-range", told
    ranges = PairRanges(degraded, clean)
    meanings = [ranges.of(place) for place in looked_at]
    if (
        isinstance(degraded, ArrayPictures)
        and meanings[0].degraded.is_full
        and meanings[0].clean.is_full
    ):
        return degraded, clean, "auto", told
    told += _in_words(meanings, paired=degraded is not clean)
    if kinds[0] != kinds[1] and not told[1:]:
        told[0] = told[0][:-1] + ": each is taken by its type's full range."
    both = [
        RangedPictures(pictures, ranges, side, range(len(pictures)))
        for pictures, side in ((degraded, "degraded"), (clean, "clean"))
    ]
    return both[0], both[1], "auto", told


def exposure(degraded: np.ndarray, clean: np.ndarray) -> tuple[float, float] | None:
    """Gain and offset that take clean values to their degraded partners; None where these say nothing of them.

    Fitted to the degraded ones: noise that is in them alone then changes neither.
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


def sampled(pictures: Pictures, places: Sequence[int]) -> np.ndarray:
    """Evenly spread values of some pictures, (count, channels): those that restoring looks at to find a file's range."""
    chosen = places[:: max(1, len(places) // _SAMPLED_PAGES)]
    parts = []
    for place in chosen:
        stored = _stored(pictures, place)
        every = max(
            1, round((stored.shape[0] * stored.shape[1] / (_SAMPLED // len(chosen))) ** 0.5)
        )
        values = stored[::every, ::every]
        parts.append(
            values.reshape(-1, 1) if values.ndim == 2 else values.reshape(-1, values.shape[-1])
        )
    return np.concatenate(parts)


def scale_of(dtype: np.dtype) -> float:
    """The stored value that means 1 by the type alone; types without one are taken as they are."""
    return full_scale(dtype) if dtype.kind == "u" and dtype.itemsize <= 4 else 1.0


def _stored(pictures: Pictures, place: int) -> np.ndarray:
    stored = pictures.as_stored(place)
    assert stored is not None
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise BadPicture(
            f"{pictures.names[place]} holds NaN or infinite values, and pairs are learned from pixel by pixel. Replace them."
        )
    return stored


def _planes(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.astype(np.float64).mean(1))


def _require_finite(pictures: Pictures) -> None:
    """Say now what would stop training in its middle; pictures in files are looked at when they are read."""
    if not pictures.in_files:
        for place in range(len(pictures)):
            _stored(pictures, place)


def _dimmed(degraded: Pictures, clean: Pictures, places: Sequence[int]) -> bool:
    """Whether most degraded pictures use a part of their range, no unit's fraction of it, beside clean ones that use theirs."""
    shared = isinstance(degraded, ArrayPictures)
    small = dim = 0
    for group in [range(len(degraded))] if shared else [[place] for place in places]:
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
    told = [
        f"Values live in a small part of their type's range ({where} for the first picture) and are mapped by it, as restore will do."
    ]
    gains = sorted(meaning.gain for meaning in mapped if meaning.gain is not None)
    if gains:
        told.append(
            f"Degraded and clean pictures were exposed differently (gain {gains[len(gains) // 2]:.3g}): what is restored will have the "
            "degraded ones' exposure."
        )
    return told
