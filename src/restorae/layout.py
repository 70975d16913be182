"""How images in memory are read: arrays, tensors and PIL images as working batches, and results back in the same form.

`Layout.of` decides everything once: the axes, the channels, whether there is alpha, and what the values mean. The decision is
a frozen value. What could be meant in two ways is refused, and the message names both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from restorae.axes import axes_of
from restorae.errors import BadImage, ShapeMismatch
from restorae.missing_values import find_missing
from restorae.pil_images import is_pil, pil_image, pixels_of
from restorae.pixels import mix_stored
from restorae.shapes import Images
from restorae.shown_values import show_all, write_all
from restorae.value_range import (
    FARTHEST,
    FULL_RANGE,
    NEAREST,
    ValueRange,
    Values,
    measure_values,
)

Kind: TypeAlias = Literal["array", "tensor", "pil", "path", "list"]
"""What images can be given as."""


def kind_of(given: object) -> Kind:
    """What images were given as. A `list` (or tuple) holds images; strings are paths.

    Raises:
        BadImage: it is none of these.
    """
    if isinstance(given, Tensor):
        return "tensor"
    if isinstance(given, np.ma.MaskedArray):
        raise BadImage(
            "got a masked array, whose mask would be lost. Pass its data and the mask separately"
        )
    if isinstance(given, np.ndarray):
        return "array"
    if isinstance(given, str | PurePath):
        return "path"
    if is_pil(given):
        return "pil"
    if isinstance(given, list | tuple):
        return "list"
    hint = (
        ". Convert it with numpy.asarray first"
        if hasattr(given, "__array__") or given == []
        else ""
    )
    raise BadImage(
        f"expected an image (an array, a tensor, a PIL image, a path, or a list of these), got "
        f"{'None' if given is None else f'a value of type {type(given).__name__}'}{hint}"
    )


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one array, tensor or PIL image is read, and how a result is given back in the same form."""

    kind: Literal["array", "tensor", "pil"]
    """What it is."""
    axes: str
    """One letter for each axis: H height, W width, C channels; all others count images. `HWC`, `NCHW`."""
    shape: tuple[int, ...]
    """Its shape."""
    dtype: str
    """Its type: `uint8`, `float32`, `bfloat16`."""
    channels: int
    """Number of channels, alpha not counted."""
    has_alpha: bool
    """Whether the last channel is alpha, which is kept as it is."""
    values: ValueRange
    """Which stored values mean 0 and 1."""
    limits: tuple[int, int] | None = None
    """The range that integers came in (0 to 255, 0 to 4095) where it is not that of their type; results stay within."""

    @classmethod
    def of(
        cls,
        given: Any,
        *,
        axes: str | None = None,
        values: Values = "auto",
        takes: Sequence[int] = (1, 3),
    ) -> Layout:
        """Decide how images are read.

        Arrays are (height, width), (height, width, channels), (n, height, width) or (n, height, width, channels). Tensors
        are (n, channels, height, width), (channels, height, width) or (height, width). An array in a tensor's layout and
        the reverse are recognised where they can mean nothing else. A fourth channel is alpha.

        Args:
            given: an array, a tensor or a PIL image.
            axes: one letter for each axis, where the shape does not tell: H (or Y) height, W (or X) width, C channels, S
                colour samples (2 and 4 of them: the last is alpha), any other letter for further images.
            values: how stored values map to [0, 1]. Float tensors are on that scale, unless they leave it by far.
            takes: numbers of channels that are processed together.

        Raises:
            ShapeMismatch: the shape fits no image, or fits several layouts; the message names them.
            BadImage: not an image, or the values cannot be pixels.
        """
        kind = kind_of(given)
        if kind in ("path", "list"):
            hint = (
                ". For files, use restorae.restore(path, out, model=model)"
                if kind == "path"
                else ""
            )
            raise BadImage(f"expected one array, tensor or PIL image, got a {kind}{hint}")
        stored = pixels_of(given)
        if kind == "pil":
            axes = "HWS" if stored.ndim == 3 else "HW"
        letters, has_alpha = axes_of(
            tuple(stored.shape), axes, takes, channels_first=kind == "tensor"
        )
        count = stored.shape[letters.index("C")] if "C" in letters else 1
        layout = cls(
            kind=kind,  # type: ignore[arg-type]
            axes=letters,
            shape=tuple(stored.shape),
            dtype=str(stored.dtype).removeprefix("torch."),
            channels=count - has_alpha,
            has_alpha=has_alpha,
            values=FULL_RANGE,
        )
        found, limits = measure_values(layout._moved(stored)[..., : layout.channels], values)
        return replace(layout, values=found, limits=limits)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.shape[self.axes.index("H")], self.shape[self.axes.index("W")]

    @property
    def count(self) -> int:
        """How many images there are."""
        return math.prod(self.shape) // math.prod(self.size) // (self.channels + self.has_alpha)

    @property
    def is_on_working_scale(self) -> bool:
        """Whether it is a tensor of floats that count as being on the [0, 1] scale."""
        return self.kind == "tensor" and self.values.is_full and "float" in self.dtype

    def stored(self, given: Any, *, with_alpha: bool = False) -> np.ndarray:
        """Images as they are stored, (n, height, width, channels[ and alpha]); bfloat16 becomes float32.

        Raises:
            ShapeMismatch: `given` has another shape than what was decided on.
        """
        return self._numpy(given)[..., : self.channels + (self.has_alpha and with_alpha)]

    def read(self, given: Any, *, filled: bool = True) -> Images:
        """Images as a working batch, (n, channels, height, width) float32 without alpha, on a tensor's own device.

        Args:
            given: images of the shape that was decided on.
            filled: replace what must not be shown to a network (NaN, infinite values, hot pixels) by its neighbours;
                `give_back` puts NaN and infinite values back. Without, they are refused.

        Raises:
            ShapeMismatch: `given` has another shape than what was decided on.
            BadImage: NaN or infinite values, unless `filled`.
        """
        if isinstance(given, Tensor) and self.is_on_working_scale:
            self._check(given)
            moved = self._moved(given.detach())[..., : self.channels]
            images: Images = moved.permute(0, 3, 1, 2).float()
            if not images.numel() or bool(((images >= NEAREST) & (images <= FARTHEST)).all()):
                return images
        stored = self.stored(given)
        if filled:
            working = show_all(stored, self.values)
        elif find_missing(stored) is not None:
            raise BadImage("The image holds NaN or infinite values. Replace them first")
        else:
            working = self.values.to_working(stored)
        images = torch.from_numpy(np.ascontiguousarray(working.transpose(0, 3, 1, 2)))
        return images.to(given.device) if isinstance(given, Tensor) else images

    def give_back(self, images: Images, given: Any, weight: Tensor | None = None) -> Any:
        """Restored images, (n, channels, height, width) working values, in the form, type and units of `given`.

        Args:
            images: a result for each of the images in `given`.
            given: what they were restored from; its alpha is kept.
            weight: a number, or one for each pixel (n, 1, height, width): how far each goes from `given` to the restored
                value, as it would be stored. None is all the way; where it is 0, `given` is kept exactly.
        """
        if isinstance(given, Tensor) and self.is_on_working_scale:
            result = images.detach().permute(0, 2, 3, 1).to(given.device, given.dtype)
            before = self._moved(given.detach())
            was = before[..., : self.channels]
            result = torch.where(was.isfinite(), result, was)
            if weight is not None:
                share = _last(weight).to(given.device)
                mixed = was.double() + share * (result.double() - was.double())
                result = torch.where(share > 0, mixed.to(given.dtype), was)
            if self.has_alpha:
                result = torch.cat([result, before[..., -1:]], -1)
            return self._moved_back(result)
        working = images.detach().float().cpu().numpy().transpose(0, 2, 3, 1)
        source = self._numpy(given)
        restored = write_all(source[..., : self.channels], working, self.values)
        if self.limits is not None:
            restored = np.clip(restored, *self.limits)
        if weight is not None:
            restored = mix_stored(
                source[..., : self.channels], restored, _last(weight).cpu().numpy()
            )
        if self.has_alpha:
            restored = np.concatenate([restored, source[..., -1:]], -1)
        return self._form(self._moved_back(restored), given)

    def give_back_stored(self, stored: np.ndarray, given: Any) -> Any:
        """What `stored` with alpha gave, changed, in the form of `given`; integers stay within their range."""
        within = stored if self.limits is None else np.clip(stored, *self.limits)
        return self._form(self._moved_back(within), given)

    def give_back_map(self, numbers: Images, given: Any) -> Any:
        """A number for each value, (n, channels, height, width) in working units, as float32 in the units of `given`.

        An array for arrays and PIL images, a tensor for tensors; alpha's is 0.
        """
        if self.values.is_full:
            dtype = np.dtype(self.dtype if self.dtype in np.sctypeDict else "float32")
            span = np.asarray([1.0 if dtype.kind in "fb" else float(np.iinfo(dtype).max)])
        else:
            span = np.abs(self.values.span)
        scaled = numbers.detach().float().cpu().numpy().transpose(0, 2, 3, 1) * span
        if self.has_alpha:
            scaled = np.concatenate([scaled, np.zeros_like(scaled[..., :1])], -1)
        result = self._moved_back(np.asarray(scaled, np.float32))
        return torch.from_numpy(result).to(given.device) if self.kind == "tensor" else result

    def _check(self, given: Any) -> None:
        if tuple(given.shape) != self.shape:
            raise ShapeMismatch(f"expected shape {self.shape}, got {tuple(given.shape)}")

    def _numpy(self, given: Any) -> np.ndarray:
        """What is stored, (n, height, width, channels and alpha)."""
        stored = pixels_of(given)
        self._check(stored)
        if isinstance(stored, Tensor):
            stored = stored.detach().cpu()
            stored = (stored.float() if stored.dtype == torch.bfloat16 else stored).numpy()
        return np.asarray(self._moved(stored))

    def _order(self) -> list[int]:
        outer = [index for index, letter in enumerate(self.axes) if letter not in "HWC"]
        return [*outer, *(self.axes.index(letter) for letter in "HWC" if letter in self.axes)]

    def _moved(self, stored: Any) -> Any:
        """A view (n, height, width, channels and alpha), of an array or a tensor."""
        order = self._order()
        moved = stored.permute(order) if isinstance(stored, Tensor) else stored.transpose(order)
        height, width = self.size
        return moved.reshape(-1, height, width, self.channels + self.has_alpha)

    def _moved_back(self, moved: Any) -> Any:
        order = self._order()
        unfolded = moved.reshape([self.shape[axis] for axis in order])
        back = [order.index(axis) for axis in range(len(order))]
        if isinstance(unfolded, Tensor):
            return unfolded.permute(back).contiguous()
        return np.ascontiguousarray(unfolded.transpose(back))

    def _form(self, result: np.ndarray, given: Any) -> Any:
        if self.kind == "tensor":
            return torch.from_numpy(result).to(given.device, given.dtype)
        if self.kind == "array":
            return result
        return pil_image(result, like=given)


def _last(weight: Tensor) -> Tensor:
    return weight.permute(0, 2, 3, 1) if weight.dim() else weight
