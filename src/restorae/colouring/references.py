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
from restorae.formats import find_images, read_alpha, read_still

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
    known: np.ndarray | None = None
    """Share of each pixel whose colour is known, (height, width) float32; None where all are."""
    shown: np.ndarray | None = None
    """Where luma is that of the image, (height, width) bool; None everywhere. Elsewhere it is that of the nearest such pixel."""

    @property
    def has_borders(self) -> bool:
        """Whether bars or borders are left out."""
        return self.content != (0, self.luma.shape[0], 0, self.luma.shape[1])


@dataclass(frozen=True, kw_only=True)
class KnownColours:
    """The colours of an image, and where they are known."""

    chroma: np.ndarray
    """(height, width, 2) float32."""
    known: np.ndarray | None = None
    """Share of each pixel whose colour is known, (height, width) float32; None where all are."""

    def strength(self, part: tuple[slice, slice]) -> float:
        """Mean strength of the known colours in a part of the image."""
        strength = np.hypot(self.chroma[..., 0], self.chroma[..., 1])[part]
        if self.known is None:
            return float(strength.mean())
        known = self.known[part]
        return float((strength * known).sum() / max(float(known.sum()), 1e-6))

    def resized(self, size: tuple[int, int]) -> KnownColours:
        """At another height and width; unknown pixels add nothing to the others."""
        if self.known is None:
            return KnownColours(chroma=resize(self.chroma, size))
        share = resize(self.known, size)
        chroma = resize(self.chroma * self.known[..., None], size)
        chroma /= np.maximum(share, np.float32(1e-4))[..., None]
        return KnownColours(chroma=chroma, known=share)

    def over(self, others: np.ndarray) -> np.ndarray:
        """Chroma, (height, width, 2); where it is unknown that of others, which may have another size."""
        if self.known is None:
            return self.chroma
        known, size = self.known[..., None], (self.chroma.shape[0], self.chroma.shape[1])
        return np.asarray(known * self.chroma + (1 - known) * resize(others, size), np.float32)

    def shown_in(self, luma: np.ndarray) -> np.ndarray | None:
        """Where luma is that of the image, (height, width) bool: nothing is shown where all of what is transparent is even."""
        hidden = None if self.known is None else self.known == 0
        if hidden is None or not hidden.any() or luma[hidden].std() > _EVEN:
            return None
        return np.asarray(~hidden)


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
    luma, colours = read_opponent(path, weights)
    box = content_of(luma)
    inside = slice(box[0], box[1]), slice(box[2], box[3])
    if colours.strength(inside) < _COLOURLESS:
        raise _colourless(path)
    size = working_size(*luma.shape)
    shown = colours.shown_in(luma)
    small = colours.resized(size)
    scales = np.repeat(np.array(size) / luma.shape, 2)
    outer = np.ceil(np.array(box) * scales - 1e-6), np.floor(np.array(box) * scales + 1e-6)
    top, bottom, left, right = (int(outer[number % 2][number]) for number in range(4))
    return Reference(
        path=path,
        luma=resize(luma if shown is None else _filled(luma, shown), size),
        chroma=small.chroma,
        content=(top, bottom, left, right),
        known=small.known,
        shown=None if shown is None else resize(shown.astype(np.float32), size) > 1 - _EVEN,
    )


def read_opponent(path: Path, weights: LumaWeights) -> tuple[np.ndarray, KnownColours]:
    """Luma and colours of an image at its own size. Where it is transparent, its colours are unknown.

    Raises:
        BadImage: it cannot be read, or is grey.
    """
    stored = read_still(path)
    if stored.ndim == 2:
        raise _colourless(path)
    luma, chroma = weights.to_opponent(to_unit(stored))
    alpha = read_alpha(path)
    is_whole = alpha is None or bool((alpha == largest_of(alpha)).all())
    known = None if alpha is None or is_whole else to_unit(alpha)
    return luma, KnownColours(chroma=chroma, known=known)


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


def _filled(luma: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Luma with that of the nearest pixel where nothing is shown."""
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~shown, return_distances=False, return_indices=True)
    return np.asarray(luma[tuple(nearest)])


def largest_of(stored: np.ndarray) -> float:
    """The stored value that means 1: of integers the largest of their type."""
    return float(np.iinfo(stored.dtype).max) if stored.dtype.kind in "ui" else 1.0


def _colourless(path: Path) -> BadImage:
    return BadImage("has no colour, so it cannot be a reference", subject=path)
