"""Still pictures: PNG and JPEG (and what else libvips reads), by content and not by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from restorae.errors import BadPicture, MissingExtra, OutputError
from restorae.files import write_bytes

if TYPE_CHECKING:
    import pyvips

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
"""Names that are looked for in folders."""

_TAKEN_AS_THEY_ARE = ("b-w", "grey16", "srgb", "rgb", "rgb16")
_WRITERS = {".png": "pngsave_buffer", ".jpg": "jpegsave_buffer", ".jpeg": "jpegsave_buffer"}


def _vips() -> type[pyvips.Image]:
    try:
        import pyvips
    except ImportError as error:
        raise MissingExtra("Reading pictures needs pyvips: pip install 'pyvips[binary]'.") from error
    found: type[pyvips.Image] = pyvips.Image
    return found


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
    depth = 2 if image.format == "ushort" else 1
    return Outline(image.height, image.width, channels, image.height * image.width * channels * depth)


def read_still(path: Path) -> np.ndarray:
    """The pixels of a picture file: (height, width) when grey, else (height, width, 3), uint8 or uint16.

    Alpha is dropped, palettes and CMYK become RGB, and the picture is turned as its orientation says.

    Raises:
        BadPicture: it cannot be read, is broken or cut short; the message names the file.
    """
    import pyvips

    image = _open(path)
    try:
        if image.get_typeof("orientation") and image.get("orientation") > 1:
            image = image.copy_memory().autorot()  # lines are read from top to bottom, but turned they are needed in another order
        if image.hasalpha():
            image = image.extract_band(0, n=image.bands - 1)
        if image.interpretation not in _TAKEN_AS_THEY_ARE:
            image = image.colourspace("srgb")
        if image.format not in ("uchar", "ushort"):
            image = image.cast("uchar")
        pixels = np.asarray(image.numpy()).reshape(image.height, image.width, image.bands)
    except pyvips.Error as error:
        raise _unreadable(path, error) from None
    return pixels[..., 0] if image.bands == 1 else pixels


def _open(path: Path) -> pyvips.Image:
    image_class = _vips()
    import pyvips

    if not path.is_file():
        raise BadPicture(f"{path} is not a file.")
    if path.stat().st_size == 0:
        raise BadPicture(f"{path} is empty (0 bytes).")
    try:
        return image_class.new_from_file(str(path), access="sequential", fail_on="truncated")
    except pyvips.Error as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> BadPicture:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return BadPicture(f"{path} cannot be read as a picture: {lines[-1] if lines else 'unknown format'}. Expected a whole PNG or JPEG file.")


def write_still(path: Path, pixels: np.ndarray, quality: int = 95) -> None:
    """Write (height, width) or (height, width, 3) pixels, uint8 or uint16, in the format that the name's suffix says.

    Raises:
        BadPicture: the suffix names no format that is written.
        OutputError: it could not be written; nothing half-written is left.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise BadPicture(f"{path.name}: pictures are written as {', '.join(sorted(_WRITERS))}. Choose one of these suffixes.")
    fits = pixels.ndim in (2, 3) and pixels.size and (pixels.ndim == 2 or pixels.shape[2] <= 4)
    if not fits or pixels.dtype not in (np.uint8, np.uint16, np.bool_):
        raise BadPicture(
            f"{path}: a picture file holds (height, width) or (height, width, 3) values of uint8 or uint16, "
            f"not {pixels.dtype} {pixels.shape}."
        )
    import pyvips

    try:
        image = _vips().new_from_array(np.ascontiguousarray(pixels))
        if pixels.dtype == np.uint16 and image.bands < 3:
            image = image.copy(interpretation="grey16")
        if writer == "jpegsave_buffer":
            if pixels.dtype == np.uint16:
                image = (image / 257).rint().cast("uchar")
                image = image.copy(interpretation="b-w" if image.bands < 3 else "srgb")
            content = image.jpegsave_buffer(Q=quality)
        else:
            content = image.pngsave_buffer()
    except pyvips.Error as error:
        raise OutputError(f"{path} could not be written: {str(error).splitlines()[-1].strip()}.") from None
    write_bytes(path, content)
