"""Which format a file is in: told by its first bytes, never by its name."""

from __future__ import annotations

from pathlib import Path

SUFFIX_OF = {
    "png": ".png",
    "jpeg": ".jpg",
    "tiff": ".tif",
    "webp": ".webp",
    "avif": ".avif",
    "heic": ".heic",
    "npy": ".npy",
    "npz": ".npz",
}
"""The usual suffix of each format that is read."""

_KIND_OF = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".btf": "tiff",
    ".tf8": "tiff",
    ".webp": "webp",
    ".avif": "avif",
    ".heic": "heic",
    ".heif": "heic",
    ".npy": "npy",
    ".npz": "npz",
}
ARRAY_KINDS = frozenset({"npy", "npz"})
SUFFIXES = frozenset(suffix for suffix, kind in _KIND_OF.items() if kind not in ARRAY_KINDS)
"""Names that pictures go by."""
WRITTEN = ("png", "jpeg", "tiff", "webp", "avif")
"""Picture formats that can be written."""

_STARTS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",
}
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_AVIF, _HEIC = (b"avif", b"avis"), (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_LOOKED_AT = 32


def kind_from(start: bytes) -> str | None:
    r"""The format whose files begin so, or None.

    >>> kind_from(b"MM\0*" + bytes(28))
    'tiff'
    """
    for begins, kind in _STARTS.items():
        if start.startswith(begins):
            return kind
    if start.startswith(_TIFF_STARTS):
        return "tiff"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[4:8] == b"ftyp":
        brands = [start[place : place + 4] for place in (8, 16, 20, 24, 28)]
        if any(brand in _AVIF for brand in brands):
            return "avif"
        return "heic" if any(brand in _HEIC for brand in brands) else None
    return None


def kind_of(path: Path) -> str | None:
    """The format of a file by its content, or None.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        return kind_from(handle.read(_LOOKED_AT))


def kind_named(path: Path) -> str | None:
    """The format that a file's name promises, or None."""
    return _KIND_OF.get(path.suffix.lower())
