"""Where pictures lie in latent space, brought to a plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Projection:
    """Points on a plane, and how they came there."""

    points: np.ndarray
    """(n, 2) float32."""
    axes: tuple[str, str]
    """What the horizontal and the vertical axis show."""
    note: str
    """How it was projected, in words; empty where the plane is the latent space itself."""


def project(means: Tensor) -> Projection:
    """Latent means (n, latent_dim) on a plane.

    Two dimensions are taken as they are; one becomes a line; more are brought to their two principal components
    (Pearson, 1901), and the note says how much of the variance these hold.
    """
    latent_dim = means.shape[1]
    if latent_dim == 2:
        return Projection(means.float().numpy(), ("z[0]", "z[1]"), "")
    if latent_dim == 1:
        flat = torch.cat([means, torch.zeros_like(means)], 1)
        return Projection(
            flat.float().numpy(),
            ("z[0]", ""),
            "one latent dimension: the height of a point means nothing",
        )
    centred = means.double() - means.double().mean(0)
    variances, directions = torch.linalg.eigh(centred.T @ centred / max(1, len(means) - 1))
    best = directions[:, [-1, -2]]
    # a direction and its opposite are equally good: the larger entry is made positive, so that two runs agree
    best = best * torch.sign(best.gather(0, best.abs().argmax(0, keepdim=True)))
    share = (variances[-2:].sum() / variances.sum().clamp_min(1e-12)).item()
    note = f"{latent_dim} latent dimensions, projected onto their first two principal components ({share:.0%} of the variance)"
    return Projection(
        (centred @ best).float().numpy(),
        ("first principal component", "second principal component"),
        note,
    )
