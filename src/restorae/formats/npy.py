"""NumPy's `.npy` (one array) and `.npz` (several, compressed): any number of axes, any numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from restorae.errors import BadImage
from restorae.formats.array_files import ArrayOriginal, open_npy, open_npz
from restorae.formats.array_writing import begin_array
from restorae.formats.format import Capabilities, Format, starts_with
from restorae.formats.original import Original, Page
from restorae.formats.writer import Writer

_HOLDS = Capabilities(
    bits=64, accepts_bits=64, any_number=True, channels=None, pages=True, mixed_pages=False
)


def _array(original: Original) -> ArrayOriginal:
    if not isinstance(original, ArrayOriginal):
        raise BadImage("is an image, not an array", subject=original.path)
    return original


def _npy_writer(original: Original, target: Path, *, quality: int | None) -> Writer:
    return begin_array(target, original.pages, _array(original))


def _plain_writer(target: Path, pages: Sequence[Page], *, like: Original | None) -> Writer:
    return begin_array(target, pages, like if isinstance(like, ArrayOriginal) else None)


def _npz_writer(original: Original, target: Path, *, quality: int | None) -> Writer:
    return begin_array(target, original.pages, _array(original), compressed=True)


NPY = Format(
    name="npy",
    title="NumPy array",
    suffixes=(".npy",),
    media_type="application/octet-stream",
    recognises=starts_with(b"\x93NUMPY"),
    capabilities=_HOLDS,
    open=open_npy,
    writer=_npy_writer,
    plain_writer=_plain_writer,
    carries="shape, order of axes, type",
    takes_axes=True,
    is_array=True,
)
NPZ = Format(
    name="npz",
    title="NumPy archive",
    suffixes=(".npz",),
    media_type="application/zip",
    recognises=starts_with(b"PK\x03\x04", b"PK\x05\x06"),
    capabilities=_HOLDS,
    open=open_npz,
    writer=_npz_writer,
    carries="shape, order of axes, type, the other arrays of the archive",
    takes_axes=True,
    is_array=True,
)
