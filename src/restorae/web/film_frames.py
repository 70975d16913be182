"""Single frames of a film, as a screen shows them."""

from __future__ import annotations

from collections.abc import Container, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from restorae.formats.video import VideoFacts
from restorae.formats.video.facts import opened

LONGEST_PX = 1280
"""Longer side of a frame that is shown; larger ones are made smaller."""


def shown_frames(facts: VideoFacts, first: int, count: int) -> list[np.ndarray]:
    """Frames number `first` and those after it, (height, width, 3) uint8: upright, with square pixels, not larger than a screen.

    Fewer than `count` where the film ends before.
    """
    found: list[np.ndarray] = []
    if not facts.stamps:
        return found
    wanted = facts.stamps[min(first, len(facts.stamps) - 1)]
    for frame in _frames_from(facts, wanted):
        found.append(_shown(frame, facts))
        if len(found) == count:
            break
    return found


def frames_of(
    path: Path, facts: VideoFacts, wanted: Container[int] | None = None
) -> list[np.ndarray]:
    """All frames of a short film that was made of a part of another one, or those wanted, as they are shown of that one."""
    with opened(path) as container:
        return [
            _shown(frame, facts)
            for number, frame in enumerate(container.decode(video=0))
            if wanted is None or number in wanted
        ]


def stored_frame(facts: VideoFacts, number: int) -> np.ndarray | None:
    """A frame as it is stored, (height, width, 3) uint8: not turned, at its own size; None where the film ends before."""
    if not 0 <= number < len(facts.stamps):
        return None
    for frame in _frames_from(facts, facts.stamps[number]):
        pixels: np.ndarray = frame.reformat(
            width=facts.width, height=facts.height, format="rgb24"
        ).to_ndarray()
        return pixels
    return None


def shown_size(facts: VideoFacts) -> tuple[int, int]:
    """Height and width of a frame that is shown, upright."""
    width, height = _size(facts)
    return (width, height) if facts.rotation % 180 else (height, width)


def borders(facts: VideoFacts, first: int, end: int) -> tuple[str, str | None]:
    """Begin and end of frames number `first` to `end` (excluded) as times: in the middle between two frames."""

    def before(number: int) -> str:
        own, former = facts.seconds(facts.stamps[number]), facts.seconds(facts.stamps[number - 1])
        return f"{float((own + former) / 2):.6f}"

    return (
        before(first) if first > 0 else "0",
        before(end) if end < len(facts.stamps) else None,
    )


def _frames_from(facts: VideoFacts, stamp: int) -> Iterator[Any]:
    with opened(facts.path) as container:
        stream = container.streams[facts.stream]
        stream.thread_type = "FRAME"
        if stamp > facts.start and len(facts.stamps) == facts.packets:
            container.seek(stamp, stream=stream, backward=True, any_frame=False)
        for frame in container.decode(stream):
            if frame.pts is None or frame.pts >= stamp:
                yield frame


def _size(facts: VideoFacts) -> tuple[int, int]:
    """Width and height of a frame that is shown, before it is turned."""
    width = facts.width * facts.pixel_aspect
    longest = max(width, Fraction(facts.height))
    share = min(Fraction(1), LONGEST_PX / longest)
    return max(1, round(width * share)), max(1, round(facts.height * share))


def _shown(frame: Any, facts: VideoFacts) -> np.ndarray:
    size = _size(facts)
    pixels: np.ndarray = frame.reformat(width=size[0], height=size[1], format="rgb24").to_ndarray()
    return np.rot90(pixels, facts.rotation // 90)
