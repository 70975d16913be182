"""Classical methods, which are not trained; one file per family of damage."""

from restorae.parts import kinds
from restorae.restoring.classical.contract import Classical, noise_in
from restorae.restoring.classical.denoising import Median, NonLocalMeans, TotalVariation, Wavelet
from restorae.restoring.classical.filling import Inpaint
from restorae.restoring.classical.shading import Background

__all__ = [
    "Background",
    "Classical",
    "Inpaint",
    "Median",
    "NonLocalMeans",
    "TotalVariation",
    "Wavelet",
    "all_methods",
    "noise_in",
]


def all_methods() -> list[type[Classical]]:
    """Every classical method, by name."""
    return sorted(kinds(Classical), key=lambda kind: kind.kind)  # type: ignore[type-abstract]
