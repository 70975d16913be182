"""A `Model`: a trained network with everything that is needed to use it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from restorae.error_bound import ErrorBound, stored_span
from restorae.errors import BadPicture, ShapeMismatch, UsageError
from restorae.files import write_bytes
from restorae.machine import Precision, choose_device, choose_precision, computing_in
from restorae.model.card import Card
from restorae.model.views import average_of_views, check_views, multiple_for
from restorae.networks import (
    VAE,
    LatentModule,
    Network,
    pad_to_multiple,
    send_through,
    working_memory,
)
from restorae.pixels import as_array, as_batch, range_of, with_channels
from restorae.posterior import DiagonalGaussian, join
from restorae.randomness import generator
from restorae.shapes import Images, Latents
from restorae.tile_size import tile_for_free_memory
from restorae.tiling import apply, plan_for

SUFFIX = ".safetensors"
HEADER = "restorae"
_PIXELS_AT_ONCE = 400_000
_SMALL = 512 * 512
_DECODED_AT_ONCE = 1_000_000
"""Pixels: the lesson's manifold, 900 pictures of 28 × 28, is one pass."""


class Model:
    """A trained network and its card.

    Attributes:
        network: the settings of the architecture.
        module: the weights, as a PyTorch module in evaluation mode.
        card: facts about the model.
    """

    def __init__(self, network: Network, module: nn.Module, card: Card) -> None:
        self.network = network
        self.module = module.eval().requires_grad_(False)
        self.card = card

    @overload
    def restore(self, pictures: np.ndarray, views: int = 1) -> np.ndarray: ...

    @overload
    def restore(self, pictures: Tensor, views: int = 1) -> Tensor: ...

    def restore(self, pictures: np.ndarray | Tensor, views: int = 1) -> np.ndarray | Tensor:
        """Lift the damage off one picture or many; the result has the same shape and type.

        Args:
            pictures: an array, one picture as (height, width) or (height, width, 1 or 3), many as (n, height, width) or
                (n, height, width, channels); what their values mean is found as `restorae.pixels.choose_range` says (uint8
                by its full range, floats around [0, 1] as they are). Or a float tensor (n, channels, height, width).
            views: 2, 4 or 8 restores them turned and mirrored too and averages: a little better, as many times as long.

        Pictures of any size go tile by tile where they would not fit in memory whole; the result is the same.

        Raises:
            UsageError: there are no such views.
            ShapeMismatch: the shape or the number of channels does not fit.
            BadPicture: the values cannot be pixels.
        """
        if isinstance(pictures, Tensor):
            return self.restore_images(_as_images(pictures), views=views).to(pictures.dtype)
        stored = with_channels(pictures)
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            raise BadPicture("The picture holds NaN or infinite values. Replace them first.")
        values = range_of(stored, self.card.values)
        images = torch.from_numpy(
            np.ascontiguousarray(values.to_working(stored).transpose(0, 3, 1, 2))
        )
        restored = self.restore_images(images, views=views).numpy().transpose(0, 2, 3, 1)
        return values.to_stored(restored, pictures.dtype).reshape(pictures.shape)

    @overload
    def error_bound(
        self, pictures: np.ndarray, restored: np.ndarray | None = None
    ) -> np.ndarray: ...

    @overload
    def error_bound(self, pictures: Tensor, restored: Tensor | None = None) -> Tensor: ...

    def error_bound(
        self, pictures: np.ndarray | Tensor, restored: np.ndarray | Tensor | None = None
    ) -> np.ndarray | Tensor:
        """How far each restored value may be off: nine in ten are not farther (`restorae.error_bound` says what that means).

        Args:
            pictures: as for `restore`.
            restored: what `restore` made of them, where that is known already; of whole numbers it was rounded, which shows in
                flat places.

        Returns:
            float32 of the pictures' shape, in the units of their values: of uint8 in grey levels of 255. Of tensors on the [0, 1]
            scale.

        Raises:
            UsageError: the model was not calibrated.
            ShapeMismatch, BadPicture: as `restore`.
        """
        if isinstance(pictures, Tensor):
            images = _as_images(pictures)
            after = (
                self.restore_images(images)
                if restored is None
                else _as_images(torch.as_tensor(restored))
            )
            return self.bound_for(images.shape[1]).of(images, after)
        stored = with_channels(pictures)
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            raise BadPicture("The picture holds NaN or infinite values. Replace them first.")
        values = range_of(stored, self.card.values)
        before = torch.from_numpy(
            np.ascontiguousarray(values.to_working(stored).transpose(0, 3, 1, 2))
        )
        if restored is None:
            after = self.restore_images(before)
        else:
            given = with_channels(np.asarray(restored))
            after = torch.from_numpy(
                np.ascontiguousarray(values.to_working(given).transpose(0, 3, 1, 2))
            )
        bounds = self.bound_for(before.shape[1]).of(before, after).numpy().transpose(0, 2, 3, 1)
        return np.asarray(bounds * stored_span(values, pictures.dtype), np.float32).reshape(
            pictures.shape
        )

    def shown(self, channels: int) -> int:
        """How many channels the network sees at once of pictures of so many: all, or one by one where it does not take so many."""
        return channels if channels in self.network.takes else 1

    def bound_for(self, channels: int) -> ErrorBound:
        """The error bound of pictures of so many channels; of a network that restores channels one by one, that of one channel.

        Raises:
            UsageError: the model was not calibrated, or not on pictures of that kind.
        """
        shown = self.shown(channels)
        if shown in self.card.error_bounds:
            return self.card.error_bounds[shown]
        known = " and ".join(map(str, self.card.error_bounds))
        what = (
            f"it was calibrated on pictures of {known} channel(s), not of {shown}"
            if known
            else "it was never calibrated"
        )
        raise UsageError(
            f"Nobody knows how far off {self.card.name} may be: {what}. Measure it on pictures whose clean version you have and that it "
            "was not trained on: restorae models calibrate MODEL --clean DATA (--with SPEC | --degraded DATA) --out FILE."
        )

    @overload
    def reconstruct(self, pictures: np.ndarray) -> np.ndarray: ...

    @overload
    def reconstruct(self, pictures: Tensor) -> Tensor: ...

    def reconstruct(self, pictures: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """What decoding each picture's latent mean gives back; shapes and errors as `restore`.

        Raises:
            UsageError: this model has no latent.
        """
        self._vae()
        restored = self._through_module(_as_images(pictures))
        if isinstance(pictures, Tensor):
            return restored.to(pictures.dtype)
        return as_array(restored, pictures.dtype).reshape(pictures.shape)

    def restorations(self, pictures: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
        """Several plausible restorations: (count, *the pictures' shape), same type. Their mean is the best single guess.

        Args:
            pictures: as for `restore`.
            count: how many for each picture.
            seed: where chance comes from; a picture's draws follow from it and its place alone.

        Raises:
            UsageError: this model has no latent to draw, or learned no damage.
            ShapeMismatch, BadPicture: as `restore`.
        """
        self.check_restores()
        drawn = self.draw_restorations(_as_images(pictures), count, seed)
        return np.stack([as_array(each, pictures.dtype).reshape(pictures.shape) for each in drawn])

    def draw_restorations(self, images: Images, count: int, seed: int = 0) -> Tensor:
        """As `restorations` for a working batch: (count, n, channels, height, width), on the images' device."""
        module = self.module
        if not isinstance(module, LatentModule):
            raise UsageError(
                f"{self.card.name} gives one answer for each picture: its network ({self.network.kind}) has no latent to draw from. "
                "Restore without --samples, or train a network with one, such as latent-unet."
            )
        if count < 1:
            raise UsageError(f"At least one restoration must be drawn, not {count}.")
        channels = images.shape[1]
        if channels not in self.network.takes and self.network.channels == 1:
            return self.draw_restorations(
                images.reshape(-1, 1, *images.shape[2:]), count, seed
            ).reshape(count, *images.shape)
        if channels == 1 and 1 not in self.network.takes:
            return self.draw_restorations(
                images.expand(-1, self.network.channels, -1, -1), count, seed
            ).mean(2, keepdim=True)
        self._check(images)
        device, (height, width), drawn = self._device, images.shape[-2:], []
        with self._ready():
            for place, image in enumerate(images):
                degraded = pad_to_multiple(image[None].to(device), self.network.multiple_of).expand(
                    count, -1, -1, -1
                )
                source = generator(seed, place, device=device)
                drawn.append(
                    torch.cat([module.draw(part, source) for part in self._batches(degraded)])[
                        ..., :height, :width
                    ].float()
                )
        return torch.stack(drawn, 1).clone().to(images.device)

    def restore_images(
        self, images: Images, precision: Precision = "auto", views: int = 1
    ) -> Images:
        """Restored images for a working batch (n, channels, height, width), unclipped, on the images' device.

        A network that does not take so many channels restores them one by one; one for colour alone takes grey as three
        equal channels, and one for both takes three equal channels as grey: noise that is alike in all of them is not what it
        learned of colour. Large pictures go tile by tile, which for networks with a finite halo changes nothing. The mean of
        several `views`, 1, 2, 4 or 8, is a little better where the network learned from turned and mirrored patches.
        """
        self.check_restores()
        check_views(views)
        self._check_size(images)
        if images.shape[-2] * images.shape[-1] <= _SMALL:
            return self.restore_tile(images, precision, views)
        halo, multiple_of = self.network.halo, multiple_for(views, self.network.multiple_of)
        tile = tile_for_free_memory(
            self.bytes_per_pixel, halo=halo, multiple_of=multiple_of, device=self._device
        )
        plan = plan_for(*images.shape[-2:], tile=tile, halo=halo, multiple_of=multiple_of)
        if len(plan) == 1:
            return self.restore_tile(images, precision, views)
        return apply(lambda tiles: self.restore_tile(tiles, precision, views), images, plan)

    def restore_tile(self, images: Images, precision: Precision = "auto", views: int = 1) -> Images:
        """As `restore_images`, all of it at once: memory grows with the pictures."""
        if views > 1:
            return average_of_views(
                lambda seen: self.restore_tile(seen, precision),
                images,
                views,
                self.network.multiple_of,
            )
        if images.shape[1] == 1 or not {1, images.shape[1]} <= {*self.network.takes}:
            return self._through_module(images, precision)
        grey = (images == images[:, :1]).flatten(1).all(1)
        if not grey.any():
            return self._through_module(images, precision)
        once = self._through_module(images[grey, :1], precision)
        restored = once.new_empty(images.shape)
        restored[grey.to(once.device)] = once
        if not grey.all():
            restored[~grey.to(once.device)] = self._through_module(images[~grey], precision)
        return restored

    @functools.cached_property
    def bytes_per_pixel(self) -> float:
        """About how much memory the network takes for each pixel that goes through it at once."""
        return working_memory(self.module, self.network)

    def check_restores(self) -> None:
        """Raise `UsageError` unless this model learned to lift damage off."""
        if not self.card.restores:
            raise UsageError(
                f"{self.card.name} learned from pictures alone and makes pictures like them; it has not learned to lift damage off. "
                "Use restorae vae with it, or give a model that restores (restorae models list)."
            )

    def encode(self, pictures: np.ndarray | Tensor) -> DiagonalGaussian:
        """The posterior over each picture's latent: `.mean` and `.log_var` are (n, latent_dim).

        Args:
            pictures: as for `restore`.

        Raises:
            UsageError: this model has no latent vector.
            ShapeMismatch: the pictures have another size or number of channels than those it learned from.
        """
        network = self._vae()
        images = _as_images(pictures)
        network.check_channels(images.shape[1])
        self._check(images)
        module: Any = self.module
        with self._ready():
            parts = [
                module.encode(
                    pad_to_multiple(batch.to(self._device), network.multiple_of).contiguous(
                        memory_format=torch.channels_last
                    )
                )
                for batch in self._batches(images)
            ]
        found = join(parts)
        return DiagonalGaussian(found.mean.clone().cpu(), found.log_var.clone().cpu())

    @overload
    def decode(self, latents: np.ndarray) -> np.ndarray: ...

    @overload
    def decode(self, latents: Tensor) -> Tensor: ...

    def decode(self, latents: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """The pictures at latents (n, latent_dim), in [0, 1].

        An array gives an array (n, height, width[, 3]), a tensor a tensor (n, channels, height, width).

        Raises:
            UsageError: this model has no latent vector.
            ShapeMismatch: the latents have another number of coordinates.
        """
        network = self._vae()
        if isinstance(latents, np.ndarray):
            return as_array(
                self.decode(torch.from_numpy(np.ascontiguousarray(latents, dtype=np.float32)))
            )
        if latents.dim() != 2 or latents.shape[1] != network.latent_dim:
            raise ShapeMismatch(
                f"Latents of this model are (count, {network.latent_dim}): {network.latent_dim} coordinate(s) for each picture. "
                f"{tuple(latents.shape)} came."
            )
        return network.picture(self._outputs(latents)).clamp(0, 1)

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """New pictures, decoded from latents drawn from the prior: (count, height, width[, 3]), float32 in [0, 1].

        Raises:
            UsageError: this model has no latent vector, or `count` is below 1.
        """
        network = self._vae()
        if count < 1:
            raise UsageError(f"At least one picture must be sampled, not {count}.")
        # one generator for each: the first ten of a hundred are the ten
        latents = torch.stack(
            [
                torch.randn(network.latent_dim, generator=generator(seed, place))
                for place in range(count)
            ]
        )
        return as_array(self.decode(latents))

    def _outputs(self, latents: Latents) -> Tensor:
        network, module = self._vae(), self.module
        at_once = max(1, _DECODED_AT_ONCE // (network.height * network.width))
        with self._ready():
            parts = [
                module.decode(part.to(self._device))  # type: ignore[operator]
                for part in torch.split(latents.float(), at_once)
            ]
        return torch.cat(parts)[..., : network.height, : network.width].float().clone().cpu()

    def _vae(self) -> VAE:
        if not isinstance(self.network, VAE):
            raise UsageError(
                f"{self.card.name} is no variational auto-encoder: its network ({self.network.kind}) has no latent vector to encode to "
                "and decode from. Give a model that restorae vae train wrote, or a bundled one such as digits-vae."
            )
        return self.network

    def _through_module(self, images: Images, precision: Precision = "auto") -> Images:
        channels = images.shape[1]
        if channels not in self.network.takes:
            if channels > 1:
                return self._through_module(
                    images.reshape(-1, 1, *images.shape[2:]), precision
                ).reshape(images.shape)
            # here channels is 1
            return self._through_module(
                images.expand(-1, self.network.channels, -1, -1), precision
            ).mean(1, keepdim=True)
        self._check_size(images)
        with self._ready(precision):
            pieces = [
                send_through(self.module, batch.to(self._device), self.network.multiple_of).float()
                for batch in self._batches(images)
            ]
        # a clone made outside inference mode is an ordinary tensor that may take part in training
        return torch.cat(pieces).clone().to(images.device)

    def _check(self, images: Images) -> None:
        self.network.check_channels(images.shape[1])
        self._check_size(images)

    def _check_size(self, images: Images) -> None:
        self.network.check_size(*images.shape[-2:])

    def _batches(self, images: Images) -> Iterator[Images]:
        height, width = images.shape[-2:]
        return iter(torch.split(images, max(1, _PIXELS_AT_ONCE // (height * width))))

    @property
    def _device(self) -> torch.device:
        return next(self.module.parameters()).device

    @contextlib.contextmanager
    def _ready(self, precision: Precision = "auto") -> Iterator[None]:
        with (
            torch.inference_mode(),
            computing_in(choose_precision(precision, self._device), self._device),
        ):
            yield

    def to(self, device: str | torch.device) -> Model:
        """This model, its weights moved to `device`."""
        self.module.to(choose_device(str(device)))
        return self

    def save(self, path: str | os.PathLike[str], half: bool = False) -> Path:
        """Write the model to one `.safetensors` file, whole or not at all.

        Args:
            path: where; `.safetensors` is added to a name without it.
            half: store the weights in half precision (half the size).

        Raises:
            OutputError: it could not be written.
        """
        target = with_suffix(path)
        tensors = {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in self.module.state_dict().items()
        }
        if half:
            tensors = {
                name: tensor.half() if tensor.is_floating_point() else tensor
                for name, tensor in tensors.items()
            }
        write_bytes(target, save(tensors, {HEADER: json.dumps(self.card.model_dump(mode="json"))}))
        return target

    def __repr__(self) -> str:
        return f"Model({self.card.name!r}, {self.network}, {self.card.parameters:,} parameters)"


def with_suffix(path: str | os.PathLike[str]) -> Path:
    """The path of a model file: `.safetensors` is added to a name without it."""
    path = Path(path)
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)


def _as_images(pictures: np.ndarray | Tensor) -> Images:
    if isinstance(pictures, Tensor):
        if pictures.dim() != 4 or pictures.numel() == 0 or not pictures.is_floating_point():
            came = f"{pictures.dtype} of shape {tuple(pictures.shape)}"
            raise ShapeMismatch(
                f"A tensor of pictures is floats (n, channels, height, width), not {came}. Arrays may be whole numbers."
            )
        return pictures.float()
    return as_batch(with_channels(pictures))
