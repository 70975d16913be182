"""Still images as they are displayed and learned from: upright, grey or colour, without alpha and metadata."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restorae.errors import BadImage
from restorae.files import write_bytes
from restorae.formats.libraries import import_pyvips
from restorae.formats.opening import open_original
from restorae.formats.orientation import upright
from restorae.formats.original import Original
from restorae.formats.registry import FORMATS, format_named
from restorae.formats.vips_image import as_8_bits, vips_errors


@dataclass(frozen=True, kw_only=True)
class Outline:
    """One image of a file (a page, or one channel of it) as displayed, known before it is decoded."""

    height: int
    width: int
    channels: int
    """1 (grey) or 3 (colour)."""
    dtype: np.dtype
    page: int = 0
    channel: int | None = None
    """Which channel of the page it is, where they are no colours; None for the whole page."""
    label: str = ""
    """What distinguishes it from others of the file: `#3` the page, `:1` the channel; empty for the only one."""
    shares: int = 0
    """Images of a file that share this number share what their values mean: planes of one channel of a stack."""
    no_data: tuple[float, ...] = ()
    """Stored values that stand for no data."""
    white_is_zero: bool = False

    @property
    def bytes(self) -> int:
        """Size of the decoded values."""
        return self.height * self.width * self.channels * self.dtype.itemsize


def outlines_of(original: Original) -> list[Outline]:
    """All images of a file: each page; of pages that are neither grey nor colour each channel by itself."""
    found, several = [], len(original.pages) > 1
    channels = max(original.channel_of, default=0) + 1
    for index, page in enumerate(original.pages):
        height, width = page.height, page.width
        if original.orientation > 4:
            height, width = width, height
        apart = page.channels not in (1, 3)
        for channel in range(page.channels) if apart else [None]:
            no_data = page.no_data
            if channel is not None and len(no_data) > 1:
                no_data = no_data[channel : channel + 1]
            found.append(
                Outline(
                    height=height,
                    width=width,
                    channels=1 if apart else page.channels,
                    dtype=page.dtype,
                    page=index,
                    channel=channel,
                    label=(f"#{index}" if several else "")
                    + ("" if channel is None else f":{channel}"),
                    shares=original.channel_of[index] + channels * (channel or 0),
                    no_data=no_data,
                    white_is_zero=page.white_is_zero,
                )
            )
    return found


def read_image(original: Original, outline: Outline) -> np.ndarray:
    """An image of an opened file as it is displayed: (height, width) when grey, else (height, width, 3), as stored.

    Raises:
        BadImage: it is broken or cut short; the message names the file.
    """
    page = original.pages[outline.page]
    stored = original.rows(outline.page).read(page.height)[..., : page.channels]
    if outline.channel is not None:
        stored = stored[..., outline.channel]
    elif page.channels == 1:
        stored = stored[..., 0]
    return np.ascontiguousarray(upright(stored, original.orientation))


def read_outline(path: Path) -> Outline:
    """The first image of an image file, from its header alone.

    Raises:
        BadImage: as `read_still`.
    """
    return outlines_of(_open(path))[0]


def read_still(path: Path) -> np.ndarray:
    """The pixels of an image file's first page as it is displayed: (height, width) when grey, else (height, width, 3).

    Of the type in which they are stored. Alpha is dropped, palettes, CMYK and Lab become RGB, and the image is rotated as its
    orientation says.

    Raises:
        BadImage: it cannot be read, is broken or cut short; the message names the file.
    """
    original = _open(path)
    return read_image(original, outlines_of(original)[0])


def read_alpha(path: Path) -> np.ndarray | None:
    """The alpha of an image file's first page as it is displayed, (height, width) as stored; None where it has none.

    Raises:
        BadImage: as `read_still`.
    """
    original = _open(path)
    page = original.pages[0]
    if page.alpha != 1:
        return None
    stored = original.rows(0).read(page.height)
    return np.ascontiguousarray(upright(stored[..., -1], original.orientation))


def _open(path: Path) -> Original:
    original = open_original(path)
    if original.is_array:
        raise BadImage("is an array, not an image", subject=path)
    return original


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
