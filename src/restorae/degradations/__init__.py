"""Degradations: kinds of damage, one file per family."""

from restorae.degradations.blur import Blur
from restorae.degradations.chain import Chain, OneOf
from restorae.degradations.compression import Jpeg, Quantise
from restorae.degradations.contract import (
    Amount,
    Composite,
    Count,
    Degradation,
    DegradationLike,
    Draw,
)
from restorae.degradations.fading import ColourCast, Fading, Vignette
from restorae.degradations.film import Dust, Hair, Scratches
from restorae.degradations.folds import Creases, Folds
from restorae.degradations.in_memory import degrade
from restorae.degradations.masking import Masking
from restorae.degradations.motion import MotionBlur
from restorae.degradations.noise import GaussianNoise, PoissonNoise, SaltAndPepper, Speckle
from restorae.degradations.old_film import OldFilm
from restorae.degradations.own import FunctionDegradation
from restorae.degradations.paper import BleedThrough, Stains
from restorae.degradations.patterns import Banding, Halftone
from restorae.degradations.resolution import Downscale

__all__ = [
    "Amount",
    "Banding",
    "BleedThrough",
    "Blur",
    "Chain",
    "ColourCast",
    "Composite",
    "Count",
    "Creases",
    "Degradation",
    "DegradationLike",
    "Downscale",
    "Draw",
    "Dust",
    "Fading",
    "Folds",
    "FunctionDegradation",
    "GaussianNoise",
    "Hair",
    "Halftone",
    "Jpeg",
    "Masking",
    "MotionBlur",
    "OldFilm",
    "OneOf",
    "PoissonNoise",
    "Quantise",
    "SaltAndPepper",
    "Scratches",
    "Speckle",
    "Stains",
    "Vignette",
    "degrade",
]
