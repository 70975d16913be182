"""What TIFF tags say of values: Lab colours as RGB, and what stands for no data."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from restorae.formats.libraries import import_pyvips

CIE_LAB, ICC_LAB, ITU_LAB = 8, 9, 10
LAB = frozenset({CIE_LAB, ICC_LAB, ITU_LAB})
"""Photometric interpretations of the three encodings of CIE L*a*b*."""
_GDAL_NODATA = 42113
_WHITE_16 = {CIE_LAB: 65535, ICC_LAB: 65280, ITU_LAB: 65535}


def no_data_of(page: Any) -> tuple[float, ...]:
    """The values that stand for no data in a page of tifffile: one for all its bands, or one for each.

    The tag is text, as GDAL writes it: `-9999`, `nan`, `-3.4e38`; also one number for each band.
    """
    tag = page.tags.get(_GDAL_NODATA)
    if tag is None:
        return ()
    value = tag.value
    text = value.decode("latin-1", "replace") if isinstance(value, bytes) else str(value)
    words = text.replace("\0", " ").replace(",", " ").split()
    found = []
    for word in words:
        with contextlib.suppress(ValueError):
            found.append(float(word))
    if len(found) != len(words) or len(found) not in (1, page.samplesperpixel):
        return tuple(found[:1])
    return tuple(found)


def lab_as_rgb(stored: np.ndarray, photometric: int) -> np.ndarray:
    """A page of Lab colours, (height, width, 3 and alpha), as sRGB of as many bits; floats as 16 bits. Alpha stays.

    Encodings: TIFF 6.0, section 23; TIFF Technical Note 4 (ICC L*a*b*); RFC 3949 (ITU L*a*b*, its default ranges).
    """
    deep = stored.dtype.itemsize > 1
    lab = _lab_of(stored[..., :3], photometric).astype(np.float32)
    pyvips = import_pyvips()
    image = pyvips.Image.new_from_array(np.ascontiguousarray(lab))
    rgb = image.copy(interpretation="lab").colourspace("rgb16" if deep else "srgb").numpy()
    if stored.shape[2] == 3:
        return np.asarray(rgb)
    alpha = stored[..., 3:]
    if stored.dtype.kind == "f":
        alpha = np.rint(np.clip(alpha, 0, 1) * 65535)
    return np.concatenate([rgb, alpha.astype(rgb.dtype)], 2)


def _lab_of(stored: np.ndarray, photometric: int) -> np.ndarray:
    """L* in 0 to 100, a* and b*."""
    if stored.dtype.kind == "f":
        return stored
    bits = 8 * stored.dtype.itemsize
    unsigned, signed = (
        stored.astype(stored.dtype.newbyteorder("=")).view(f"{kind}{bits // 8}").astype(np.float64)
        for kind in "ui"
    )
    scale = 2 ** (bits - 8)
    white = 255 if bits == 8 else _WHITE_16[photometric]
    light = unsigned[..., :1] * (100 / white)
    if photometric == CIE_LAB:
        return np.concatenate([light, signed[..., 1:] / scale], 2)
    if photometric == ICC_LAB:
        return np.concatenate([light, unsigned[..., 1:] / scale - 128], 2)
    share = unsigned[..., 1:] / (2**bits - 1)
    return np.concatenate([light, share[..., :1] * 170 - 85, share[..., 1:] * 200 - 75], 2)
