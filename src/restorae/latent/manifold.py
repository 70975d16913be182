"""The latent manifold: a grid of latents, decoded (Kingma and Welling, 2014, figure 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch

from restorae.display import counted
from restorae.errors import ShapeMismatch, UsageError
from restorae.latent.interpolation import tiled
from restorae.model import Model
from restorae.model.checks import latent_dim_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Spacing: TypeAlias = Literal["linear", "quantile"]


@dataclass(frozen=True, kw_only=True)
class Manifold:
    """A grid of decoded images."""

    images: np.ndarray
    """(n, n, height, width[, 3]), float32 in [0, 1]; the first row is the largest value of the vertical dimension."""
    values: np.ndarray
    """The n values that both dimensions take, ascending."""
    dimensions: tuple[int, int]
    """The latent dimensions shown to the right and upwards; the others stay where `base` says."""

    @property
    def canvas(self) -> np.ndarray:
        """All images as one, (n · height, n · width[, 3])."""
        return tiled(self.images)

    def figure(self, size: float = 15) -> Figure:
        """The grid drawn with a tick for each image; `size` is the side in inches. `figure.savefig(path)` writes it."""
        from restorae.figures import manifold_figure  # here, since importing matplotlib takes long

        right, up = self.dimensions
        return manifold_figure(self.canvas, self.values, (f"z[{right}]", f"z[{up}]"), size)


def manifold(
    model: Model,
    n: int = 30,
    extent: float = 1.0,
    spacing: Spacing = "linear",
    dimensions: tuple[int, int] = (0, 1),
    base: Sequence[float] | None = None,
) -> Manifold:
    """Decode an n × n grid of latents, z[0] to the right and z[1] upwards, in one batch.

    Args:
        model: an auto-encoder, variational or plain, of two or more latent dimensions.
        n: images along each axis.
        extent: both dimensions run from -extent to extent.
        spacing: `linear`, or `quantile`: equally likely steps under the standard normal prior.
        dimensions: the two latent dimensions to vary.
        base: the latent whose other coordinates are kept, latent_dim numbers; by default all 0.

    Raises:
        ShapeMismatch: `base` has another number of coordinates.
        UsageError: the model has fewer than two latent dimensions, or a setting cannot be used.
    """
    latent_dim = latent_dim_of(model)
    if latent_dim == 1:
        raise UsageError(
            "A manifold shows two latent dimensions and this model has one. Interpolate between two images, or train a model with "
            "two latent dimensions"
        )
    if n < 1:
        raise UsageError(f"A manifold has at least one image along each axis, got n={n}")
    right, up = dimensions
    if right == up or not (0 <= right < latent_dim and 0 <= up < latent_dim):
        raise UsageError(
            f"expected two different latent dimensions from 0 to {latent_dim - 1}, got {right} and {up}",
            subject="dimensions",
        )
    values = axis_values(n, extent, spacing)
    start = np.zeros(latent_dim, np.float32) if base is None else np.asarray(base, np.float32)
    if start.shape != (latent_dim,):
        raise ShapeMismatch(
            f"A latent of this model has {counted(latent_dim, 'coordinate')}, not {len(start)}"
        )
    latents = np.tile(start, (n, n, 1))
    latents[..., right] = values[None, :]
    latents[..., up] = values[::-1, None]
    images = model.decode(latents.reshape(n * n, -1))
    return Manifold(
        images=images.reshape(n, n, *images.shape[1:]), values=values, dimensions=(right, up)
    )


def axis_values(n: int, extent: float, spacing: Spacing) -> np.ndarray:
    """N ascending values from -extent to extent, (n,) float32.

    >>> axis_values(3, 1.0, "linear").tolist()
    [-1.0, 0.0, 1.0]
    """
    if not (math.isfinite(extent) and extent > 0):
        raise UsageError(f"The range must be a number above 0, got {extent}")
    if spacing == "linear" or n == 1:
        return (
            np.linspace(-extent, extent, n, dtype=np.float32) if n > 1 else np.zeros(1, np.float32)
        )
    outermost = torch.special.ndtr(torch.tensor(float(extent), dtype=torch.float64)).item()
    steps = torch.linspace(1 - outermost, outermost, n, dtype=torch.float64)
    values: np.ndarray = torch.special.ndtri(steps).float().numpy()
    values[0], values[-1] = -extent, extent  # far out, the tail probability rounds to 0
    return values
