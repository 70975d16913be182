"""Still pictures as one looks at them and learns from them: upright, grey or colour, without alpha and metadata."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from restorae.errors import BadPicture, OutputError
from restorae.files import write_bytes
from restorae.formats.kinds import ARRAY_KINDS, SUFFIX_OF, WRITTEN, kind_named
from restorae.formats.originals import checked_kind, load_with_vips, unreadable
from restorae.formats.vips_image import as_8_bits

if TYPE_CHECKING:
    import pyvips

_TAKEN_AS_THEY_ARE = ("b-w", "grey16", "srgb", "rgb", "rgb16")
_TAKEN_FORMATS = ("uchar", "ushort", "float")


class Outline(NamedTuple):
    """What a picture file says of itself before it is decoded, the way it will stand when turned upright."""

    height: int
    width: int
    channels: int
    bytes: int


def read_outline(path: Path) -> Outline:
    """Height, width, channels and decoded size of a picture file, from its header alone.

    Raises:
        BadPicture: as `read_still`.
    """
    image = _open(path).autorot()  # of the header alone: nothing is decoded
    channels = 1 if image.interpretation in ("b-w", "grey16") else 3
    depth = {"ushort": 2, "float": 4}.get(image.format, 1)
    return Outline(
        image.height, image.width, channels, image.height * image.width * channels * depth
    )


def read_still(path: Path) -> np.ndarray:
    """The pixels of a picture file's first page as one looks at it: (height, width) when grey, else (height, width, 3).

    uint8, uint16 or float32. Alpha is dropped, palettes and CMYK become RGB, and the picture is turned as its orientation says.

    Raises:
        BadPicture: it cannot be read, is broken or cut short; the message names the file.
    """
    import pyvips

    image = _open(path)
    try:
        if image.get_typeof("orientation") and image.get("orientation") > 1:
            image = (
                image.copy_memory().autorot()
            )  # lines are read from top to bottom, but turned they are needed in another order
        if image.hasalpha():
            image = image.extract_band(0, n=image.bands - 1)
        if image.interpretation not in _TAKEN_AS_THEY_ARE:
            image = image.colourspace("srgb")
        if image.format not in _TAKEN_FORMATS:
            image = image.cast("float")
        pixels = np.asarray(image.numpy()).reshape(image.height, image.width, image.bands)
    except pyvips.Error as error:
        raise unreadable(path, error) from None
    return pixels[..., 0] if image.bands == 1 else pixels


def _open(path: Path) -> pyvips.Image:
    kind = checked_kind(path)
    if kind in ARRAY_KINDS:
        raise BadPicture(f"{path} is an array, not a picture.")
    return load_with_vips(path, kind)


def write_still(path: Path, pixels: np.ndarray, quality: int = 95) -> None:
    """Write (height, width) or (height, width, 3) pixels, uint8 or uint16, in the format that the name's suffix says.

    Raises:
        BadPicture: the suffix names no format that is written.
        OutputError: it could not be written; nothing half-written is left.
    """
    kind = kind_named(path)
    if kind not in WRITTEN:
        raise BadPicture(
            f"{path.name}: pictures are written as {', '.join(SUFFIX_OF[each] for each in WRITTEN)}. Choose one of these suffixes."
        )
    fits = pixels.ndim in (2, 3) and pixels.size and (pixels.ndim == 2 or pixels.shape[2] <= 4)
    if not fits or not (
        pixels.dtype in (np.uint8, np.uint16, np.bool_)
        or (kind == "tiff" and pixels.dtype == np.float32)
    ):
        raise BadPicture(
            f"{path}: a picture file holds (height, width) or (height, width, 3) values of uint8 or uint16 (TIFF also float32), "
            f"not {pixels.dtype} {pixels.shape}."
        )
    import pyvips

    try:
        image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
        if pixels.dtype == np.uint16 and image.bands < 3:
            image = image.copy(interpretation="grey16")
        if pixels.dtype == np.uint16 and kind in ("jpeg", "webp"):
            image = as_8_bits(image)
        content = _encoded(image, kind, quality)
    except pyvips.Error as error:
        raise OutputError(
            f"{path} could not be written: {str(error).splitlines()[-1].strip()}."
        ) from None
    write_bytes(path, content)


def _encoded(image: pyvips.Image, kind: str, quality: int) -> bytes:
    content: bytes
    match kind:
        case "jpeg":
            content = image.jpegsave_buffer(Q=quality)
        case "png":
            content = image.pngsave_buffer()
        case "webp":
            content = image.webpsave_buffer(Q=quality)
        case "avif":
            content = image.heifsave_buffer(
                compression="av1", Q=quality, bitdepth=12 if image.format == "ushort" else 8
            )
        case _:
            content = image.tiffsave_buffer(compression="deflate")
    return content
