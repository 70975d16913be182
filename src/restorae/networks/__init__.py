"""Architectures: one file per network, with its settings."""

from restorae.networks.contract import Network
from restorae.networks.conv import Conv
from restorae.networks.dense import Dense
from restorae.networks.unet import UNet

__all__ = ["Conv", "Dense", "Network", "UNet"]
