"""Detects noise that is correlated along rows or columns, which a network would learn to copy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from restorae.data.image_set import ImageSet
from restorae.shapes import Image

CORRELATED = 0.25
"""Correlation of neighbouring noise above which methods that assume independence fail."""
_BLOCK = 16
_FLATTEST = 0.1
_MOST_IMAGES = 20


@dataclass(frozen=True)
class Correlation:
    """Correlation of the noise of neighbouring pixels, -1 to 1; 0 is independent."""

    along_rows: float
    along_columns: float

    @property
    def along(self) -> str:
        """`rows`, `columns`, `both` or `neither`."""
        rows, columns = self.along_rows > CORRELATED, self.along_columns > CORRELATED
        return (
            "both" if rows and columns else "rows" if rows else "columns" if columns else "neither"
        )


def noise_correlation(images: ImageSet) -> Correlation:
    """The correlation of neighbouring noise along rows and along columns, measured in the flattest blocks.

    Differences across the direction remove the content; the rest in flat blocks is noise.
    """
    rows, columns = [], []
    every = max(1, len(images) // _MOST_IMAGES)
    for index in range(0, len(images), every):
        for channel in images[index]:
            rows.append(_along_rows(channel[None]))
            columns.append(_along_rows(channel.T[None]))
    return Correlation(_median(rows), _median(columns))


def _median(found: list[float | None]) -> float:
    known = [value for value in found if value is not None]
    return float(torch.tensor(known).median()) if known else 0.0


def _along_rows(plane: Image) -> float | None:
    """Correlation of a plane's noise with its neighbour's in the same row; None if the plane is too small or has no noise."""
    _, height, width = plane.shape
    if height < 2 * _BLOCK or width < 2 * _BLOCK:
        return None
    across = plane[:, 1:] - plane[:, :-1]  # removes what changes slowly from row to row
    flatness = _block_means(
        (plane - functional.avg_pool2d(plane[None], 5, 1, 2)[0]).square()[:, 1:, :-1]
    )
    with_next, square = (
        _block_means(across[..., 1:] * across[..., :-1]),
        _block_means(across[..., :-1].square()),
    )
    noisy = flatness > 0
    if not noisy.any():
        return None
    flat = noisy & (flatness <= torch.quantile(flatness[noisy], _FLATTEST))
    total = square[flat].sum()
    return float(with_next[flat].sum() / total) if total > 0 else None


def _block_means(plane: Tensor) -> Tensor:
    return functional.avg_pool2d(plane[None], _BLOCK)[0, 0].flatten()
