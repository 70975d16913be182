"""The shapes of what flows through restorae, as types.

Inside, an image is always `float32`, `[0, 1]` when clean, `(batch, channel, height, width)`; a degraded one may
leave `[0, 1]`.
"""

from __future__ import annotations

from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

Image: TypeAlias = Float[Tensor, "channel height width"]
Images: TypeAlias = Float[Tensor, "batch channel height width"]
PerImage: TypeAlias = Float[Tensor, "batch 1 1 1"]
Latents: TypeAlias = Float[Tensor, "batch latent"]
PerPicture: TypeAlias = Float[Tensor, " batch"]
