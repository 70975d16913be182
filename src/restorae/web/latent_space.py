"""Latent space for the page: decode points, encode images, draw grids, samples and walks."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restorae.data import open_labelled
from restorae.display import counted
from restorae.errors import ShapeMismatch, UsageError
from restorae.formats import write_gif
from restorae.latent import line, manifold
from restorae.model import Model
from restorae.model.checks import require_vae
from restorae.networks import VAE
from restorae.pixels import LUMA, stored_values
from restorae.web.gallery_image import GalleryImage

MAX_IMAGES = 1024
"""Images that are decoded for one request."""
_MAX_EXTENT = 12.0
_MAX_CLUSTERED = 1000
_EIGHT_BITS = np.dtype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """The posterior of one image, and what it decodes to."""

    mean: list[float]
    """Of the posterior, latent_dim numbers."""
    std: list[float]
    """Standard deviation of the posterior, latent_dim numbers."""
    input: np.ndarray
    """What the model was given: (height, width[, 3]) uint8."""
    reconstruction: np.ndarray
    """Decoded from the mean: (height, width[, 3]) uint8."""
    notices: list[str]
    """How the image was fitted to the model."""


def decode(model: Model, latents: list[list[float]]) -> np.ndarray:
    """The images at those latents: (n, height, width[, 3]) uint8.

    Raises:
        UsageError: the model has no latent vector, there are too many latents, or one is not finite.
        ShapeMismatch: a latent has another number of coordinates.
    """
    latent_dim = require_vae(model).latent_dim
    if not 1 <= len(latents) <= MAX_IMAGES:
        raise UsageError(f"1 to {MAX_IMAGES:,} latents are decoded at once, not {len(latents):,}.")
    wrong = next((latent for latent in latents if len(latent) != latent_dim), None)
    if wrong is not None:
        raise ShapeMismatch(
            f"A latent of this model has {counted(latent_dim, 'coordinate')}, not {len(wrong)}."
        )
    if not all(math.isfinite(value) for latent in latents for value in latent):
        raise UsageError("A latent has finite coordinates.")
    return stored_values(model.decode(np.asarray(latents, np.float32)), _EIGHT_BITS)


def decode_grid(
    model: Model, n: int, extent: float, dimensions: tuple[int, int], base: list[float] | None
) -> np.ndarray:
    """The images of an n × n grid as one, each decoded from the middle of its cell; `base` as `manifold` takes it.

    Raises:
        UsageError, ShapeMismatch: as `manifold`.
    """
    require_vae(model)
    if not 1 <= n <= 32 or not 0 < extent <= _MAX_EXTENT:
        raise UsageError(
            f"A grid has 1 to 32 images along each side and a range of at most {_MAX_EXTENT:g}."
        )
    # the outermost cells have their middles half a cell inside the range
    middle = extent * (n - 1) / n if n > 1 else extent
    canvas = manifold(model, n, middle, dimensions=dimensions, base=base).canvas
    return stored_values(canvas, _EIGHT_BITS)


def clusters(model: Model, source: str, data_dir: Path | None = None) -> dict[str, Any]:
    """Where images of a named set lie (their means), and their labels."""
    network = require_vae(model)
    images, labels = open_labelled(source, "test", data_dir)
    network.check_channels(images.channels)
    if images.common_size is None:
        raise ShapeMismatch(f"The images of {source} differ in size.")
    network.check_size(*images.common_size)
    count = min(len(images), _MAX_CLUSTERED)
    means = model.encode(images.batch(range(count))).mean
    return {
        "source": source,
        "means": [[round(value, 4) for value in mean] for mean in means.tolist()],
        "labels": [""] * count if labels is None else [str(label) for label in labels[:count]],
    }


def encode(model: Model, image: GalleryImage) -> Encoded:
    """The posterior of an image; one of another size or colour is fitted first, and the notices say so."""
    pixels = np.asarray(image.layer("before").level(0), np.float32) / 255
    fitted, notices = _fitted(pixels, require_vae(model))
    posterior = model.encode(fitted)
    mean, std = posterior.mean[0], posterior.log_var[0].mul(0.5).exp()
    return Encoded(
        mean=[round(value, 5) for value in mean.tolist()],
        std=[round(value, 5) for value in std.tolist()],
        input=stored_values(fitted, _EIGHT_BITS),
        reconstruction=stored_values(model.decode(mean[None].numpy())[0], _EIGHT_BITS),
        notices=notices,
    )


def interpolate(start: list[float], end: list[float], steps: int) -> list[list[float]]:
    """Latents on the straight line from one to another; errors as `latent.line`."""
    latents: list[list[float]] = line(torch.tensor(start), torch.tensor(end), steps).tolist()
    return latents


def gif(images: np.ndarray, zoom: int, milliseconds: int = 80) -> bytes:
    """Images (n, height, width[, 3]) as a GIF that plays forwards and back; each pixel becomes zoom × zoom."""
    forwards_and_back = np.concatenate([images, images[-2:0:-1]])
    with tempfile.TemporaryDirectory(prefix="restorae-") as folder:
        path = Path(folder, "walk.gif")
        write_gif(path, forwards_and_back.repeat(zoom, 1).repeat(zoom, 2), milliseconds)
        return path.read_bytes()


def _fitted(pixels: np.ndarray, network: VAE) -> tuple[np.ndarray, list[str]]:
    """An image (height, width, bands) in [0, 1] as the network takes it: its middle, scaled, in grey or colour."""
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
        pixels = resize(
            pixels[top : top + tall, left : left + wide],
            (height, width),
            order=1,
            anti_aliasing=True,
        )
        notices.append(
            f"Its centre was scaled to {width} × {height} pixels, the size of this model's images."
        )
    fitted = np.ascontiguousarray(np.clip(pixels, 0, 1), dtype=np.float32)
    return fitted[..., 0] if network.channels == 1 else fitted, notices
