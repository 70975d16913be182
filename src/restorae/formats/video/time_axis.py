"""Time axes that start anew within a file, as where two recordings were joined: they are made to go on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

_OUT_OF_ORDER_S = Fraction(1, 4)
"""By how many seconds frames and packets may be out of order."""


def starts_anew(before: int, now: int, time_base: Fraction) -> bool:
    """Whether time starts anew between two time stamps; what is only out of order is not so far apart."""
    return (before - now) * time_base > _OUT_OF_ORDER_S


class RisingTimes:
    """Keeps the times of each stream's packets rising: muxers refuse packets of an earlier time."""

    def __init__(self) -> None:
        self.restarts = 0
        """How often a stream's time started anew."""
        self._ends: dict[int, int] = {}
        self._lasts: dict[int, int] = {}
        self._offsets: dict[int, int] = {}

    def shift(self, packet: Any, stamp: int) -> int:
        """By how much a packet is moved, in units of its time base.

        Args:
            packet: the next of its stream, in decoding order.
            stamp: its decoding time stamp.
        """
        index = packet.stream_index
        last, offset = self._lasts.get(index), self._offsets.get(index, 0)
        base = Fraction(int(packet.time_base.numerator), int(packet.time_base.denominator))
        if last is not None and starts_anew(last, stamp + offset, base):
            offset = self._offsets[index] = self._ends[index] - stamp
            self.restarts += 1
        if last is not None:
            offset = max(offset, last - stamp)
        usual = 1 if last is None else stamp + offset - last
        self._lasts[index] = stamp + offset
        self._ends[index] = stamp + offset + (packet.duration or usual)
        return offset
