"""PDF of scans, page by page, where libvips was built with a reader for it; read only."""

from __future__ import annotations

from pathlib import Path

from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips

_DPI = 300


def _open(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, PDF.name, PDF.require_loader(path))


PDF = Format(
    name="pdf",
    title="PDF",
    suffixes=(".pdf",),
    media_type="application/pdf",
    recognises=starts_with(b"%PDF-"),
    capabilities=Capabilities(bits=8, accepts_bits=8, pages=True),
    open=_open,
    loaders=(VipsLoader("pdfload_source", {"dpi": _DPI}, has_pages=True),),
    reads=f"every page, drawn at {_DPI} dots an inch, where libvips reads PDF",
    without_decoder="Take its scans out first: pdfimages -all scan.pdf page (of Poppler) writes them as they are stored",
)
