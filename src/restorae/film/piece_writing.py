"""Frames into closed pieces: of the film, and of what is written frame by frame with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restorae.film.frame_restorer import RestoredFrame
from restorae.film.plan import FRAMES, piece_path
from restorae.formats.video import Encoding, PieceWriter, VideoFacts


def restored_planes(restored: RestoredFrame) -> Sequence[np.ndarray]:
    """The planes of the film itself."""
    return restored.planes


@dataclass(frozen=True, kw_only=True)
class Track:
    """A film that is written in pieces."""

    folder: Path
    """Of its pieces."""
    facts: VideoFacts
    """Of its frames."""
    encoding: Encoding
    planes: Callable[[RestoredFrame], Sequence[np.ndarray]] = restored_planes
    """What it shows of a frame."""


def write_pieces(
    frames: Iterable[RestoredFrame],
    tracks: Sequence[Track],
    *,
    finished: int = 0,
) -> None:
    """Encode frames in pieces of `FRAMES`; what was begun when an error comes is dropped.

    Args:
        frames: in order, the first of them that of a new piece.
        tracks: the film, then what is written with it.
        finished: pieces that are there already.

    Raises:
        OutputError: a piece cannot be encoded or written.
    """
    group: _Group | None = None
    try:
        for restored in frames:
            if group is None:
                group = _Group(tracks, finished)
            group.put(restored)
            if group.count == FRAMES:
                group.finish()
                group, finished = None, finished + 1
        if group is not None:
            group.finish()
            group = None
    finally:
        if group is not None:
            group.drop()


class _Group:
    """The pieces of all tracks that show the same frames. The film's is complete last: where it is there, so are the others."""

    def __init__(self, tracks: Sequence[Track], number: int) -> None:
        self.tracks, self.count = tracks, 0
        self._writers: list[PieceWriter] = []
        try:
            for track in tracks:
                track.folder.mkdir(exist_ok=True)
                path = piece_path(track.folder, number)
                self._writers.append(PieceWriter(path, track.facts, encoding=track.encoding))
        except BaseException:
            self.drop()
            raise

    def put(self, restored: RestoredFrame) -> None:
        """Encode the next frame."""
        frame = restored.frame
        for track, writer in zip(self.tracks, self._writers, strict=True):
            record = restored.record if writer is self._writers[0] else None
            writer.put(track.planes(restored), frame.stamp, frame.duration, record=record)
        self.count += 1

    def finish(self) -> None:
        """Write the pieces, each whole or not at all."""
        for writer in reversed(self._writers):
            writer.finish()

    def drop(self) -> None:
        """Give the pieces up."""
        for writer in self._writers:
            writer.drop()
