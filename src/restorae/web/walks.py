"""Walking in latent space: what lies where, and what a place decodes to."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restorae.data import open_labelled
from restorae.errors import ShapeMismatch, UsageError
from restorae.formats import write_gif
from restorae.latent import axis_values, tiled
from restorae.model import Model
from restorae.networks import VAE
from restorae.pixels import LUMA, stored_values
from restorae.randomness import generator
from restorae.web.gallery import Picture

MOST_AT_ONCE = 1024
"""Pictures that are decoded for one request."""
_EXTENT = 12.0
_CLUSTERED = 1000
_EIGHT_BITS = np.dtype(np.uint8)


@dataclass(frozen=True)
class Fallen:
    """Where a picture falls in latent space."""

    mean: list[float]
    spread: list[float]
    """Standard deviation of the posterior, for each dimension."""
    seen: np.ndarray
    """What the model was shown: (height, width[, 3]) uint8."""
    reconstruction: np.ndarray
    notices: list[str]


def network_of(model: Model) -> VAE:
    """The model's network, if it has a latent vector.

    Raises:
        UsageError: it has none.
    """
    if not isinstance(model.network, VAE):
        raise UsageError(
            f"{model.card.name} has no latent space to walk in. Choose a variational auto-encoder, such as digits-vae."
        )
    return model.network


def decoded(model: Model, places: list[list[float]]) -> np.ndarray:
    """The pictures at those places: (n, height, width[, 3]) uint8.

    Raises:
        UsageError, ShapeMismatch: the places cannot be used.
    """
    dimensions = network_of(model).latent_dim
    if not 1 <= len(places) <= MOST_AT_ONCE:
        raise UsageError(
            f"One to {MOST_AT_ONCE:,} places are decoded at once; {len(places):,} came."
        )
    wrong = next((place for place in places if len(place) != dimensions), None)
    if wrong is not None:
        raise ShapeMismatch(
            f"A place in this latent space has {dimensions} coordinate(s); one with {len(wrong)} came."
        )
    if not all(math.isfinite(value) for place in places for value in place):
        raise UsageError("A place has finite coordinates.")
    return stored_values(model.decode(np.asarray(places, np.float32)), _EIGHT_BITS)


def plane(
    model: Model, n: int, extent: float, dimensions: tuple[int, int], at: list[float] | None
) -> np.ndarray:
    """The pictures of an n × n grid as one; the dimensions that are not walked along stay where `at` says."""
    latent_dim = network_of(model).latent_dim
    right, up = dimensions
    if not (0 <= right < latent_dim and 0 <= up < latent_dim) or right == up:
        raise UsageError(
            f"Choose two different latent dimensions from 0 to {latent_dim - 1}; {right} and {up} came."
        )
    if not 1 <= n <= 32 or not 0 < extent <= _EXTENT:
        raise UsageError(
            f"A plane has 1 to 32 pictures along each side and reaches out to at most {_EXTENT:g}."
        )
    base = at or [0.0] * latent_dim
    # the middle of each cell is what it shows, so that a picture lies where it is
    values = axis_values(n, extent * (n - 1) / n, "linear") if n > 1 else np.zeros(1, np.float32)
    places = np.tile(np.asarray(base, np.float32), (n, n, 1))
    if places.shape[-1] != latent_dim:
        raise ShapeMismatch(
            f"A place in this latent space has {latent_dim} coordinate(s); one with {len(base)} came."
        )
    places[..., right], places[..., up] = values[None, :], values[::-1, None]
    images = decoded(model, places.reshape(n * n, -1).tolist())
    return tiled(images.reshape(n, n, *images.shape[1:]))


def clusters(model: Model, source: str, data_dir: Path | None = None) -> dict[str, Any]:
    """Where pictures of a named set lie (their means), and their labels."""
    network = network_of(model)
    pictures, labels = open_labelled(source, "test", data_dir)
    network.check_channels(pictures.channels)
    if pictures.common_size is None:
        raise ShapeMismatch(f"The pictures of {source} differ in size.")
    network.check_size(*pictures.common_size)
    count = min(len(pictures), _CLUSTERED)
    means = model.encode(pictures.batch(range(count))).mean
    return {
        "source": source,
        "means": [[round(value, 4) for value in mean] for mean in means.tolist()],
        "labels": [""] * count if labels is None else [str(label) for label in labels[:count]],
    }


def fall(model: Model, picture: Picture) -> Fallen:
    """Where a picture falls; one of another size or colour is fitted first, and the notices say so."""
    network = network_of(model)
    pixels = np.asarray(picture.layers["before"].level(0), np.float32) / 255
    seen, notices = _fitted(pixels, network)
    posterior = model.encode(seen)
    mean, spread = posterior.mean[0], posterior.log_var[0].mul(0.5).exp()
    back = model.decode(mean[None].numpy())[0]
    return Fallen(
        [round(value, 5) for value in mean.tolist()],
        [round(value, 5) for value in spread.tolist()],
        stored_values(seen, _EIGHT_BITS),
        stored_values(back, _EIGHT_BITS),
        notices,
    )


def drawn(model: Model, count: int, seed: int) -> list[list[float]]:
    """Latents drawn from the prior, those that `Model.sample` decodes."""
    dimensions = network_of(model).latent_dim
    if not 1 <= count <= MOST_AT_ONCE:
        raise UsageError(f"One to {MOST_AT_ONCE:,} pictures are drawn at once, not {count:,}.")
    return [
        torch.randn(dimensions, generator=generator(seed, place)).tolist() for place in range(count)
    ]


def between(start: list[float], end: list[float], steps: int) -> list[list[float]]:
    """Places on the straight line from one to another, both ends included."""
    if len(start) != len(end) or not 2 <= steps <= 240:
        raise UsageError("A walk has two ends with as many coordinates, and 2 to 240 steps.")
    return torch.lerp(
        torch.tensor(start), torch.tensor(end), torch.linspace(0, 1, steps)[:, None]
    ).tolist()


def gif(pictures: np.ndarray, zoom: int, milliseconds: int = 80) -> bytes:
    """Pictures (n, height, width[, 3]) as a GIF that goes there and back."""
    there_and_back = np.concatenate([pictures, pictures[-2:0:-1]])
    with tempfile.TemporaryDirectory(prefix="restorae-") as folder:
        path = Path(folder, "walk.gif")
        write_gif(path, there_and_back.repeat(zoom, 1).repeat(zoom, 2), milliseconds)
        return path.read_bytes()


def _fitted(pixels: np.ndarray, network: VAE) -> tuple[np.ndarray, list[str]]:
    """A picture (height, width, bands) in [0, 1] as the network takes it: its middle, scaled, in grey or colour."""
    from skimage.transform import resize

    notices = []
    if network.channels == 1 and pixels.shape[2] == 3:
        pixels = (pixels @ np.asarray(LUMA, np.float32))[..., None]
        notices.append("Its colours became grey.")
    elif network.channels == 3 and pixels.shape[2] == 1:
        pixels = pixels.repeat(3, 2)
    height, width = network.height, network.width
    if pixels.shape[:2] != (height, width):
        scale = min(pixels.shape[0] / height, pixels.shape[1] / width)
        tall, wide = round(height * scale), round(width * scale)
        top, left = (pixels.shape[0] - tall) // 2, (pixels.shape[1] - wide) // 2
        pixels = resize(  # type: ignore[no-untyped-call]
            pixels[top : top + tall, left : left + wide],
            (height, width),
            order=1,
            anti_aliasing=True,
        )
        notices.append(
            f"Its middle was scaled to {width} × {height} pixels, the size that this model knows."
        )
    fitted = np.ascontiguousarray(np.clip(pixels, 0, 1), dtype=np.float32)
    return fitted[..., 0] if network.channels == 1 else fitted, notices
