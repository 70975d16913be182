"""The contract of modules that encode an image to a code and decode it again."""

from __future__ import annotations

import abc

from torch import Tensor, nn

from restorae.shapes import Images


class CodeModule(nn.Module, abc.ABC):
    """A module of two halves: from images to codes, and from codes to images."""

    code_shape: tuple[int | None, ...]
    """Shape of a code without the batch: (latent_dim,), or (features, None, None) of a map whose size is the image's."""

    @abc.abstractmethod
    def encode(self, images: Images) -> Tensor:
        """The code of each image: (batch, latent_dim), or a map (batch, features, height, width)."""

    @abc.abstractmethod
    def decode(self, codes: Tensor) -> Images:
        """The image of each code."""

    def forward(self, images: Images) -> Images:
        return self.decode(self.encode(images))
