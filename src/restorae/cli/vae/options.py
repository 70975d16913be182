"""Options that the commands of `restorae vae` share, and what they take by default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.errors import UsageError

if TYPE_CHECKING:
    from restorae.model import Model

DEFAULT_MODEL = "digits-vae"

VAEName = Annotated[
    str,
    typer.Option("--model", help="A model file that `vae train` wrote, or a bundled model's name."),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="A data set's name, a folder, .npy, .npz or idx; by default mnist, else the embedded digits.",
    ),
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite/--no-overwrite", help="Replace a file that is there already.")
]
Zoom = Annotated[
    int,
    typer.Option(
        min=1, max=64, help="Each pixel becomes so many, so that small pictures can be seen."
    ),
]


def load_vae(name: str, device: str) -> Model:
    """The variational auto-encoder called `name`, on `device`.

    Raises:
        UsageError: the model is something else.
    """
    from restorae.model import load
    from restorae.networks import VAE

    model = load(name).to(device)
    if not isinstance(model.network, VAE):
        raise UsageError(
            f"{name} is no variational auto-encoder: its network ({model.network.kind}) has no latent vector to walk in. "
            "Give a model that restorae vae train wrote, or digits-vae."
        )
    return model
