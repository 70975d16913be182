"""How alike two pictures are: PSNR, SSIM, MSE, RMSE (torchmetrics underneath)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restorae.errors import ShapeMismatch
from restorae.shapes import Images

SMALLEST_SSIM_SIDE = 11


def squared_errors(images: Images, clean: Images) -> Tensor:
    """Mean squared error of each image, (batch,).

    Raises:
        ShapeMismatch: the two batches differ in shape.
    """
    if images.shape != clean.shape:
        raise ShapeMismatch(f"Pictures of shape {tuple(images.shape)} cannot be compared with {tuple(clean.shape)}.")
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
        raise ShapeMismatch(f"Pictures of shape {tuple(images.shape)} cannot be compared with {tuple(clean.shape)}.")
    if min(images.shape[-2:]) < SMALLEST_SSIM_SIDE:
        return torch.full((len(images),), math.nan)
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, everywhere = structural_similarity_index_measure(images, clean, data_range=1.0, reduction="none", return_full_image=True)
    # only where the window lies within the picture: mirrored borders would count some pixels twice
    border = SMALLEST_SSIM_SIDE // 2
    return everywhere[..., border:-border, border:-border].flatten(1).mean(1)
