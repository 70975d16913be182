"""Pixel layouts: how the planes of a film's frames are stored, and which of them are restored.

Frames of luma and chroma keep their own layout: luma is restored where it is stored, chroma is copied. Packed layouts are
only unpacked. RGB frames become three planes of the same depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from restorae.errors import BadImage
from restorae.formats.video.library import import_av
from restorae.pixels import mix_stored
from restorae.value_range import FULL_RANGE, ValueRange

_UNPACKED = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "nv42": "yuv444p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yvyu422": "yuv422p",
    "uyyvyy411": "yuv411p",
    "p010le": "yuv420p10le",
    "p012le": "yuv420p12le",
    "p016le": "yuv420p16le",
    "p210le": "yuv422p10le",
    "p216le": "yuv422p16le",
    "p410le": "yuv444p10le",
    "p416le": "yuv444p16le",
    "y210le": "yuv422p10le",
    "y212le": "yuv422p12le",
    "pal8": "gbrap",
    "monob": "gray",
    "monow": "gray",
}
"""Layouts that are unpacked, and into what; nothing is lost by it."""
_FULL_RANGE_NAMES = {
    f"yuvj{shape}p": f"yuv{shape}p" for shape in ("411", "420", "422", "440", "444")
}
_FULL = 2
"""FFmpeg's number of the full range (`AVCOL_RANGE_JPEG`)."""


@dataclass(frozen=True, kw_only=True)
class PixelLayout:
    """How frames are stored while restorae works on them."""

    name: str
    """FFmpeg's name: yuv420p10le."""
    bits: int
    """Bits of a value."""
    is_rgb: bool
    """Whether the first three planes are green, blue and red."""
    is_full: bool
    """Whether values span all bits; otherwise luma spans 16 to 235, in units of 2^(bits - 8)."""
    needs_unpacking: bool
    """Whether decoded frames are in another layout."""

    @property
    def restored(self) -> tuple[int, ...]:
        """Planes that are restored: luma, or red, green and blue, in the order of channels."""
        return (2, 0, 1) if self.is_rgb else (0,)

    @property
    def chroma_step(self) -> int:
        """Pixels across that share a chroma value."""
        across = import_av().VideoFormat(self.name).chroma_width(64)
        return 1 if self.is_rgb or not across else int(64 // across)

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored values."""
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)

    @property
    def largest(self) -> int:
        """The largest value that can be stored."""
        return int(2**self.bits - 1)

    @property
    def values(self) -> ValueRange:
        """The stored values that mean 0 and 1."""
        if self.is_full or self.is_rgb:
            return (
                FULL_RANGE if self.bits in (8, 16) else ValueRange((0.0,), (float(self.largest),))
            )
        step = 2 ** (self.bits - 8)
        return ValueRange((16.0 * step,), (235.0 * step,))

    def to_working(self, planes: Sequence[np.ndarray]) -> np.ndarray:
        """The planes of a frame that are restored, as channels: (height, width, channel) float32, 0 black, 1 white."""
        return self.values.to_working(np.stack([planes[index] for index in self.restored], -1))

    def with_working(
        self, planes: Sequence[np.ndarray], working: np.ndarray, strength: float = 1.0
    ) -> list[np.ndarray]:
        """The planes of a frame with new values in those that are restored; the others are the same objects.

        Args:
            planes: as they are.
            working: (height, width, channel), 0 black, 1 white.
            strength: how far towards the new values.
        """
        written = self.values.to_stored(working, self.dtype)
        np.minimum(written, self.largest, out=written)
        result = list(planes)
        for channel, index in enumerate(self.restored):
            after = written[..., channel]
            if strength != 1:
                after = mix_stored(planes[index], after, np.float64(strength))
            result[index] = after
        return result


def layout_of(name: str, color_range: int) -> PixelLayout:
    """The layout in which frames of FFmpeg's pixel format `name` are worked on.

    Args:
        name: such as yuv420p, nv12, rgb24.
        color_range: FFmpeg's number of the range that the file declares; 2 is full.

    Raises:
        BadImage: the format is not read (Bayer patterns, floats, frames in the memory of a graphics card).
    """
    given = import_av().VideoFormat(name)
    is_full = color_range == _FULL or name in _FULL_RANGE_NAMES or name.startswith("mono")
    plain = _FULL_RANGE_NAMES.get(name) or _UNPACKED.get(name) or name
    if name not in _UNPACKED and given.is_big_endian:
        plain = plain.removesuffix("be") + "le"
    if given.is_rgb and not given.is_planar and name not in _UNPACKED:
        alpha = "a" if any(component.is_alpha for component in given.components) else ""
        deep = max(component.bits for component in given.components) > 8
        plain = f"gbr{alpha}p{'16le' if deep else ''}"
    try:
        found = import_av().VideoFormat(plain)
    except ValueError:
        raise _not_read(name) from None
    if given.is_bayer or not _is_planar(found) or "f16" in plain or "f32" in plain:
        raise _not_read(name)
    return PixelLayout(
        name=plain,
        bits=max(component.bits for component in found.components),
        is_rgb=found.is_rgb,
        is_full=is_full,
        needs_unpacking=plain != name and name not in _FULL_RANGE_NAMES,
    )


def _is_planar(found: Any) -> bool:
    """Whether each component has a plane of its own."""
    planes = [component.plane for component in found.components]
    return bool(planes) and len(set(planes)) == len(planes)


def _not_read(name: str) -> BadImage:
    return BadImage(f"its pixel format {name} is not read; planar and packed YUV, grey and RGB are")


def plane_array(plane: Any, dtype: np.dtype) -> np.ndarray:
    """A frame's plane as an array (height, width) on the frame's own memory, without the padding of its rows."""
    rows = np.frombuffer(plane, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
    return rows[:, : plane.width]
