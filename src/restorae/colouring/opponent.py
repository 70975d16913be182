"""Luma and chroma of gamma-encoded RGB, by the matrices that films are stored with (ITU-R BT.601, BT.709, BT.2020).

Chroma is (blue, red): $C_b = (B - Y) / (2 - 2 K_b)$ and $C_r = (R - Y) / (2 - 2 K_r)$, both -0.5 to 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restorae.formats.video.matrices import UNKNOWN, stated_matrix


@dataclass(frozen=True, kw_only=True)
class LumaWeights:
    """How luma is mixed of red, green and blue: Y = red * R + (1 - red - blue) * G + blue * B."""

    red: float
    blue: float

    def to_opponent(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Luma (height, width), 0 to 1, and chroma (height, width, 2), of RGB (height, width, 3), 0 to 1."""
        red, green, blue = (rgb[..., each].astype(np.float32, copy=False) for each in range(3))
        luma = self.red * red + (1 - self.red - self.blue) * green + self.blue * blue
        chroma = np.stack(
            [(blue - luma) / (2 - 2 * self.blue), (red - luma) / (2 - 2 * self.red)], -1
        )
        return luma.astype(np.float32, copy=False), chroma.astype(np.float32, copy=False)

    def to_rgb(self, luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
        """RGB (height, width, 3); what luma and chroma together cannot show leaves [0, 1]."""
        blue = luma + (2 - 2 * self.blue) * chroma[..., 0]
        red = luma + (2 - 2 * self.red) * chroma[..., 1]
        green = (luma - self.red * red - self.blue * blue) / (1 - self.red - self.blue)
        return np.stack([red, green, blue], -1).astype(np.float32, copy=False)


BT601 = LumaWeights(red=0.299, blue=0.114)
BT709 = LumaWeights(red=0.2126, blue=0.0722)
_BY_NUMBER = {
    1: BT709,
    4: LumaWeights(red=0.30, blue=0.11),
    5: BT601,
    6: BT601,
    7: LumaWeights(red=0.212, blue=0.087),
    9: LumaWeights(red=0.2627, blue=0.0593),
    10: LumaWeights(red=0.2627, blue=0.0593),
}
"""By the numbers of ITU-T H.273 (FFmpeg's `AVCOL_SPC`)."""


def weights_of(matrix: int, lines: int) -> LumaWeights:
    """The weights of a film.

    Args:
        matrix: the number that its file declares (ITU-T H.273).
        lines: its height, which decides where the file says nothing, as players do it.
    """
    known = _BY_NUMBER.get(stated_matrix(matrix, lines))
    return known or _BY_NUMBER[stated_matrix(UNKNOWN, lines)]
