"""Names of film files: answered without opening them."""

from __future__ import annotations

import re
from pathlib import Path

VIDEO_SUFFIXES = frozenset(
    {
        ".3gp",
        ".asf",
        ".avi",
        ".dv",
        ".flv",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".nut",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
    }
)
"""Suffixes by which a film is recognised."""

CONTAINERS = {
    ".mkv": "matroska",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".webm": "webm",
}
"""Containers that can be written, by suffix; the first is the default."""


FRAME_SUFFIXES = (".png", ".tif", ".tiff", ".dpx")
"""Numbered frames that are read and written, by suffix."""

NUMBER = re.compile(r"%(?:0(\d+))?d")
"""Where a pattern has the frame's number, as FFmpeg and C write it: %05d with 5 digits at least, %d without leading zeros."""


def names_frames(path: Path) -> bool:
    """Whether a name is the pattern of numbered frames, such as `frames/%05d.png`; a file of that very name is an image."""
    is_pattern = len(NUMBER.findall(path.name)) == 1 and path.suffix.lower() in FRAME_SUFFIXES
    return is_pattern and not path.is_file()


def names_video(path: Path) -> bool:
    """Whether a file's name promises a film."""
    return path.suffix.lower() in VIDEO_SUFFIXES
