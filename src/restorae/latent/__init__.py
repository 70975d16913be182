"""Walking in latent space: manifolds, clusters, walks from one picture to another."""

from restorae.latent.clusters import Projection, project
from restorae.latent.manifold import Manifold, axis_values, manifold
from restorae.latent.walk import interpolate, line, tiled

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
