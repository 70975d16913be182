"""Films: read frame by frame, written in closed pieces that are joined by copying packets. Needs PyAV (extra `film`)."""

from restorae.formats.video.codecs import CODECS, Encoding, choose_encoding
from restorae.formats.video.facts import ColorTags, VideoFacts, read_facts
from restorae.formats.video.joining import Cut, JoinReport, join_pieces
from restorae.formats.video.layout import PixelLayout, layout_of
from restorae.formats.video.names import CONTAINERS, VIDEO_SUFFIXES, names_video
from restorae.formats.video.pieces import PieceTimes, PieceWriter, read_times, times_path
from restorae.formats.video.reading import Frame, FrameReader

__all__ = [
    "CODECS",
    "CONTAINERS",
    "VIDEO_SUFFIXES",
    "ColorTags",
    "Cut",
    "Encoding",
    "Frame",
    "FrameReader",
    "JoinReport",
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
]
