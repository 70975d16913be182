"""NumPy arrays and tensors as working images and back: one value mapping for everything that a model does.

Which stored values mean 0 and 1 is decided once per call, by the model's card and `restorae.pixels.choose_range`.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Tensor

from restorae.error_bound import stored_span
from restorae.errors import BadImage, ShapeMismatch
from restorae.pixels import ValueRange, Values, range_of, with_channels
from restorae.shapes import Images


@dataclass(frozen=True)
class ArrayImages:
    """Images that came as an array or as a tensor, and how results are given back in the same form."""

    images: Images
    """As a working batch, (n, channel, height, width) float32."""
    _: KW_ONLY
    given: np.ndarray | Tensor
    """What came."""
    values: ValueRange | None
    """What the stored values mean; None of tensors, which are on the working scale."""

    @classmethod
    def read(cls, given: np.ndarray | Tensor, values: Values) -> ArrayImages:
        """Read what came.

        Args:
            given: an array, one image as (height, width) or (height, width, 1 or 3), many as (n, height, width) or
                (n, height, width, channels); or a float tensor (n, channels, height, width) on the working scale.
            values: how stored values map to [0, 1].

        Raises:
            ShapeMismatch: the shape fits no image, or a tensor is not of floats.
            BadImage: the values cannot be pixels.
        """
        if isinstance(given, Tensor):
            if given.dim() != 4 or given.numel() == 0 or not given.is_floating_point():
                raise ShapeMismatch(
                    f"expected a float tensor (n, channels, height, width), got {given.dtype} of shape "
                    f"{tuple(given.shape)}. Arrays may hold whole numbers"
                )
            return cls(given.float(), given=given, values=None)
        stored = _finite(with_channels(given))
        return cls._of_stored(stored, given, range_of(stored, values))

    @classmethod
    def _of_stored(
        cls, stored: np.ndarray, given: np.ndarray | Tensor, values: ValueRange
    ) -> ArrayImages:
        working = values.to_working(stored).transpose(0, 3, 1, 2)
        return cls(torch.from_numpy(np.ascontiguousarray(working)), given=given, values=values)

    def read_alike(self, given: np.ndarray | Tensor) -> Images:
        """Further images on the same scale, as a working batch."""
        if self.values is None:
            return ArrayImages.read(torch.as_tensor(given), "auto").images
        stored = _finite(with_channels(np.asarray(given)))
        return self._of_stored(stored, given, self.values).images

    def give_back(self, images: Images) -> np.ndarray | Tensor:
        """Restored images in the form, type and units of what came."""
        if isinstance(self.given, Tensor):
            return images.to(self.given.dtype)
        assert self.values is not None
        restored = images.cpu().numpy().transpose(0, 2, 3, 1)
        return self.values.to_stored(restored, self.given.dtype).reshape(self.given.shape)

    def give_back_errors(self, errors: Images) -> np.ndarray | Tensor:
        """Differences of working values as float32 in the units of what came."""
        if isinstance(self.given, Tensor):
            return errors
        assert self.values is not None
        span = stored_span(self.values, self.given.dtype)
        return np.asarray(errors.cpu().numpy().transpose(0, 2, 3, 1) * span, np.float32).reshape(
            self.given.shape
        )


def _finite(stored: np.ndarray) -> np.ndarray:
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise BadImage("The image holds NaN or infinite values. Replace them first")
    return stored
