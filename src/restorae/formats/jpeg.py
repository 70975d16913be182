"""JPEG: lossy, 8 bits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from restorae.formats import jpeg_segments
from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips
from restorae.formats.vips_writing import VipsWriter

if TYPE_CHECKING:
    import pyvips

_QUALITY = 95
_LOADER = VipsLoader("jpegload_source", {"unlimited": True, "fail_on": "truncated"})


class _JpegWriter(VipsWriter):
    kind, title, bits = "jpeg", "JPEG", 8

    def save(self, image: pyvips.Image, path: str | bytes, keep: str) -> None:
        sampling = self.header_field("jpeg-chroma-subsample") or ""
        mode = "off" if "4:4:4" in sampling else "on" if "4:2:0" in sampling else "auto"
        image.jpegsave(
            path,
            keep=keep,
            Q=self.quality or _QUALITY,
            subsample_mode=mode,
            interlace=bool(self.header_field("jpeg-multiscan")),
            optimize_coding=True,
        )

    def save_with_own_metadata(self, image: pyvips.Image, partial: Path) -> None:
        with (
            self.encoded(image, partial) as encoded,
            self.original.reopened() as before,
            encoded.open("rb") as after,
            partial.open("wb") as result,
        ):
            jpeg_segments.carry(before, after, result, profile=not self.original.converted)


def _open(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, JPEG.name, _LOADER)


def _encode(image: pyvips.Image, quality: int) -> bytes:
    return image.jpegsave_buffer(Q=quality)  # type: ignore[no-any-return]


JPEG = Format(
    name="jpeg",
    title="JPEG",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    media_type="image/jpeg",
    recognises=starts_with(b"\xff\xd8\xff"),
    capabilities=Capabilities(bits=8, accepts_bits=16, alpha=False, quality=_QUALITY),
    open=_open,
    writer=_JpegWriter,
    loader=_LOADER,
    encode=_encode,
    carries="segments: EXIF, XMP, colour profile, Photoshop and IPTC, comments; chroma subsampling; progressive scans",
)
