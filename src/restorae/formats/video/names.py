"""Names of film files: answered without opening them."""

from __future__ import annotations

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


def names_video(path: Path) -> bool:
    """Whether a file's name promises a film."""
    return path.suffix.lower() in VIDEO_SUFFIXES
