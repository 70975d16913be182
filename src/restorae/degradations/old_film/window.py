"""Which part of a frame an image shows: damage depends on the whole frame's size, also where only a patch is damaged."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Window:
    """The size of a whole frame, and where a patch of it begins; all in pixels.

    >>> Window(480, 640).scale
    1.0
    """

    height: int
    """Height of the whole frame."""
    width: int
    """Width of the whole frame."""
    _: KW_ONLY
    top: int = 0
    """Row of the frame that is the patch's first."""
    left: int = 0
    """Column of the frame that is the patch's first."""

    @property
    def scale(self) -> float:
        """Size relative to a frame of 480 lines."""
        return self.height / 480
