"""HEIC and HEIF, as telephones store photographs: read only."""

from __future__ import annotations

from pathlib import Path

from restorae.formats.avif import HEIF_LOADER, open_heif
from restorae.formats.format import Capabilities, Format, brands
from restorae.formats.original import Original

_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


def _open(path: Path, _axes: str | None) -> Original:
    return open_heif(path, HEIC.name)


def _recognises(start: bytes) -> bool:
    found = brands(start)
    return not found.isdisjoint(_BRANDS) and found.isdisjoint(_AVIF_BRANDS)


HEIC = Format(
    name="heic",
    title="HEIC",
    suffixes=(".heic", ".heif"),
    media_type="image/heic",
    recognises=_recognises,
    capabilities=Capabilities(bits=12, accepts_bits=16, pages=True),
    open=_open,
    loader=HEIF_LOADER,
)
