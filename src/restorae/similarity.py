"""How alike two pictures are: PSNR, SSIM, MSE, RMSE (torchmetrics underneath); and the exposure that makes them most alike."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restorae.errors import ShapeMismatch
from restorae.shapes import Images, PerPicture

SMALLEST_SSIM_SIDE = 11
_ROUNDING = torch.finfo(torch.float32).eps


def squared_errors(images: Images, clean: Images) -> Tensor:
    """Mean squared error of each image, (batch,).

    Raises:
        ShapeMismatch: the two batches differ in shape.
    """
    if images.shape != clean.shape:
        raise ShapeMismatch(
            f"Pictures of shape {tuple(images.shape)} cannot be compared with {tuple(clean.shape)}."
        )
    return (images - clean).square().flatten(1).mean(1)


def psnr_from(squared_error: Tensor | float) -> Tensor:
    """Peak signal-to-noise ratio in dB at peak 1, from mean squared errors; infinite where there is no error.

    >>> psnr_from(0.01).item()
    20.0
    """
    return -10 * torch.log10(torch.as_tensor(squared_error, dtype=torch.float64))


def structural_similarity(images: Images, clean: Images) -> Tensor:
    """SSIM of each image, (batch,), with the 11 × 11 Gaussian window of Wang et al. (2004), sigma 1.5, peak 1.

    Pictures with a side below 11 px have no such window: NaN.
    """
    if images.shape != clean.shape:
        raise ShapeMismatch(
            f"Pictures of shape {tuple(images.shape)} cannot be compared with {tuple(clean.shape)}."
        )
    if min(images.shape[-2:]) < SMALLEST_SSIM_SIDE:
        return torch.full((len(images),), math.nan)
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, everywhere = structural_similarity_index_measure(
        images, clean, data_range=1.0, reduction="none", return_full_image=True
    )
    # only where the window lies within the picture: mirrored borders would count some pixels twice
    border = SMALLEST_SSIM_SIDE // 2
    return everywhere[..., border:-border, border:-border].flatten(1).mean(1)


def fit_gain(images: Images, clean: Images) -> tuple[PerPicture, PerPicture]:
    r"""The gain and the offset of each image that bring it closest to its clean one: least squares, one pair for all its channels.

    $\min_{a \ge 0,\, b} \sum (a x + b - y)^2$ over all pixels and channels. A gain is never negative: an inverted picture is not a
    good one. An image without contrast has none either, and gets an offset alone: gain 0.

    >>> clean = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    >>> [round(value.item(), 4) for value in fit_gain((clean - 0.1) / 0.5, clean)]
    [0.5, 0.1]

    Raises:
        ShapeMismatch: the two batches differ in shape.
    """
    if images.shape != clean.shape:
        raise ShapeMismatch(
            f"Pictures of shape {tuple(images.shape)} cannot be compared with {tuple(clean.shape)}."
        )
    given, wanted = images.double().flatten(1), clean.double().flatten(1)
    middle, target = given.mean(1), wanted.mean(1)
    around = given - middle[:, None]
    variance = around.square().mean(1)
    gain = (around * wanted).mean(1) / variance
    # what rounding leaves of a constant picture is no contrast
    gain = torch.where(variance.sqrt() > _ROUNDING * given.abs().amax(1), gain, 0).clamp(min=0)
    return gain, target - gain * middle
