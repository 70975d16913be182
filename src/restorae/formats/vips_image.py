"""Between stored values and libvips images, for writing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from restorae.errors import OutputError
from restorae.files import write_failure
from restorae.formats.writer import SpooledWriter

if TYPE_CHECKING:
    import pyvips

_FORMATS = {
    "u1": "uchar", "i1": "char", "u2": "ushort", "i2": "short", "u4": "uint", "i4": "int", "f4": "float", "f8": "double", "b1": "uchar"
}  # fmt: skip


def image_of(values: SpooledWriter, interpretation: str | None = None) -> pyvips.Image:
    """All pages of one size, below one another, as libvips expects them; a view of the spool."""
    import pyvips

    page = values.pages[0]
    image = pyvips.Image.new_from_memory(
        values.spool.buffer(),
        page.width,
        page.height * len(values.pages),
        page.bands,
        _FORMATS[page.dtype.str[1:]],
    )
    is_deep = page.dtype.itemsize == 2
    if interpretation is None:
        interpretation = {(1, False): "b-w", (1, True): "grey16", (3, True): "rgb16"}.get(
            (page.bands, is_deep), "srgb"
        )
    image = image.copy(interpretation=interpretation)
    if len(values.pages) > 1:
        image.set_type(pyvips.GValue.gint_type, "page-height", page.height)
    return image


def rotated_upright(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """The image as EXIF's `orientation` says it is displayed."""
    import pyvips

    if orientation == 1:
        return image
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image.autorot()


def as_8_bits(image: pyvips.Image) -> pyvips.Image:
    """An image of 16 bits in 8."""
    return (
        (image / 257).rint().cast("uchar").copy(interpretation="b-w" if image.bands < 3 else "srgb")
    )


@contextlib.contextmanager
def vips_errors(target: Path) -> Iterator[None]:
    """Libvips' errors while `target` is written, as `OutputError`."""
    import pyvips

    try:
        yield
    except pyvips.Error as error:
        raise _not_written(target, error) from None


def _not_written(target: Path, error: Exception) -> OutputError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any("No space left" in line or "Disk quota" in line for line in lines):
        return write_failure(target, OSError(28, "No space left on device"))
    return OutputError(
        f"could not be written: {lines[-1] if lines else 'unknown reason'}. What was there before has not changed",
        subject=target,
    )
