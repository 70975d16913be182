"""Options that the commands of `restorae vae` share, and their checks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.errors import Fix, ShapeMismatch, UsageError

if TYPE_CHECKING:
    from restorae.data import ImageSet
    from restorae.model import Model
    from restorae.networks import Network

DEFAULT_MODEL = "digits-vae"

VAEName = Annotated[
    str,
    typer.Option("--model", help="A model file that `vae train` wrote, or a bundled model's name."),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="A data set's name, a folder, .npy, .npz or idx. Default: mnist, or the embedded digits if it is unavailable.",
    ),
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")]
Zoom = Annotated[
    int,
    typer.Option(
        min=1, max=64, help="Enlargement: each pixel becomes a square of this many pixels a side."
    ),
]


def load_vae(name: str, device: str, plain_too: bool = False) -> Model:
    """The variational auto-encoder called `name`, on `device`; with `plain_too` also a plain one.

    Raises:
        UsageError: the model is something else.
    """
    from restorae.model import load
    from restorae.networks import VAE, AutoEncoder

    model = load(name).to(device)
    if not isinstance(model.network, VAE) and not (
        plain_too and isinstance(model.network, AutoEncoder)
    ):
        raise UsageError(
            f"is not {'an' if plain_too else 'a variational'} auto-encoder: its network ({model.network.kind}) has no latent "
            "vector. Choose a model that restorae vae train wrote",
            subject=name,
            fix=Fix("model", DEFAULT_MODEL),
        )
    return model


def numbers(text: str) -> list[float]:
    """Finite numbers separated by commas; an empty list if the text is anything else."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        return []
    return found if all(map(math.isfinite, found)) else []


def check_one_size(network: Network, images: ImageSet) -> None:
    """Raise `ShapeMismatch` unless all images have the one size and the channels that the network takes."""
    network.check_channels(images.channels)
    if images.common_size is None:
        raise ShapeMismatch(
            "These images differ in size; a variational auto-encoder takes images of the size that it was trained on"
        )
    network.check_size(*images.common_size)
