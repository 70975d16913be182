"""Architectures: one file per network, with its settings."""

from restorae.networks.autoencoder import AutoEncoder, ConvAutoEncoder, DenseAutoEncoder
from restorae.networks.calling import pad_to_multiple, send_through, working_memory
from restorae.networks.code import CodeModule
from restorae.networks.colour_fusion import ColourFusion
from restorae.networks.contract import Network
from restorae.networks.conv import Conv
from restorae.networks.conv_vae import ConvVAE
from restorae.networks.dense import Dense
from restorae.networks.film_unet import FilmUNet
from restorae.networks.halo import check_halo, measured_halo
from restorae.networks.latent import VAE, Explanation, LatentModule, LatentNetwork, VAEModule
from restorae.networks.latent_unet import LatentUNet
from restorae.networks.own import ModuleNetwork
from restorae.networks.residual_vae import ResidualVAE
from restorae.networks.unet import UNet

__all__ = [
    "VAE",
    "AutoEncoder",
    "CodeModule",
    "ColourFusion",
    "Conv",
    "ConvAutoEncoder",
    "ConvVAE",
    "Dense",
    "DenseAutoEncoder",
    "Explanation",
    "FilmUNet",
    "LatentModule",
    "LatentNetwork",
    "LatentUNet",
    "ModuleNetwork",
    "Network",
    "ResidualVAE",
    "UNet",
    "VAEModule",
    "check_halo",
    "measured_halo",
    "pad_to_multiple",
    "send_through",
    "working_memory",
]
