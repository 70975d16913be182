"""Classical methods, which are not trained; one file per family of damage."""

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
    "noise_in",
]
