"""Values of TIFF pages that libvips does not decode: by tifffile, by unpacking them here, or by Pillow."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage
from restorae.formats.loaders import require_size

BY_VIPS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32946, 32773})
"""Compressions that every build of libvips decodes."""
_WHOLE = (1, 2, 4, 8, 16, 32, 64)
_PLAIN = (0, 1, 2)
"""Photometric interpretations whose values are grey or colour as they are."""
_INSTALL = "Install what decodes it, pip install 'restorae[codecs]', or save it uncompressed or with Deflate or LZW"


def is_packed(page: Any) -> bool:
    """Whether values lie side by side in odd numbers of bits, such as 12."""
    bits = page.bitspersample
    return (
        isinstance(bits, int)
        and bits not in _WHOLE
        and page.dtype is not None
        and page.dtype.kind in "iu"
    )


def needs_arrays(page: Any) -> bool:
    """Whether libvips cannot decode a page, although it may be sound."""
    return int(page.compression) not in BY_VIPS or is_packed(page)


def decode_page(path: Path, page: Any) -> np.ndarray:
    """A page's values, (height, width, bands), whether its bands lie beside each other or one after another.

    Raises:
        BadImage: no decoder is installed; or it is damaged.
    """
    if not needs_arrays(page):
        return _arranged(page.asarray(squeeze=False))
    require_size(path, page.imagelength, page.imagewidth)
    if int(page.photometric) not in _PLAIN:
        raise BadImage(
            f"holds {_named(page.photometric)} colours compressed by {_named(page.compression)}, which is not read together. Save it "
            "as RGB",
            subject=path,
        )
    try:
        return _arranged(page.asarray(squeeze=False))
    except (ImportError, NotImplementedError, KeyError):
        pass  # a decoder is not installed
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
    found = _unpacked(page) if is_packed(page) else None
    if found is None:
        found = _by_pillow(path, page)
    if found is None:
        bits = f"values of {page.bitspersample} bits" if is_packed(page) else "values"
        said = (
            "packed" if int(page.compression) == 1 else f"compressed by {_named(page.compression)}"
        )
        raise BadImage(
            f"holds {bits} {said}, which this installation cannot decode; nothing is wrong with the file. {_INSTALL}",
            subject=path,
        )
    return found


def _arranged(values: np.ndarray) -> np.ndarray:
    if values.dtype == bool:
        values = values.astype(np.uint8) * 255
    bands = values[:, 0]  # (separate bands, height, width, bands side by side)
    return np.asarray(bands[0] if len(bands) == 1 else np.moveaxis(bands[..., 0], 0, -1))


def _named(code: Any) -> str:
    """A compression or interpretation by its name, or its number."""
    return str(getattr(code, "name", code)).replace("_", " ")


def _unpacked(page: Any) -> np.ndarray | None:
    """Packed integers of strips whose compression Python decodes; None of others."""
    import tifffile

    if page.is_tiled or page.planarconfig != 1 or int(page.predictor or 1) != 1:
        return None
    try:
        decompress = tifffile.TIFF.DECOMPRESSORS[int(page.compression)]
    except (KeyError, ImportError):
        return None
    bits, per_row = page.bitspersample, page.imagewidth * page.samplesperpixel
    stride = -(-per_row * bits // 8)
    weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.uint64)
    parts: list[np.ndarray] = []
    handle, left = page.parent.filehandle, page.imagelength
    for place, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        handle.seek(place)
        content = handle.read(size)
        if decompress is not None:
            content = decompress(content)
        rows = min(left, page.rowsperstrip, len(content) // stride)
        packed = np.frombuffer(content, np.uint8, rows * stride).reshape(rows, stride)
        each = np.unpackbits(packed, axis=1)[:, : per_row * bits].reshape(rows, per_row, bits)
        parts.append(each @ weights)
        left -= rows
    if left:
        raise ValueError(f"{left} rows are missing")
    values = np.concatenate(parts).astype(page.dtype.newbyteorder("="))
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    return values.reshape(shape if shape[2] > 1 else shape[:2])


def _by_pillow(path: Path, page: Any) -> np.ndarray | None:
    """What Pillow's own libtiff decodes; None where it does not."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.seek(page.index)
            if image.mode not in ("L", "RGB", "RGBA", "I;16", "I;16B", "F"):
                return None
            values = np.asarray(image)
    except Exception:  # it raises many kinds
        return None
    expected = (page.imagelength, page.imagewidth, page.samplesperpixel)
    if (
        math.prod(values.shape) != math.prod(expected)
        or values.dtype.itemsize != page.dtype.itemsize
    ):
        return None
    return values.astype(page.dtype.newbyteorder("="))
