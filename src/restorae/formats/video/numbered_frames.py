"""Films that are folders of numbered frames, named by a pattern as FFmpeg's: `frames/%05d.png`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Self

from restorae.errors import BadImage, Fix
from restorae.formats.original import cannot_read
from restorae.names import FRAME_SUFFIXES, NUMBER

USUAL_RATE = Fraction(24)
"""Frames per second of numbered frames, where nobody says."""
UNFINISHED = "frames"
"""Folder of frames that are not all there yet, in that of the pieces."""
_NAMED_GAPS = 5


@dataclass(frozen=True)
class FramesStamp:
    """Number of frames, and a checksum of their names, sizes and times of change, to notice that one changed."""

    files: int
    digest: str


@dataclass(frozen=True)
class FramePattern:
    """How the files of numbered frames are called.

    >>> FramePattern(Path("frames/shot-%04d.dpx")).path(12).name
    'shot-0012.dpx'
    """

    template: Path
    """The pattern, with %d or %05d in its name."""

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.template.parent

    def path(self, number: int) -> Path:
        """The file of a frame."""
        return self.folder / NUMBER.sub(
            lambda found: f"{number:0{found[1] or 1}d}", self.template.name, count=1
        )

    def found(self) -> dict[int, os.DirEntry[str]]:
        """The files that are there, by number.

        Raises:
            BadImage: there is no such folder.
        """
        before, digits, after = NUMBER.split(self.template.name)
        least = int(digits or 1)
        name = re.compile(
            rf"{re.escape(before)}(\d{{{least}}}|[1-9]\d{{{least},}}){re.escape(after)}", re.ASCII
        )
        try:
            with os.scandir(self.folder) as entries:
                matched = [(name.fullmatch(each.name), each) for each in entries]
                return {int(match[1]): each for match, each in matched if match and each.is_file()}
        except OSError as error:
            raise cannot_read(self.folder, error) from None

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """The pattern of the only numbered frames in a folder; other files there are left alone.

        Raises:
            BadImage: there are none, or of several patterns.
        """
        shapes: dict[tuple[str, str], list[str]] = {}
        try:
            listed = sorted(each.name for each in os.scandir(folder))
        except OSError as error:
            raise cannot_read(folder, error) from None
        for name in listed:
            found = re.fullmatch(r"(.*?)(\d+)(\.\w+)", name, re.ASCII | re.DOTALL)
            if found and found[3].lower() in FRAME_SUFFIXES and not name.startswith("."):
                shapes.setdefault((found[1], found[3]), []).append(found[2])
        if len(shapes) != 1:
            several = [f"{before}…{after}" for before, after in shapes]
            raise BadImage(
                f"holds frames of several names ({', '.join(several[:3])}). Name one by its pattern, as frames/%05d.png"
                if several
                else f"holds no numbered frames. Expected names such as 00001.png ({', '.join(FRAME_SUFFIXES)})",
                subject=folder,
                fix=Fix("frame_rate", action="omit"),
            )
        (((before, after), numbers),) = shapes.items()
        width = len(min(numbers, key=len))
        has_zeros = any(number.startswith("0") and len(number) > 1 for number in numbers)
        token = f"%0{width}d" if has_zeros or width > 1 else "%d"
        return cls(folder / f"{before}{token}{after}")


@dataclass(frozen=True, kw_only=True)
class NumberedFrames:
    """The frames of a film, a file each, without gaps."""

    pattern: FramePattern
    first: int
    """Number of the first frame."""
    count: int
    rate: Fraction
    """Frames per second."""
    stamp: FramesStamp

    @classmethod
    def find(cls, path: Path, rate: Fraction | None = None) -> NumberedFrames:
        """The frames of a pattern.

        Raises:
            BadImage: there are none, numbers are missing between the first and the last, or a file is empty.
        """
        pattern = FramePattern(path)
        found = pattern.found()
        if not found:
            raise BadImage("no file has such a name", subject=path)
        numbers = sorted(found)
        _check_gaps(path, numbers)
        digest = hashlib.sha256()
        for number in numbers:
            facts = found[number].stat()
            if not facts.st_size:
                raise BadImage("is empty", subject=pattern.path(number))
            digest.update(f"{found[number].name}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
        return cls(
            pattern=pattern,
            first=numbers[0],
            count=len(numbers),
            rate=rate or USUAL_RATE,
            stamp=FramesStamp(len(numbers), digest.hexdigest()),
        )

    def file(self, index: int) -> Path:
        """The file of the frame with that index, from 0."""
        return self.pattern.path(self.first + index)

    def ffmpeg_source(self) -> tuple[str, dict[str, str]]:
        """The name that FFmpeg opens as one film, with its options."""
        path = self.pattern.folder.resolve() / self.pattern.template.name
        before, digits, after = NUMBER.split(path.name)
        escaped = [text.replace("%", "%%") for text in (f"{path.parent}{os.sep}{before}", after)]
        options = {
            "pattern_type": "sequence",
            "framerate": str(self.rate),
            "start_number": str(self.first),
        }
        return f"{escaped[0]}%{f'0{digits}' if digits else ''}d{escaped[1]}", options


def _check_gaps(path: Path, numbers: Sequence[int]) -> None:
    gaps = [(one + 1, other - 1) for one, other in pairwise(numbers) if other > one + 1]
    if not gaps:
        return
    said = [
        f"{first:,}" if first == last else f"{first:,} to {last:,}"
        for first, last in gaps[:_NAMED_GAPS]
    ]
    more = f" and in {len(gaps) - _NAMED_GAPS:,} more places" if len(gaps) > _NAMED_GAPS else ""
    raise BadImage(
        f"numbers are missing between {numbers[0]:,} and {numbers[-1]:,}: {', '.join(said)}{more}. "
        "Add these frames, or move those after the gap to a folder of their own",
        subject=path,
    )
