"""Detects pairs whose images are shifted or unrelated, which would teach a network to blur."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from restorae.data.pairs import Pairs
from restorae.pixels import to_grey
from restorae.shapes import Image

MOST_PAIRS = 200
"""Largest number of pairs to measure; larger sets are sampled evenly."""
_SIDE = 256
_SMALLEST_SIDE = 64
_FINEST, _COARSEST = 0.1, 0.02
_SURE, _UNLIKE = 12.0, 9.0
_CLEARLY_BETTER = 0.9
_FEWEST = 4
_MOST_IN_FILES = 40
_COMPARED_SIDE = 256
_SHARED = 0.3


@dataclass(frozen=True)
class Shift:
    """Shift of a degraded image's content relative to its clean partner, in whole pixels."""

    down: int
    right: int
    _: KW_ONLY
    sureness: float
    """Height of the correlation peak, in standard deviations of the correlation; unrelated images reach 9."""
    here: float
    """Correlation without a shift, relative to the peak."""

    @property
    def is_certain(self) -> bool:
        """Whether a shift fits significantly better."""
        return (
            (self.down, self.right) != (0, 0)
            and self.sureness >= _SURE
            and self.here < _CLEARLY_BETTER
        )

    def __str__(self) -> str:
        parts = [
            f"{abs(far)} px {ways[far > 0]}"
            for far, ways in ((self.down, ("up", "down")), (self.right, ("left", "right")))
            if far
        ]
        return " and ".join(parts) or "nothing"


@dataclass(frozen=True, kw_only=True)
class Registration:
    """Result for the measured pairs, by name."""

    shifted: tuple[tuple[str, Shift], ...]
    unlike: tuple[str, ...]
    """Pairs whose images have no detectable common content."""
    looked_at: int


def registration(pairs: Pairs) -> Registration:
    """Measure the shift of each pair, or of `MOST_PAIRS` of a large set.

    Unrelated images are distinguished from heavily damaged ones: a pair counts as unrelated if most other pairs fit well, or
    all pairs do if on the whole they fit no better than degraded images fit the partner of another.
    """
    indices = looked_at(pairs)
    shifted: list[tuple[str, Shift]] = []
    fits: dict[str, tuple[float, float]] = {}
    own: list[float] = []
    others: list[float] = []
    last: tuple[str, Tensor | None] = "", None
    other: Tensor | None = None  # of another file: planes of a stack are alike
    for index in indices:
        name, degraded, clean = (
            pairs.degraded.names[index],
            _grey(pairs.degraded[index]),
            _grey(pairs.clean[index]),
        )
        shared = alike(degraded, clean)
        file = name.partition("#")[0]
        if file != last[0]:
            other = last[1]
        last = file, clean
        if other is not None:
            own.append(shared)
            others.append(alike(degraded, other))
        if min(clean.shape) < _SMALLEST_SIDE:
            continue
        found = shift_between(degraded, clean)
        fits[name] = found.sureness, abs(shared)
        if found.is_certain:
            shifted.append((name, found))
    if not shifted and len(own) >= _FEWEST and _no_better(own, others):
        return Registration(
            shifted=(),
            unlike=tuple(pairs.degraded.names[index] for index in indices),
            looked_at=len(indices),
        )
    return Registration(shifted=tuple(shifted), unlike=_outliers(fits), looked_at=len(indices))


def looked_at(pairs: Pairs) -> range:
    """Evenly spaced indices of the pairs to measure."""
    most = _MOST_IN_FILES if pairs.clean.in_files or pairs.degraded.in_files else MOST_PAIRS
    return range(0, len(pairs), -(-len(pairs) // most))


def shift_between(degraded: Tensor, clean: Tensor) -> Shift:
    """The shift of the degraded image's content relative to the clean one's; both (height, width).

    By phase correlation (Kuglin and Hines, 1975) of the busiest region, half whitened: fully whitened, strong noise and
    motion blur would cause false peaks.
    """
    rows, columns = _busiest(clean)
    degraded, clean = degraded[rows, columns], clean[rows, columns]
    height, width = clean.shape
    fade = torch.hann_window(height, periodic=False)[:, None] * torch.hann_window(
        width, periodic=False
    )
    given, wanted = (
        _half_whitened(torch.fft.rfft2((each - each.mean()) * fade)) for each in (degraded, clean)
    )
    square = torch.fft.fftfreq(height)[:, None].square() + torch.fft.rfftfreq(width).square()
    band = torch.exp(-square / (2 * _FINEST**2)) * (1 - torch.exp(-square / (2 * _COARSEST**2)))
    fits = torch.fft.irfft2(given * wanted.conj() * band, s=(height, width))
    best, spread = float(fits.max()), float(fits.std())
    if not spread > 0 or best <= 0:
        return Shift(0, 0, sureness=0.0, here=1.0)
    down, right = divmod(int(fits.argmax()), width)
    return Shift(
        down - height if down > height // 2 else down,
        right - width if right > width // 2 else right,
        sureness=best / spread,
        here=float(fits[0, 0]) / best,
    )


def alike(degraded: Tensor, clean: Tensor) -> float:
    """The correlation of two images, (height, width), over their common area: -1 to 1."""
    height, width = (min(lengths) for lengths in zip(degraded.shape, clean.shape, strict=True))
    every = max(1, max(height, width) // _COMPARED_SIDE)
    given, wanted = (image[:height:every, :width:every] for image in (degraded, clean))
    given, wanted = given - given.mean(), wanted - wanted.mean()
    return float(
        (given * wanted).sum()
        / (given.square().sum() * wanted.square().sum()).sqrt().clamp(min=1e-12)
    )


def _outliers(fits: dict[str, tuple[float, float]]) -> tuple[str, ...]:
    """The pairs that fit at no shift, if most others do; `fits` are sureness and correlation."""
    if len(fits) < _FEWEST or sorted(fits.values())[len(fits) // 2][0] < 2 * _SURE:
        return ()
    return tuple(
        name for name, (sureness, shared) in fits.items() if sureness < _UNLIKE and shared < _SHARED
    )


def _no_better(own: list[float], others: list[float]) -> bool:
    """Whether pairs are no more correlated than unrelated images, whatever the sign: damage may invert."""
    better = torch.tensor(own).abs() - torch.tensor(others).abs()
    return (
        float(better.mean()) < 2 * float(better.std()) / len(own) ** 0.5
        and float(torch.tensor(own).abs().median()) < 0.5
    )


def _busiest(clean: Tensor) -> tuple[slice, slice]:
    """The one of nine regions with the strongest edges: blank paper would fit anywhere."""
    height, width = (min(_SIDE, length) for length in clean.shape)
    tops, lefts = (
        {0, (length - part) // 2, length - part}
        for length, part in zip(clean.shape, (height, width), strict=True)
    )
    regions = [
        (slice(top, top + height), slice(left, left + width))
        for top in sorted(tops)
        for left in sorted(lefts)
    ]
    return max(
        regions,
        key=lambda region: sum(
            float(clean[region].diff(dim=axis).square().sum()) for axis in (0, 1)
        ),
    )


def _half_whitened(spectrum: Tensor) -> Tensor:
    strength = spectrum.abs()
    return spectrum / (strength + 1e-3 * strength.max() + 1e-12).sqrt()


def _grey(image: Image) -> Tensor:
    return to_grey(image[None])[0, 0] if len(image) == 3 else image.mean(0)
