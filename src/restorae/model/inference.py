"""Images through a model: channels as its network takes them, grey or colour, rotations and flips, tiles, samples."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from restorae.errors import ShapeMismatch, UsageError
from restorae.machine import Precision, choose_precision, computing_in
from restorae.model.self_ensemble import (
    average_over_symmetries,
    check_self_ensemble,
    multiple_for,
)
from restorae.networks import VAE, AutoEncoder, LatentModule, pad_to_multiple, send_through
from restorae.posterior import DiagonalGaussian, join
from restorae.randomness import generator
from restorae.shapes import Images, Latents
from restorae.tile_size import tile_for_free_memory
from restorae.tiling import apply, plan_for

if TYPE_CHECKING:
    from restorae.model.model import Model

_PIXELS_AT_ONCE = 400_000
_SMALL = 512 * 512
_SMALL_NETWORK = 500_000
"""Parameters."""
_DECODED_AT_ONCE = 1_000_000
"""Pixels: a manifold of 900 images of 28 × 28 is one pass."""


def grey_images(images: Images) -> Tensor:
    """Which images, (batch, channel, height, width), have equal channels everywhere: (batch,) of booleans."""
    return (images == images[:, :1]).flatten(1).all(1)


def restore_at_once(
    model: Model,
    images: Images,
    *,
    precision: Precision = "auto",
    self_ensemble: int = 1,
    is_grey: Tensor | None = None,
) -> Images:
    """Restored images of a working batch, each sent through the network whole; memory grows with them.

    Args:
        model: the model.
        images: (batch, channel, height, width): whole images, or tiles of them.
        precision: of the arithmetic.
        self_ensemble: 1, 2, 4 or 8 rotations and flips to average over.
        is_grey: (batch,) whether the *image* that each belongs to has three equal channels. A network that was trained
            for grey and colour then restores it as grey. None looks at `images`, which then must be whole images.
    """
    if is_grey is None and images.shape[1] == 3:
        is_grey = grey_images(images)
    if self_ensemble > 1:
        return average_over_symmetries(
            lambda seen: restore_at_once(model, seen, precision=precision, is_grey=is_grey),
            images,
            self_ensemble,
            model.network.multiple_of,
        )
    channels = images.shape[1]
    if is_grey is None or channels == 1 or not {1, channels} <= {*model.network.takes}:
        return _through_module(model, images, precision)
    if not is_grey.any():
        return _through_module(model, images, precision)
    grey = is_grey.to(images.device)
    once = _through_module(model, images[grey, :1], precision)
    restored = once.new_empty(images.shape)
    restored[grey] = once
    if not grey.all():
        restored[~grey] = _through_module(model, images[~grey], precision)
    return restored


def restore_tiled(
    model: Model, images: Images, *, precision: Precision = "auto", self_ensemble: int = 1
) -> Images:
    """As `restore_at_once` for whole images of any size; large ones go tile by tile, all of an image's tiles alike."""
    check_self_ensemble(self_ensemble)
    model.network.check_size(*images.shape[-2:])
    if images.shape[-2] * images.shape[-1] > _SMALL:
        halo, multiple_of = (
            model.network.halo,
            multiple_for(self_ensemble, model.network.multiple_of),
        )
        tile = tile_for_free_memory(
            images.shape[-2:],
            bytes_per_pixel(model),
            halo=halo,
            multiple_of=multiple_of,
            device=model.device,
        )
        plan = plan_for(*images.shape[-2:], tile=tile, halo=halo, multiple_of=multiple_of)
        if len(plan) > 1:
            return torch.cat(
                [
                    apply(
                        lambda tiles, grey=grey_images(image[None]): restore_at_once(  # type: ignore[misc]
                            model,
                            tiles,
                            precision=precision,
                            self_ensemble=self_ensemble,
                            is_grey=grey.expand(len(tiles)),
                        ),
                        image[None],
                        plan,
                    )
                    for image in images
                ]
            )
    return restore_at_once(model, images, precision=precision, self_ensemble=self_ensemble)


def bytes_per_pixel(model: Model) -> float:
    """About how much memory the network takes for each pixel that goes through it at once."""
    return model._bytes_per_pixel


def draw_samples(
    model: Model,
    images: Images,
    count: int,
    seed: int = 0,
    *,
    precision: Precision = "auto",
    indices: Sequence[int] | None = None,
) -> Tensor:
    """Plausible restorations of whole images: (count, batch, channel, height, width), on the images' device.

    Args:
        model: a model whose network has a latent.
        images: (batch, channel, height, width).
        count: samples of each image.
        seed: of the random numbers.
        precision: of the arithmetic.
        indices: a number for each image; its samples follow from this and the seed alone. None counts from 0.

    Raises:
        UsageError: the network has no latent, or `count` is below 1.
        ShapeMismatch: images of that size or number of channels do not fit the network.
    """
    module, network = model.module, model.network
    if not isinstance(module, LatentModule):
        raise UsageError(
            f"{model.card.name} gives one result for each image: its network ({network.kind}) has no latent to draw samples "
            "from. Networks such as latent-unet have one"
        )
    if count < 1:
        raise UsageError(f"expected at least 1 sample, got {count}", subject="count")
    indices = range(len(images)) if indices is None else indices
    channels = images.shape[1]
    if channels not in network.takes and network.channels == 1:
        each = [index * channels + channel for index in indices for channel in range(channels)]
        separate = images.reshape(-1, 1, *images.shape[2:])
        return draw_samples(
            model, separate, count, seed, precision=precision, indices=each
        ).reshape(count, *images.shape)
    if channels == 1 and 1 not in network.takes:
        colour = images.expand(-1, network.channels, -1, -1)
        return draw_samples(model, colour, count, seed, precision=precision, indices=indices).mean(
            2, keepdim=True
        )
    network.check_channels(channels)
    network.check_size(*images.shape[-2:])
    (height, width), drawn = images.shape[-2:], []
    with computing(model, precision):
        for index, image in zip(indices, images, strict=True):
            degraded = pad_to_multiple(image[None].to(model.device), network.multiple_of).expand(
                count, -1, -1, -1
            )
            source = generator(seed, index, device=model.device)
            drawn.append(
                torch.cat([module.draw(part, source) for part in batches(degraded)])[
                    ..., :height, :width
                ].float()
            )
    return torch.stack(drawn, 1).clone().to(images.device)


def encode_images(model: Model, images: Images, precision: Precision) -> DiagonalGaussian:
    """The posterior over each image's latent, on the processor; a plain code is its mean, without variance."""
    module = cast("Any", model.module)
    with computing(model, precision):
        parts = [
            module.encode(
                pad_to_multiple(batch.to(model.device), model.network.multiple_of).contiguous(
                    memory_format=torch.channels_last
                )
            )
            for batch in batches(images)
        ]
    if isinstance(parts[0], Tensor):
        codes = torch.cat(parts).float().clone().cpu()
        return DiagonalGaussian(codes, torch.full_like(codes, -math.inf))
    found = join(parts)
    return DiagonalGaussian(found.mean.clone().cpu(), found.log_var.clone().cpu())


def as_latents(given: Any, shape: tuple[int | None, ...]) -> Latents:
    """Latents as a float32 tensor (n, *shape), a single one as (*shape), from an array, a tensor or a list.

    Raises:
        ShapeMismatch: they have another number of coordinates, or are not finite numbers.
    """
    expected = ", ".join("n" if side is None else str(side) for side in ("count", *shape))
    try:
        latents = (
            given.float()
            if isinstance(given, Tensor)
            else torch.from_numpy(np.array(given, np.float32))
        )
    except (TypeError, ValueError):
        raise ShapeMismatch(
            f"expected latents as numbers of shape ({expected}), got {_shortened(given)}"
        ) from None
    sides = latents.shape[-len(shape) :]
    if latents.dim() - len(shape) not in (0, 1) or any(
        wanted not in (None, found) for wanted, found in zip(shape, sides, strict=True)
    ):
        raise ShapeMismatch(f"expected latents of shape ({expected}), got {tuple(latents.shape)}")
    if not torch.isfinite(latents).all():
        raise ShapeMismatch("the latents hold NaN or infinite values")
    return latents


def _shortened(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."


def decode_latents(model: Model, latents: Latents, precision: Precision) -> Tensor:
    """What the module decodes latents to, without padding, on the processor."""
    module, network = cast("Any", model.module), model.network
    size = (network.height, network.width) if isinstance(network, VAE | AutoEncoder) else None
    at_once = max(1, _DECODED_AT_ONCE // (size[0] * size[1] if size else 16 * latents[0].numel()))
    with computing(model, precision):
        parts = [
            module.decode(part.to(model.device)) for part in torch.split(latents.float(), at_once)
        ]
    decoded = torch.cat(parts)
    if size is not None:
        decoded = decoded[..., : size[0], : size[1]]
    return decoded.float().clone().cpu()


def batches(images: Images) -> Iterator[Images]:
    """Parts of a batch that go through a network together."""
    height, width = images.shape[-2:]
    return iter(torch.split(images, max(1, _PIXELS_AT_ONCE // (height * width))))


@contextlib.contextmanager
def computing(model: Model, precision: Precision) -> Iterator[None]:
    """Without gradients, in a precision that the model's device has.

    `auto` is float32 for auto-encoders and small networks: latents are read as numbers, and the time hardly differs.
    """
    exact = isinstance(model.network, VAE) or model.card.parameters < _SMALL_NETWORK
    chosen = choose_precision(precision, model.device, exact=exact)
    with torch.inference_mode(), computing_in(chosen, model.device):
        yield


def _through_module(model: Model, images: Images, precision: Precision) -> Images:
    network, channels = model.network, images.shape[1]
    if channels not in network.takes:
        if channels > 1:
            separate = images.reshape(-1, 1, *images.shape[2:])
            return _through_module(model, separate, precision).reshape(images.shape)
        colour = images.expand(-1, network.channels, -1, -1)
        return _through_module(model, colour, precision).mean(1, keepdim=True)
    network.check_size(*images.shape[-2:])
    with computing(model, precision):
        pieces = [
            send_through(model.module, batch.to(model.device), network.multiple_of).float()
            for batch in batches(images)
        ]
    # a clone made outside inference mode is an ordinary tensor that may take part in training
    return torch.cat(pieces).clone().to(images.device)
