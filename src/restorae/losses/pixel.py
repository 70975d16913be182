"""Losses that compare pixel by pixel."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from restorae.losses.contract import PixelLoss
from restorae.shapes import Images


class MSE(PixelLoss, kind="mse"):
    """Mean squared error. Its optimum is the mean of the plausible clean images; it maximises PSNR.

    >>> MSE().between(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
    1.0
    """

    aliases: ClassVar[tuple[str, ...]] = ("mean-squared-error", "mseloss", "l2", "l2loss")

    def between(self, restored: Images, clean: Images) -> Tensor:
        return functional.mse_loss(restored, clean)


class L1(PixelLoss, kind="l1"):
    """Mean absolute error. Its optimum is the median, which is robust to outliers.

    >>> L1().between(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5)).item()
    0.5
    """

    aliases: ClassVar[tuple[str, ...]] = ("mae", "mean-absolute-error", "l1loss")

    def between(self, restored: Images, clean: Images) -> Tensor:
        return functional.l1_loss(restored, clean)


class PSNR(PixelLoss, kind="psnr"):
    """Minus the mean of the images' peak signal-to-noise ratios in dB, 10 log10(mean squared error) (Chen et al., 2021, HINet).

    All images have equal weight, whatever their damage; `mse` and `l1` favour heavily damaged images.

    >>> round(PSNR().between(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.1)).item(), 3)
    -20.0
    """

    floor: float = Field(default=1e-6, gt=0)
    """Added to each image's mean squared error, so that a perfect image has no gradient."""

    def between(self, restored: Images, clean: Images) -> Tensor:
        errors = ((restored - clean) ** 2).flatten(1).mean(dim=1)
        return 10 * torch.log10(errors + self.floor).mean()


class Charbonnier(PixelLoss, kind="charbonnier"):
    """A smooth L1, sqrt(difference² + epsilon²) (Charbonnier et al., 1994).

    >>> round(Charbonnier(epsilon=0.01).between(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)).item(), 4)
    0.01
    """

    epsilon: float = Field(default=1e-3, gt=0)
    """Difference at which the loss turns from quadratic to linear, on the [0, 1] pixel scale."""

    def between(self, restored: Images, clean: Images) -> Tensor:
        return torch.sqrt((restored - clean) ** 2 + self.epsilon**2).mean()


class BCE(PixelLoss, kind="bce"):
    """Binary cross-entropy of restored images taken as probabilities, clipped to [0.001, 0.999].

    For black-and-white content; the value is in nats per pixel (the second digits exercise uses its sum).

    >>> round(BCE().between(torch.full((1, 1, 2, 2), 0.5), torch.ones(1, 1, 2, 2)).item(), 4)
    0.6931
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "binary-crossentropy",
        "binary-cross-entropy",
        "bceloss",
        "crossentropy",
    )

    def between(self, restored: Images, clean: Images) -> Tensor:
        # straight-through: the gradient ignores the clipping, so that pixels outside can return
        cut = restored + (restored.clamp(1e-3, 1 - 1e-3) - restored).detach()
        if not cut.isfinite().all():
            return (
                cut.sum()
            )  # diverged: a value that is not finite, where the function below would raise
        return functional.binary_cross_entropy(cut.float().clamp(0, 1), clean.clamp(0, 1))
