"""Recordings that were joined to one file: sound stays where it is in the image, before and after the joint."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.clips import av
from tests.film.test_restoring import restore

FRAMES, RATE, SAMPLES = 15, 25, 48000
FLASH = 9
"""The frame that is white; the sound clicks when it appears."""


def _record(path: Path, *, sound_s: float, late_s: float = 0.0) -> None:
    """A recording with a flash and a click, whose sound ends at another time than its frames."""
    click = round((FLASH / RATE + late_s) * SAMPLES)
    heard = np.zeros((1, round(sound_s * SAMPLES) // 1024 * 1024), np.float32)
    heard[:, click : click + 20] = 0.9
    with av.open(str(path), "w", format="mpegts") as out:
        video = out.add_stream("libx264", rate=RATE, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 48, 32, "yuv420p"
        sound = out.add_stream("mp2", rate=SAMPLES, layout="mono")
        for number in range(FRAMES):
            grey = np.full((32, 48, 3), 255 if number == FLASH else 40, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for at in range(0, heard.shape[1], 1024):
            part = av.AudioFrame.from_ndarray(heard[:, at : at + 1024], "fltp", "mono")
            part.sample_rate, part.pts, part.time_base = SAMPLES, at, Fraction(1, SAMPLES)
            for each in av.AudioResampler(sound.format, "mono", SAMPLES).resample(part):
                out.mux(sound.encode(each))
        out.mux(sound.encode(None))


def _flashes(path: Path) -> Iterator[float]:
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            if frame.to_ndarray(format="gray").mean() > 150:
                yield float(frame.pts * frame.time_base)


def _clicks(path: Path) -> list[float]:
    """Times at which the sound becomes loud."""
    found: list[float] = []
    with av.open(str(path)) as film:
        for frame in film.decode(audio=0):
            loud = np.flatnonzero(
                np.abs(frame.to_ndarray()[0].astype(np.float32)) > 0.25 * _full(frame)
            )
            if loud.size:
                time = float(frame.pts * frame.time_base) + loud[0] / SAMPLES
                if not found or time > found[-1] + 0.1:
                    found.append(time)
    return found


def _full(frame: object) -> float:
    return 32768.0 if "s16" in frame.format.name else 1.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("first_s", "second_s", "suffix"),
    [(0.45, 0.8, ".mkv"), (0.7, 0.6, ".mkv"), (0.45, 0.8, ".mp4")],
)
def test_sound_is_not_moved_in_the_image(
    tmp_path: Path, first_s: float, second_s: float, suffix: str
) -> None:
    parts = tmp_path / "one.ts", tmp_path / "two.ts"
    _record(parts[0], sound_s=first_s)
    _record(parts[1], sound_s=second_s, late_s=0.1)
    before = [next(_flashes(each)) - _clicks(each)[0] for each in parts]
    joined = tmp_path / "both.ts"
    joined.write_bytes(b"".join(each.read_bytes() for each in (*parts, *parts)))
    restore(joined, tmp_path / f"out{suffix}", deflicker=0)
    flashes, clicks = list(_flashes(tmp_path / f"out{suffix}")), _clicks(tmp_path / f"out{suffix}")
    after = [flash - click for flash, click in zip(flashes, clicks, strict=True)]
    assert after == pytest.approx([*before, *before], abs=0.0015)
