"""Similarity of images: MSE, PSNR, SSIM, and the gain and offset that bring one closest to another."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from restorae.errors import ShapeMismatch
from restorae.shapes import Images, NumberPerImage

SMALLEST_SSIM_SIDE = 11
"""Side of the SSIM window, px."""
_SSIM_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2  # keep the quotients stable, for peak 1
_ROUNDING = torch.finfo(torch.float32).eps


def squared_errors(images: Images, clean: Images) -> Tensor:
    """Mean squared error of each image, (batch,).

    Raises:
        ShapeMismatch: the two batches differ in shape.
    """
    _check_same_shape(images, clean)
    return (images - clean).square().flatten(1).mean(1)


def psnr_from(squared_error: Tensor | float) -> Tensor:
    """Peak signal-to-noise ratio in dB at peak 1, from mean squared errors; infinite where there is no error.

    >>> psnr_from(0.01).item()
    20.0
    """
    return -10 * torch.log10(torch.as_tensor(squared_error, dtype=torch.float64))


def structural_similarity(
    images: Images, clean: Images, missing: Tensor | None = None
) -> NumberPerImage:
    """SSIM of each image, (batch,), after Wang et al. (2004): 11 × 11 Gaussian window, sigma 1.5, peak 1.

    Only windows that lie wholly within the image count, and none with a pixel of `missing`, (batch, 1, height, width).
    An image with a side below 11 px has none: NaN.

    Raises:
        ShapeMismatch: the two batches differ in shape.
    """
    _check_same_shape(images, clean)
    if min(images.shape[-2:]) < SMALLEST_SSIM_SIDE:
        return torch.full((len(images),), math.nan)
    channels = images.shape[1]
    window = _gaussian_window(images).expand(channels, 1, -1, -1)
    moments = torch.cat([images, clean, images.square(), clean.square(), images * clean])
    mean_x, mean_y, square_x, square_y, product = conv2d(moments, window, groups=channels).chunk(5)
    # rounding may leave a constant image a variance just below zero
    variance_x = (square_x - mean_x.square()).clamp(min=0)
    variance_y = (square_y - mean_y.square()).clamp(min=0)
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
    contrast_structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    found = luminance * contrast_structure
    if missing is not None:
        ones = torch.ones_like(window[:1])  # (1, 1, 11, 11)
        seen = conv2d(missing.to(found), ones)
        found = torch.where(seen > 0, math.nan, found)
        return found.flatten(1).nanmean(1)
    return found.flatten(1).mean(1)


def _gaussian_window(like: Tensor) -> Tensor:
    """The window's weights, `(11, 11)`, sum 1."""
    offsets = torch.arange(SMALLEST_SSIM_SIDE, dtype=like.dtype, device=like.device)
    weights = torch.exp(-(((offsets - SMALLEST_SSIM_SIDE // 2) / _SSIM_SIGMA).square()) / 2)
    weights = weights / weights.sum()
    return weights.outer(weights)


def _check_same_shape(images: Images, clean: Images) -> None:
    if images.shape != clean.shape:
        raise ShapeMismatch(
            f"Images of shape {tuple(images.shape)} cannot be compared with {tuple(clean.shape)}"
        )


def fit_gain(images: Images, clean: Images) -> tuple[NumberPerImage, NumberPerImage]:
    r"""Gain and offset that bring each image closest to its clean one: least squares, one pair per image.

    $\min_{a \ge 0,\, b} \sum (a x + b - y)^2$ over all pixels and channels. A gain is never negative: an
    inverted image is not a good one. An image without contrast gets gain 0 and an offset alone.

    >>> clean = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    >>> [round(value.item(), 4) for value in fit_gain((clean - 0.1) / 0.5, clean)]
    [0.5, 0.1]

    Raises:
        ShapeMismatch: the two batches differ in shape.
    """
    _check_same_shape(images, clean)
    x, y = images.double().flatten(1), clean.double().flatten(1)
    mean = x.mean(1)
    centered = x - mean[:, None]
    variance = centered.square().mean(1)
    gain = (centered * y).mean(1) / variance
    # what rounding leaves of a constant image is no contrast
    gain = torch.where(variance.sqrt() > _ROUNDING * x.abs().amax(1), gain, 0).clamp(min=0)
    return gain, y.mean(1) - gain * mean
