"""Scores that do not depend on exposure: gain and offset are fitted before an image is scored.

Where the clean image has another exposure, as in microscopy, plain scores mostly measure the exposure. Here each
image, degraded or restored, first gets the gain (0 or more) and the offset that bring it closest to its clean image, one
pair for all its channels. Nothing is clipped, before or after: without an exposure [0, 1] means nothing. These scores
ignore a wrong exposure, so they have names of their own beside the plain scores and are not comparable with them.

Scale-invariant PSNR is that of Weigert et al., "Content-aware image restoration: pushing the limits of fluorescence
microscopy" (Nature Methods 15, 2018).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restorae.parts import Settings
from restorae.shapes import Images
from restorae.similarity import fit_gain, psnr_from, squared_errors, structural_similarity


class FittedScores(Settings):
    """Means over a set of images, gain and offset fitted image by image; none where one image has no such score."""

    si_psnr: float | None
    """Scale-invariant PSNR in dB: its peak is the clean image's own range, brightest less darkest value. None for a flat clean
    image or one without error."""
    si_ssim: float | None
    """Structural similarity where the clean image is stretched to go from 0 to 1, at most 1; none for a flat clean image or one
    with a side below 11 px."""
    psnr_gain_fitted: float | None
    """PSNR in dB after the fit at peak 1, the peak of the plain scores."""


class GainFitted(Settings):
    """Scores of the degraded and restored images, gain and offset fitted to each."""

    degraded: FittedScores
    """Scores of the degraded input."""
    restored: FittedScores
    """Scores of the restored output."""


class FittedTally:
    """Accumulates fitted scores image by image. Keeps only numbers."""

    def __init__(self, with_ssim: bool = True) -> None:
        self.with_ssim = with_ssim
        self.psnr: list[Tensor] = []
        self.si_psnr: list[Tensor] = []
        self.si_ssim: list[Tensor] = []

    def add(self, images: Images, clean: Images, missing: Tensor | None = None) -> None:
        """Count a batch, unclipped; both (batch, channel, height, width), `missing` (batch, 1, height, width) where nothing counts.

        Images with missing values have no SSIM: what remains of them is no image.
        """
        if missing is not None:
            for image, partner, gaps in zip(images, clean, missing[:, 0], strict=True):
                known = ~gaps.to(clean.device)
                self.add(image[None, :, None, known], partner[None, :, None, known])
            return
        fitted = fitted_to(images, clean)
        spans = _range(clean)[1].flatten()
        error = squared_errors(fitted, clean.double())
        self.psnr.append(psnr_from(error).cpu())
        self.si_psnr.append(
            torch.where(spans > 0, psnr_from(error / spans.square()), torch.nan).cpu()
        )
        if self.with_ssim:
            found = structural_similarity(
                on_clean_range(fitted, clean).float(), on_clean_range(clean, clean).float()
            ).double()
            self.si_ssim.append(torch.where(spans > 0, found, torch.nan).cpu())

    def scores(self) -> FittedScores:
        """The means over everything that was added."""
        return _scores(*(column.mean().item() for column in self._columns()))

    def each(self) -> list[FittedScores]:
        """The scores of each image, in the order in which they were added."""
        return [
            _scores(*row)
            for row in zip(*(column.tolist() for column in self._columns()), strict=True)
        ]

    def _columns(self) -> tuple[Tensor, Tensor, Tensor]:
        psnr = torch.cat(self.psnr)
        return (
            torch.cat(self.si_psnr),
            torch.cat(self.si_ssim) if self.with_ssim else torch.full_like(psnr, torch.nan),
            psnr,
        )


def fitted_to(images: Images, clean: Images) -> Images:
    """Each image with the gain and the offset that bring it closest to its clean one, float64."""
    gain, offset = fit_gain(images, clean)
    return images.double() * gain[:, None, None, None] + offset[:, None, None, None]


def on_clean_range(images: Images, clean: Images) -> Images:
    """Images on a scale where their clean image goes from 0 to 1, float64; a flat clean image is only moved to 0."""
    low, span = _range(clean)
    return (images.double() - low) / torch.where(span > 0, span, 1)


def _range(clean: Images) -> tuple[Tensor, Tensor]:
    """Darkest value of each image, and how far the brightest is from it: (batch, 1, 1, 1)."""
    low, high = (
        each.double()
        for each in (clean.amin((1, 2, 3), keepdim=True), clean.amax((1, 2, 3), keepdim=True))
    )
    return low, high - low


def _scores(si_psnr: float, si_ssim: float, psnr: float) -> FittedScores:
    return FittedScores(
        si_psnr=finite(si_psnr), si_ssim=finite(si_ssim), psnr_gain_fitted=finite(psnr)
    )


def finite(value: float) -> float | None:
    """`value`, or None where it is infinite or undefined."""
    return value if math.isfinite(value) else None
