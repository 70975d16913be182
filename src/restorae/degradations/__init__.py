"""What harms images: one file per family of damage."""

from restorae.degradations.blur import Blur
from restorae.degradations.chain import Chain
from restorae.degradations.contract import Amount, Count, Degradation, Draw
from restorae.degradations.masking import Masking
from restorae.degradations.noise import GaussianNoise, PoissonNoise, SaltAndPepper, Speckle

__all__ = [
    "Amount",
    "Blur",
    "Chain",
    "Count",
    "Degradation",
    "Draw",
    "GaussianNoise",
    "Masking",
    "PoissonNoise",
    "SaltAndPepper",
    "Speckle",
]
