"""The contract of classical restorers: settings that are prepared on an image, then applied to its tiles."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np
import torch

from restorae.errors import ShapeMismatch
from restorae.parts import Part
from restorae.shapes import Image, Images

_NORMAL_QUARTILE = 0.6744897501960817
"""Half of a normal distribution lies within this many standard deviations."""


class Classical(Part, abc.ABC, family="classical restorer"):
    """A restorer without training.

    A new kind is a subclass with its settings as fields and one method, `change`. Settings that can be measured
    on the image are `None` by default, and `prepared` fills them in.
    """

    needs_mask: ClassVar[bool] = False
    """Whether images need a mask as an additional last channel: 1 where the image is damaged."""

    @property
    def halo(self) -> int | None:
        """Pixels of context that reach a pixel's result; `None` if it depends on the whole image."""
        return None

    @property
    def multiple_of(self) -> tuple[int, int]:
        """Height and width of its input are multiples of these."""
        return (1, 1)

    def prepared(self, sample: Images) -> Self:
        """These settings with measured values filled in, so that all tiles of an image are treated alike.

        Args:
            sample: regions of the image, (batch, channel, height, width), without a mask.
        """
        return self

    @abc.abstractmethod
    def change(self, image: np.ndarray) -> np.ndarray:
        """The restored image, (height, width, channel) float64; not clipped; `image` is not modified.

        Called on prepared settings. A mask, if needed, is the last channel of the input; the result has none.
        """

    def apply(self, images: Images) -> Images:
        """The restored images, (batch, channel, height, width) float32, each restored independently.

        Settings that are not prepared are measured on each image.

        Raises:
            ShapeMismatch: the mask is missing.
        """
        if self.needs_mask and images.shape[1] < 2:
            raise ShapeMismatch(
                f"{self.kind} needs a mask as the last channel, got images of one channel. Append the mask to the image's channels"
            )
        restored = images.new_empty(
            images.shape[0], images.shape[1] - self.needs_mask, *images.shape[2:]
        )
        for index, image in enumerate(images):
            restored[index] = self._applied(image)
        return restored

    def _applied(self, image: Image) -> Image:
        prepared = self.prepared((image[:-1] if self.needs_mask else image)[None])
        # running sums in float32 would differ from tile to tile by more than their last digits
        values = image.permute(1, 2, 0).double().cpu().numpy()
        return torch.from_numpy(prepared.change(values)).permute(2, 0, 1)


def channel_by_channel(
    function: Callable[[np.ndarray], np.ndarray], image: np.ndarray
) -> np.ndarray:
    """`function`, which takes (height, width), on each channel of (height, width, channel)."""
    return np.stack([function(image[..., channel]) for channel in range(image.shape[-1])], axis=-1)


def noise_in(sample: Images) -> float:
    """Standard deviation of the white noise in images, on the [0, 1] scale: the mean over images and channels.

    The finest diagonal wavelet coefficients are mostly noise, and their median is robust to the few from
    edges (Donoho and Johnstone, *Ideal spatial adaptation by wavelet shrinkage*, 1994). Constant areas, such
    as overexposed paper, are left out.

    >>> noise = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    >>> round(noise_in(0.5 + 0.1 * noise), 2)
    0.1
    """
    import pywt

    found = []
    for plane in sample.flatten(0, 1).double().cpu().numpy():
        _, (_, _, diagonal) = pywt.dwt2(plane, "db2", mode="symmetric")
        sizes = np.abs(diagonal[np.abs(diagonal) > 1e-9])  # rounding errors are not noise
        found.append(float(np.median(sizes)) / _NORMAL_QUARTILE if sizes.size else 0.0)
    return round(sum(found) / len(found), 5) if found else 0.0
