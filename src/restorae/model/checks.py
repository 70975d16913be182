"""What a model can do, asked before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from restorae.display import counted
from restorae.error_bound import ErrorBound
from restorae.errors import Fix, ShapeMismatch, UsageError
from restorae.networks import VAE, AutoEncoder, CodeModule, Dense, ModuleNetwork, Network
from restorae.pil_images import is_pil

if TYPE_CHECKING:
    from restorae.model.model import Model


def require_restorer(model: Model) -> None:
    """Raise `UsageError` unless this model learned to restore images."""
    if model.network.neighbours:
        raise UsageError(
            f"{model.card.name} cleans films: it compares the frames of a shot. Images need another model",
            fix=Fix("model", action="change"),
        )
    if not model.network.takes_images:
        raise UsageError(
            f"{model.card.name} colours films from {{}}. It is used by itself, and does not restore",
            settings=("references",),
            fix=Fix("model", action="change"),
        )
    if not model.card.restores:
        raise UsageError(
            f"{model.card.name} learned to encode and decode images like those it was trained on, not to restore. Use "
            "`reconstruct`, `encode` or `decode`; `restorae models list` shows models that restore"
        )


def require_no_table(images: Any, network: Network, axes: str | None = None) -> None:
    """Refuse a table (n, pixels) that can mean flattened images of the network's size, or one image; `axes` decides it.

    Raises:
        ShapeMismatch: it can mean both; the message names them.
    """
    if axes is not None:
        return
    if isinstance(images, list | tuple):
        for image in images:
            require_no_table(image, network)
        return
    shape = tuple(getattr(images, "shape", ()))
    size = _size_of(network)
    if is_pil(images) or len(shape) != 2 or size is None or shape == size:
        return
    height, width = size
    if shape[1] == height * width:
        raise ShapeMismatch(
            f"shape {shape} can mean {shape[0]} flattened images of {height} × {width} px, or one image of {shape[0]} × "
            f"{shape[1]} px. Pass images.reshape(-1, {height}, {width}), or images[None] for one image"
        )


def _size_of(network: Network) -> tuple[int, int] | None:
    """Height and width of the images or blocks that a network takes, where all have one size."""
    if isinstance(network, Dense | AutoEncoder | VAE):
        return network.height, network.width
    return network.size if isinstance(network, ModuleNetwork) else None


def require_vae(model: Model) -> VAE:
    """The network, where it is a variational auto-encoder.

    Raises:
        UsageError: it is another.
    """
    if isinstance(model.network, AutoEncoder):
        raise UsageError(
            f"{model.card.name} is a plain auto-encoder: nothing says how its codes are distributed, so new ones cannot be "
            "drawn. Decode the codes of images, or train a network such as conv-vae"
        )
    if not isinstance(model.network, VAE):
        raise UsageError(
            f"{model.card.name} is not a variational auto-encoder: its network ({model.network.kind}) has no latent vector. "
            "Use a model of `restorae vae train` or a bundled one such as digits-vae"
        )
    return model.network


def latent_shape(model: Model) -> tuple[int | None, ...]:
    """Shape of an image's latent, (latent_dim,), or of a map of codes, (features, None, None).

    Raises:
        UsageError: the model is no auto-encoder, variational or plain.
    """
    if isinstance(model.network, VAE):
        return (model.network.latent_dim,)
    if isinstance(model.module, CodeModule):
        return model.module.code_shape
    raise UsageError(
        f"{model.card.name} is no auto-encoder: its network ({model.network.kind}) has no latent vector. Train one with a "
        "network such as conv-vae or conv-autoencoder, or use a bundled one such as digits-vae"
    )


def latent_dim_of(model: Model) -> int:
    """Numbers in the latent vector of an image.

    Raises:
        UsageError: the model is no auto-encoder, or it encodes an image to a map.
    """
    shape = latent_shape(model)
    if len(shape) != 1 or shape[0] is None:
        raise UsageError(
            f"{model.card.name} encodes an image to a map, not to a vector: its network is {model.network.kind}. Train one "
            "with a network such as conv-vae or conv-autoencoder"
        )
    return shape[0]


def shown_at_once(model: Model, channels: int) -> int:
    """How many channels the network sees at once of images of so many: all, or one by one where it does not take so many."""
    return channels if channels in model.network.takes else 1


def bound_for(model: Model, channels: int) -> ErrorBound:
    """The error bound of images of so many channels; of a network that restores channels one by one, that of one channel.

    Raises:
        UsageError: the model was not calibrated, or not on images of that kind.
    """
    shown = shown_at_once(model, channels)
    if shown in model.card.error_bounds:
        return model.card.error_bounds[shown]
    known = [*model.card.error_bounds]
    what = (
        f"was calibrated on images of {counted(known, 'channel')}, not of {shown}"
        if known
        else "has no calibrated error bounds"
    )
    raise UsageError(
        f"{model.card.name} {what}. `restorae models calibrate` measures them on images whose clean version is known"
    )
