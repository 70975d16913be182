"""Images in memory as image sets: arrays, tensors, PIL images, lists of any of these, PyTorch data sets and loaders."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, RandomSampler, SequentialSampler, default_collate

from restorae.data.image_set import ArrayImages, ImageSet, ListedImages
from restorae.display import counted
from restorae.errors import BadImage, InputError, ShapeMismatch
from restorae.formats import read_still
from restorae.layout import Layout, kind_of
from restorae.machine import available_memory
from restorae.pil_images import is_pil

ImagesLike: TypeAlias = (
    np.ndarray | Tensor | ImageSet | Sequence[Any] | Dataset[Any] | DataLoader[Any]
)
"""Images in memory: an array (n, height, width[, channels]), a tensor (n, channels, height, width), a list of images, which may
differ in size, a PyTorch data set or loader of images or of (degraded, clean) pairs."""

_SHARE_OF_MEMORY = 0.5


@dataclass(frozen=True)
class FromMemory:
    """Images that were read from memory."""

    images: ImageSet
    """The images; of pairs the degraded ones."""
    _: KW_ONLY
    partners: ImageSet | None = None
    """Their clean partners, of a data set of pairs."""
    notices: tuple[str, ...] = ()
    """What a person should know of how they were read."""


def read_images(given: Any, name: str, flattened: bool = False) -> FromMemory:
    """What a person passed as images.

    Args:
        given: as `ImagesLike`; also what has `__array__`, such as a data frame.
        name: what it is called in messages.
        flattened: whether a row of a table (n, pixels) is a square image, as networks of dense layers take it.

    Raises:
        ShapeMismatch: its shape fits no images, or could mean two things.
        BadImage: it holds no images.
    """
    if isinstance(given, ImageSet):
        return FromMemory(given)
    if isinstance(given, DataLoader | Dataset):
        return _from_items(_items(given), name)
    if isinstance(given, list | tuple):
        if not given:
            raise ShapeMismatch("the list is empty", subject=name)
        return FromMemory(_listed([_one(each, f"{name}[{i}]") for i, each in enumerate(given)]))
    if not isinstance(given, np.ndarray | Tensor) and not is_pil(given):
        if not hasattr(given, "__array__"):
            raise BadImage(
                f"expected images (an array, a tensor, a list of images, a PyTorch Dataset or DataLoader), got "
                f"{'None' if given is None else f'a value of type {type(given).__name__}'}",
                subject=name,
            )
        given = np.asarray(given)
    notices: tuple[str, ...] = ()
    if getattr(given, "ndim", 0) == 2 and not is_pil(given):
        given, notices = _table(given, name, flattened)
    stored, dropped = _stored(given, name)
    return FromMemory(ArrayImages(stored, source=name), notices=notices + dropped)


def _table(given: Any, name: str, flattened: bool) -> tuple[Any, tuple[str, ...]]:
    """A two-dimensional array: flattened square images, or one image.

    Raises:
        ShapeMismatch: it can be either.
    """
    count, pixels = given.shape
    side = math.isqrt(pixels)
    square = side * side == pixels and side > 1
    if flattened and square:
        return given.reshape(count, side, side), (
            f"{name}: rows of {pixels} values are taken for square images of {side} × {side} px.",
        )
    if square:
        raise ShapeMismatch(
            f"shape {tuple(given.shape)} can mean {count} flattened images of {side} × {side} px, or one image of {count} × "
            f"{pixels} px. Pass {name}.reshape(-1, {side}, {side}), or {name}[None] for one image. With a network of dense layers, "
            "such as network='dense', it is taken for flattened images",
            subject=name,
        )
    return given, ()


def _stored(given: Any, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Stored values (n, height, width, channels), without alpha."""
    try:
        layout = Layout.of(given)
        stored = layout.stored(given)
    except ShapeMismatch as error:
        raise ShapeMismatch(error.message.problem, subject=name, fix=error.message.fixes) from None
    if stored.dtype == np.float16:
        stored = stored.astype(np.float32)
    dropped = (f"{name}: alpha is left out.",) if layout.has_alpha else ()
    return stored, dropped


def _one(given: Any, name: str) -> np.ndarray:
    """One image as it is stored: (height, width) or (height, width, channels)."""
    if not hasattr(given, "shape") and not is_pil(given):
        if isinstance(given, str | PurePath):
            return read_still(Path(given))
        if not hasattr(given, "__array__"):
            kind_of(given)  # says what was expected
            raise BadImage("expected one image, got a list", subject=name)
        given = np.asarray(given)
    stored, _ = _stored(given, name)
    if len(stored) != 1:
        raise ShapeMismatch(f"expected one image, got {len(stored)}", subject=name)
    return stored[0, ..., 0] if stored.shape[-1] == 1 else stored[0]


def _listed(images: Sequence[np.ndarray]) -> ImageSet:
    """A set of single images; those of one shape and type lie in one array."""
    if len({(image.shape, image.dtype) for image in images}) == 1:
        return ArrayImages(np.stack(images))
    for image in images:
        if image.ndim == 3 and image.shape[2] != 3:
            raise ShapeMismatch(
                f"an image has {image.shape[2]} channels; expected 1 (grey) or 3 (colour)"
            )
    return ListedImages(images, [str(index) for index in range(len(images))])


def _items(given: DataLoader[Any] | Dataset[Any]) -> Iterable[Any]:
    """The items of a data set or a loader one by one; of a plain loader in the order of its data set, shuffled or not."""
    if isinstance(given, DataLoader):
        plain = given.collate_fn is default_collate and isinstance(
            given.sampler, SequentialSampler | RandomSampler
        )
        if not plain:
            for batch in given:
                parts = batch if isinstance(batch, list | tuple) else (batch,)
                yield from zip(*parts, strict=True) if len(parts) > 1 else parts[0]
            return
        given = given.dataset
    if hasattr(given, "__len__"):
        yield from (given[index] for index in range(len(given)))
    else:
        yield from given  # type: ignore[misc]


def _from_items(items: Iterable[Any], name: str) -> FromMemory:
    first: list[np.ndarray] = []
    second: list[np.ndarray] = []
    limit, taken, paired = _SHARE_OF_MEMORY * available_memory(), 0, False
    for index, item in enumerate(items):
        parts = item if isinstance(item, list | tuple) else (item,)
        if isinstance(item, dict):
            raise BadImage(
                f"an item is a dictionary with the keys {', '.join(map(str, item))}; expected an image, or a pair of images. "
                "Wrap the data set so that it returns one",
                subject=name,
            )
        image = _one(parts[0], f"{name}[{index}]")
        if index == 0:
            paired = len(parts) == 2 and _is_partner(parts[1], image)
        first.append(image)
        if paired:
            second.append(_one(parts[1], f"{name}[{index}]"))
        taken += image.nbytes * (2 if paired else 1)
        if taken > limit:
            raise InputError(
                f"does not fit in memory: {index + 1:,} items take {taken / 2**30:.1f} GiB. Write the images to a folder and "
                "train on that",
                subject=name,
            )
    if not first:
        raise ShapeMismatch("holds no items", subject=name)
    if paired:
        notice = f"{name}: {counted(len(first), 'pair')}; the first image of each is taken for degraded, the second for clean."
        return FromMemory(_listed(first), partners=_listed(second), notices=(notice,))
    return FromMemory(_listed(first))


def _is_partner(part: Any, image: np.ndarray) -> bool:
    """Whether the second part of an item is an image like the first; else it is a label and left out."""
    if isinstance(part, str | int | float) or getattr(part, "ndim", 2) < 2:
        return False
    return _one(part, "item").shape[:2] == image.shape[:2]
