"""What training makes smaller: pixel losses (and, with the variational auto-encoder, its bound)."""

from restorae.losses.contract import Loss
from restorae.losses.pixel import BCE, L1, MSE, Charbonnier

__all__ = ["BCE", "L1", "MSE", "Charbonnier", "Loss"]
