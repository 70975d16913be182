"""Luma out of a film's planes, and chroma into them, by the film's own matrix and range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restorae.colouring.opponent import LumaWeights, weights_of
from restorae.colouring.sizes import resize
from restorae.errors import BadImage
from restorae.film.planes import Planes
from restorae.formats.video import VideoFacts, layout_of
from restorae.formats.video.matrices import stated_matrix

_FULL_RANGE = 2


class ColourPlanes:
    """How a film's frames get their colours.

    Args:
        facts: of the film.
        as_rgb: whether a film that stores luma alone becomes one of red, green and blue.

    Raises:
        BadImage: it is grey and has alpha: no layout holds that with colours.
    """

    def __init__(self, facts: VideoFacts, as_rgb: bool = False) -> None:
        self.facts, self.layout = facts, facts.layout
        self.written = _in_colour(facts, as_rgb)
        """The facts of the coloured film: of a film that stores luma alone, with room for chroma."""
        self.weights: LumaWeights = weights_of(facts.colors.matrix, facts.height)

    def luma(self, planes: Planes) -> np.ndarray:
        """Luma of a frame, (height, width) float32, 0 black, 1 white."""
        working = self.layout.to_working(planes)
        if self.layout.is_rgb:
            return self.weights.to_opponent(working)[0]
        return np.ascontiguousarray(working[..., 0])

    def chroma(self, planes: Planes) -> np.ndarray | None:
        """Chroma of a frame as it is stored, (height, width, 2) float32; None where there is none."""
        if self.layout.is_rgb:
            return self.weights.to_opponent(self.layout.to_working(planes))[1]
        if len(planes) < 3:
            return None
        middle, span = self._chroma_scale(self.layout.bits, self.layout.is_full)
        stored = np.stack([planes[1], planes[2]], -1).astype(np.float32)
        return np.asarray((stored - middle) / span, np.float32)

    def coloured(self, planes: Planes, chroma: np.ndarray) -> list[np.ndarray]:
        """A frame's planes in the layout of the coloured film.

        Args:
            planes: of the film, luma as it is to be.
            chroma: (rows, columns, 2) of any size.
        """
        layout = self.written.layout
        if layout.is_rgb:
            full = resize(chroma, (self.facts.height, self.facts.width))
            three = planes if self.layout.is_rgb else [planes[0]] * 3
            return layout.with_working(three, self.weights.to_rgb(self.luma(planes), full))
        size = planes[1].shape if len(planes) > 2 else self._chroma_size
        middle, span = self._chroma_scale(layout.bits, layout.is_full)
        stored = resize(chroma, (int(size[0]), int(size[1]))) * span + middle
        stored = np.clip(np.rint(stored), 0, layout.largest).astype(layout.dtype)
        blue, red = (np.ascontiguousarray(stored[..., each]) for each in (0, 1))
        return [planes[0], blue, red, *planes[3:]]

    @property
    def _chroma_size(self) -> tuple[int, int]:
        """Of films that store luma alone."""
        height, width = self.facts.height, self.facts.width
        return (
            ((height + 1) // 2, (width + 1) // 2)
            if "420" in self.written.layout.name
            else (height, width)
        )

    @staticmethod
    def _chroma_scale(bits: int, is_full: bool) -> tuple[np.float32, np.float32]:
        """The stored value that means 0, and how many steps mean 1 (BT.601 and BT.709: 224 of 8 bits)."""
        span = 2**bits - 1 if is_full else 224 * 2 ** (bits - 8)
        return np.float32(2 ** (bits - 1)), np.float32(span)


def _in_colour(facts: VideoFacts, as_rgb: bool) -> VideoFacts:
    layout = facts.layout
    matrix = facts.colors.matrix
    if not layout.is_rgb:  # stated, so that no player guesses otherwise
        matrix = stated_matrix(matrix, facts.height)
    if layout.name.startswith("gray") and as_rgb:
        layout = layout_of("gbrp" if layout.bits == 8 else f"gbrp{layout.bits}le", _FULL_RANGE)
    elif layout.name.startswith("gray"):
        name = {8: "yuv420p", 9: "yuv420p9le", 16: "yuv444p16le"}.get(
            layout.bits, f"yuv420p{layout.bits}le"
        )
        range_ = _FULL_RANGE if layout.is_full else facts.colors.range
        layout = layout_of(name, range_)
    elif not layout.is_rgb and "yuv" not in layout.name:
        raise BadImage(
            f"its pixel format {layout.name} has no room for colours", subject=facts.path
        )
    return replace(facts, layout=layout, colors=replace(facts.colors, matrix=matrix))
