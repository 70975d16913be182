"""What a file holds beside the values of its image: the original and its result are both looked through, and what the result lacks
is told. No writer declares what it keeps, so none can be wrong about it.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from restorae.errors import BadImage
from restorae.formats import heif_boxes
from restorae.formats.jpeg_structure import read_structure, trailing_images
from restorae.formats.jpeg_trailer import previews_behind
from restorae.formats.mapped import mapped
from restorae.formats.png_chunks import LONGEST_CHANGED, chunks_of
from restorae.formats.thumbnails import has_exif_thumbnail, has_thumbnail, has_xmp_thumbnail
from restorae.formats.tiff_directories import Directory, Tiff
from restorae.formats.tiff_thumbnails import has_thumbnail as has_tiff_thumbnail

Contents = Counter[str]
"""What is there, in words, and how often."""

_PNG_CHUNKS = {
    b"iCCP": "colour profile", b"eXIf": "EXIF", b"tEXt": "text", b"zTXt": "text", b"tIME": "date", b"sPLT": "suggested palette",
    b"hIST": "histogram", b"sTER": "stereo mark", b"pCAL": "calibration", b"sCAL": "scale",
}  # fmt: skip
_WEBP_CHUNKS = {b"ICCP": "colour profile", b"EXIF": "EXIF", b"XMP ": "XMP"}
_TIFF_TAGS = {
    34665: "EXIF", 34853: "GPS", 34675: "colour profile", 700: "XMP", 33723: "IPTC", 34377: "Photoshop's resources",
    34735: "georeference", 42112: "GDAL's metadata", 50839: "ImageJ's metadata", 33432: "copyright",
}  # fmt: skip
_THUMBNAIL = "thumbnail or preview (it shows the image as it was)"
_REDUCED, _MASK, _SUBIFDS, _PHOTOMETRIC, _TYPE = 1, 4, 330, 262, 254


def read_contents(path: Path, kind: str) -> Contents:
    """What a file of a format holds; nothing where it cannot be looked through."""
    look = _LOOK.get(kind)
    found: Contents = Counter()
    if look is not None:
        with contextlib.suppress(OSError, ValueError, BadImage, struct.error, IndexError):
            found = look(path)
    return found


def losses(before: Contents, after: Contents) -> list[str]:
    """What is there no more, as a sentence; none if nothing was lost.

    >>> losses(Counter({"XMP": 1, "smaller copy": 3}), Counter({"smaller copy": 1}))
    ['left out: XMP, 2 of 3 smaller copy']
    """
    lost = [
        name if count == 1 else f"{count - after[name]} of {count} {name}"
        for name, count in sorted(before.items())
        if after[name] < count
    ]
    return [f"left out: {', '.join(lost)}"] if lost else []


def _jpeg(path: Path) -> Contents:
    found: Contents = Counter()
    previews: list[tuple[int, int]] = []
    with mapped(path) as content:
        structure = read_structure(content)
        for segment in structure.segments:
            start = content[segment.start : min(segment.end, segment.start + 40)]
            name = next(
                (name for lead, name in _JPEG_SEGMENTS.items() if start.startswith(lead)), None
            )
            if segment.marker == _COMMENT:
                name = "comment"
            if name is not None:
                found[name] = 1
            body = content[segment.start : segment.end]
            if has_thumbnail(body):
                found[_THUMBNAIL] = 1
            if start.startswith(b"MPF\0"):
                previews = previews_behind(body, segment.start, structure.end)
        behind = structure.end
        further = list(trailing_images(content, behind)) if structure.has_end else []
        if previews:
            found[_THUMBNAIL] = 1
            starts = {start for start, _ in previews}
            behind = max(end for _, end in previews)
            further = [each for each in further if each[0] not in starts]
        if further:
            found["further image behind it (such as a gain map)"] = len(further)
            behind = max(behind, further[-1][1])
        rest = content[behind : behind + 2**20].strip(b"\0")
        if b"ftyp" in rest[:64]:
            found["film behind it"] = 1
        elif rest:
            found["data behind it"] = 1
    return +found


_COMMENT = 0xFE
_JPEG_SEGMENTS = {
    b"Exif\0": "EXIF", b"http://ns.adobe.com/xap/1.0/\0": "XMP", b"http://ns.adobe.com/xmp/extension/": "extended XMP",
    b"ICC_PROFILE\0": "colour profile", b"Photoshop 3.0\0": "Photoshop's resources", b"MPF\0": "index of further images",
    b"JP\0": "content credentials", b"FPXR\0": "FlashPix", b"urn:iso:std:iso:ts:21496": "description of a gain map",
}  # fmt: skip


def _png(path: Path) -> Contents:
    found: Contents = Counter()
    # where the chunks end early, what was found until then counts
    with path.open("rb") as handle, contextlib.suppress(BadImage):
        for chunk in chunks_of(handle, str(path)):
            if chunk.name in _PNG_CHUNKS:
                found[_PNG_CHUNKS[chunk.name]] = 1
                if chunk.name == b"eXIf":
                    handle.seek(chunk.place)
                    found[_THUMBNAIL] += has_exif_thumbnail(handle.read(chunk.length))
            elif chunk.name in (b"iTXt", b"cICP"):
                handle.seek(chunk.place)
                content = handle.read(min(chunk.length, LONGEST_CHANGED))
                _note_png_text_or_colours(chunk.name, content, found)
    return +found


def _note_png_text_or_colours(name: bytes, content: bytes, found: Contents) -> None:
    if name == b"iTXt":
        found["XMP" if content.startswith(b"XML:com.adobe.xmp") else "text"] = 1
        found[_THUMBNAIL] += has_xmp_thumbnail(content)
    elif len(content) >= 2 and not heif_boxes.ColourCode(content[0], content[1], 0).is_usual:
        found[f"colours of {content[0]}/{content[1]} (H.273)"] = 1


def _webp(path: Path) -> Contents:
    found: Contents = Counter()
    with path.open("rb") as handle:
        handle.seek(12)
        while len(head := handle.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            if name in _WEBP_CHUNKS:
                found[_WEBP_CHUNKS[name]] = 1
            elif name == b"ANMF":
                found["frame"] += 1
            place = handle.tell()
            if name == b"EXIF":
                found[_THUMBNAIL] += has_exif_thumbnail(handle.read(length))
            elif name == b"XMP ":
                found[_THUMBNAIL] += has_xmp_thumbnail(handle.read(length))
            handle.seek(place + length + length % 2)
    return +found


def _heif(path: Path) -> Contents:
    with mapped(path) as content:
        found = heif_boxes.holdings(content)
        exif = _EXIF.search(content) if found["EXIF"] else None
        if exif and has_exif_thumbnail(content[exif.start() : exif.start() + _LONGEST_EXIF]):
            found[_THUMBNAIL] = 1
    return +found


_EXIF, _LONGEST_EXIF = re.compile(rb"II\*\0|MM\0\*"), 2**18


def _tiff(path: Path) -> Contents:
    found: Contents = Counter()
    with path.open("rb") as handle:
        tiff = Tiff(handle, path)
        for page in tiff.pages():
            kind = tiff.number(page, _TYPE)
            is_mask = kind & _MASK or tiff.number(page, _PHOTOMETRIC) == _MASK
            if is_mask:
                found["mask"] += 1
            elif kind & _REDUCED:
                found["smaller copy"] += 1
            found["smaller copy"] += len(tiff.numbers(page.entries.get(_SUBIFDS)))
            _note_tags(tiff, page, found)
    return +found


def _note_tags(tiff: Tiff, page: Directory, found: Contents) -> None:
    for tag, name in _TIFF_TAGS.items():
        if tag in page.entries:
            found[name] = 1
    if has_tiff_thumbnail(tiff, page):
        found[_THUMBNAIL] = 1


_LOOK: dict[str, Callable[[Path], Contents]] = {
    "jpeg": _jpeg, "png": _png, "webp": _webp, "avif": _heif, "heic": _heif, "tiff": _tiff,
}  # fmt: skip
