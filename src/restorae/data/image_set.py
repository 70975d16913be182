"""Sets of images, in memory or in files, with one interface."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from restorae.data.hold_out import content_hash
from restorae.errors import ShapeMismatch
from restorae.machine import usable_cores
from restorae.missing_values import fill, find_missing
from restorae.pixels import full_scale, require_pixels, scale_of, to_working, working_values
from restorae.shapes import Image, Images

HELD_IN_MEMORY = 2 * 2**30
_ENDS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What must be known of an image's stored values."""

    no_data: tuple[float, ...] = ()
    """Stored values that stand for no data."""
    white_is_zero: bool = False
    """Whether the largest value is black."""
    shares: str | None = None
    """Images of which this is the same share what their values mean: planes of a stack."""


class ImageSet(abc.ABC):
    """An ordered set of images. All have the same number of channels; sizes may differ."""

    names: Sequence[str]
    """Name of each image in messages and reports."""
    notices: Sequence[str] = ()
    """What a person should know of how they were read."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abc.abstractmethod
    def __getitem__(self, index: int) -> Image:
        """One image, working values, (channels, height, width)."""

    @abc.abstractmethod
    def size(self, index: int) -> tuple[int, int]:
        """Height and width of one image."""

    @property
    @abc.abstractmethod
    def channels(self) -> int:
        """Channels of every image."""

    @property
    def common_size(self) -> tuple[int, int] | None:
        """Height and width if all images have the same size, else None."""
        sizes = {self.size(index) for index in range(len(self))}
        return sizes.pop() if len(sizes) == 1 else None

    @abc.abstractmethod
    def subset(self, indices: Sequence[int]) -> ImageSet:
        """Some of the images, in the given order."""

    def batch(self, indices: Sequence[int]) -> Images:
        """Several images of one size as (batch, channels, height, width)."""
        return torch.stack([self[index] for index in indices])

    @property
    def in_files(self) -> bool:
        """Whether images are decoded on access, so that reading several at once is faster."""
        return False

    def dtype(self, index: int) -> np.dtype | None:
        """The type of one image's stored values; None if they have been mapped already."""
        return None

    def as_stored(self, index: int) -> np.ndarray | None:
        """One image's values as its file holds them, (height, width[, channels]); None if they have been mapped already."""
        return None

    def missing(self, index: int) -> np.ndarray | None:
        """Where one image has no values to be compared (NaN, no data), (height, width); None if it has them everywhere."""
        return None

    def about(self, index: int) -> Stored:
        """What must be known of one image's stored values."""
        return Stored()

    def range_group(self, index: int) -> Sequence[int]:
        """The images, this one among them, that share what their values mean, as they do when they are restored."""
        return [index]

    def content_hash(self, index: int) -> str:
        """A hash of one image's stored values, 16 hexadecimal digits, independent of its name and of views."""
        stored = self.as_stored(index)
        return content_hash(self[index].permute(1, 2, 0).numpy() if stored is None else stored)

    def fingerprint(self, index: int) -> bytes:
        """A few bytes that change when the image does; cheaper than `content_hash` for images that stay in their files."""
        return fingerprint_of(self[index].numpy())


class ArrayImages(ImageSet):
    """Images of one size in one array, kept as stored and converted on access."""

    def __init__(
        self, stored: np.ndarray, *, names: Sequence[str] | None = None, source: str = "array"
    ) -> None:
        if stored.ndim not in (3, 4) or 0 in stored.shape:
            raise ShapeMismatch(
                f"{source} holds an array of shape {stored.shape}; expected images as (count, height, width) or "
                "(count, height, width, channels), not empty."
            )
        if stored.ndim == 4 and stored.shape[-1] not in (1, 3):
            raise ShapeMismatch(
                f"{source} holds images of {stored.shape[-1]} channels; expected 1 (grey) or 3 (colour)."
            )
        require_pixels(stored.dtype)
        self.stored = np.ascontiguousarray(
            stored[:, None] if stored.ndim == 3 else stored.transpose(0, 3, 1, 2)
        )
        self.names = names or [str(index) for index in range(len(stored))]

    def require_working_scale(self) -> None:
        """Raise `BadImage` now, and not in the middle of training, if values are no pixels by their type alone."""
        full_scale(self.stored.dtype)
        if self.stored.dtype.kind == "f":
            working_values(self.stored)

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: int) -> Image:
        return working_image(self.stored[index].transpose(1, 2, 0), Stored())

    def size(self, index: int) -> tuple[int, int]:
        return self.stored.shape[2], self.stored.shape[3]

    @property
    def channels(self) -> int:
        return int(self.stored.shape[1])

    @property
    def common_size(self) -> tuple[int, int]:
        return self.stored.shape[2], self.stored.shape[3]

    def subset(self, indices: Sequence[int]) -> ArrayImages:
        chosen = object.__new__(ArrayImages)
        chosen.stored = self.stored[np.asarray(indices, dtype=np.int64)]
        chosen.names = [self.names[index] for index in indices]
        return chosen

    def batch(self, indices: Sequence[int]) -> Images:
        stored = self.stored[np.asarray(indices)]
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            return super().batch(indices)
        return torch.from_numpy(working_values(stored))

    def dtype(self, index: int) -> np.dtype:
        return self.stored.dtype

    def as_stored(self, index: int) -> np.ndarray:
        return np.asarray(self.stored[index].transpose(1, 2, 0))

    def range_group(self, index: int) -> Sequence[int]:
        return range(len(self))

    def fingerprint(self, index: int) -> bytes:
        return fingerprint_of(self.stored[index])


class ListedImages(ImageSet):
    """Images of any sizes, decoded in memory."""

    def __init__(
        self,
        stored: Sequence[np.ndarray],
        names: Sequence[str],
        *,
        about: Sequence[Stored] | None = None,
    ) -> None:
        self.stored = list(stored)
        self.names = list(names)
        self._about = [Stored()] * len(self.stored) if about is None else list(about)
        colour = any(image.ndim == 3 for image in self.stored)
        # a set with any colour image is a colour set: its grey ones become three equal channels
        self._channels = 3 if colour else 1

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: int) -> Image:
        image = working_image(self.stored[index], self._about[index])
        return image.expand(self._channels, -1, -1)

    def size(self, index: int) -> tuple[int, int]:
        height, width = self.stored[index].shape[:2]
        return height, width

    @property
    def channels(self) -> int:
        return self._channels

    def dtype(self, index: int) -> np.dtype:
        return self.stored[index].dtype

    def as_stored(self, index: int) -> np.ndarray:
        return self.stored[index]

    def about(self, index: int) -> Stored:
        return self._about[index]

    def range_group(self, index: int) -> Sequence[int]:
        return alike(self._about, index)

    def fingerprint(self, index: int) -> bytes:
        return fingerprint_of(self.stored[index])

    def subset(self, indices: Sequence[int]) -> ListedImages:
        chosen = ListedImages(
            [self.stored[index] for index in indices],
            [self.names[index] for index in indices],
            about=[self._about[index] for index in indices],
        )
        chosen._channels = self._channels
        return chosen


def working_image(stored: np.ndarray, about: Stored) -> Image:
    """Stored values (height, width[, channels]) by their type's range, (channels, height, width); no data is filled.

    Raises:
        BadImage: floats far from the [0, 1] scale.
    """
    pixels = stored if stored.ndim == 3 else stored[..., None]
    missing = find_missing(pixels, about.no_data)
    if missing is not None:
        pixels = fill(pixels, missing, (0.5 * scale_of(pixels.dtype),))
    working = to_working(pixels)
    return 1 - working if about.white_is_zero else working


def alike(about: Sequence[Stored], index: int) -> Sequence[int]:
    """The images that share what their values mean with the one at `index`."""
    shares = about[index].shares
    if shares is None:
        return [index]
    return [place for place, each in enumerate(about) if each.shares == shares]


def content_hashes(images: ImageSet) -> list[str]:
    """The content hash of each image; images in files are decoded in parallel."""
    if not images.in_files:
        return [images.content_hash(index) for index in range(len(images))]
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(images.content_hash, range(len(images))))


def fingerprint_of(values: np.ndarray) -> bytes:
    """A few bytes that change when any of the values does."""
    outline = f"{values.dtype.str}{values.shape}".encode()
    return hashlib.blake2b(outline + np.ascontiguousarray(values).tobytes(), digest_size=8).digest()


def fingerprint_of_file(path: Path) -> bytes:
    """A few bytes that change with a file's size, beginning or end; compressed files rarely change in between alone."""
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        first = handle.read(_ENDS)
        handle.seek(max(0, size - _ENDS))
        return hashlib.blake2b(
            first + handle.read(_ENDS) + str(size).encode(), digest_size=8
        ).digest()
