"""Still images as they are displayed and learned from: upright, grey or colour, without alpha and metadata."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from restorae.errors import BadImage
from restorae.files import write_bytes
from restorae.formats.libraries import import_pyvips
from restorae.formats.opening import require_format
from restorae.formats.registry import FORMATS, format_named
from restorae.formats.vips_image import as_8_bits, vips_errors
from restorae.formats.vips_reading import undecodable

if TYPE_CHECKING:
    import pyvips

_KEPT_SPACES = ("b-w", "grey16", "srgb", "rgb", "rgb16")
_KEPT_TYPES = ("uchar", "ushort", "float")


class Outline(NamedTuple):
    """Size of an image file as displayed, known before it is decoded."""

    height: int
    width: int
    channels: int
    bytes: int


def read_outline(path: Path) -> Outline:
    """Height, width, channels and decoded size of an image file, from its header alone.

    Raises:
        BadImage: as `read_still`.
    """
    image = _open(path).autorot()  # of the header alone: nothing is decoded
    channels = 1 if image.interpretation in ("b-w", "grey16") else 3
    depth = {"ushort": 2, "float": 4}.get(image.format, 1)
    return Outline(
        image.height, image.width, channels, image.height * image.width * channels * depth
    )


def read_still(path: Path) -> np.ndarray:
    """The pixels of an image file's first page as it is displayed: (height, width) when grey, else (height, width, 3).

    uint8, uint16 or float32. Alpha is dropped, palettes and CMYK become RGB, and the image is rotated as its orientation says.

    Raises:
        BadImage: it cannot be read, is broken or cut short; the message names the file.
    """
    pyvips = import_pyvips()
    image = _open(path)
    try:
        if image.get_typeof("orientation") and image.get("orientation") > 1:
            # rows are read from top to bottom, but rotated they are needed in another order
            image = image.copy_memory().autorot()
        if image.hasalpha():
            image = image.extract_band(0, n=image.bands - 1)
        if image.interpretation not in _KEPT_SPACES:
            image = image.colourspace("srgb")
        if image.format not in _KEPT_TYPES:
            image = image.cast("float")
        pixels = np.asarray(image.numpy()).reshape(image.height, image.width, image.bands)
    except pyvips.Error as error:
        raise undecodable(path, error) from None
    return pixels[..., 0] if image.bands == 1 else pixels


def _open(path: Path) -> pyvips.Image:
    found = require_format(path)
    if found.is_array:
        raise BadImage("is an array, not an image", subject=path)
    return found.require_loader(path).open(path)


def write_still(path: Path, pixels: np.ndarray, quality: int = 95) -> None:
    """Write (height, width) or (height, width, 3) pixels, uint8 or uint16, in the format that the name's suffix says.

    Raises:
        BadImage: the suffix names no format that is written, or it cannot hold these values.
        OutputError: it could not be written; no partial files are left.
    """
    found = format_named(path)
    if found is None or found.encode is None:
        known = ", ".join(each.suffix for each in FORMATS.values() if each.encode)
        raise BadImage(f"images are written as {known}: choose one of these suffixes", subject=path)
    holds = found.capabilities
    fits = pixels.ndim in (2, 3) and pixels.size and (pixels.ndim == 2 or pixels.shape[2] <= 4)
    if not fits or not (
        pixels.dtype in (np.uint8, np.uint16, np.bool_)
        or (holds.any_number and pixels.dtype == np.float32)
    ):
        raise BadImage(
            "an image file holds (height, width) or (height, width, 3) values of uint8 or uint16 (TIFF also float32), "
            f"not {pixels.dtype} {pixels.shape}",
            subject=path,
        )
    pyvips = import_pyvips()
    with vips_errors(path):
        image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
        if pixels.dtype == np.uint16 and image.bands < 3:
            image = image.copy(interpretation="grey16")
        if pixels.dtype == np.uint16 and holds.bits == 8:
            image = as_8_bits(image)
        content = found.encode(image, quality)
    write_bytes(path, content)
