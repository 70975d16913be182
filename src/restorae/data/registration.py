"""Whether the pictures of a pair lie on each other: measured, before a network learns to blur or to shift."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restorae.data.pairs import Pairs
from restorae.pixels import to_grey
from restorae.shapes import Image

MOST_PAIRS = 200
"""Of larger sets so many pairs are looked at, evenly spread."""
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
    """How far a degraded picture's content lies from its clean partner's, in whole pixels."""

    down: int
    right: int
    sureness: float
    """How far the best place stands out, in standard deviations of all places; what shares no content reaches 9."""
    here: float
    """How well the pictures fit where they are, as a share of how well they fit at the best place."""

    @property
    def is_certain(self) -> bool:
        """Whether another place fits clearly better, and is no chance."""
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


@dataclass(frozen=True)
class Registration:
    """What was found of the pairs that were looked at, by name."""

    shifted: tuple[tuple[str, Shift], ...]
    unlike: tuple[str, ...]
    """Pairs whose pictures share no content that could be found."""
    looked_at: int


def registration(pairs: Pairs) -> Registration:
    """Measure the shift of each pair, or of `MOST_PAIRS` of a large set.

    Pictures that are alike in nothing are told from those whose damage hides all: pairs are unlike where most others fit well,
    or where, in all, they fit no better than each degraded picture fits its neighbour's partner.
    """
    places = looked_at(pairs)
    shifted: list[tuple[str, Shift]] = []
    fits: dict[str, tuple[float, float]] = {}
    own: list[float] = []
    others: list[float] = []
    before: Tensor | None = None
    for place in places:
        name, degraded, clean = (
            pairs.degraded.names[place],
            _grey(pairs.degraded[place]),
            _grey(pairs.clean[place]),
        )
        shared = alike(degraded, clean)
        if before is not None:
            own.append(shared)
            others.append(alike(degraded, before))
        before = clean
        if min(clean.shape) < _SMALLEST_SIDE:
            continue
        found = shift_between(degraded, clean)
        fits[name] = found.sureness, abs(shared)
        if found.is_certain:
            shifted.append((name, found))
    if not shifted and len(own) >= _FEWEST and _no_better(own, others):
        return Registration((), tuple(pairs.degraded.names[place] for place in places), len(places))
    return Registration(tuple(shifted), _outliers(fits), len(places))


def looked_at(pairs: Pairs) -> range:
    """Evenly spread places of pairs that are worth the time to measure."""
    most = _MOST_IN_FILES if pairs.clean.in_files or pairs.degraded.in_files else MOST_PAIRS
    return range(0, len(pairs), -(-len(pairs) // most))


def shift_between(degraded: Tensor, clean: Tensor) -> Shift:
    """By how much the degraded picture's content is shifted against the clean one's; both (height, width).

    By phase correlation (Kuglin and Hines, 1975) of the busiest region, half whitened: fully whitened, strong noise and
    motion blur would find places of their own.
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
        return Shift(0, 0, 0.0, 1.0)
    down, right = divmod(int(fits.argmax()), width)
    return Shift(
        down - height if down > height // 2 else down,
        right - width if right > width // 2 else right,
        best / spread,
        float(fits[0, 0]) / best,
    )


def alike(degraded: Tensor, clean: Tensor) -> float:
    """The correlation of two pictures, (height, width), where both are: -1 to 1."""
    height, width = (min(sides) for sides in zip(degraded.shape, clean.shape, strict=True))
    every = max(1, max(height, width) // _COMPARED_SIDE)
    given, wanted = (picture[:height:every, :width:every] for picture in (degraded, clean))
    given, wanted = given - given.mean(), wanted - wanted.mean()
    return float(
        (given * wanted).sum()
        / (given.square().sum() * wanted.square().sum()).sqrt().clamp(min=1e-12)
    )


def _outliers(fits: dict[str, tuple[float, float]]) -> tuple[str, ...]:
    """The pairs that fit nowhere, though most do; `fits` are sureness and correlation."""
    if len(fits) < _FEWEST or sorted(fits.values())[len(fits) // 2][0] < 2 * _SURE:
        return ()
    return tuple(
        name for name, (sureness, shared) in fits.items() if sureness < _UNLIKE and shared < _SHARED
    )


def _no_better(own: list[float], others: list[float]) -> bool:
    """Whether pairs are no more alike than pictures that do not belong together; both signs count, damage may invert."""
    better = torch.tensor(own).abs() - torch.tensor(others).abs()
    return (
        float(better.mean()) < 2 * float(better.std()) / len(own) ** 0.5
        and float(torch.tensor(own).abs().median()) < 0.5
    )


def _busiest(clean: Tensor) -> tuple[slice, slice]:
    """The region with the strongest edges, of nine: paper without a stroke could lie anywhere."""
    height, width = (min(_SIDE, side) for side in clean.shape)
    tops, lefts = (
        {0, (side - part) // 2, side - part}
        for side, part in zip(clean.shape, (height, width), strict=True)
    )
    places = [
        (slice(top, top + height), slice(left, left + width))
        for top in sorted(tops)
        for left in sorted(lefts)
    ]
    return max(
        places,
        key=lambda place: sum(float(clean[place].diff(dim=side).square().sum()) for side in (0, 1)),
    )


def _half_whitened(spectrum: Tensor) -> Tensor:
    strength = spectrum.abs()
    return spectrum / (strength + 1e-3 * strength.max() + 1e-12).sqrt()


def _grey(image: Image) -> Tensor:
    return to_grey(image[None])[0, 0] if len(image) == 3 else image.mean(0)
