"""Calibrated error bounds: a bound on the error of each restored pixel, which holds for a stated share of the pixels.

The bound is a lookup table over two measurements around each pixel, neither of which needs a clean image: how much
restoring changed the image, an indicator of the strength of the damage, and how much the restored image varies, an indicator
of texture. For each pair of them the table holds the error that nine in ten pixels did not exceed, on images with a known
clean version that were not used for training.

Split conformal prediction (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005) with a bound that
adapts to the pixel (Romano, Patterson and Candès, "Conformalized quantile regression", 2019). Its guarantee needs
exchangeability, which neighbouring pixels lack but whole images may have: for a new image drawn like the n calibration
images, the expected share of pixels within the bound is the stated one, up to about 1/(n + 1) (as in Angelopoulos et al.,
"Conformal risk control", 2022). Nothing is guaranteed for a single image, a single region or another kind of damage; there
the share can only be measured (`restorae evaluate`).
"""

from __future__ import annotations

import functools
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from restorae.display import counted
from restorae.errors import BadSpec, ShapeMismatch
from restorae.parts import Settings
from restorae.pixels import full_scale
from restorae.shapes import Images
from restorae.value_range import ValueRange

WINDOW = 5
"""Side in pixels of the mean filter, which is applied twice: near pixels count more, and the map shows no squares."""
LEVEL = 0.9
"""Share of the pixels within the bound."""
KNOTS = 8
"""Number of knots along each axis of the table."""
_FAINTEST = 1 / 2048
"""Smaller measurements are treated as this (an eighth of one of 256 grey levels)."""
_ENDS = 0.02
_FEW = 200
"""Smallest number of pixels of a table entry; entries with fewer use their neighbours too."""
_DIGITS = 4

Measure = Annotated[tuple[float, ...], Field(min_length=1)]


class ErrorBound(Settings):
    """For each pixel a bound that its error does not exceed, with the stated probability.

    >>> bound = ErrorBound(changed=(0.01, 0.1), structure=(0.01, 0.1), bounds=((0.01, 0.02), (0.04, 0.08)), images=100)
    >>> flat = torch.full((1, 1, 3, 3), 0.5)
    >>> round(bound.of(flat + 0.1, flat)[0, 0, 1, 1].item(), 4)
    0.04
    """

    level: float = Field(default=LEVEL, gt=0, lt=1)
    """Share of the pixels within the bound."""
    changed: Measure
    """Knots of the table: how much was changed, root mean square around the pixel, [0, 1] scale, rising."""
    structure: Measure
    """Knots of the table: how much the restored image varies, standard deviation around the pixel, [0, 1] scale, rising."""
    bounds: tuple[Measure, ...] = Field(min_length=1)
    """The bound at each pair of knots, [0, 1] scale: a row for each of `changed`, a column for each of `structure`. It is
    interpolated over the logarithms of the knots, and constant beyond them."""
    images: int = Field(default=0, ge=0)
    """Number of images that it was measured on."""
    on: str = ""
    """Name of those images."""

    def model_post_init(self, _context: object) -> None:
        rows = {len(row) for row in self.bounds}
        if len(self.bounds) != len(self.changed) or rows != {len(self.structure)}:
            raise BadSpec(
                f"An error bound of {len(self.changed)} × {len(self.structure)} knots needs as many bounds"
            )
        for knots in (self.changed, self.structure):
            if any(knot <= 0 for knot in knots) or list(knots) != sorted(set(knots)):
                raise BadSpec(
                    f"The knots of an error bound must be positive and increasing, got {knots}"
                )

    @property
    def reach(self) -> int:
        """Pixels of context on each side that a pixel's bound depends on."""
        return 2 * (WINDOW // 2)

    def of(self, degraded: Images, restored: Images) -> Images:
        """The bound of each pixel and channel, on the [0, 1] scale, same shape as the images.

        Raises:
            ShapeMismatch: the two batches differ in shape.
        """
        changed, structure = measures(degraded, restored)
        return self.at(changed, structure).to(restored.dtype)

    def at(self, changed: Tensor, structure: Tensor) -> Tensor:
        """The bound for measurements, both of the same shape."""
        tables = torch.tensor(self.bounds, dtype=torch.float32, device=changed.device)
        row, row_after, down = _locate(changed, self.changed)
        column, column_after, across = _locate(structure, self.structure)
        above = torch.lerp(tables[row, column], tables[row, column_after], across)
        below = torch.lerp(tables[row_after, column], tables[row_after, column_after], across)
        return torch.lerp(above, below, down)

    def __str__(self) -> str:
        low, high = (pick(map(pick, self.bounds)) for pick in (min, max))
        where = f"{counted(self.images, 'image')}{f' of {self.on}' if self.on else ''}"
        return f"{self.level:.0%} of pixels within {low:.4f} to {high:.4f}, measured on {where}"


def measures(degraded: Images, restored: Images) -> tuple[Tensor, Tensor]:
    """The local change (root mean square) and the local variation of the restored image (standard deviation) around each pixel.

    Channels are independent. At the image's border the window is cropped.

    Raises:
        ShapeMismatch: the two batches differ in shape.
    """
    if degraded.shape != restored.shape:
        raise ShapeMismatch(
            f"Degraded and restored images differ in shape: {tuple(degraded.shape)} and {tuple(restored.shape)}"
        )
    restored = restored.float()
    changed = _around((restored - degraded.float()).square()).sqrt()
    middling = restored - 0.5  # smaller squares lose fewer digits in the subtraction
    structure = (_around(middling.square()) - _around(middling).square()).clamp(min=0).sqrt()
    return changed, structure


def stored_span(values: ValueRange, dtype: np.dtype) -> np.ndarray:
    """Length of the [0, 1] scale in stored units: one number for all channels, or one for each."""
    return np.asarray([full_scale(dtype)]) if values.is_full else np.abs(values.span)


def _around(images: Images) -> Images:
    for _ in range(2):
        images = functional.avg_pool2d(
            images, WINDOW, stride=1, padding=WINDOW // 2, count_include_pad=False
        )
    return images


def _locate(measured: Tensor, knots: tuple[float, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the knots before and after each value, and its relative position between them, 0 to 1."""
    at = torch.tensor(knots, dtype=torch.float32, device=measured.device).log()
    wanted = measured.contiguous().clamp(min=_FAINTEST).log().clamp(at[0], at[-1])
    after = torch.searchsorted(at, wanted).clamp(max=len(knots) - 1)
    before = (after - 1).clamp(min=0)
    step = (at[after] - at[before]).clamp(min=torch.finfo(torch.float32).tiny)
    return before, after, ((wanted - at[before]) / step).clamp(0, 1)


# ------------------------------------------------------------------------------------------------- fitting


def fit(
    changed: np.ndarray,
    structure: np.ndarray,
    errors: np.ndarray,
    weights: np.ndarray,
    *,
    level: float = LEVEL,
    knots: tuple[int, int] = (KNOTS, KNOTS),
    images: int = 0,
    on: str = "",
) -> ErrorBound:
    """Fit an error bound to the errors and measurements of pixels.

    First a quantile for each entry of the table, then a common factor that gives the stated share over all pixels.

    Args:
        changed: local change around each pixel, (count,).
        structure: local variation of the restored image, (count,).
        errors: absolute errors of the restored values, (count,).
        weights: positive weights of the pixels, (count,).
        level: share of the pixels within the bound.
        knots: largest number along each axis.
        images: number of images of the pixels.
        on: name of the images.
    """
    at = _knots(changed, weights, knots[0]), _knots(structure, weights, knots[1])
    rows, columns = (
        _nearest(measured, axis) for measured, axis in zip((changed, structure), at, strict=True)
    )
    order = np.argsort(errors, kind="stable")
    errors, weights, rows, columns = errors[order], weights[order], rows[order], columns[order]
    table = np.array(
        [
            [
                _entry(errors, weights, rows - row, columns - column, level)
                for column in range(len(at[1]))
            ]
            for row in range(len(at[0]))
        ]
    )
    table = np.maximum(table, _FAINTEST)
    make = functools.partial(
        ErrorBound,
        level=level,
        changed=tuple(at[0]),
        structure=tuple(at[1]),
        images=images,
        on=on,
    )
    first = make(bounds=tuple(map(tuple, table.tolist())))
    expected = first.at(
        *(torch.from_numpy(np.float32(measured[order])) for measured in (changed, structure))
    ).numpy()
    table *= _quantile(errors / expected, weights, level)
    return make(bounds=tuple(tuple(_rounded_up(each) for each in row) for row in table.tolist()))


def _knots(measured: np.ndarray, weights: np.ndarray, count: int) -> list[float]:
    """Knots of the table, spaced logarithmically between a low and a high quantile."""
    low, high = (
        max(_quantile(measured, weights, level), _FAINTEST) for level in (_ENDS, 1 - _ENDS)
    )
    if count == 1 or high < low * 1.1:
        return [float(f"{(low * high) ** 0.5:.{_DIGITS}g}")]
    return [float(f"{knot:.{_DIGITS}g}") for knot in np.geomspace(low, high, count)]


def _nearest(measured: np.ndarray, knots: list[float]) -> np.ndarray:
    at = np.log(knots)
    return np.asarray(
        np.searchsorted((at[1:] + at[:-1]) / 2, np.log(np.maximum(measured, _FAINTEST)))
    )


def _entry(
    errors: np.ndarray, weights: np.ndarray, down: np.ndarray, across: np.ndarray, level: float
) -> float:
    """The quantile of an entry's pixels, with neighbouring entries if they are few; `errors` are sorted."""
    distance = np.maximum(np.abs(down), np.abs(across))
    for reach in range(int(distance.max()) + 1):
        chosen = distance <= reach
        if chosen.sum() >= _FEW:
            return _of_rising(errors[chosen], weights[chosen], level)
    return _of_rising(errors, weights, level)


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    order = np.argsort(values, kind="stable")
    return _of_rising(values[order], weights[order], level)


def _of_rising(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The conformal quantile: the smallest sorted value that the share `level` of them, and of one future value, does not exceed."""
    total = np.cumsum(weights)
    wanted = level * (total[-1] + total[-1] / len(values))
    return float(values[min(int(np.searchsorted(total, wanted)), len(values) - 1)])


def _rounded_up(value: float) -> float:
    rounded = float(f"{value:.{_DIGITS}g}")
    return (
        rounded if rounded >= value else float(f"{value * (1 + 10.0 ** (1 - _DIGITS)):.{_DIGITS}g}")
    )
