"""`restorae vae`: the variational auto-encoder and its latent space."""

from __future__ import annotations

import typer

from restorae.cli.vae.looking import clusters, interpolate, manifold, reconstruct, sample
from restorae.cli.vae.measuring import encode, evaluate
from restorae.cli.vae.train import train

vae = typer.Typer(
    help="Learn where pictures live, walk there and make new ones.", no_args_is_help=True
)
for command in (train, manifold, clusters, sample, interpolate, reconstruct, encode, evaluate):
    vae.command()(command)
