"""How long a film will take and how much disk it needs, measured on its first frames."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from restorae.film.frame_restorer import RestoredFrame
from restorae.film.piece_writing import Track
from restorae.film.plan import FRAMES, piece_path
from restorae.formats.video import PieceWriter, times_path
from restorae.live_progress import readable

SAMPLE = 8
"""Frames that are measured. They are encoded once more with their piece."""
WORTHWHILE = 64
"""With fewer frames to restore there is no forecast: it would come when the work is half done."""
_NUMBER = 999_999
"""A piece that no film has: what a stopped run leaves of it is removed with the others."""
_COPIES = 2
"""The pieces and the result are on the disk together, at the end."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a run will need."""

    frames: int
    """Frames that are still to restore."""
    seconds: float
    bytes: int
    """Disk for the pieces and the results."""
    free: int
    """Free disk in the folder of the pieces."""

    @property
    def fits(self) -> bool:
        """Whether there is enough disk."""
        return self.bytes <= self.free

    def __str__(self) -> str:
        need = _in_words(self.bytes)
        said = f"{self.frames:,} frames will take about {readable(self.seconds)} and {need} of disk"
        if self.fits:
            return said
        return (
            f"{said}, and only {_in_words(self.free)} are free. When the disk is full the run stops and keeps what is done; "
            "with more room it can go on"
        )


def _in_words(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def with_forecast(
    frames: Iterator[RestoredFrame],
    tracks: Sequence[Track],
    *,
    left: int,
    tell: Callable[[Forecast], None],
) -> Iterator[RestoredFrame]:
    """The same frames; after the first of them were restored, the forecast is told.

    Args:
        frames: restored when they are asked for.
        tracks: what will be written of them.
        left: how many there will be, as far as is known.
        tell: hears the forecast, where there is one.

    Raises:
        OutputError: the sample cannot be written.
    """
    if left < WORTHWHILE:
        yield from frames
        return
    first = list(itertools.islice(frames, 1))  # what happens once, such as loading, does not count
    started = time.perf_counter()
    sample = [*first, *itertools.islice(frames, SAMPLE - 1)]
    if len(sample) == SAMPLE:
        sizes = [_sample_bytes(track, sample) for track in tracks]
        seconds = (time.perf_counter() - started) / (SAMPLE - 1) * left
        pieces = -(-left // FRAMES)
        needed = sum(
            key * pieces + (whole - key) / (SAMPLE - 1) * (left - pieces) for key, whole in sizes
        )
        free = shutil.disk_usage(tracks[0].folder).free
        tell(Forecast(frames=left, seconds=seconds, bytes=round(_COPIES * needed), free=free))
    yield from sample
    yield from frames


def _sample_bytes(track: Track, sample: Sequence[RestoredFrame]) -> tuple[int, int]:
    """Bytes of a piece of one frame, a key frame, and of one of all."""
    one, every = (_encoded_bytes(track, part) for part in (sample[:1], sample))
    return one, every


def _encoded_bytes(track: Track, frames: Sequence[RestoredFrame]) -> int:
    track.folder.mkdir(exist_ok=True)
    path = piece_path(track.folder, _NUMBER)
    writer = PieceWriter(path, track.facts, encoding=track.encoding)
    for restored in frames:
        writer.put(track.planes(restored), restored.frame.stamp, restored.frame.duration)
    writer.finish()
    size = path.stat().st_size
    for each in (path, times_path(path)):
        each.unlink()
    return size
