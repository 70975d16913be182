"""Joining pieces to a film: packets are copied, and everything else of the source comes along."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from restorae.errors import OutputError
from restorae.files import written_whole
from restorae.formats.video.facts import VideoFacts
from restorae.formats.video.library import file_name, import_av
from restorae.formats.video.pieces import describe_pixels, piece_packets, read_times
from restorae.formats.video.time_axis import RisingTimes

_OF_THE_CONTAINER = frozenset(
    ("major_brand", "minor_version", "compatible_brands", "encoder", "creation_time", "duration")
)
"""Metadata that describe the source's container and would be wrong in another. The time of creation is the file's own."""
_OF_THE_STREAM = frozenset(("encoder", "duration", "vendor_id", "handler_name"))
_OPTIONS = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
"""No random numbers and no dates are written, and time stamps before 0 stay, as sound has that begins with its encoder's priming
samples: otherwise all streams would be moved."""

_LARGEST_SCALE, _USUAL_SCALE = 2**24, 90_000


@dataclass(kw_only=True)
class JoinReport:
    """What came along and what did not."""

    copied: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    overlapping: int = 0
    """Packets that were left out where the sound of joined recordings overlaps."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The part of the source that a film shows, in seconds on the source's own time axis."""

    start: Fraction
    """Becomes time 0 where `shifts`."""
    end: Fraction | None = None
    shifts: bool = False
    """Whether only a part is shown."""

    def holds(self, time: Fraction) -> bool:
        """Whether something that begins at this time comes along."""
        return not self.shifts or (self.start <= time and (self.end is None or time < self.end))


def join_pieces(
    pieces: Sequence[Path],
    target: Path,
    container: str,
    facts: VideoFacts,
    cut: Cut,
    *,
    alone: bool = False,
) -> JoinReport:
    """Write the film: the pieces' packets with the frames' own time stamps, and all other streams of the source as they are.

    Args:
        pieces: complete pieces in order.
        target: the film, written whole or not at all.
        container: FFmpeg's name of its container.
        facts: of the source.
        cut: the part of the source.
        alone: leave out the source's other streams and its chapters.

    Raises:
        OutputError: it cannot be written.
        BadImage: the source cannot be read any more.
    """
    av, report = import_av(), JoinReport()
    with written_whole(target) as partial, ExitStack() as stack:
        source = stack.enter_context(facts.opened())
        first = stack.enter_context(av.open(file_name(pieces[0])))
        try:
            options = _OPTIONS | _movie_time_scale(container, source)
            with av.open(
                file_name(partial), "w", format=container, container_options=options
            ) as out:
                out.metadata.update(_kept(source.metadata, _OF_THE_CONTAINER))
                chapters = [] if alone else _chapters(source.chapters(), cut)
                video, others = _add_streams(
                    out, container, source, first, facts, bool(chapters), report, alone
                )
                if chapters:
                    out.set_chapters(chapters)
                _mux_all(out, source, video, others, pieces, facts, cut, report)
        except (av.FFmpegError, ValueError) as error:
            raise OutputError(
                f"could not be written: {getattr(error, 'strerror', None) or error}", subject=target
            ) from error
    return report


def _movie_time_scale(container: str, source: Any) -> dict[str, str]:
    """MP4 and MOV note where a stream begins in a unit of their own: one in which that of every stream is exact."""
    if container not in ("mp4", "mov"):
        return {}
    scale = math.lcm(*(int(stream.time_base.denominator) for stream in source.streams))
    return {"movie_timescale": str(scale if scale <= _LARGEST_SCALE else _USUAL_SCALE)}


def _add_streams(
    out: Any,
    container: str,
    source: Any,
    first: Any,
    facts: VideoFacts,
    has_chapters: bool,
    report: JoinReport,
    alone: bool,
) -> tuple[Any, dict[int, Any]]:
    """The film's own stream, and by index of the source's stream where packets go; in the source's order."""
    video, others = None, {}
    for stream in source.streams:
        if stream.index == facts.stream:
            video = out.add_stream_from_template(first.streams.video[0], opaque=True)
            video.time_base = facts.time_base
            describe_pixels(video.codec_context, facts)
            if facts.rotation:
                video.set_display_rotation(facts.rotation)
            _label(video, stream)
            continue
        if alone:
            continue
        what = describe_stream(stream)
        if stream.type == "video" and not int(stream.disposition) & 0x0400:
            continue  # said already
        if stream.type == "data" and has_chapters and "text" in what:
            continue  # the chapters once more
        if not _is_held(stream, container):
            report.left_out.append(what)
            continue
        others[stream.index] = _copy_stream(out, stream)
        report.copied.append(what)
    assert video is not None
    return video, others


def _copy_stream(out: Any, stream: Any) -> Any:
    settings = {} if stream.type == "attachment" else {"opaque": True}
    copied = out.add_stream_from_template(stream, **settings)
    _label(copied, stream)
    return copied


def _label(copied: Any, stream: Any) -> None:
    copied.metadata.update(_kept(stream.metadata, _OF_THE_STREAM))
    copied.disposition = stream.disposition


def _kept(metadata: Mapping[str, str], without: frozenset[str]) -> dict[str, str]:
    return {name: text for name, text in metadata.items() if name.lower() not in without}


def describe_stream(stream: Any) -> str:
    """A stream for a person: `audio stream 1 (aac, eng)`."""
    context = stream.codec_context
    facts = [
        context.codec.canonical_name
        if context is not None
        else stream.metadata.get("filename", ""),
        stream.metadata.get("language", ""),
    ]
    said = ", ".join(each for each in facts if each)
    return f"{stream.type} stream {stream.index}{f' ({said})' if said else ''}"


def _is_held(stream: Any, container: str) -> bool:
    """Whether a container takes a stream: a trial header of it alone is written to memory."""
    av = import_av()
    if stream.type not in ("audio", "subtitle", "video", "attachment"):
        return False
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            copied = _copy_stream(trial, stream)
            if stream.type == "attachment":
                return container == "matroska"
            copied.time_base = stream.time_base
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _chapters(found: Sequence[Mapping[str, Any]], cut: Cut) -> list[dict[str, Any]]:
    """Chapters of the part, on its time axis."""
    chapters = []
    for chapter in found:
        base = Fraction(chapter["time_base"].numerator, chapter["time_base"].denominator)
        start, end = chapter["start"], chapter["end"]
        if cut.shifts:
            first = round(cut.start / base)
            last = end if cut.end is None else min(end, round(cut.end / base))
            start, end = max(start, first) - first, last - first
            if end <= start:
                continue
        chapters.append({**chapter, "start": start, "end": end})
    return chapters


def _mux_all(
    out: Any,
    source: Any,
    video: Any,
    others: Mapping[int, Any],
    pieces: Sequence[Path],
    facts: VideoFacts,
    cut: Cut,
    report: JoinReport,
) -> None:
    """Copy all packets, in order of time: muxers hold back what comes early, so memory stays bounded."""
    frames = _video_packets(pieces, video, facts, cut)
    waiting = next(frames, None)
    streams = [
        source.streams[index] for index in others if source.streams[index].type != "attachment"
    ]
    times = RisingTimes(facts.joints)
    for packet in source.demux(streams) if streams else ():
        if packet.size == 0:
            continue
        base = _fraction(packet.time_base)
        stamp = packet.dts if packet.dts is not None else packet.pts
        shown = packet.pts if packet.pts is not None else stamp
        if stamp is not None:
            moved = times.shift(packet, stamp)
            if moved is None:
                report.overlapping += 1
                continue
            stamp, shown = stamp + moved, shown + moved
            packet.pts = None if packet.pts is None else packet.pts + moved
            packet.dts = None if packet.dts is None else packet.dts + moved
        is_cover = source.streams[packet.stream_index].type == "video"
        if stamp is not None and not is_cover:
            while waiting is not None and waiting[0] <= stamp * base - (
                cut.start if cut.shifts else 0
            ):
                out.mux(waiting[1])
                waiting = next(frames, None)
            if not cut.holds(shown * base):
                continue
            if cut.shifts:
                first = round(cut.start / base)
                packet.pts = None if packet.pts is None else packet.pts - first
                packet.dts = None if packet.dts is None else packet.dts - first
        packet.stream = others[packet.stream_index]
        out.mux(packet)
    while waiting is not None:
        out.mux(waiting[1])
        waiting = next(frames, None)


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.numerator), int(value.denominator))


def _video_packets(
    pieces: Sequence[Path], video: Any, facts: VideoFacts, cut: Cut
) -> Iterator[tuple[Fraction, Any]]:
    """The pieces' packets with the frames' time stamps, and their times in seconds."""
    extradata: bytes | None = None
    shift = round(cut.start / facts.time_base) if cut.shifts else 0
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        times = read_times(piece)
        assert times is not None
        after = read_times(following) if following is not None else None
        stamps = [*times.stamps, *(after.stamps[:1] if after else ())]
        for number, packet in enumerate(piece_packets(piece)):
            own = bytes(packet.stream.codec_context.extradata or b"")
            if extradata is not None and own != extradata:
                raise OutputError(
                    "was encoded with other parameters than the pieces before", subject=piece
                )
            extradata = own
            stamp = times.stamps[number]
            is_last = number + 1 == len(stamps)
            lasts = (
                (times.durations[number] or facts.step) if is_last else stamps[number + 1] - stamp
            )
            packet.pts = packet.dts = stamp - shift
            packet.duration, packet.time_base = lasts, facts.time_base
            packet.stream = video
            yield (stamp - shift) * facts.time_base, packet
