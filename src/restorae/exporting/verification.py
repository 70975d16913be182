"""An exported graph compared with the model in PyTorch, on images of odd sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from restorae.errors import ExportFailed
from restorae.exporting.pixels import LARGEST, PixelForm
from restorae.model import Model
from restorae.model.onnx_files import open_session
from restorae.networks import VAE, AutoEncoder
from restorae.shapes import Images

TOLERANCE = 1e-4
"""Largest difference on the [0, 1] scale that is accepted."""
_SIZES = 6
_LATENTS = 4
_BLOCKS = 6
"""Sizes are up to so many times the multiple that the network needs."""


def draw_sizes(
    count: int, multiple_of: tuple[int, int], seed: int = 0
) -> Iterator[tuple[int, int]]:
    """Heights and widths, the first 1 × 1; most are no multiples of what a network needs."""
    random = np.random.default_rng(seed)
    yield 1, 1
    for _ in range(count - 1):
        high, wide = (int(random.integers(1, max(_BLOCKS * each, 32))) for each in multiple_of)
        yield high, wide


def verify_restorer(content: bytes, model: Model, form: PixelForm, sizes: int = _SIZES) -> float:
    """The largest difference between a graph that restores and the model, over random sizes, grey and colour.

    Raises:
        ExportFailed: it differs by more than `TOLERANCE`; the message names the size.
    """
    session, network = open_session(content), model.network
    shown = sorted({*network.takes} | ({1, 3} if {1, 3} & {*network.takes} else set()))
    worst = 0.0
    for index, (height, width) in enumerate(draw_sizes(sizes, network.multiple_of)):
        channels = shown[index % len(shown)]
        images = _random_images((2, channels, height, width), index, form)
        if channels == 3:
            images[0] = images[0, :1]  # one image is grey in colour
        with torch.inference_mode():
            wanted = model.restore_images(images, precision="float32")
        if wanted.shape != images.shape:
            raise ExportFailed(f"{model.card.name} does not map images to images of the same shape")
        found = _run(session, {"images": _given(images, form)})["restored"]
        difference = _difference(found, wanted, form)
        worst = max(worst, difference)
        _require(difference, f"images of {height} × {width} px with {channels} channels", model)
    return worst


def verify_halves(encoder: bytes, decoder: bytes, model: Model, form: PixelForm) -> float:
    """As `verify_restorer`, for the encoder and the decoder of an auto-encoder."""
    network = model.network
    assert isinstance(network, VAE | AutoEncoder)
    size = (network.height, network.width)
    images = _random_images((_LATENTS, network.channels, *size), 0, form)
    posterior = model.encode(images, precision="float32")
    encoded = _run(open_session(encoder), {"images": _given(images, form)})
    latents = torch.randn(_LATENTS, network.latent_dim, generator=torch.Generator().manual_seed(0))
    wanted = model.decode(latents, precision="float32")
    decoded = _run(open_session(decoder), {"latents": latents.numpy()})["images"]
    differences = [_difference(decoded, wanted, form)]
    known = {"mean": posterior.mean, "log_var": posterior.log_var, "code": posterior.mean}
    for name, values in encoded.items():
        # latents have no fixed scale: the difference is relative to the largest
        scale = max(1.0, known[name].abs().max().item())
        differences.append((torch.from_numpy(values) - known[name]).abs().max().item() / scale)
    _require(max(differences), f"images of {size[0]} × {size[1]} px", model)
    return max(differences)


def _random_images(shape: tuple[int, ...], seed: int, form: PixelForm) -> Images:
    """Random images in [0, 1], on the steps of the type."""
    images = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return (images * LARGEST[form.pixels]).round() / LARGEST[form.pixels] if form.is_integer else images  # fmt: skip


def _given(images: Images, form: PixelForm) -> np.ndarray:
    """Working images as a graph takes them."""
    if not form.is_integer:
        return images.numpy()
    stored = np.rint(images.double().numpy() * LARGEST[form.pixels]).astype(form.pixels)
    return np.ascontiguousarray(stored.transpose(0, 2, 3, 1))


def _run(session: Any, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(given)), strict=True))


def _difference(found: np.ndarray, wanted: Images, form: PixelForm) -> float:
    """The largest difference on the [0, 1] scale; of integers, what exceeds rounding."""
    if not form.is_integer:
        return float(np.abs(found - wanted.numpy()).max())
    working = found.transpose(0, 3, 1, 2).astype(np.float64) / LARGEST[form.pixels]
    apart = np.abs(working - wanted.clamp(0, 1).numpy()).max()
    return max(0.0, float(apart) - 0.5 / LARGEST[form.pixels])


def _require(difference: float, where: str, model: Model) -> None:
    if not difference <= TOLERANCE:  # NaN is refused too
        raise ExportFailed(
            f"{model.card.name} was not exported: in ONNX Runtime its results for {where} differ by {difference:.2g} from "
            f"PyTorch's, more than {TOLERANCE:g}"
        )
