"""Losses: pixel losses, self-supervised losses for noisy images alone, and the variational bound."""

from restorae.losses.contract import Batch, Loss, PixelLoss
from restorae.losses.film import FilmRepair
from restorae.losses.own import FunctionLoss
from restorae.losses.pixel import BCE, L1, MSE, PSNR, Charbonnier
from restorae.losses.self_supervised import BlindSpot, Neighbours, SelfSupervised
from restorae.losses.variational import NegativeELBO

__all__ = [
    "BCE",
    "L1",
    "MSE",
    "PSNR",
    "Batch",
    "BlindSpot",
    "Charbonnier",
    "FilmRepair",
    "FunctionLoss",
    "Loss",
    "NegativeELBO",
    "Neighbours",
    "PixelLoss",
    "SelfSupervised",
]
