"""PIL images as arrays and back, without importing PIL where none is used."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from restorae.errors import BadImage

_PIL_MODES = ("1", "L", "LA", "RGB", "RGBA", "I", "I;16", "F")
_PIL_PALETTES = ("P", "PA")


def is_pil(given: object) -> bool:
    """Whether it is a PIL image; does not import PIL."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(given, module.Image)


def pixels_of(given: Any) -> Any:
    """The pixels of a PIL image as an array; anything else as it is.

    Raises:
        BadImage: it has several frames, or a mode that cannot be restored as it is.
    """
    if not is_pil(given):
        return given
    if getattr(given, "n_frames", 1) > 1:
        raise BadImage(
            f"the PIL image has {given.n_frames} frames. Restore each frame's copy, or pass the path of the file"
        )
    if given.mode in _PIL_PALETTES:
        given = given.convert("RGBA" if given.has_transparency_data else "RGB")
    if given.mode not in _PIL_MODES:
        raise BadImage(
            f'a PIL image of mode {given.mode} cannot be restored as it is. Use image.convert("RGB")'
        )
    return np.asarray(given)


def pil_image(pixels: np.ndarray, *, like: Any) -> Any:
    """A PIL image of these pixels with what `like` carries: profile, EXIF, resolution."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.info = dict(like.info)
    return image
