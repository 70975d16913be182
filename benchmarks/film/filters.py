"""FFmpeg's denoising filters as PyAV's build has them, with the settings that are tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np

SETTINGS = {
    "nlmeans": [f"s={strength}:p=5:r=11" for strength in (2, 3, 4.5, 6, 9)],
    "bm3d": [f"sigma={sigma}" for sigma in (3, 6, 10, 16)],
    "atadenoise": [f"0a={low}:0b={high}:s=9" for low, high in ((0.05, 0.1), (0.2, 0.3))],
    "hqdn3d": ["4:3:6:4.5", "8:6:12:9"],
}


def available() -> list[str]:
    """The filters of this build."""
    return [name for name in SETTINGS if name in av.filter.filters_available]


def filtered(frames: Sequence[np.ndarray], name: str, setting: str) -> list[np.ndarray]:
    """Grey frames, uint8, through a filter."""
    graph = av.filter.Graph()
    height, width = frames[0].shape
    source = graph.add_buffer(width=width, height=height, format="gray", time_base=Fraction(1, 25))
    through = graph.add(name, setting)
    sink = graph.add("buffersink")
    source.link_to(through)
    through.link_to(sink)
    graph.configure()
    found: list[np.ndarray] = []
    for number, each in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format="gray")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        source.push(frame)
        found += _ready(sink)
    source.push(None)
    return found + list(_ready(sink))


def _ready(sink: av.filter.context.FilterContext) -> Iterator[np.ndarray]:
    while True:
        try:
            yield sink.pull().to_ndarray(format="gray")
        except (av.error.BlockingIOError, av.error.EOFError):
            return
