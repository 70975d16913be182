"""Writing a film as numbered frames: PNG and TIFF with what belongs to the original image, DPX by FFmpeg's encoder."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import InputError, OutputError
from restorae.file_attributes import SourceFile, made_from
from restorae.files import write_bytes, write_failure
from restorae.formats.opening import open_original
from restorae.formats.original import Original, Page
from restorae.formats.plain import begin_plain
from restorae.formats.registry import kind_named
from restorae.formats.results import begin_result
from restorae.formats.video.facts import VideoFacts
from restorae.formats.video.layout import plane_array
from restorae.formats.video.library import file_name, import_av
from restorae.formats.video.matrices import stated_matrix
from restorae.formats.video.numbered_frames import UNFINISHED, FramePattern
from restorae.formats.video.pieces import read_times

_FIRST = 1
"""Number of the first frame of a film that is written as frames, as in FFmpeg."""
_DEEP = 8
_BIG_ENDIAN = b"SDPX"
_COPIED_OF_DPX = ((260, 660), (784, 800), (801, 803), (1408, 2048))
"""Bytes of a DPX header (SMPTE 268M) that describe the scan and not the file: project and copyright, reference values, transfer
curve and primaries, origin and device, film edge code, time code."""


def write_frames(
    pieces: Sequence[Path], target: Path, facts: VideoFacts, folder: Path, *, keep_times: bool
) -> list[str]:
    """Write each frame of the pieces as a file; all of them appear when they are complete.

    Frames of numbered frames keep their numbers; others begin at 1.

    Args:
        pieces: complete pieces in order, encoded without loss.
        target: the pattern of the files' names.
        facts: of the source.
        folder: an existing folder for unfinished work, on the same disk.
        keep_times: whether frames made from single files get the times of these.

    Raises:
        OutputError: they cannot be written.
        BadImage: the source cannot be read any more.

    Returns:
        What the person should know.
    """
    pattern, unfinished = FramePattern(target), folder / UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    written: list[int] = []
    notices: dict[str, None] = {}
    try:
        unfinished.mkdir()
        for number, stamp, frame in _frames(pieces, facts):
            path = unfinished / pattern.path(number).name
            original = None if facts.frames is None else facts.frames.file(stamp)
            source = None if original is None else SourceFile.of(original, keep_times=keep_times)
            with made_from(source):
                notices |= dict.fromkeys(_write(path, frame, facts, original))
            written.append(number)
        _move(unfinished, pattern, written)
    except OSError as error:
        raise write_failure(target, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    if left := sorted(set(pattern.found()) - set(written)):
        notices[f"the folder still holds {len(left):,} other frames ({left[0]} to {left[-1]})"] = (
            None
        )
    return [*notices]


def _frames(pieces: Sequence[Path], facts: VideoFacts) -> Iterator[tuple[int, int, Any]]:
    """Number, time stamp and decoded frame of all pieces."""
    number = _FIRST
    for piece in pieces:
        times = read_times(piece)
        assert times is not None
        with import_av().open(file_name(piece)) as film:
            for stamp, decoded in zip(times.stamps, film.decode(video=0), strict=True):
                frame = decoded.reformat(format=facts.layout.name)  # itself, unless it was packed
                yield number if facts.frames is None else facts.frames.first + stamp, stamp, frame
                number += 1


def _move(unfinished: Path, pattern: FramePattern, written: Sequence[int]) -> None:
    """Give complete frames their place: all at once where there is no other file."""
    pattern.folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        pattern.folder.rmdir()  # an empty one only
    with contextlib.suppress(OSError):
        unfinished.rename(pattern.folder)
        return
    pattern.folder.mkdir(parents=True, exist_ok=True)
    for number in written:
        path = pattern.path(number)
        (unfinished / path.name).replace(path)


def _write(path: Path, frame: Any, facts: VideoFacts, source: Path | None) -> list[str]:
    if path.suffix.lower() == ".dpx":
        write_bytes(path, _dpx(frame, facts, source))
        return []
    values = _interleaved(frame, facts)
    original = None if source is None else _like(source, values)
    if original is not None:
        with begin_result(original, path, kind_named(path)) as writer:
            writer.put(0, 0, values)
            writer.finish()
        return [*original.notices, *writer.notices]
    height, width, bands = values.shape
    page = Page(height, width, bands=bands, alpha=0, dtype=values.dtype)
    with begin_plain(path, [page]) as writer:
        writer.put(0, 0, values)
        writer.finish()
    return []


def _like(source: Path, values: np.ndarray) -> Original | None:
    """The original image, where its values are stored alike; then what belongs to it is kept."""
    if source.suffix.lower() == ".dpx":
        return None
    try:
        original = open_original(source)
    except InputError:
        return None
    page = original.pages[0]
    alike = (page.height, page.width, page.bands) == values.shape and page.dtype == values.dtype
    is_plain = len(original.pages) == 1 and not page.white_is_zero
    return original if alike and is_plain else None


def _interleaved(frame: Any, facts: VideoFacts) -> np.ndarray:
    """The frame as an image, (height, width, bands) of 8 or 16 bits; of grey and RGB no value is rounded that need not be."""
    layout = facts.layout
    dtype = np.dtype(np.uint8 if layout.bits <= _DEEP else np.uint16)
    largest = 2 ** (8 * dtype.itemsize) - 1
    if not layout.is_rgb and not layout.name.startswith("gray"):
        bands = max(3, len(frame.planes))
        name = f"rgb{'a' * (bands - 3)}"
        name += {3: "24", 4: ""}[bands] if layout.bits <= _DEEP else {3: "48le", 4: "64le"}[bands]
        converted = frame.reformat(format=name, **_to_full_rgb(facts)).planes[0]
        rows = np.frombuffer(converted, dtype).reshape(facts.height, -1)
        return rows[:, : bands * facts.width].reshape(facts.height, facts.width, bands)
    planes = [plane_array(plane, layout.dtype) for plane in frame.planes]
    working = np.clip(layout.to_working(planes), 0, 1)
    values = np.rint(working * np.float32(largest)).astype(dtype)
    alpha = [
        np.rint(plane.astype(np.float32) * np.float32(largest / layout.largest)).astype(dtype)
        for plane in planes[len(layout.restored) :]
    ]
    return np.concatenate([values, *(plane[..., None] for plane in alpha)], -1)


def _dpx(frame: Any, facts: VideoFacts, source: Path | None) -> bytes:
    """A DPX file; from a DPX file comes what its header says of the scan."""
    header = _dpx_header(source)
    is_little = bool(header) and header[:4] != _BIG_ENDIAN
    layout = facts.layout
    has_alpha = layout.is_rgb and len(frame.planes) > 3
    bits = next(each for each in (8, 10, 12, 16) if each >= layout.bits)
    if layout.name.startswith("gray"):
        name = "gray" if bits == _DEEP else "gray16"
    elif has_alpha:
        name = "rgba" if bits == _DEEP else "rgba64"
    else:
        name = {8: "rgb24", 10: "gbrp10", 12: "gbrp12", 16: "rgb48"}[bits]
    if bits > _DEEP:
        name += "le" if is_little else "be"
    av = import_av()
    encoder = av.CodecContext.create("dpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = facts.width, facts.height, name
    encoder.time_base = 1 / facts.rate
    converted = frame.reformat(format=name, **_to_full_rgb(facts))
    try:
        packets = [*encoder.encode(converted), *encoder.encode(None)]
    except av.FFmpegError as error:
        raise OutputError(f"a DPX file cannot hold it: {error.strerror or error}") from error
    content = bytearray(b"".join(map(bytes, packets)))
    if header[:4] == content[:4]:
        for start, end in _COPIED_OF_DPX:
            content[start:end] = header[start:end]
    return bytes(content)


def _dpx_header(source: Path | None) -> bytes:
    if source is None or source.suffix.lower() != ".dpx":
        return b""
    with source.open("rb") as handle:
        header = handle.read(2048)
    return header if len(header) == 2048 else b""


def _to_full_rgb(facts: VideoFacts) -> dict[str, int]:
    """How FFmpeg converts a film's frames to images of the full range."""
    is_full = facts.layout.is_full or facts.layout.is_rgb
    settings = {"src_color_range": 2 if is_full else 1, "dst_color_range": 2}
    if facts.layout.is_rgb:
        return settings
    return settings | {"src_colorspace": stated_matrix(facts.colors.matrix, facts.height)}
