"""What a classical restorer is: settings that are prepared on a picture, then applied to its tiles."""

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
"""Half of what is normally distributed lies within so many standard deviations."""


class Classical(Part, abc.ABC, family="classical restorer"):
    """A restorer that learned nothing.

    A new kind is a subclass with its settings as fields and one method, `change`. Settings that are measured where
    nobody gives them are `None` by default, and `prepared` fills them in.
    """

    needs_mask: ClassVar[bool] = False
    """Whether images come with a mask as one further, last channel: 1 where the picture is damaged."""

    @property
    def halo(self) -> int | None:
        """Pixels of context that reach a pixel's result; `None` when it looks at everything."""
        return None

    @property
    def multiple_of(self) -> tuple[int, int]:
        """Height and width that it is applied to are multiples of these."""
        return (1, 1)

    def prepared(self, sample: Images) -> Self:
        """These settings with what is measured filled in, so that all tiles of a picture are treated alike.

        Args:
            sample: regions of the picture, (batch, channel, height, width), without a mask.
        """
        return self

    @abc.abstractmethod
    def change(self, picture: np.ndarray) -> np.ndarray:
        """The restored picture, (height, width, channel) float64; not clipped, and `picture` is left alone.

        Called on prepared settings. Where a mask is needed it is the last channel of what comes, not of what is returned.
        """

    def apply(self, images: Images) -> Images:
        """The restored images, (batch, channel, height, width) float32, each restored by itself.

        What is not prepared is measured on each image.

        Raises:
            ShapeMismatch: the mask is missing.
        """
        if self.needs_mask and images.shape[1] < 2:
            raise ShapeMismatch(
                f"{self.kind} fills what a mask marks, but one channel came. Put the mask behind the picture's channels."
            )
        restored = images.new_empty(
            images.shape[0], images.shape[1] - self.needs_mask, *images.shape[2:]
        )
        for place, image in enumerate(images):
            restored[place] = self._applied(image)
        return restored

    def _applied(self, image: Image) -> Image:
        prepared = self.prepared((image[:-1] if self.needs_mask else image)[None])
        # running sums in float32 would differ from tile to tile by more than their last digits
        picture = image.permute(1, 2, 0).double().cpu().numpy()
        return torch.from_numpy(prepared.change(picture)).permute(2, 0, 1)


def channel_by_channel(
    function: Callable[[np.ndarray], np.ndarray], picture: np.ndarray
) -> np.ndarray:
    """`function`, which takes (height, width), on each channel of (height, width, channel)."""
    return np.stack(
        [function(picture[..., channel]) for channel in range(picture.shape[-1])], axis=-1
    )


def noise_in(sample: Images) -> float:
    """Standard deviation of the white noise in pictures, on the [0, 1] scale: the mean over images and channels.

    The finest diagonal wavelet coefficients hold little but noise, and their median is not moved by the few that hold
    edges (Donoho and Johnstone, *Ideal spatial adaptation by wavelet shrinkage*, 1994). Places without any change, such
    as overexposed paper, say nothing about the noise elsewhere and are not counted.

    >>> noise = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    >>> round(noise_in(0.5 + 0.1 * noise), 2)
    0.1
    """
    import pywt

    found = []
    for plane in sample.flatten(0, 1).double().cpu().numpy():
        _, (_, _, diagonal) = pywt.dwt2(plane, "db2", mode="symmetric")
        sizes = np.abs(diagonal[np.abs(diagonal) > 1e-9])  # rounding is no noise
        found.append(float(np.median(sizes)) / _NORMAL_QUARTILE if sizes.size else 0.0)
    return round(sum(found) / len(found), 5) if found else 0.0
