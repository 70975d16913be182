"""Frames of a film in the order in which they are shown, with their exact time stamps."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from restorae.display import counted
from restorae.errors import BadImage, Fix
from restorae.formats.video.facts import VideoFacts
from restorae.formats.video.layout import plane_array
from restorae.formats.video.library import import_av
from restorae.formats.video.time_axis import starts_anew

_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A decoded frame."""

    stamp: int
    """When it is shown, in units of the film's `time_base`."""
    duration: int
    """For how long, in the same units."""
    planes: tuple[np.ndarray, ...]
    """Its planes in the film's layout, (height, width) each; they belong to the reader and are not changed."""
    uncorrected: tuple[np.ndarray, ...] | None = None
    """Its planes before flicker and weave were removed; None where they are in `planes`."""

    @property
    def as_read(self) -> tuple[np.ndarray, ...]:
        """Its planes as they are in the film."""
        return self.planes if self.uncorrected is None else self.uncorrected


class FrameReader:
    """Decodes a film, or a part of it.

    A packet that cannot be decoded is left out, and a file that breaks off ends there; `notices` says so afterwards.

    Args:
        facts: of the film.
        start: leave out frames before this time, in seconds from the first frame.
        end: leave out frames at and after this time.
    """

    def __init__(
        self, facts: VideoFacts, *, start: Fraction | None = None, end: Fraction | None = None
    ) -> None:
        self.facts, self.start, self.end = facts, start, end
        self.lost = self.corrupt = self.moved = self.invented = self.read = 0
        self.restarts = self._offset = 0
        self._lost_files: list[Path] = []
        self.broke_off = facts.breaks_off

    @property
    def expected(self) -> int:
        """How many frames are expected, by the packets."""
        if self.start is None and self.end is None:
            return self.facts.packets
        return sum(self._wanted(stamp) == 0 for stamp in self.facts.stamps)

    @property
    def is_damaged(self) -> bool:
        """Whether something could not be decoded."""
        return bool(self.lost or self.corrupt or self.broke_off)

    @property
    def notices(self) -> list[str]:
        """What the person should know of what was read."""
        said = []
        if self.broke_off:
            said.append(
                f"breaks off after {self.read:,} frames ({self.broke_off}); what comes before was restored"
            )
        if self.corrupt:
            said.append(f"{counted(self.corrupt, 'frame')} damaged by what could not be decoded")
        if self.lost and not self._lost_files:
            said.append(f"{counted(self.lost, 'packet')} not decoded")
        if self._lost_files:
            named = ", ".join(path.name for path in self._lost_files[:_NAMED])
            more = len(self._lost_files) - _NAMED
            said.append(
                f"not decoded and left out: {named}{f' and {more} more' if more > 0 else ''}"
            )
        if self.invented:
            said.append(
                f"{counted(self.invented, 'frame')} without a time stamp: timed by the frame rate"
            )
        if self.restarts:
            said.append(
                f"its time starts anew {counted(self.restarts, 'time')}: what follows is shown after what comes before"
            )
        if self.moved:
            said.append(
                f"{counted(self.moved, 'time stamp')} not rising: moved behind the one before"
            )
        return said

    def __iter__(self) -> Generator[Frame, None, None]:
        """All frames of the part; the file is closed at the end or when the iterator is closed.

        Raises:
            BadImage: the file cannot be opened, changed, or its frames change their size or layout.
        """
        facts = self.facts
        previous: int | None = None
        with facts.opened() as container:
            stream = container.streams[facts.stream]
            # an image that cannot be decoded must not take others with it
            stream.thread_type = "FRAME" if facts.frames is None else "NONE"
            self._seek(container, stream)
            for decoded in self._decode(container, stream):
                stamp = self._stamp(decoded, previous)
                previous = stamp
                wanted = self._wanted(stamp)
                if wanted < 0:
                    continue
                if wanted > 0:
                    return
                self.read += 1
                self.corrupt += bool(decoded.is_corrupt)
                yield Frame(
                    stamp=stamp,
                    duration=int(decoded.duration or 0),
                    planes=self._planes(decoded, stamp),
                )

    def _seek(self, container: Any, stream: Any) -> None:
        """Go to a key frame before the part, where every time stamp is known."""
        facts = self.facts
        if not self.start or facts.joints or len(facts.stamps) < facts.packets:
            return
        target = facts.start + int(self.start / facts.time_base)
        container.seek(target, stream=stream, backward=True, any_frame=False)

    def _decode(self, container: Any, stream: Any) -> Iterator[Any]:
        av = import_av()
        packets, broke_off = container.demux(stream), False
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self.broke_off, broke_off = str(error.strerror or error), True
                packet = None
            if packet is None:
                break
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                self.lost += 1
                if self.facts.frames is not None and self._wanted(packet.pts) == 0:
                    self._lost_files.append(self.facts.frames.file(packet.pts))
        if broke_off:  # the packets ended without the empty one that flushes the decoder
            try:
                yield from stream.codec_context.decode(None)
            except av.FFmpegError:
                self.lost += 1

    def _stamp(self, decoded: Any, previous: int | None) -> int:
        """The frame's time stamp: its own, where it is there and rises."""
        stamp = decoded.pts if decoded.pts is not None else decoded.dts
        if stamp is None:
            self.invented += 1
            return self.facts.start if previous is None else previous + self.facts.step
        own, stamp = stamp, stamp + self._offset
        if previous is not None and starts_anew(previous, stamp, self.facts.time_base):
            if self.restarts < len(self.facts.joints):
                self._offset = round(self.facts.joints[self.restarts] / self.facts.time_base)
            else:
                self._offset = previous + self.facts.step - own
            stamp = own + self._offset
            self.restarts += 1
        if previous is not None and stamp <= previous:
            self.moved += 1
            return previous + 1
        return int(stamp)

    def _wanted(self, stamp: int) -> int:
        """Whether a time stamp is before (-1), in (0) or behind (1) the part."""
        time = self.facts.seconds(stamp)
        if self.start is not None and time < self.start:
            return -1
        return int(self.end is not None and time >= self.end)

    def _planes(self, decoded: Any, stamp: int) -> tuple[np.ndarray, ...]:
        facts = self.facts
        size, pixels = (decoded.height, decoded.width), decoded.format.name
        if size != (facts.height, facts.width) or pixels != facts.pixels:
            before, now = f"{facts.height} × {facts.width}", f"{decoded.height} × {decoded.width}"
            if before == now:
                before, now = f"{before} px {facts.pixels}", f"{now} px {pixels}"
            path, where = facts.place(stamp)
            raise BadImage(
                f"changes from {before} to {now} px{where}. Restore its parts one by one"
                if facts.frames is None
                else f"is {now} px, the frames before are {before} px. Frames of a film are alike",
                subject=path,
                fix=Fix("to_time", f"{float(facts.seconds(stamp)):.3f}"),
            )
        if facts.layout.needs_unpacking:
            decoded = decoded.reformat(format=facts.layout.name)
        return tuple(plane_array(plane, facts.layout.dtype) for plane in decoded.planes)
