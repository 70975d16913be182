"""What a film file says of itself, read once before its first frame is restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from restorae.errors import BadImage
from restorae.formats.original import FileStamp, cannot_read
from restorae.formats.video.layout import PixelLayout, layout_of
from restorae.formats.video.library import file_name, import_av
from restorae.formats.video.numbered_frames import FramesStamp, NumberedFrames
from restorae.formats.video.time_axis import RisingTimes
from restorae.names import names_frames

ATTACHED_PICTURE = 0x0400
"""FFmpeg's disposition of a cover image."""
_DEFAULT_RATE = Fraction(25)
_PROGRESSIVE = (0, 1)
"""FFmpeg's numbers of unknown and progressive field orders."""
_TOLERANCE_S = Fraction(1, 4)
"""By how much a whole file may end before the time that its header declares."""
_FULL_RANGE = 2  # of images
_HDR_TRANSFERS = (16, 18)
"""PQ and HLG."""


@dataclass(frozen=True, kw_only=True)
class ColorTags:
    """FFmpeg's numbers of range, matrix, primaries and transfer curve."""

    range: int
    matrix: int
    primaries: int
    transfer: int


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """A film's video stream and its time axis."""

    path: Path
    """The file, or the pattern of numbered frames."""
    stamp: FileStamp | FramesStamp
    stream: int
    """Index of the stream that is restored."""
    codec: str
    """FFmpeg's name of the codec: h264."""
    height: int
    width: int
    layout: PixelLayout
    pixels: str
    """FFmpeg's name of the layout in which its frames are decoded."""
    colors: ColorTags
    pixel_aspect: Fraction
    """Width of a pixel over its height."""
    rotation: int
    """Degrees counter-clockwise by which players rotate the frames; they are restored as stored."""
    time_base: Fraction
    """Seconds of one unit of a time stamp."""
    rate: Fraction
    """Average frames per second."""
    stamps: tuple[int, ...]
    """Time stamps of the packets in rising order, in units of `time_base`; missing ones are left out."""
    packets: int
    """Packets of the stream: about as many frames."""
    breaks_off: str = ""
    """Why it is known that the file is not whole: less is there than its header declares."""
    joints: tuple[Fraction, ...] = ()
    """By how many seconds what follows is moved, each time that time starts anew in the file, as where two recordings were joined."""
    notices: tuple[str, ...] = ()
    frames: NumberedFrames | None = None
    """The files, where each frame is one."""

    def opened(self) -> AbstractContextManager[Any]:
        """The film as PyAV's input container.

        Raises:
            BadImage: it cannot be read.
        """
        return opened(self.path, self.frames)

    def place(self, stamp: int) -> tuple[Path, str]:
        """Where a frame is, for messages: its own file, or the film and the time in it."""
        if self.frames is not None:
            return self.frames.file(stamp), ""
        return self.path, f" at {float(self.seconds(stamp)):.3f} s"

    @property
    def start(self) -> int:
        """Time stamp of the first frame."""
        return self.stamps[0] if self.stamps else 0

    @property
    def step(self) -> int:
        """Usual distance of two frames in units of `time_base`, at least 1."""
        return max(1, round(1 / (self.rate * self.time_base)))

    def seconds(self, stamp: int) -> Fraction:
        """Time of a time stamp, from the first frame."""
        return (stamp - self.start) * self.time_base

    def require_unchanged(self) -> None:
        """Check that the file is still the one that was opened.

        Raises:
            BadImage: it vanished or was changed since.
        """
        now: FileStamp | FramesStamp = (
            NumberedFrames.find(self.path).stamp if self.frames else FileStamp.of(self.path)
        )
        if now != self.stamp:
            raise BadImage("changed while it was being read", subject=self.path)

    @property
    def is_variable(self) -> bool:
        """Whether frames last for different times."""
        gaps = {later - stamp for stamp, later in zip(self.stamps, self.stamps[1:], strict=False)}
        return bool(gaps) and max(gaps) - min(gaps) > max(1, min(gaps) // 10)


@contextmanager
def opened(path: Path, frames: NumberedFrames | None = None) -> Iterator[Any]:
    """The file, or the numbered frames, as PyAV's input container.

    Raises:
        BadImage: it cannot be read or is not a film.
    """
    av = import_av()
    name, options = (file_name(path), {}) if frames is None else frames.ffmpeg_source()
    form = None if frames is None else "image2"
    try:
        container = av.open(name, format=form, options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        if frames is None and not path.is_file():
            raise BadImage("does not exist or is not a file", subject=path) from None
        raise BadImage(
            f"is not a film that can be read: {error.strerror or error}", subject=path
        ) from None
    except OSError as error:
        raise cannot_read(path, error) from None
    with container:
        yield container


def video_stream(container: Any, path: Path) -> Any:
    """The stream that is restored: the first video stream that is not a cover image.

    Raises:
        BadImage: there is none.
    """
    found = [
        stream
        for stream in container.streams.video
        if not int(stream.disposition) & ATTACHED_PICTURE
    ]
    if found:
        return found[0]
    only = "only a cover image" if container.streams.video else "no video stream"
    raise BadImage(f"holds {only}, so there is nothing to restore", subject=path)


def read_facts(path: Path, rate: Fraction | None = None) -> VideoFacts:
    """Read all packets' time stamps and the first frame of a film.

    Args:
        path: a film, or the pattern of numbered frames.
        rate: frames per second of numbered frames; None takes 24.

    Raises:
        BadImage: it is not a film, has no frame that can be decoded, is interlaced, its pixels are of a kind that is not
            read, or numbered frames have gaps.
    """
    frames = NumberedFrames.find(path, rate) if names_frames(path) else None
    stamp = FileStamp.of(path) if frames is None else frames.stamp
    with opened(path, frames) as container:
        stream = video_stream(container, path)
        notices = _notices(container)
        frame = _first_frame(container, stream, path)
        _check_progressive(stream, frame, path)
        context = stream.codec_context
        colors = ColorTags(
            range=int(frame.color_range) if frames is None else _FULL_RANGE,
            matrix=int(frame.colorspace),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
        )
        try:
            layout = layout_of(frame.format.name, colors.range)
        except BadImage as error:
            raise BadImage(error.message.problem, subject=path) from None
        if colors.transfer in _HDR_TRANSFERS:
            notices.append(
                "HDR: range, matrix and transfer curve are kept, other HDR metadata is not"
            )
        aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
        known_rate = stream.average_rate or stream.guessed_rate or _DEFAULT_RATE
        facts = {
            "stream": stream.index,
            "codec": context.codec.canonical_name,
            "height": frame.height,
            "width": frame.width,
            "layout": layout,
            "colors": colors,
            "pixel_aspect": _fraction(aspect) or Fraction(1),
            "rotation": int(frame.rotation) % 360,
            "time_base": _fraction(stream.time_base),
            "rate": _fraction(known_rate),
            "frames": frames,
            "pixels": frame.format.name,
        }
    found = (
        _scan(path, facts["stream"])
        if frames is None
        else {"stamps": tuple(range(frames.count)), "packets": frames.count}
    )
    return VideoFacts(path=path, stamp=stamp, notices=tuple(notices), **facts, **found)


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.numerator), int(value.denominator))


def _first_frame(container: Any, stream: Any, path: Path) -> Any:
    av = import_av()
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            if frames:
                return frames[0]
    except av.FFmpegError as error:
        raise BadImage(
            f"has no frame that can be decoded: {error.strerror or error}", subject=path
        ) from None
    raise BadImage("has no frame that can be decoded", subject=path)


def _check_progressive(stream: Any, frame: Any, path: Path) -> None:
    """Refuse interlaced films: both fields of a frame would be restored as one image, although they show two moments."""
    if frame.interlaced_frame or int(stream.codec_context.field_order) not in _PROGRESSIVE:
        raise BadImage(
            "is interlaced: each of its frames shows two moments, and restoring them as one image would blur both. "
            "De-interlace it first, for example with FFmpeg's filter bwdif",
            subject=path,
        )


def _notices(container: Any) -> list[str]:
    films = [
        stream
        for stream in container.streams.video
        if not int(stream.disposition) & ATTACHED_PICTURE
    ]
    if len(films) < 2:
        return []
    return [f"has {len(films)} video streams; the first is restored, the others are left out"]


def _scan(path: Path, index: int) -> dict[str, Any]:
    """Time stamps and number of the stream's packets, and whether the file breaks off; nothing is decoded."""
    av = import_av()
    stamps, packets, ends, breaks_off = [], 0, Fraction(0), ""
    times = RisingTimes()
    with opened(path) as container:
        stream = container.streams[index]
        try:
            for packet in container.demux():
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None:
                    ends = max(ends, (stamp + (packet.duration or 0)) * _fraction(packet.time_base))
                if packet.size == 0 or packet.stream_index != index:
                    continue
                packets += 1
                if stamp is None:
                    continue
                # without decoding times they are in no order that could be kept
                moved = 0 if packet.dts is None else times.shift(packet, packet.dts)
                stamps.append(stamp + (moved or 0))
        except av.FFmpegError as error:
            breaks_off = str(error.strerror or error)
        if "mp4" in container.format.name and stream.frames > packets:
            breaks_off = f"{stream.frames:,} frames are declared, {packets:,} are there"
        elif "matroska" in container.format.name and container.duration:
            declared = Fraction(container.duration, 1_000_000)
            if ends < declared - _TOLERANCE_S:
                breaks_off = f"{float(declared):.1f} s are declared, {float(ends):.1f} s are there"
    return {
        "stamps": tuple(sorted(stamps)),
        "packets": packets,
        "breaks_off": breaks_off,
        "joints": tuple(times.joints),
    }
