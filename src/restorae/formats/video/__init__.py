"""Films: read frame by frame, written in closed pieces that are joined by copying packets. Needs PyAV (extra `film`).

Each name is imported at first use (PEP 562): whether a file is a film is asked before anything heavy is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restorae.formats.video.codecs import CODECS, Encoding, choose_encoding
    from restorae.formats.video.facts import ColorTags, VideoFacts, read_facts
    from restorae.formats.video.frame_files import write_frames
    from restorae.formats.video.joining import Cut, JoinReport, join_pieces
    from restorae.formats.video.layout import PixelLayout, layout_of
    from restorae.formats.video.names import (
        CONTAINERS,
        VIDEO_SUFFIXES,
        names_video,
    )
    from restorae.formats.video.numbered_frames import FramePattern, NumberedFrames
    from restorae.formats.video.pieces import PieceTimes, PieceWriter, read_times, times_path
    from restorae.formats.video.reading import Frame, FrameReader

_HOMES = {
    "CODECS": "codecs",
    "CONTAINERS": "names",
    "VIDEO_SUFFIXES": "names",
    "ColorTags": "facts",
    "Cut": "joining",
    "Encoding": "codecs",
    "FramePattern": "numbered_frames",
    "NumberedFrames": "numbered_frames",
    "Frame": "reading",
    "FrameReader": "reading",
    "JoinReport": "joining",
    "PieceTimes": "pieces",
    "PieceWriter": "pieces",
    "PixelLayout": "layout",
    "VideoFacts": "facts",
    "choose_encoding": "codecs",
    "join_pieces": "joining",
    "layout_of": "layout",
    "names_video": "names",
    "read_facts": "facts",
    "read_times": "pieces",
    "times_path": "pieces",
    "write_frames": "frame_files",
}

__all__ = [
    "CODECS",
    "CONTAINERS",
    "VIDEO_SUFFIXES",
    "ColorTags",
    "Cut",
    "Encoding",
    "Frame",
    "FramePattern",
    "FrameReader",
    "JoinReport",
    "NumberedFrames",
    "PieceTimes",
    "PieceWriter",
    "PixelLayout",
    "VideoFacts",
    "choose_encoding",
    "join_pieces",
    "layout_of",
    "names_video",
    "read_facts",
    "read_times",
    "times_path",
    "write_frames",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"restorae.formats.video.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'restorae.formats.video' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
