"""Views of a set of images: the same images in grey or in colour, converted on access."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from restorae.data.image_set import ImageSet
from restorae.pixels import to_grey
from restorae.shapes import Image


class _ImageSetView(ImageSet):
    """Another view of a set of images, computed on access."""

    def __init__(self, behind: ImageSet) -> None:
        self.behind, self.names = behind, behind.names

    def __len__(self) -> int:
        return len(self.behind)

    def size(self, index: int) -> tuple[int, int]:
        return self.behind.size(index)

    @property
    def common_size(self) -> tuple[int, int] | None:
        return self.behind.common_size

    def subset(self, indices: Sequence[int]) -> Self:
        return type(self)(self.behind.subset(indices))

    @property
    def in_files(self) -> bool:
        return self.behind.in_files

    def content_hash(self, index: int) -> str:
        return self.behind.content_hash(index)

    def fingerprint(self, index: int) -> bytes:
        return self.behind.fingerprint(index)


class GreyImages(_ImageSetView):
    """Colour images converted to grey."""

    def __getitem__(self, index: int) -> Image:
        return to_grey(self.behind[index][None])[0]

    @property
    def channels(self) -> int:
        return 1


class ColourImages(_ImageSetView):
    """Grey images expanded to three equal channels."""

    def __getitem__(self, index: int) -> Image:
        return self.behind[index].expand(3, -1, -1)

    @property
    def channels(self) -> int:
        return 3
