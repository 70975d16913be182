"""Names for tensors by their shape. For type checkers all of them are plain tensors.

Inside restorae an image is always `float32`, `[0, 1]` when clean; a degraded image may leave that range.
"""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor

Image: TypeAlias = Tensor
"""One image, `(channel, height, width)`."""
Images: TypeAlias = Tensor
"""A batch of images, `(batch, channel, height, width)`."""
PerImage: TypeAlias = Tensor
"""One number per image that broadcasts over a batch of images, `(batch, 1, 1, 1)`."""
Latents: TypeAlias = Tensor
"""Flat latent vectors, `(batch, latent)`."""
NumberPerImage: TypeAlias = Tensor
"""One number per image, `(batch,)`."""
