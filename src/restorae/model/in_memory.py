"""Images in memory through a function on working batches: read, restore, blend, give back in the same form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch

from restorae.display import counted
from restorae.errors import BadImage, Fix, ShapeMismatch, UsageError
from restorae.layout import Layout, kind_of
from restorae.mask_values import mask_of
from restorae.shapes import Images
from restorae.value_range import Values

A = TypeVar("A")


def restore_in_memory(
    given: A,
    restore: Callable[[Images], Images],
    *,
    values: Values = "auto",
    takes: Sequence[int] = (1, 3),
    axes: str | None = None,
    mask: Any = None,
    strength: float = 1.0,
) -> A:
    """Restore an array, a tensor, a PIL image, or a list of these; the result has the same form.

    Args:
        given: the images.
        restore: maps a working batch (n, channels, height, width) to restored images.
        values: how stored values map to [0, 1].
        takes: numbers of channels that are restored together.
        axes: as for `Layout.of`.
        mask: where images may change: (height, width) or (n, height, width); bool, or 0 to the type's largest value.
        strength: how far towards the restored image, 0 to 1.

    Raises:
        BadImage, ShapeMismatch: `given` or `mask` cannot be read.
        UsageError: the strength is not from 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"expected 0 to 1, got {strength:g}", subject="strength")
    kind = kind_of(given)
    if kind == "list":
        several = cast("Sequence[Any]", given)
        masks = mask if isinstance(mask, list | tuple) else [mask] * len(several)
        if len(masks) != len(several):
            raise ShapeMismatch(
                f"got {counted(len(several), 'image')} and {counted(len(masks), 'mask')}"
            )
        refuse_numbers(several)
        options: dict[str, Any] = {"values": values, "takes": takes, "axes": axes}
        restored = (
            restore_in_memory(image, restore, mask=its_mask, strength=strength, **options)
            for image, its_mask in zip(several, masks, strict=True)
        )
        return cast("A", tuple(restored) if isinstance(given, tuple) else list(restored))
    layout = Layout.of(given, axes=axes, values=values, takes=takes)
    images = layout.read(given)
    restored_images = restore(images)
    if mask is None and strength == 1:
        return cast("A", layout.give_back(restored_images, given))
    weight = torch.tensor(strength, dtype=torch.float64)
    if mask is not None:
        painted = torch.from_numpy(read_mask(mask, layout.count, layout.size)).double() / 255
        weight = weight * painted[:, None].expand(len(images), -1, -1, -1)
    return cast("A", layout.give_back(restored_images, given, weight))


def refuse_numbers(given: Sequence[Any]) -> None:
    """Raise `BadImage` if a list holds numbers instead of images."""
    first = given[0] if len(given) else None
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, int | float):
        raise BadImage(
            "got a list of numbers; a list holds images. Convert numbers with numpy.array first"
        )


def read_mask(mask: Any, count: int, size: tuple[int, int]) -> np.ndarray:
    """A mask as uint8, (1 or count, height, width): 255 where images may change.

    Raises:
        BadImage: not an image, or floats beyond 0 to 1.
        ShapeMismatch: it has another size than the images, or another number of masks than 1 or theirs.
    """
    kind = kind_of(mask)
    if kind == "path":
        raise UsageError(f"{mask} is a path, and this takes a mask in memory")
    if kind == "list":
        raise BadImage("got a list as the mask of one image. Convert it with numpy.array first")
    layout = Layout.of(mask, takes=(1,))
    stored = layout.stored(mask, with_alpha=True)
    if layout.channels not in (1, 3) or stored.shape[1:3] != size or len(stored) not in (1, count):
        raise ShapeMismatch(
            f"expected a mask of shape {size} or {(count, *size)}, got shape {layout.shape}",
            fix=Fix("mask", action="change"),
        )
    return mask_of(stored, int(layout.has_alpha))
