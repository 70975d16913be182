"""What the stored values of a pair mean: measured as `restore` measures a file, for both images together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from restorae.data.gaps import stored_pixels
from restorae.data.image_set import ImageSet
from restorae.pixels import scale_of
from restorae.value_range import FULL_RANGE, Sample, ValueRange, range_by_type

_SAMPLED = 1_000_000
_SAMPLED_PAGES = 64
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
        group = self.degraded.range_group(index)
        if group[0] not in self.found:
            self.found[group[0]] = self._oriented(self._find(group), group[0])
        return self.found[group[0]]

    def _oriented(self, meaning: Meaning, index: int) -> Meaning:
        """The same where the largest value is black on one side, or on both."""
        sides = []
        for images, values in ((self.degraded, meaning.degraded), (self.clean, meaning.clean)):
            dtype = images.dtype(index)
            is_negative = dtype is not None and images.about(index).white_is_zero
            sides.append(values.inverted(dtype) if dtype is not None and is_negative else values)
        return Meaning(*sides, gain=meaning.gain)

    def _find(self, indices: Sequence[int]) -> Meaning:
        types = [images.dtype(indices[0]) for images in (self.degraded, self.clean)]
        if all(dtype is not None and range_by_type(dtype) is not None for dtype in types):
            return Meaning(FULL_RANGE, FULL_RANGE)
        degraded, clean = sampled(self.degraded, indices), sampled(self.clean, indices)
        given, wanted = degraded.range(), clean.range()
        if given.is_full and (wanted.is_full or degraded.dtype == clean.dtype):
            return Meaning(FULL_RANGE, FULL_RANGE)
        # from here on in units of each type's full range
        low, high = (
            (0.0, 1.0)
            if given.is_full
            else (value / scale_of(degraded.dtype) for value in (given.low[0], given.high[0]))
        )
        same = ValueRange((low * scale_of(clean.dtype),), (high * scale_of(clean.dtype),))
        own = clean.range("own-range")
        bottom, top = same.to_working(np.asarray([own.low, own.high]))[:, 0]
        if _NEAR[0] <= bottom and top <= _NEAR[1] and top - bottom >= _SMALLEST_SPAN:
            return Meaning(given, same)
        fitted = exposure(
            degraded.collected.mean(1) / scale_of(degraded.dtype),
            clean.collected.mean(1) / scale_of(clean.dtype),
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


def exposure(degraded: np.ndarray, clean: np.ndarray) -> tuple[float, float] | None:
    """Gain and offset from clean values to their degraded partners; None if the two are not correlated.

    The fit predicts the degraded values, so noise in them alone does not bias it. NaN are left out.
    """
    there = ~(np.isnan(clean) | np.isnan(degraded))
    if not there.all():
        clean, degraded = clean[there], degraded[there]
    if not len(clean):
        return None
    around, given = clean - clean.mean(), degraded - degraded.mean()
    varies = float((around * around).mean())
    if varies == 0 or not given.any():
        return None
    shared = float((around * given).mean())
    if shared / (varies * float((given * given).mean())) ** 0.5 < _UNLIKE:
        return None
    gain = shared / varies
    return gain, float(degraded.mean() - gain * clean.mean())


def sampled(images: ImageSet, indices: Sequence[int]) -> Sample:
    """Evenly spaced values of the images at `indices`: the sample from which `restore` chooses a file's range."""
    chosen = indices[:: max(1, len(indices) // _SAMPLED_PAGES)]
    sample = Sample()
    for index in chosen:
        stored = stored_pixels(images, index)
        every = max(
            1, round((stored.shape[0] * stored.shape[1] / (_SAMPLED // len(chosen))) ** 0.5)
        )
        sample.add(stored, images.about(index).no_data, every)
    return sample
