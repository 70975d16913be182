"""Latent space: grids of decoded latents (manifolds), projections, interpolation between two images."""

from restorae.latent.clusters import Projection, project
from restorae.latent.interpolation import interpolate, line, tiled
from restorae.latent.manifold import Manifold, axis_values, manifold

__all__ = [
    "Manifold",
    "Projection",
    "axis_values",
    "interpolate",
    "line",
    "manifold",
    "project",
    "tiled",
]
