"""A `Model`: a trained network with everything that is needed to use it."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from restorae.error_bound import ErrorBound
from restorae.errors import ShapeMismatch, UsageError
from restorae.machine import Precision, choose_device
from restorae.model.arrays import ArrayImages
from restorae.model.card import Card
from restorae.model.inference import (
    decode_latents,
    draw_samples,
    encode_images,
    restore_at_once,
    restore_tiled,
)
from restorae.model.saving import write_model
from restorae.model.self_ensemble import check_self_ensemble
from restorae.networks import VAE, Network, working_memory
from restorae.pixels import as_array
from restorae.posterior import DiagonalGaussian
from restorae.randomness import generator
from restorae.shapes import Images, Latents

A = TypeVar("A", np.ndarray, Tensor)


class Model:
    """A trained network and its card.

    Images are arrays, (height, width[, 1 or 3]) or (n, height, width[, channels]), whose values are mapped once per call as
    `restorae.pixels.choose_range` says; or float tensors (n, channels, height, width) on the [0, 1] scale. Results have the
    form, type and units of what came. `precision` is `auto`, `float32` or `bfloat16`.

    Attributes:
        network: the settings of the architecture.
        module: the weights, as a PyTorch module in evaluation mode.
        card: facts about the model.
    """

    def __init__(self, network: Network, module: nn.Module, *, card: Card) -> None:
        self.network = network
        self.module = module.eval().requires_grad_(False)
        self.card = card

    def __call__(
        self,
        images: Images,
        *,
        precision: Precision = "auto",
        self_ensemble: int = 1,
        is_grey: Tensor | None = None,
    ) -> Images:
        """Restored images of a working batch (n, channels, height, width), unclipped, each sent through whole.

        `restorae.model.inference.restore_at_once` says what the arguments mean.
        """
        self.check_restores()
        check_self_ensemble(self_ensemble)
        return restore_at_once(
            self, images, precision=precision, self_ensemble=self_ensemble, is_grey=is_grey
        )

    def restore(self, images: A, self_ensemble: int = 1, *, precision: Precision = "auto") -> A:
        """Restore one image or many; the result has the same shape and type.

        Images of any size go tile by tile where they would not fit in memory whole; the result is the same.

        Args:
            images: an array or a tensor.
            self_ensemble: 2, 4 or 8 averages over rotations and flips: slightly better, that many times slower.
            precision: of the arithmetic.

        Raises:
            UsageError: this model does not restore, or there is no such self-ensemble.
            ShapeMismatch: the shape or the number of channels does not fit.
            BadImage: the values cannot be pixels.
        """
        read = ArrayImages.read(images, self.card.values)
        return cast("A", read.give_back(self.restore_images(read.images, precision, self_ensemble)))

    def restore_images(
        self, images: Images, precision: Precision = "auto", self_ensemble: int = 1
    ) -> Images:
        """As `restore` for a working batch (n, channels, height, width), unclipped, on the images' device.

        A network that does not take so many channels restores them one by one; one for colour alone takes grey as three
        equal channels, and one for both takes an image of three equal channels as grey.
        """
        self.check_restores()
        return restore_tiled(self, images, precision=precision, self_ensemble=self_ensemble)

    def sample_restorations(
        self, images: A, count: int, seed: int = 0, *, precision: Precision = "auto"
    ) -> A:
        """Several plausible restorations: (count, *shape of the images), same type. Their mean is the best single guess.

        Args:
            images: as for `restore`.
            count: samples of each image.
            seed: of the random numbers; an image's samples follow from it and the image's index alone.
            precision: of the arithmetic.

        Raises:
            UsageError: this model has no latent to draw from, or does not restore.
            ShapeMismatch, BadImage: as `restore`.
        """
        self.check_restores()
        read = ArrayImages.read(images, self.card.values)
        drawn = [
            read.give_back(each)
            for each in draw_samples(self, read.images, count, seed, precision=precision)
        ]
        stacked: Any = torch.stack if isinstance(images, Tensor) else np.stack
        return cast("A", stacked(drawn))

    def error_bound(
        self, images: A, restored: A | None = None, *, precision: Precision = "auto"
    ) -> A:
        """How large the error of each restored value may be: nine in ten are smaller (`restorae.error_bound` says more).

        Args:
            images: as for `restore`.
            restored: what `restore` made of them, where that is known already; of whole numbers it was rounded, which shows
                in flat places.
            precision: of the arithmetic.

        Returns:
            float32 of the images' shape, in the units of their values: of uint8 in grey levels of 255. Of tensors on the
            [0, 1] scale.

        Raises:
            UsageError: the model was not calibrated.
            ShapeMismatch, BadImage: as `restore`.
        """
        read = ArrayImages.read(images, self.card.values)
        after = (
            self.restore_images(read.images, precision)
            if restored is None
            else read.read_alike(restored)
        )
        bound = self.bound_for(read.images.shape[1]).of(read.images, after)
        return cast("A", read.give_back_errors(bound))

    def reconstruct(self, images: A, *, precision: Precision = "auto") -> A:
        """What decoding each image's latent mean gives; shapes and errors as `restore`.

        Raises:
            UsageError: this model has no latent vector.
        """
        self.vae()
        read = ArrayImages.read(images, self.card.values)
        return cast("A", read.give_back(restore_at_once(self, read.images, precision=precision)))

    def encode(
        self, images: np.ndarray | Tensor, *, precision: Precision = "auto"
    ) -> DiagonalGaussian:
        """The posterior over each image's latent: `.mean` and `.log_var` are (n, latent_dim).

        Raises:
            UsageError: this model has no latent vector.
            ShapeMismatch: the images have another size or number of channels than those it learned from.
        """
        network = self.vae()
        read = ArrayImages.read(images, self.card.values).images
        network.check_channels(read.shape[1])
        network.check_size(*read.shape[-2:])
        return encode_images(self, network, read, precision)

    def decode(self, latents: A, *, precision: Precision = "auto") -> A:
        """The images at latents (n, latent_dim), in [0, 1].

        An array gives an array (n, height, width[, 3]), a tensor a tensor (n, channels, height, width).

        Raises:
            UsageError: this model has no latent vector.
            ShapeMismatch: the latents have another number of coordinates.
        """
        network = self.vae()
        if isinstance(latents, np.ndarray):
            tensor = torch.from_numpy(np.ascontiguousarray(latents, dtype=np.float32))
            return as_array(self.decode(tensor, precision=precision))
        if latents.dim() != 2 or latents.shape[1] != network.latent_dim:
            raise ShapeMismatch(
                f"expected latents of shape (count, {network.latent_dim}), got {tuple(latents.shape)}"
            )
        return network.image(decode_latents(self, network, latents, precision)).clamp(0, 1)

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """New images, decoded from latents drawn from the prior: (count, height, width[, 3]), float32 in [0, 1].

        Raises:
            UsageError: this model has no latent vector, or `count` is below 1.
        """
        return as_array(self.decode(self.sample_latents(count, seed)))

    def sample_latents(self, count: int, seed: int = 0) -> Latents:
        """Latents (count, latent_dim) drawn from the prior: those that `sample` decodes; errors as there."""
        latent_dim = self.vae().latent_dim
        if count < 1:
            raise UsageError(f"expected at least 1 image, got {count}", subject="count")
        # one generator for each: the first ten of a hundred are the ten
        return torch.stack(
            [torch.randn(latent_dim, generator=generator(seed, index)) for index in range(count)]
        )

    def shown(self, channels: int) -> int:
        """How many channels the network sees at once of images of so many: all, or one by one where it does not take so many."""
        return channels if channels in self.network.takes else 1

    def bound_for(self, channels: int) -> ErrorBound:
        """The error bound of images of so many channels; of a network that restores channels one by one, that of one channel.

        Raises:
            UsageError: the model was not calibrated, or not on images of that kind.
        """
        shown = self.shown(channels)
        if shown in self.card.error_bounds:
            return self.card.error_bounds[shown]
        known = " and ".join(map(str, self.card.error_bounds))
        what = (
            f"was calibrated on images of {known} channel(s), not of {shown}"
            if known
            else "has no calibrated error bounds"
        )
        raise UsageError(
            f"{self.card.name} {what}. `restorae models calibrate` measures them on images whose clean version is known"
        )

    @functools.cached_property
    def bytes_per_pixel(self) -> float:
        """About how much memory the network takes for each pixel that goes through it at once."""
        return working_memory(self.module, self.network)

    def check_restores(self) -> None:
        """Raise `UsageError` unless this model learned to restore."""
        if not self.card.restores:
            raise UsageError(
                f"{self.card.name} generates images like those it was trained on; it did not learn to restore. `restorae models "
                "list` shows models that do"
            )

    def vae(self) -> VAE:
        """The network, where it is a variational auto-encoder.

        Raises:
            UsageError: it is another.
        """
        if not isinstance(self.network, VAE):
            raise UsageError(
                f"{self.card.name} is not a variational auto-encoder: its network ({self.network.kind}) has no latent vector. "
                "Use a model of `restorae vae train` or a bundled one such as digits-vae"
            )
        return self.network

    @property
    def device(self) -> torch.device:
        """Where the weights are and where it computes."""
        return next(self.module.parameters()).device

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
        return write_model(self.module, self.card, path, half)

    def __repr__(self) -> str:
        return f"Model({self.card.name!r}, {self.network}, {self.card.parameters:,} parameters)"
