"""Linear interpolation in latent space, and grids of images as one image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from restorae.errors import Fix, ShapeMismatch, UsageError
from restorae.model import Model


def interpolate(
    model: Model, start: np.ndarray, end: np.ndarray, steps: int = 16
) -> tuple[np.ndarray, Tensor]:
    """Images decoded on the straight line between two images' latent means, both ends included, and the latents.

    Args:
        model: a variational auto-encoder.
        start: the first image, (height, width[, 3]).
        end: the last image.
        steps: number of images, at least 2.

    Returns:
        Images (steps, height, width[, 3]), float32 in [0, 1], and latents (steps, latent_dim).

    Raises:
        UsageError: fewer than two steps, or the model has no latent vector.
        ShapeMismatch: the images do not have the size that the model learned from.
    """
    first, last = (model.encode(image).mean for image in (start, end))
    if len(first) != 1 or len(last) != 1:
        raise ShapeMismatch(
            f"An interpolation needs one image at each end, got {len(first)} and {len(last)}"
        )
    latents = line(first[0], last[0], steps)
    return model.decode(latents.numpy()), latents


def line(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Latents on the straight line from one, (latent_dim,), to another, both ends included.

    Returns:
        (steps, latent_dim).

    Raises:
        UsageError: fewer than two steps.
        ShapeMismatch: the ends differ in their number of coordinates.

    >>> line(torch.tensor([0.0]), torch.tensor([1.0]), 3).tolist()
    [[0.0], [0.5], [1.0]]
    """
    if steps < 2:
        raise UsageError(
            f"An interpolation includes both ends, so it has at least 2 images, not {steps}",
            fix=Fix("steps", 2),
        )
    if start.shape != end.shape:
        raise ShapeMismatch(
            f"expected two latents of one size, got {len(start)} and {len(end)} coordinates"
        )
    return torch.lerp(start, end, torch.linspace(0, 1, steps)[:, None])


def tiled(images: np.ndarray) -> np.ndarray:
    """A grid of images (rows, columns, height, width[, 3]) as one image."""
    rows, columns, height, width = images.shape[:4]
    return np.ascontiguousarray(images.swapaxes(1, 2)).reshape(
        rows * height, columns * width, *images.shape[4:]
    )
