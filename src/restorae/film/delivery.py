"""From pieces to what a person asked for: a film with everything else of its source, or numbered frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from restorae.errors import Fix, SettingsConflict
from restorae.film.report import notices_of_join
from restorae.formats.video import (
    CONTAINERS,
    Cut,
    Encoding,
    VideoFacts,
    choose_encoding,
    join_pieces,
    read_times,
    write_frames,
)
from restorae.formats.video.joining import describe_stream
from restorae.names import names_frames

_ANY = "matroska"
"""A container that holds pieces without loss, where no film is written."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What became of the pieces."""

    copied: list[str]
    """Streams that were copied."""
    notices: list[str]
    """What the person should know."""


def encoding_for(
    target: Path,
    facts: VideoFacts,
    *,
    codec: str | None = None,
    quality: int | None = None,
    lossless: bool = False,
) -> Encoding:
    """How the pieces of a film, or of numbered frames, are encoded.

    Raises:
        SettingsConflict: a codec or quality was asked for numbered frames, which lose nothing.
        UsageError: as `choose_encoding` says.
    """
    if not names_frames(target):
        container = CONTAINERS[target.suffix.lower()]
        return choose_encoding(facts, container, codec=codec, quality=quality, lossless=lossless)
    for name, value in (("codec", codec), ("quality", quality)):
        if value is not None:
            raise SettingsConflict(
                "{} is for films; numbered frames are written without loss",
                settings=(name,),
                fix=Fix(name, action="omit"),
            )
    return choose_encoding(facts, _ANY, lossless=True)


def cut_of(
    part: tuple[Fraction | None, Fraction | None], facts: VideoFacts, pieces: Sequence[Path]
) -> Cut:
    """The part of the source's time axis that the pieces show; sound is cut there."""
    start, end = part
    if start is None and end is None:
        return Cut(start=Fraction(0))
    first = read_times(pieces[0])
    assert first is not None
    return Cut(
        start=first.stamps[0] * facts.time_base,
        end=None if end is None else facts.start * facts.time_base + end,
        shifts=True,
    )


def deliver(
    pieces: Sequence[Path],
    target: Path,
    facts: VideoFacts,
    cut: Cut,
    *,
    folder: Path,
    keep_times: bool = False,
) -> Delivered:
    """Write the film, or the numbered frames, whole or not at all.

    Args:
        pieces: complete pieces in order.
        target: the film, or the pattern of the frames.
        facts: of the source.
        cut: the part of the source.
        folder: of the pieces.
        keep_times: whether numbered frames get the times of those they are made from.

    Raises:
        OutputError: it cannot be written.
        BadImage: the source cannot be read any more.
    """
    if names_frames(target):
        notices = write_frames(pieces, target, facts, folder, keep_times=keep_times)
        return Delivered(copied=[], notices=[*_not_in_frames(facts), *notices])
    container = CONTAINERS[target.suffix.lower()]
    joined = join_pieces(pieces, target, container, facts, cut)
    return Delivered(copied=joined.copied, notices=notices_of_join(joined, container, facts))


def _not_in_frames(facts: VideoFacts) -> list[str]:
    """What numbered frames do not hold of their source."""
    if facts.frames is not None:
        return []
    with facts.opened() as source:
        others = [describe_stream(each) for each in source.streams if each.index != facts.stream]
    said = [f"left out, since numbered frames hold images alone: {', '.join(others)}"]
    varies = ["frames last for different times, which numbered frames do not hold"]
    return [*(said if others else []), *(varies if facts.is_variable else [])]
