"""GIF: frames of at most 256 colours, read only; all frames are restored."""

from __future__ import annotations

from pathlib import Path

from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips


def _open(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, GIF.name, GIF.require_loader(path))


GIF = Format(
    name="gif",
    title="GIF",
    suffixes=(".gif",),
    media_type="image/gif",
    recognises=starts_with(b"GIF87a", b"GIF89a"),
    capabilities=Capabilities(bits=8, accepts_bits=8, pages=True),
    open=_open,
    loaders=(VipsLoader("gifload_source", has_pages=True),),
    reads="all frames, as full colour; WebP and TIFF hold them all",
)
