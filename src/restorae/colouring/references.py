"""References: images whose colours are copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restorae.colouring.opponent import LumaWeights
from restorae.colouring.sizes import resize, working_size
from restorae.errors import BadImage, UsageError
from restorae.files import file_digest
from restorae.formats import find_images, read_still

MOST = 500
"""References of a run: each takes about 2 MiB."""
_COLOURLESS = 0.004
"""Mean strength of chroma below which an image is grey: toned prints and noise of a scan have more than 0.01."""
_BLACK = 0.05
"""Luma up to which a row or column is a black bar."""
_EVEN = 0.012
"""Differences of luma up to which a border is of one colour."""
_MOSTLY = 0.85
"""Share of a row or column that must be of one colour: where borders cross, a part of it is of another."""
_MOST_BAR = 0.3
"""Share of a side that is cut off at most on each of its ends."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A coloured image at its working size."""

    path: Path
    luma: np.ndarray
    """(height, width) float32, 0 to 1."""
    chroma: np.ndarray
    """(height, width, 2) float32."""
    content: tuple[int, int, int, int]
    """First and last row and column, Python-style ends, within black bars and borders; the rest gives no colours."""

    @property
    def has_borders(self) -> bool:
        """Whether bars or borders are left out."""
        return self.content != (0, self.luma.shape[0], 0, self.luma.shape[1])


def find_references(given: Sequence[Path]) -> list[Path]:
    """The image files that are meant: files as they are, and all images below folders.

    Raises:
        UsageError: a folder holds no image, a path does not exist, or there are too many.
    """
    from restorae.formats.video.names import names_video

    found: list[Path] = []
    for path in given:
        if not path.exists():
            raise UsageError("no such file or folder", subject=path)
        if path.is_dir():
            inside = list(find_images(path).images)
            if not inside:
                films = any(names_video(each) for each in path.iterdir())
                raise UsageError(
                    "holds a film, and references are images"
                    if films
                    else "holds no image, so there is nothing to take colours from",
                    subject=path,
                )
            found += inside
        elif names_video(path):
            raise UsageError("is a film, and references are images", subject=path)
        else:
            found.append(path)
    unique = list(dict.fromkeys(found))
    if len(unique) > MOST:
        raise UsageError(f"{len(unique):,} references were given, and {MOST} is the most")
    return unique


def read_reference(path: Path, weights: LumaWeights) -> Reference:
    """Read an image, find black bars and plain borders, and bring it to its working size.

    Raises:
        BadImage: it cannot be read, or has no colour.
    """
    luma, chroma = read_opponent(path, weights)
    box = content_of(luma)
    inside = chroma[box[0] : box[1], box[2] : box[3]]
    if np.hypot(inside[..., 0], inside[..., 1]).mean() < _COLOURLESS:
        raise _colourless(path)
    size = working_size(*luma.shape)
    scales = np.repeat(np.array(size) / luma.shape, 2)
    outer = np.ceil(np.array(box) * scales - 1e-6), np.floor(np.array(box) * scales + 1e-6)
    top, bottom, left, right = (int(outer[number % 2][number]) for number in range(4))
    return Reference(
        path=path,
        luma=resize(luma, size),
        chroma=resize(chroma, size),
        content=(top, bottom, left, right),
    )


def read_opponent(path: Path, weights: LumaWeights) -> tuple[np.ndarray, np.ndarray]:
    """Luma and chroma of an image at its own size.

    Raises:
        BadImage: it cannot be read, or is grey.
    """
    stored = read_still(path)
    if stored.ndim == 2:
        raise _colourless(path)
    return weights.to_opponent(to_unit(stored))


def content_of(luma: np.ndarray) -> tuple[int, int, int, int]:
    """First and last row and column, Python-style ends, within black bars and borders of one colour."""
    height, width = luma.shape
    top, bottom = _inside(luma, height)
    left, right = _inside(luma[top:bottom].T, width)
    return top, bottom, left, right


def digest_of(paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of each file, by path: what a stopped run goes on with must be the same.

    Raises:
        BadImage: one cannot be read.
    """
    found = {}
    for path in paths:
        try:
            found[str(path)] = file_digest(path)
        except OSError as error:
            raise BadImage(f"cannot be read: {error.strerror or error}", subject=path) from None
    return found


def _inside(luma: np.ndarray, length: int) -> tuple[int, int]:
    means = np.median(luma, 1)
    even = np.abs(luma - means[:, None]) < 2 * _EVEN
    is_bar = even.mean(1) > _MOSTLY
    most = int(length * _MOST_BAR)

    def bar(order: np.ndarray) -> int:
        """Rows of a bar from the edge on: all of one tone, black, or clearly apart from what follows."""
        count = 0
        while count < most and is_bar[order[count]]:
            if abs(means[order[count]] - means[order[0]]) > _EVEN:
                break
            count += 1
        if count == most or count < 2:
            return 0
        step = float(np.abs(luma[order[count]] - luma[order[0]]).mean())
        is_black = means[order[0]] < _BLACK
        return count if is_black or step > 4 * _EVEN else 0

    order = np.arange(length)
    first, last = bar(order), bar(order[::-1])
    return first, length - last


def to_unit(stored: np.ndarray) -> np.ndarray:
    """Stored values as float32, 0 to 1: integers by their type, floats by 1 or their largest value."""
    if stored.dtype.kind in "ui":
        return np.asarray(stored / np.float32(np.iinfo(stored.dtype).max), np.float32)
    values = np.nan_to_num(stored.astype(np.float32))
    return np.asarray(np.clip(values / max(1.0, float(values.max())), 0, 1), np.float32)


def _colourless(path: Path) -> BadImage:
    return BadImage("has no colour, so it cannot be a reference", subject=path)
