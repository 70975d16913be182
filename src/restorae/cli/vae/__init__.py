"""`restorae vae`: the variational auto-encoder and its latent space."""

from __future__ import annotations

import typer

from restorae.cli.groups import GroupedCommand
from restorae.cli.vae.encode import encode
from restorae.cli.vae.evaluate import evaluate
from restorae.cli.vae.images import interpolate, reconstruct, sample
from restorae.cli.vae.plots import clusters, manifold
from restorae.cli.vae.train import train

vae = typer.Typer(
    help="Train variational auto-encoders and explore their latent space.", no_args_is_help=True
)
for command in (train, manifold, clusters, sample, interpolate, reconstruct, encode, evaluate):
    vae.command(cls=GroupedCommand)(command)
