"""What training makes smaller: pixel losses, losses for noisy pictures alone, and the variational auto-encoder's bound."""

from restorae.losses.contract import Batch, Loss, PixelLoss
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
    "Loss",
    "NegativeELBO",
    "Neighbours",
    "PixelLoss",
    "SelfSupervised",
]
