"""Closed pieces of a film: each encoded by an encoder of its own and written whole, so that what is there is complete."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import OutputError
from restorae.files import written_whole
from restorae.formats.video.codecs import THREADS, Encoding
from restorae.formats.video.facts import VideoFacts
from restorae.formats.video.layout import plane_array
from restorae.formats.video.library import file_name, import_av


@dataclass
class PieceTimes:
    """Time stamps and durations of a piece's frames, in units of the film's `time_base`."""

    stamps: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list, kw_only=True)
    """What the log says of each frame; empty where nothing is kept."""


class PieceWriter:
    """Encodes the frames of one piece to a NUT file, and their times to a JSON file beside it.

    The film appears under its name when it is complete: that it is there means that it is done.

    Args:
        path: the piece's file, .nut.
        facts: of the film.
        encoding: how frames are encoded.
    """

    def __init__(self, path: Path, facts: VideoFacts, *, encoding: Encoding) -> None:
        self.path, self.facts, self.encoding = path, facts, encoding
        self.times = PieceTimes()
        self._whole = written_whole(path)
        partial = self._whole.__enter__()
        try:
            self._container = import_av().open(
                file_name(partial), "w", format="nut", container_options={"fflags": "bitexact"}
            )
            self._stream = self._add_stream()
        except BaseException as error:
            self._leave(error)
            raise

    def _add_stream(self) -> Any:
        facts, encoding = self.facts, self.encoding
        stream = self._container.add_stream(
            encoding.encoder, rate=facts.rate, options=dict(encoding.options)
        )
        stream.width, stream.height = facts.width, facts.height
        stream.pix_fmt = encoding.pixels
        context = stream.codec_context
        # time stamps are frame numbers here; the film's own are set when pieces are joined
        context.time_base = stream.time_base = 1 / facts.rate
        context.thread_count = THREADS
        describe_pixels(context, facts)
        return stream

    def put(
        self,
        planes: Sequence[np.ndarray],
        stamp: int,
        duration: int,
        *,
        record: dict[str, Any] | None = None,
    ) -> None:
        """Encode the next frame, whose planes are in the film's layout; keep what the log will say of it.

        Raises:
            OutputError: it cannot be encoded or written.
        """
        layout = self.facts.layout
        frame = import_av().VideoFrame(self.facts.width, self.facts.height, layout.name)
        for plane, values in zip(frame.planes, planes, strict=True):
            plane_array(plane, layout.dtype)[:] = values
        if self.encoding.pixels != layout.name:
            frame = frame.reformat(format=self.encoding.pixels)
        frame.pts, frame.time_base = len(self.times.stamps), self._stream.codec_context.time_base
        describe_pixels(frame, self.facts)
        self.times.stamps.append(stamp)
        self.times.durations.append(duration)
        if record is not None:
            self.times.records.append(record)
        self._mux(frame)

    def finish(self) -> None:
        """Write the piece, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        self._mux(None)
        try:
            self._container.close()
        except Exception as error:
            self._leave(error)
            raise self._failure(error) from error
        text = json.dumps(asdict(self.times))
        with written_whole(times_path(self.path)) as partial:
            partial.write_text(text, encoding="ascii")
        self._leave(None)

    def drop(self) -> None:
        """Give the piece up; nothing is left of it."""
        with contextlib.suppress(Exception):  # what is dropped need not be complete
            self._container.close()
        self._leave(OutputError("dropped"))

    def _mux(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (import_av().FFmpegError, OSError) as error:
            self.drop()
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> OutputError:
        if isinstance(error, OutputError):
            return error
        return OutputError(
            f"could not be written: {getattr(error, 'strerror', None) or error}", subject=self.path
        )

    def _leave(self, error: BaseException | None) -> None:
        try:
            self._whole.__exit__(type(error) if error else None, error, None)
        except OutputError:
            if error is None:
                raise
        except BaseException as raised:
            if raised is not error:
                raise


def describe_pixels(target: Any, facts: VideoFacts) -> None:
    """Set range, matrix, primaries and transfer curve, and of an encoder the pixel aspect ratio."""
    colors, layout = facts.colors, facts.layout
    target.color_range = 2 if layout.is_full or layout.is_rgb else colors.range
    target.colorspace = 0 if layout.is_rgb else colors.matrix
    target.color_primaries, target.color_trc = colors.primaries, colors.transfer
    if hasattr(type(target), "sample_aspect_ratio"):
        target.sample_aspect_ratio = facts.pixel_aspect


def times_path(piece: Path) -> Path:
    """The file of a piece's times."""
    return piece.with_suffix(".json")


def read_times(piece: Path) -> PieceTimes | None:
    """The times of a piece that is complete; None where it is not there."""
    times = times_path(piece)
    if not (piece.is_file() and times.is_file()):
        return None
    return PieceTimes(**json.loads(times.read_text(encoding="ascii")))


def piece_packets(piece: Path) -> Iterator[Any]:
    """The packets of a piece in the order of its frames."""
    with import_av().open(file_name(piece)) as container:
        yield from (packet for packet in container.demux(video=0) if packet.size)
