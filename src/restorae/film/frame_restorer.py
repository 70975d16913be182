"""The contract of what restores the frames of a film: one by one, or with a look at their neighbours."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from restorae.film.planes import PlaneRestorer, Planes
from restorae.formats.video import Frame
from restorae.formats.video.layout import PixelLayout

VISIBLE = 0.02
"""Change of a pixel, [0, 1] scale, that counts as a change."""


@dataclass(frozen=True, kw_only=True)
class RestoredFrame:
    """A frame, restored."""

    frame: Frame
    """As it was read."""
    planes: list[np.ndarray]
    """Its restored planes, in the film's layout."""
    repairs: np.ndarray | None = None
    """Where damage was found, (height, width) uint8, 0 to 255; None where the restorer does not say."""
    record: dict[str, Any]
    """What the log says of it."""


class FrameRestorer(abc.ABC):
    """Restores frames in order."""

    tile: int
    """Side of a tile."""
    notices: list[str]
    """What the person should know of how frames are restored."""

    @abc.abstractmethod
    def restore(self, frames: Iterable[Frame], first: int = 0) -> Iterator[RestoredFrame]:
        """The restored frames, from number `first` on.

        Earlier frames are only looked at: results do not depend on where it begins.
        """


class SingleFrames(FrameRestorer):
    """Frames one by one.

    Args:
        planes: what restores the planes of a frame.
    """

    def __init__(self, planes: PlaneRestorer) -> None:
        self.planes, self.tile, self.notices = planes, planes.tile, planes.notices

    def restore(self, frames: Iterable[Frame], first: int = 0) -> Iterator[RestoredFrame]:
        layout = self.planes.layout
        for number, frame in enumerate(frames):
            if number >= first:
                restored = self.planes(frame.planes)
                record = {"frame": number, **changes(frame.planes, restored, layout)}
                yield RestoredFrame(frame=frame, planes=restored, record=record)


def changes(before: Planes, after: Planes, layout: PixelLayout) -> dict[str, float]:
    """How much of a frame was changed, and how strongly, on the [0, 1] scale."""
    differences = [
        np.abs(layout.values.to_working(after[plane]) - layout.values.to_working(before[plane]))
        for plane in layout.restored
    ]
    strongest = np.maximum.reduce(differences)
    return {
        "changed": round(float((strongest > VISIBLE).mean()), 5),
        "strongest_change": round(float(strongest.max()), 4),
    }
