"""Scores of restored images, and of the degraded ones for comparison.

Restored images are clipped to [0, 1] before they are scored, as a file would hold them; degraded ones are scored as
they are. `psnr` is the mean of the images' PSNRs, as in denoising tables; `psnr_pooled` is the PSNR of the mean
squared error over all pixels. Scores after a fit of gain and offset have names of their own (`fitted.py`).
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor

from restorae.display import counted, html_table, text_table
from restorae.evaluating.fitted import FittedTally, GainFitted, finite
from restorae.evaluating.test_set import TestSet
from restorae.files import printable
from restorae.parts import Settings
from restorae.progress import SILENT, Progress
from restorae.shapes import Images
from restorae.similarity import psnr_from, squared_errors, structural_similarity


class Scores(Settings):
    """Means over a set of images."""

    psnr: float | None
    """Mean of the images' PSNRs in dB; none where an image is without any error."""
    psnr_pooled: float | None
    """PSNR in dB of the mean squared error over all pixels."""
    ssim: float | None
    """Mean structural similarity, at most 1; none for images with a side below 11 px."""
    mse: float
    """Mean squared error over all pixels, on the [0, 1] scale."""
    rmse: float
    """Its root."""


class ImageScores(Settings):
    """Scores of one image."""

    name: str
    """Its name, printable characters only."""
    degraded: Scores
    """Scores of the degraded input."""
    restored: Scores
    """Scores of the restored output."""
    gain_fitted: GainFitted | None = None
    """Both with gain and offset fitted, if requested."""


class Evaluation(Settings):
    """Scores of a model on a set of images. A dump holds the means only."""

    count: int
    """Number of images."""
    degraded: Scores
    """Scores of the degraded input."""
    restored: Scores
    """Scores of the restored output."""
    seconds: float
    """Time spent restoring."""
    gain_fitted: GainFitted | None = Field(default=None, exclude=True, repr=False)
    """Means with gain and offset fitted to each image, if requested."""
    _look_at_each: Callable[[], tuple[ImageScores, ...]] = PrivateAttr(default=tuple)

    def __repr__(self) -> str:
        return f"Evaluation of {counted(self.count, 'image')}\n{text_table(*self._table())}"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return html_table(*self._table())

    def _table(self) -> tuple[list[str], list[list[object]]]:
        columns = ["", "psnr", "psnr_pooled", "ssim", "rmse"]
        scores: dict[str, Settings] = {"degraded": self.degraded, "restored": self.restored}
        if self.gain_fitted is not None:
            scores["restored, gain fitted"] = self.gain_fitted.restored
        return columns, [
            [name, *(getattr(each, column, "") for column in columns[1:])]
            for name, each in scores.items()
        ]

    @functools.cached_property
    def images(self) -> tuple[ImageScores, ...]:
        """Scores of each image, in the order of the set; computed on demand, as there may be many thousands."""
        return self._look_at_each()


class Tally:
    """Accumulates errors image by image. Keeps only numbers."""

    def __init__(self, with_ssim: bool = True) -> None:
        self.with_ssim = with_ssim
        self.errors: list[Tensor] = []
        self.pixels: list[int] = []
        self.ssim: list[Tensor] = []

    def add(self, images: Images, clean: Images, missing: Tensor | None = None) -> None:
        """Count a batch; both (batch, channel, height, width), `missing` (batch, 1, height, width) where nothing counts."""
        errors, pixels = squared_errors(images, clean), torch.full((len(clean),), clean[0].numel())
        if missing is not None:
            known = ~missing.to(clean.device).expand_as(clean)
            counts = known.flatten(1).sum(1)
            errors = squared_errors(torch.where(known, images, clean), clean)
            errors = errors * clean[0].numel() / counts
            pixels = counts.cpu()
        self.errors.append(errors.double().cpu())
        self.pixels += pixels.tolist()
        if self.with_ssim:
            self.ssim.append(structural_similarity(images, clean, missing).double().cpu())

    def scores(self) -> Scores:
        """The means over everything that was added."""
        errors, pixels = torch.cat(self.errors), torch.tensor(self.pixels, dtype=torch.float64)
        mse = ((errors * pixels).sum() / pixels.sum()).item()
        ssim = torch.cat(self.ssim).mean().item() if self.ssim else math.nan
        return _scores(psnr_from(errors).mean().item(), psnr_from(mse).item(), ssim, mse)

    def each(self) -> list[Scores]:
        """The scores of each image, in the order in which they were added."""
        errors = torch.cat(self.errors)
        ssim = torch.cat(self.ssim) if self.ssim else torch.full_like(errors, math.nan)
        columns = psnr_from(errors).tolist(), ssim.tolist(), errors.tolist()
        return [
            _scores(psnr, psnr, alike, error) for psnr, alike, error in zip(*columns, strict=True)
        ]


def evaluate(
    restore: Callable[[Images], Images],
    test_set: TestSet,
    progress: Progress = SILENT,
    with_ssim: bool = True,
    fit_gain: bool = False,
    also: Callable[[Images, Images, Images], None] | None = None,
) -> Evaluation:
    """Scores of the degraded images and of the images that `restore` returns.

    Args:
        restore: maps a batch (n, channels, height, width) to its restored images; for example a model.
        test_set: the images and their damage.
        progress: reports the progress.
        with_ssim: whether to compute SSIM too, which takes longer than the rest.
        fit_gain: whether to score them with gain and offset fitted too, for clean images of another exposure.
        also: shown each batch too: degraded, restored (unclipped), clean.
    """
    before, after, seconds = Tally(with_ssim), Tally(with_ssim), 0.0
    fitted = (FittedTally(with_ssim), FittedTally(with_ssim)) if fit_gain else None
    progress.begin("Evaluating", len(test_set), "images")
    try:
        for (degraded, clean), missing in zip(test_set.batches(), test_set.missing(), strict=True):
            started = time.perf_counter()
            restored = restore(degraded)
            seconds += time.perf_counter() - started
            before.add(degraded, clean, missing)
            after.add(restored.clamp(0, 1), clean, missing)
            if fitted is not None:
                fitted[0].add(degraded, clean, missing)
                fitted[1].add(restored, clean, missing)
            if also is not None:
                also(degraded, restored, clean)
            progress.advance(len(clean))
    finally:
        progress.end()
    found = Evaluation(
        count=len(test_set),
        degraded=before.scores(),
        restored=after.scores(),
        seconds=round(seconds, 4),
        gain_fitted=GainFitted(degraded=fitted[0].scores(), restored=fitted[1].scores())
        if fitted
        else None,
    )
    found._look_at_each = functools.partial(
        _one_by_one, test_set.clean.names, before, after, fitted
    )
    return found


def _one_by_one(
    names: Sequence[str],
    before: Tally,
    after: Tally,
    fitted: tuple[FittedTally, FittedTally] | None,
) -> tuple[ImageScores, ...]:
    pairs = (
        [
            GainFitted(degraded=degraded_scores, restored=restored_scores)
            for degraded_scores, restored_scores in zip(
                *(tally.each() for tally in fitted), strict=True
            )
        ]
        if fitted
        else []
    )
    return tuple(
        ImageScores(
            name=printable(name),
            degraded=degraded_scores,
            restored=restored_scores,
            gain_fitted=pairs[index] if pairs else None,
        )
        for index, (name, degraded_scores, restored_scores) in enumerate(
            zip(names, before.each(), after.each(), strict=True)
        )
    )


def _scores(psnr: float, psnr_pooled: float, ssim: float, mse: float) -> Scores:
    return Scores(
        psnr=finite(psnr),
        psnr_pooled=finite(psnr_pooled),
        ssim=finite(ssim),
        mse=mse,
        rmse=math.sqrt(mse),
    )
