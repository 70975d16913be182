"""HEIC and HEIF, as telephones store photographs: read only.

libvips' own build has no decoder for HEVC, in which most of them are coded; pillow-heif (extra `heic`) brings one.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restorae.errors import BadImage
from restorae.formats.avif import HEIF_LOADER, open_heif
from restorae.formats.format import Capabilities, Format, brands
from restorae.formats.loaders import Decoded, DecodedLoader, require_size
from restorae.formats.original import Original
from restorae.formats.vips_reading import read_start

if TYPE_CHECKING:
    import pyvips

_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_GET_ONE = "Install one, pip install 'restorae[heic]', or convert the file to JPEG or PNG"


def _decode(path: Path, page: int) -> Decoded:
    import pillow_heif

    opened = pillow_heif.open_heif(path, convert_hdr_to_8bit=False)
    primary_first = sorted(range(len(opened)), key=lambda at: at != opened.primary_index)
    image = opened[primary_first[page]]
    require_size(path, image.size[1], image.size[0])
    info: dict[str, Any] = dict(image.info)
    pillow_heif.set_orientation(info)  # it is decoded upright, and EXIF says so from here on
    bits = int(info.get("bit_depth") or 8)
    return Decoded(
        values=np.asarray(image),
        pages=len(opened),
        exif=info.get("exif"),
        icc=info.get("icc_profile"),
        xmp=info.get("xmp"),
        bits=bits if bits > 8 else None,
    )


class HeicLoader:
    """libvips where it can decode the file, else pillow-heif."""

    has_pages = True
    library = "pillow-heif for HEVC, else libvips"

    def __init__(self) -> None:
        self.other = DecodedLoader(
            "pillow-heif", module="pillow_heif", decode=_decode, has_pages=True
        )

    @property
    def in_memory(self) -> bool:
        return importlib.util.find_spec("pillow_heif") is not None

    def is_available(self) -> bool:
        """Always: files that are not coded as HEVC are decoded by libvips."""
        return True

    def open(self, path: Path, page: int = 0, count: int = 1) -> pyvips.Image:
        """A page of a file, by the decoder that its coding needs."""
        if b"hvcC" not in read_start(path):
            return HEIF_LOADER.open(path, page, count)
        if not self.other.is_available():
            raise BadImage(
                f"is a HEIC file coded as HEVC, which this installation has no decoder for. {_GET_ONE}",
                subject=path,
            )
        return self.other.open(path, page, count)


LOADER = HeicLoader()


def _open(path: Path, _axes: str | None) -> Original:
    return open_heif(path, HEIC.name, LOADER)


def _recognises(start: bytes) -> bool:
    found = brands(start)
    return not found.isdisjoint(_BRANDS) and found.isdisjoint(_AVIF_BRANDS)


HEIC = Format(
    name="heic",
    title="HEIC",
    suffixes=(".heic", ".heif", ".hif"),
    media_type="image/heic",
    recognises=_recognises,
    capabilities=Capabilities(bits=12, accepts_bits=16, pages=True),
    open=_open,
    loaders=(LOADER,),
    reads="8, 10 and 12 bits, alpha, upright; of a sequence the still image",
    without_decoder=_GET_ONE,
)
