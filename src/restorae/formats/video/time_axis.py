"""Time axes that start anew within a file, as where two recordings were joined: they are made to go on."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

_OUT_OF_ORDER_S = Fraction(1, 4)
"""By how many seconds frames and packets may be out of order."""


def starts_anew(before: int, now: int, time_base: Fraction) -> bool:
    """Whether time starts anew between two time stamps; what is only out of order is not so far apart."""
    return (before - now) * time_base > _OUT_OF_ORDER_S


class RisingTimes:
    """Keeps the times of each stream's packets rising: muxers refuse packets of an earlier time.

    Args:
        joints: by how many seconds what follows each joint is moved, where that is known: recordings end with sound and frames
            at different times, and all streams have to be moved alike. Otherwise a stream goes on where it ended.
    """

    def __init__(self, joints: Sequence[Fraction] = ()) -> None:
        self.joints: list[Fraction] = []
        """By how many seconds the stream that was seen to start anew was moved at each of its joints."""
        self._known = tuple(joints)
        self._ends: dict[int, int] = {}
        self._lasts: dict[int, int] = {}
        self._offsets: dict[int, int] = {}
        self._restarts: dict[int, int] = {}
        self._heard: dict[int, int] = {}

    def shift(self, packet: Any, stamp: int) -> int | None:
        """By how much a packet is moved, in units of its time base; None leaves it out, since the recording before still has sound.

        Args:
            packet: the next of its stream, in decoding order.
            stamp: its decoding time stamp.
        """
        index = packet.stream_index
        last, offset = self._lasts.get(index), self._offsets.get(index, 0)
        base = Fraction(int(packet.time_base.numerator), int(packet.time_base.denominator))
        if last is not None and starts_anew(last, stamp + offset, base):
            number = self._restarts.get(index, 0)
            self._restarts[index] = number + 1
            is_known = number < len(self._known)
            offset = round(self._known[number] / base) if is_known else self._ends[index] - stamp
            self._offsets[index] = offset
            self._heard[index] = self._ends[index]
            self.joints.append(offset * base)
        if self._heard.get(index, stamp + offset) - (stamp + offset) > (packet.duration or 1) // 2:
            return None
        if last is not None:
            offset = max(offset, last - stamp)
        usual = 1 if last is None else stamp + offset - last
        self._lasts[index] = stamp + offset
        self._ends[index] = stamp + offset + (packet.duration or usual)
        return offset
