"""A `Model`: a trained network with everything that is needed to use it."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from restorae.errors import UsageError
from restorae.files import require_absent
from restorae.layout import Layout, kind_of
from restorae.machine import Precision, choose_device
from restorae.model import checks
from restorae.model.card import Card
from restorae.model.foreign_names import no_attribute
from restorae.model.history import History
from restorae.model.in_memory import restore_in_memory
from restorae.model.inference import (
    as_latents,
    decode_latents,
    draw_samples,
    encode_images,
    restore_at_once,
    restore_tiled,
)
from restorae.model.onnx_files import measurable
from restorae.model.saving import with_suffix, write_model
from restorae.model.separating import keeping
from restorae.networks import VAE, Network, working_memory
from restorae.pixels import as_array
from restorae.posterior import DiagonalGaussian, join
from restorae.randomness import generator
from restorae.separation import Repair, Separation
from restorae.shapes import Images, Latents

A = TypeVar("A")


class Model:
    """A trained network and its card.

    Images are arrays, tensors, PIL images, or lists of these; results have the form, type and units of what came. Arrays are
    (height, width[, 1, 3 or 4]) or (n, height, width[, 1, 3 or 4]), with values that are mapped once per call as
    `restorae.value_range.choose_range` says; tensors are (n, channels, height, width), floats on the [0, 1] scale.
    `restorae.layout.Layout` has the details. `precision` is `auto`, `float32` or `bfloat16`.

    Attributes:
        network: the settings of the architecture.
        module: the weights, as a PyTorch module in evaluation mode.
        card: facts about the model.
    """

    def __init__(self, network: Network, module: nn.Module, *, card: Card) -> None:
        self.network = network
        self.module = module.eval().requires_grad_(False)
        self.card = card

    def __call__(self, images: A, *, precision: Precision = "auto") -> A:
        """What the model makes of images: restored ones, or reconstructions by an auto-encoder that does not restore."""
        if self.card.restores:
            return self.restore(images, precision=precision)
        return self.reconstruct(images, precision=precision)

    def restore(
        self,
        images: A,
        self_ensemble: int = 1,
        *,
        mask: Any = None,
        strength: float = 1.0,
        repair: Repair | None = None,
        tone: float | None = None,
        axes: str | None = None,
        precision: Precision = "auto",
    ) -> A:
        """Restore one image or many; the result has the same form, shape and type. A fourth channel, alpha, is kept.

        Images of any size go tile by tile where they would not fit in memory whole; the result is the same.
        `restorae.restore(images, model=model)` also has `grain`.

        Args:
            images: an array, a tensor, a PIL image, or a list of these.
            self_ensemble: 2, 4 or 8 averages over rotations and flips: slightly better, that many times slower.
            mask: where images may change, (height, width) or (n, height, width): bool, [0, 1], or 0 to 255 in uint8.
            strength: how far towards the restored image: 0 keeps the original, 1 is all the way.
            repair: `all`, or only `defects` such as cracks, scratches and dust; by default what the model is for (`card.repairs`).
            tone: share of the change of tone (fading, colour cast); by default 0 where only defects are repaired, else 1.
            axes: one letter for each axis, such as `CHW` or `NHW`, where the shape can mean several things.
            precision: of the arithmetic.

        Raises:
            UsageError: this model does not restore, or a setting has no such value.
            ShapeMismatch: the shape or the number of channels does not fit; the message names what it could mean.
            BadImage: not an image, or the values cannot be pixels.
        """
        checks.require_restorer(self)
        checks.require_no_table(images, self.network, axes)
        parts = Separation.choose(
            self.card.repairs, repair=repair, tone=tone, has_mask=mask is not None
        )

        restore = functools.partial(
            self.restore_images, precision=precision, self_ensemble=self_ensemble
        )
        return restore_in_memory(
            images,
            keeping(restore, parts),
            values=self.card.values,
            takes=self.network.takes,
            axes=axes,
            mask=mask,
            strength=strength,
        )

    def restore_images(
        self, images: Images, precision: Precision = "auto", self_ensemble: int = 1
    ) -> Images:
        """All that the network changes in a working batch (n, channels, height, width), unclipped, on the images' device.

        A network that does not take so many channels restores them one by one; one for colour alone takes grey as three
        equal channels, and one for both takes an image of three equal channels as grey.
        """
        checks.require_restorer(self)
        return restore_tiled(self, images, precision=precision, self_ensemble=self_ensemble)

    def sample_restorations(
        self, images: Any, count: int, seed: int = 0, *, precision: Precision = "auto"
    ) -> Any:
        """Several plausible restorations: (count, *shape of the images), same type; of a PIL image a list.

        Their mean is the best single guess.

        Args:
            images: as for `restore`.
            count: samples of each image.
            seed: of the random numbers; an image's samples follow from it and the image's index alone.
            precision: of the arithmetic.

        Raises:
            UsageError: this model has no latent to draw from, or does not restore.
            ShapeMismatch, BadImage: as `restore`.
        """
        checks.require_restorer(self)
        layout = self._layout(images)
        drawn = [
            layout.give_back(each, images)
            for each in draw_samples(self, layout.read(images), count, seed, precision=precision)
        ]
        if layout.kind == "pil":
            return drawn
        stacked: Any = torch.stack if layout.kind == "tensor" else np.stack
        return stacked(drawn)

    def error_bound(
        self, images: A, restored: A | None = None, *, precision: Precision = "auto"
    ) -> Any:
        """How large the error of each restored value may be: nine in ten are smaller (`restorae.error_bound` says more).

        Args:
            images: as for `restore`.
            restored: what `restore` made of them, where that is known already; of whole numbers it was rounded, which shows
                in flat places.
            precision: of the arithmetic.

        Returns:
            float32 of the images' shape, in the units of their values: of uint8 in grey levels of 255, of float tensors on
            the [0, 1] scale. An array, of tensors a tensor.

        Raises:
            UsageError: the model was not calibrated.
            ShapeMismatch, BadImage: as `restore`.
        """
        layout = self._layout(images)
        before = layout.read(images)
        after = (
            self.restore_images(before, precision) if restored is None else layout.read(restored)
        )
        return layout.give_back_map(
            checks.bound_for(self, before.shape[1]).of(before, after), images
        )

    def reconstruct(self, images: A, *, precision: Precision = "auto") -> A:
        """What decoding each image's latent mean gives; shapes and errors as `restore`.

        Raises:
            UsageError: this model has no latent vector.
        """
        checks.latent_shape(self)  # refuses what is no auto-encoder
        checks.require_no_table(images, self.network)
        restore = functools.partial(restore_at_once, self, precision=precision)
        return restore_in_memory(images, restore, values=self.card.values, takes=self.network.takes)

    def encode(self, images: Any, *, precision: Precision = "auto") -> DiagonalGaussian:
        """The posterior over each image's latent: `.mean` and `.log_var` are (n, latent_dim).

        A plain auto-encoder gives one code: it is the `.mean`, and `.log_var` is minus infinity.

        Raises:
            UsageError: this model has no latent vector.
            ShapeMismatch: the images have another size or number of channels than those it learned from.
        """
        checks.latent_shape(self)  # refuses what is no auto-encoder
        if kind_of(images) == "list":
            return join([self.encode(image, precision=precision) for image in images])
        read = self._layout(images).read(images, filled=False)
        self.network.check_channels(read.shape[1])
        self.network.check_size(*read.shape[-2:])
        return encode_images(self, read, precision)

    def decode(self, latents: A, *, precision: Precision = "auto") -> A:
        """The images at latents (n, latent_dim), in [0, 1]; a single latent (latent_dim,) gives a single image.

        An array or a list gives an array (n, height, width[, 3]), a tensor a tensor (n, channels, height, width).

        Raises:
            UsageError: this model has no latent vector.
            ShapeMismatch: the latents have another number of coordinates, or are not numbers.
        """
        shape, network = checks.latent_shape(self), self.network
        tensor = as_latents(latents, shape)
        is_single = tensor.dim() == len(shape)
        decoded = decode_latents(self, tensor[None] if is_single else tensor, precision)
        images = (network.image(decoded) if isinstance(network, VAE) else decoded).clamp(0, 1)
        found = images if isinstance(latents, Tensor) else as_array(images)
        return cast("A", found[0] if is_single else found)

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """New images, decoded from latents drawn from the prior: (count, height, width[, 3]), float32 in [0, 1].

        Raises:
            UsageError: this model has no latent vector, or `count` is below 1.
        """
        return as_array(self.decode(self.sample_latents(count, seed)))

    def sample_latents(self, count: int, seed: int = 0) -> Latents:
        """Latents (count, latent_dim) drawn from the prior: those that `sample` decodes; errors as there."""
        latent_dim = checks.require_vae(self).latent_dim
        if count < 1:
            raise UsageError(f"expected at least 1 image, got {count}", subject="count")
        # one generator for each: the first ten of a hundred are the ten
        return torch.stack(
            [torch.randn(latent_dim, generator=generator(seed, index)) for index in range(count)]
        )

    @property
    def history(self) -> History:
        """What was measured during its training, as a table."""
        return History(self.card.history)

    @property
    def device(self) -> torch.device:
        """Where the weights are and where it computes."""
        return next(self.module.parameters()).device

    def to(self, device: str | torch.device) -> Model:
        """This model, its weights moved to `device`."""
        self.module.to(choose_device(str(device)))
        return self

    def save(
        self, path: str | os.PathLike[str], half: bool = False, *, overwrite: bool = False
    ) -> Path:
        """Write the model to one `.safetensors` file, whole or not at all.

        Args:
            path: where; `.safetensors` is added to a name without it.
            half: store the weights in half precision (half the size).
            overwrite: replace a file that is there.

        Raises:
            UsageError: there is such a file already.
            OutputError: it could not be written.
        """
        target = with_suffix(path)
        require_absent(target, overwrite, setting="path")
        return write_model(self.module, self.card, target, half)

    def _layout(self, images: Any) -> Layout:
        checks.require_no_table(images, self.network)
        return Layout.of(images, values=self.card.values, takes=self.network.takes)

    @functools.cached_property
    def _bytes_per_pixel(self) -> float:
        return working_memory(measurable(self.module, self.network), self.network)

    def __repr__(self) -> str:
        return f"Model({self.card.name!r}, {self.network}, {self.card.parameters:,} parameters)"

    def _repr_html_(self) -> str:
        return self.card._repr_html_()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(name)
