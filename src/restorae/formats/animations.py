"""Animations small enough to look at: GIF."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restorae.errors import BadImage
from restorae.files import write_bytes
from restorae.formats.libraries import import_pyvips
from restorae.formats.vips_image import vips_errors


def write_gif(path: Path, frames: np.ndarray, milliseconds: int = 80) -> None:
    """Write frames (n, height, width[, 3]), uint8, as an endless GIF, whole or not at all.

    Raises:
        BadImage: the frames are not such an array.
        OutputError: it could not be written.
    """
    if (
        frames.dtype != np.uint8
        or frames.ndim not in (3, 4)
        or 0 in frames.shape
        or (frames.ndim == 4 and frames.shape[-1] != 3)
    ):
        raise BadImage(
            f"frames are (n, height, width) or (n, height, width, 3) uint8, not {frames.dtype} {frames.shape}",
            subject=path,
        )
    pyvips = import_pyvips()
    count, height, width = frames.shape[:3]
    with vips_errors(path):
        image = pyvips.Image.new_from_array(
            np.ascontiguousarray(frames.reshape(count * height, width, -1))
        ).copy()
        image.set_type(pyvips.GValue.gint_type, "page-height", height)
        image.set_type(pyvips.GValue.array_int_type, "delay", [milliseconds] * count)
        image.set_type(pyvips.GValue.gint_type, "loop", 0)
        content = image.gifsave_buffer()
    write_bytes(path, content)
