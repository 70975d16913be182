"""Formats that Pillow decodes: BMP and JPEG 2000, read only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restorae.errors import BadImage
from restorae.formats.format import Capabilities, Format
from restorae.formats.loaders import Decoded, DecodedLoader, require_size
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips

_AS_IT_IS = {"L", "LA", "RGB", "RGBA", "I;16", "I;16L", "I;16B"}
_CONVERTED = {"1": "L", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "CMYK": "RGB"}
_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"


def _decode(path: Path, _page: int) -> Decoded:
    from PIL import Image

    with path.open("rb") as handle, Image.open(handle) as image:
        require_size(path, image.height, image.width)
        mode, info = image.mode, image.info
        exif = info.get("exif")
        notice = None
        if mode in ("P", "PA") and "transparency" in info:
            mode, notice = "PA", "its palette is converted to full colour"
        elif mode == "P":
            notice = "its palette is converted to full colour"
        elif mode == "CMYK":
            notice = "CMYK colours are converted to RGB"
        elif mode == "1":
            notice = "its 1-bit values become 8-bit ones"
        if mode not in _AS_IT_IS and mode not in _CONVERTED:
            raise BadImage(f"holds values of Pillow's mode {mode}, which is not read", subject=path)
        shown = image if mode in _AS_IT_IS else image.convert(_CONVERTED[mode])
        values = np.asarray(shown)
    if mode.startswith("I;16"):
        values = values.astype(np.uint16)
    return Decoded(
        values=values,
        exif=exif if isinstance(exif, bytes) else None,
        icc=info.get("icc_profile") if mode != "CMYK" else None,
        xmp=info.get("xmp") if isinstance(info.get("xmp"), bytes) else None,
        notice=notice,
    )


def _decode_jpeg_2000(path: Path, page: int) -> Decoded:
    """Pillow reduces colours of more than 8 bits to 8, so those are refused."""
    bits, channels = _depth(path)
    if bits > 8 and channels > 1:
        raise BadImage(
            f"is a JPEG 2000 file with {bits} bits a value in {channels} channels; the decoder that is installed keeps only 8. "
            "Install one that keeps them, pip install 'restorae[codecs]', or convert it to TIFF",
            subject=path,
        )
    return _decode(path, page)


def _decode_by_imagecodecs(path: Path, _page: int) -> Decoded:
    import imagecodecs

    require_size(path, *_jpeg_2000_size(path))
    values = imagecodecs.jpeg2k_decode(path.read_bytes())
    return Decoded(values=np.asarray(values))


def _main_header(path: Path) -> bytes:
    """The codestream's SIZ segment, from behind its length."""
    with path.open("rb") as handle:
        start = handle.read(2**16)
    at = start.find(_CODESTREAM)
    if at < 0 or len(start) < at + 48:
        raise BadImage("is a JPEG 2000 file that is damaged or cut short", subject=path)
    return start[at + 6 : at + 6 + 2 + 36 + 3]


def _jpeg_2000_size(path: Path) -> tuple[int, int]:
    header = _main_header(path)
    numbers = [int.from_bytes(header[at : at + 4], "big") for at in (2, 6, 10, 14)]
    right, bottom, left, top = numbers
    return max(0, bottom - top), max(0, right - left)


def _depth(path: Path) -> tuple[int, int]:
    header = _main_header(path)
    return (header[36] & 0x7F) + 1, int.from_bytes(header[34:36], "big")


def _open_bmp(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, BMP.name, BMP.require_loader(path))


def _open_jp2(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, JPEG_2000.name, JPEG_2000.require_loader(path))


def _is_jpeg_2000(start: bytes) -> bool:
    return start.startswith((_CODESTREAM, _BOX))


def _is_bmp(start: bytes) -> bool:
    # "BM", then the file's size, four bytes of zeros mostly, and the size of the next header
    return start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in (
        12, 16, 40, 52, 56, 64, 108, 124,
    )  # fmt: skip


BMP = Format(
    name="bmp",
    title="BMP",
    suffixes=(".bmp", ".dib"),
    media_type="image/bmp",
    recognises=_is_bmp,
    capabilities=Capabilities(bits=8, accepts_bits=8),
    open=_open_bmp,
    loaders=(DecodedLoader("Pillow", module="PIL", decode=_decode),),
    reads="1 to 32 bits a pixel, palettes, run lengths",
)
JPEG_2000 = Format(
    name="jp2",
    title="JPEG 2000",
    suffixes=(".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    media_type="image/jp2",
    recognises=_is_jpeg_2000,
    capabilities=Capabilities(bits=16, accepts_bits=16),
    open=_open_jp2,
    loaders=(
        VipsLoader("jp2kload_source"),
        DecodedLoader("imagecodecs", module="imagecodecs", decode=_decode_by_imagecodecs),
        DecodedLoader("Pillow", module="PIL", decode=_decode_jpeg_2000),
    ),
    reads="8 bits; 16 bits in grey, in colour with the extra codecs; lossless and lossy",
)
