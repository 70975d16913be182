"""Kinds of image files that are known and not read: they are refused by name, with a way out, and counted in folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from restorae.formats.format import brands


@dataclass(frozen=True, kw_only=True)
class UnreadKind:
    """A kind of file that is recognised and not read."""

    title: str
    """As in text: `DICOM`."""
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    """Whether a file that begins with these bytes, 512 or fewer, is of this kind."""
    way_out: str
    """What a person can do."""


def _at(place: int, *signatures: bytes) -> Callable[[bytes], bool]:
    return lambda start: any(start[place:].startswith(each) for each in signatures)


_DEVELOP = "Develop it to TIFF first, with RawTherapee, darktable, or its maker's program"
_TO_OME = "Convert it to OME-TIFF first, with Fiji or bfconvert of Bio-Formats"
_TO_TIFF = "Convert it to TIFF or PNG first"

RAW = UnreadKind(
    title="camera raw",
    suffixes=(
        ".nef", ".nrw", ".dng", ".cr2", ".cr3", ".crw", ".arw", ".sr2", ".srf", ".orf", ".rw2", ".raf", ".pef", ".srw", ".x3f",
        ".mrw", ".erf", ".kdc", ".dcr", ".mos", ".mef", ".3fr", ".fff", ".iiq", ".rwl", ".gpr",
    ),
    recognises=lambda start: (
        start.startswith(
            (b"IIRO\x08\0", b"IIRS\x08\0", b"MMOR\0\0", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")
        )
        or (start[8:11] == b"CR\x02" and start[:2] in (b"II", b"MM"))
        or start[6:14] == b"HEAPCCDR"
        or b"crx " in brands(start)
    ),
    way_out=_DEVELOP,
)  # fmt: skip
"""Raw files of cameras. Most begin as TIFF does: `raw.py` looks into those."""

LSM = UnreadKind(
    title="Zeiss LSM",
    suffixes=(".lsm",),
    recognises=lambda start: False,  # a TIFF with a tag of its own
    way_out=_TO_OME,
)

UNREAD = (
    RAW,
    LSM,
    UnreadKind(
        title="DICOM",
        suffixes=(".dcm", ".dicom"),
        recognises=_at(128, b"DICM"),
        way_out="Convert it to TIFF or NumPy first, with pydicom or dcm2pnm of DCMTK; what it says of the patient stays behind",
    ),
    UnreadKind(
        title="FITS",
        suffixes=(".fits", ".fit", ".fts"),
        recognises=_at(0, b"SIMPLE  ="),
        way_out="Save its array as .npy first: numpy.save('image.npy', astropy.io.fits.getdata('image.fits'))",
    ),
    UnreadKind(
        title="Zeiss CZI",
        suffixes=(".czi",),
        recognises=_at(0, b"ZISRAWFILE"),
        way_out=_TO_OME,
    ),
    UnreadKind(
        title="Nikon ND2",
        suffixes=(".nd2",),
        recognises=_at(0, b"\xda\xce\xbe\x0a"),
        way_out=_TO_OME,
    ),
    UnreadKind(
        title="Leica LIF",
        suffixes=(".lif",),
        recognises=lambda start: start.startswith(b"\x70\0\0\0") and start[8:9] == b"\x2a",
        way_out=_TO_OME,
    ),
    UnreadKind(
        title="DjVu",
        suffixes=(".djvu", ".djv"),
        recognises=_at(0, b"AT&TFORM"),
        way_out="Convert it first: ddjvu -format=tiff scan.djvu scan.tif",
    ),
    UnreadKind(
        title="Photoshop",
        suffixes=(".psd", ".psb"),
        recognises=_at(0, b"8BPS"),
        way_out="Save it as TIFF without layers first",
    ),
    UnreadKind(
        title="GIMP", suffixes=(".xcf",), recognises=_at(0, b"gimp xcf "), way_out=_TO_TIFF
    ),
    UnreadKind(
        title="OpenEXR", suffixes=(".exr",), recognises=_at(0, b"v/1\x01"), way_out=_TO_TIFF
    ),
    UnreadKind(
        title="Radiance HDR",
        suffixes=(".hdr",),
        recognises=_at(0, b"#?RADIANCE", b"#?RGBE"),
        way_out=_TO_TIFF,
    ),
    UnreadKind(
        title="SVG",
        suffixes=(".svg", ".svgz"),
        recognises=lambda start: (
            start.lstrip().startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in start
        ),
        way_out="It is a drawing, not an image of pixels; export it as PNG first",
    ),
    UnreadKind(
        title="Windows icon",
        suffixes=(".ico", ".cur"),
        recognises=lambda start: (
            start.startswith((b"\0\0\1\0", b"\0\0\2\0")) and 0 < start[4] < 64 and start[9:10] == b"\0"
        ),
        way_out=_TO_TIFF,
    ),
    UnreadKind(
        title="HDF5",
        suffixes=(".h5", ".hdf5", ".ims", ".nc"),
        recognises=_at(0, b"\x89HDF\r\n\x1a\n"),
        way_out="Save its array as .npy first: numpy.save('image.npy', h5py.File('file.h5')['name'])",
    ),
    UnreadKind(
        title="NIfTI",
        suffixes=(".nii",),
        recognises=_at(344, b"n+1\0", b"ni1\0"),
        way_out="Save its array as .npy first: numpy.save('image.npy', nibabel.load('file.nii').get_fdata())",
    ),
)  # fmt: skip


def unread_from(start: bytes) -> UnreadKind | None:
    r"""The kind of files that begin so and are not read, or None.

    >>> unread_from(b"ZISRAWFILE" + bytes(20)).title
    'Zeiss CZI'
    """
    return next((each for each in UNREAD if each.recognises(start)), None)
