"""`TestSet`: clean images and the degraded ones to restore them from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from torch import Tensor

from restorae.data import ArrayImages, ImageSet, in_their_ranges
from restorae.degradations import Degradation, DegradationLike
from restorae.display import counted
from restorae.errors import BadImage, SettingsConflict, ShapeMismatch
from restorae.layout import Layout
from restorae.randomness import generator
from restorae.shapes import Image, Images
from restorae.value_range import ValueRange

Given: TypeAlias = ImageSet | np.ndarray | Tensor
"""Images to score on: a set, or an array or tensor of several."""

_BATCH = 500


@dataclass(frozen=True, init=False)
class TestSet:
    """Clean images with their degraded versions: partner images, or damage drawn from a seed."""

    clean: ImageSet
    degraded: ImageSet | None
    degradation: Degradation | None
    seed: int

    __test__: ClassVar[bool] = False  # its name must not make pytest collect it

    def __init__(
        self,
        clean: Given,
        *,
        degraded: Given | None = None,
        degradation: DegradationLike | None = None,
        seed: int = 0,
    ) -> None:
        """What to score on.

        Args:
            clean: clean images: a set, or an array or tensor of several.
            degraded: their degraded versions, in the same order. Clean ones are read by the value range that is measured on
                these, as results of `restore` are written.
            degradation: damage to draw instead, or its text such as `gaussian-noise(sigma=0.1)`.
            seed: of the damage.

        Raises:
            SettingsConflict: both `degraded` and `degradation` are given.
            ShapeMismatch: there are not as many degraded images as clean ones.
            BadImage, BadSpec: the images or the text cannot be used.
        """
        if degraded is not None and degradation is not None:
            raise _conflict()
        damage = None if degradation is None else Degradation.of(degradation)
        partners, images = (None, _as_set(clean)) if degraded is None else _pair(degraded, clean)
        if partners is not None and len(partners) != len(images):
            raise ShapeMismatch(f"got {len(images):,} clean and {len(partners):,} degraded images")
        for name, value in (
            ("clean", images), ("degraded", partners), ("degradation", damage), ("seed", seed)
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        damage = self.degradation if self.degradation is not None else "degraded partners"
        return f"TestSet({counted(len(self), 'image')}, {damage}, seed={self.seed})"

    def __len__(self) -> int:
        return len(self.clean)

    def batches(self) -> Iterator[tuple[Images, Images]]:
        """(degraded, clean), images of one size together; an image's damage depends only on the seed and its index."""
        return self._at(self._runs())

    def at(self, indices: Sequence[int]) -> Iterator[tuple[Images, Images]]:
        """(degraded, clean) of single images, each a batch of one: those that `batches` yields at these indices."""
        return self._at((index, index + 1) for index in indices)

    def first(self, count: int) -> list[tuple[Image, Image]]:
        """The first few (degraded, clean) images, one by one, whatever their sizes."""
        found: list[tuple[Image, Image]] = []
        for degraded, clean in self.batches():
            found += zip(degraded, clean, strict=True)
            if len(found) >= count:
                break
        return found[:count]

    def _at(self, runs: Iterable[tuple[int, int]]) -> Iterator[tuple[Images, Images]]:
        draw = (
            self.degradation.draw(generator(self.seed), len(self.clean))
            if self.degradation
            else None
        )
        for start, stop in runs:
            clean = self.clean.batch(range(start, stop))
            if draw is not None:
                yield draw.between(start, stop).apply(clean), clean
            else:
                if self.degraded is None:
                    raise _conflict()
                yield self.degraded.batch(range(start, stop)), clean

    def missing(self) -> Iterator[Tensor | None]:
        """For each batch of `batches`, where there is nothing to compare, (batch, 1, height, width); None if that is nowhere."""
        for start, stop in self._runs():
            found = [self.clean.missing(index) for index in range(start, stop)]
            if all(each is None for each in found):
                yield None
                continue
            size = self.clean.size(start)
            yield torch.from_numpy(
                np.stack([np.zeros(size, bool) if each is None else each for each in found])
            )[:, None]

    def _runs(self) -> Iterator[tuple[int, int]]:
        step = (
            _BATCH
            if self.clean.common_size is not None and max(self.clean.common_size) <= 64
            else 1
        )
        return (
            (start, min(start + step, len(self.clean))) for start in range(0, len(self.clean), step)
        )


def _pair(degraded: Given, clean: Given) -> tuple[ImageSet, ImageSet]:
    """Degraded images and their partners, both by one value range; two sets are taken as they are."""
    if isinstance(degraded, ImageSet) and isinstance(clean, ImageSet):
        return degraded, clean
    both = [each if isinstance(each, ImageSet) else _as_stored(each) for each in (degraded, clean)]
    if None not in both and len(both[0] or ()) == len(both[1] or ()):
        first, second, _, _ = in_their_ranges(*(each for each in both if each is not None))
        return first, second
    values = None if isinstance(degraded, ImageSet) else Layout.of(degraded).values
    return _as_set(degraded), _as_set(clean, values)


def _as_stored(given: np.ndarray | Tensor) -> ImageSet | None:
    """A set of images as they are stored; None where no file holds such values: signed integers, floats of 0 to 4,095."""
    try:
        return ArrayImages(Layout.of(given).stored(given))
    except BadImage:
        return None


def _as_set(given: Given, values: ValueRange | None = None) -> ImageSet:
    """A set of images; arrays and tensors are read as by models, or by a value range that is known."""
    if isinstance(given, ImageSet):
        return given
    layout = Layout.of(given)
    layout = layout if values is None else replace(layout, values=values)
    if layout.values.is_full:
        return ArrayImages(layout.stored(given))
    return ArrayImages(np.ascontiguousarray(layout.read(given).permute(0, 2, 3, 1).numpy()))


def _conflict() -> SettingsConflict:
    return SettingsConflict(
        "give either {} or {}: a test set needs one of them", settings=("degraded", "degradation")
    )
