"""Small films that tests make themselves, with PyAV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NEEDS_AV = "PyAV is not installed (extra film): films are not tested."
av = pytest.importorskip("av", reason=NEEDS_AV)

VARIABLE = (
    0,
    3003,
    6006,
    12012,
    13000,
    18018,
    21021,
    33033,
    33100,
    36036,
    40000,
    43043,
    47000,
    50050,
    51000,
    55055,
)
"""Time stamps of a film with a variable frame rate, on a 90 kHz axis."""


@dataclass(frozen=True)
class Clip:
    """How a film is made."""

    stamps: Sequence[int] = VARIABLE
    time_base: Fraction = Fraction(1, 90000)
    codec: str = "ffv1"
    layout: str = "yuv420p"
    height: int = 32
    width: int = 48
    sound: str | None = None
    """Codec of the sound."""
    rotation: int = 0
    aspect: Fraction = Fraction(1)
    is_full: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    chapters: Sequence[Mapping[str, Any]] = ()
    attachment: bytes | None = None
    shade: Sequence[int] | None = None
    """Mean grey of each frame; None draws noise."""

    def save(self, path: Path) -> list[list[np.ndarray]]:
        """Write it, and return the planes of its frames."""
        with av.open(str(path), "w") as out:
            video = out.add_stream(self.codec, rate=24, options=dict(self.options))
            video.width, video.height, video.pix_fmt = self.width, self.height, self.layout
            context = video.codec_context
            context.time_base = video.time_base = self.time_base
            context.sample_aspect_ratio = self.aspect
            context.color_range = 2 if self.is_full else 1
            context.color_primaries, context.color_trc = 5, 6
            context.colorspace = 0 if "rgb" in self.layout or "gbr" in self.layout else 5
            if self.rotation:
                video.set_display_rotation(self.rotation)
            sound = None
            if self.sound:
                sound = out.add_stream(self.sound, rate=48000, layout="mono")
                sound.metadata["language"] = "fra"
            out.metadata.update(self.metadata)
            if self.chapters:
                out.set_chapters(list(self.chapters))
            if self.attachment is not None:
                out.add_attachment("notes.txt", "text/plain", self.attachment)
            frames = [self._frame(number, stamp) for number, stamp in enumerate(self.stamps)]
            for frame in [*frames, None]:
                out.mux(video.encode(frame))
            if sound is not None:
                self._put_sound(out, sound)
            return [planes_of(frame) for frame in frames]

    def _frame(self, number: int, stamp: int) -> Any:
        random = np.random.default_rng(number)
        frame = av.VideoFrame(self.width, self.height, self.layout)
        bits = max(each.bits for each in frame.format.components)
        for index, plane in enumerate(frame.planes):
            dtype = np.uint8 if bits <= 8 else np.uint16
            rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
            low, high = 2 ** (bits - 4), 2**bits - 2 ** (bits - 4)
            if self.shade is not None:
                middle = self.shade[number] if index == 0 else 128
                low, high = (middle - 3) << (bits - 8), (middle + 4) << (bits - 8)
            rows[:] = random.integers(low, high, rows.shape, dtype)
        frame.pts, frame.time_base = stamp, self.time_base
        return frame

    def _put_sound(self, out: Any, sound: Any) -> None:
        random = np.random.default_rng(0)
        for number in range(int(self.stamps[-1] * self.time_base * 48000) // 1024 + 1):
            values = (random.standard_normal((1, 1024)) * 3000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(values, format="s16p", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), number * 1024
            for each in av.AudioResampler(sound.format, "mono", 48000).resample(frame):
                each.pts = number * 1024
                out.mux(sound.encode(each))
        out.mux(sound.encode(None))


def planes_of(frame: Any) -> list[np.ndarray]:
    """Copies of a frame's planes, without padding."""
    found = []
    for plane in frame.planes:
        dtype = np.uint8 if max(each.bits for each in frame.format.components) <= 8 else np.uint16
        rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
        found.append(rows[:, : plane.width].copy())
    return found


def decoded(path: Path) -> list[tuple[Fraction, list[np.ndarray]]]:
    """Times in seconds and planes of all frames, by PyAV alone."""
    with av.open(str(path)) as film:
        return [
            (Fraction(frame.pts) * frame.time_base, planes_of(frame))
            for frame in film.decode(video=0)
        ]


def packets(path: Path, kind: str = "audio") -> list[tuple[Fraction, bytes]]:
    """Times in seconds and contents of the packets of a kind of stream."""
    with av.open(str(path)) as film:
        stream = getattr(film.streams, kind)[0]
        return [
            (Fraction(packet.pts) * packet.time_base, bytes(packet))
            for packet in film.demux(stream)
            if packet.size
        ]
