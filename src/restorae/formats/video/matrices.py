"""The matrix between RGB and luma and chroma, by the numbers of ITU-T H.273 (FFmpeg's `AVCOL_SPC`)."""

from __future__ import annotations

OF_RGB, BT709, UNKNOWN, BT601 = 0, 1, 2, 6
_SD_LINES = 576
"""Films of more lines that do not say their matrix are shown with that of BT.709, the others with that of BT.601 (as mpv does)."""


def stated_matrix(matrix: int, lines: int) -> int:
    """The matrix of a film; where its file states none for luma and chroma, that by which players show it.

    >>> stated_matrix(2, 480), stated_matrix(2, 720), stated_matrix(9, 480)
    (6, 1, 9)
    """
    if matrix in (OF_RGB, UNKNOWN):
        return BT709 if lines > _SD_LINES else BT601
    return matrix
