"""Projections of latents onto a plane (principal component analysis)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Projection:
    """Points on a plane, and how they were computed."""

    points: np.ndarray
    """(n, 2) float32."""
    _: KW_ONLY
    axes: tuple[str, str]
    """What the horizontal and the vertical axis show."""
    note: str
    """How the points were projected; empty if the plane is the latent space itself."""


def project(means: Tensor) -> Projection:
    """Project latent means (n, latent_dim) onto a plane.

    Two dimensions stay as they are; one becomes a line; more are projected onto their first two principal components
    (Pearson, 1901), and the note says which share of the variance these explain.
    """
    latent_dim = means.shape[1]
    if latent_dim == 2:
        return Projection(means.float().numpy(), axes=("z[0]", "z[1]"), note="")
    if latent_dim == 1:
        flat = torch.cat([means, torch.zeros_like(means)], 1)
        return Projection(
            flat.float().numpy(),
            axes=("z[0]", ""),
            note="one latent dimension: the vertical position has no meaning",
        )
    centred = means.double() - means.double().mean(0)
    variances, directions = torch.linalg.eigh(centred.T @ centred / max(1, len(means) - 1))
    best = directions[:, [-1, -2]]
    # the sign of a direction is arbitrary: the largest entry is made positive, so that two runs agree
    best = best * torch.sign(best.gather(0, best.abs().argmax(0, keepdim=True)))
    share = (variances[-2:].sum() / variances.sum().clamp_min(1e-12)).item()
    note = f"{latent_dim} latent dimensions, projected onto their first two principal components ({share:.0%} of the variance)"
    return Projection(
        (centred @ best).float().numpy(),
        axes=("first principal component", "second principal component"),
        note=note,
    )
