"""Small copies of an image within its own metadata: EXIF, JFIF, Photoshop's resources, XMP. A result leaves them out, since viewers
would show the image as it was before (Exif 2.32, 4.6.8; JFIF 1.02; Photoshop file formats, image resources 1033 and 1036).
"""

from __future__ import annotations

import re
import struct

_EXIF_LEAD = b"Exif\0\0"
_PLACES, _LENGTHS = (513, 273), (514, 279)
"""Tags of a thumbnail as JPEG and as one strip: where it lies, how long it is."""
_ENTRY, _SHORT = 12, 3
_RESOURCE = b"8BIM"
_RESOURCES = (1033, 1036)
_XMP = re.compile(
    rb"<(xmp:Thumbnails)(\s[^<>]*)?>.*?</\1\s*>|<(xmpGImg:image)(\s[^<>]*)?>.*?</\3\s*>", re.DOTALL
)
_PHOTOSHOP_LEAD = b"Photoshop 3.0\0"
_JFIF, _JFXX = b"JFIF\0", b"JFXX\0"
_JFIF_LENGTH = 14


def without_exif_thumbnail(exif: bytes) -> bytes:
    """EXIF whose second directory is gone, and with it the thumbnail; what else it holds keeps its place.

    Args:
        exif: laid out as a TIFF, with or without the lead of a JPEG's segment. What cannot be followed stays as it is.
    """
    lead = len(_EXIF_LEAD) if exif.startswith(_EXIF_LEAD) else 0
    changed = bytearray(exif)
    try:
        found = _second_directory(exif[lead:])
        if found is None:
            return exif
        order, pointer, entries = found
        struct.pack_into(order + "I", changed, lead + pointer, 0)
    except struct.error:
        return exif
    start = lead + next((entries[tag] for tag in _PLACES if tag in entries), 0)
    end = start + next((entries[tag] for tag in _LENGTHS if tag in entries), 0)
    if start < lead + pointer or end > len(exif):
        return bytes(changed)
    if end == len(exif):
        return bytes(changed[:start])
    changed[start:end] = bytes(end - start)
    return bytes(changed)


def _second_directory(tiff: bytes) -> tuple[str, int, dict[int, int]] | None:
    """Byte order; where the place of the second directory is written; and its numbers by their tags."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    (first,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, first)
    pointer = first + 2 + count * _ENTRY
    (second,) = struct.unpack_from(order + "I", tiff, pointer)
    if second == 0:
        return None
    (entries,) = struct.unpack_from(order + "H", tiff, second)
    found = {}
    for at in range(second + 2, second + 2 + entries * _ENTRY, _ENTRY):
        tag, kind, _ = struct.unpack_from(order + "HHI", tiff, at)
        (found[tag],) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), tiff, at + 8)
    return order, pointer, found


def has_exif_thumbnail(exif: bytes) -> bool:
    """Whether EXIF holds a thumbnail."""
    try:
        found = _second_directory(exif.removeprefix(_EXIF_LEAD))
    except struct.error:
        return False
    return found is not None and not found[2].keys().isdisjoint(_PLACES)


def has_xmp_thumbnail(xmp: bytes) -> bool:
    """Whether XMP holds a thumbnail."""
    return _XMP.search(xmp) is not None


def has_thumbnail(segment: bytes) -> bool:
    """Whether the content of a JPEG's segment is or holds a thumbnail."""
    if segment.startswith(_EXIF_LEAD):
        return has_exif_thumbnail(segment)
    return without_thumbnails(segment) != segment


def without_photoshop_thumbnail(resources: bytes) -> bytes:
    """Photoshop's image resources, with or without the lead of a JPEG's segment, but for the thumbnail."""
    lead = _PHOTOSHOP_LEAD if resources.startswith(_PHOTOSHOP_LEAD) else b""
    kept, at = [lead], len(lead)
    while resources[at : at + 4] == _RESOURCE and at + 12 <= len(resources):
        (number,) = struct.unpack_from(">H", resources, at + 4)
        name = resources[at + 6] + 1
        size_at = at + 6 + name + name % 2
        if size_at + 4 > len(resources):
            break
        (size,) = struct.unpack_from(">I", resources, size_at)
        end = size_at + 4 + size + size % 2
        if number not in _RESOURCES:
            kept.append(resources[at:end])
        at = end
    return b"".join([*kept, resources[at:]])


def without_xmp_thumbnail(xmp: bytes) -> bytes:
    r"""XMP but for its thumbnails; everything else stays byte for byte.

    >>> without_xmp_thumbnail(b"<a/><xmp:Thumbnails><rdf:Alt>...</rdf:Alt></xmp:Thumbnails><b/>")
    b'<a/><b/>'
    """
    return _XMP.sub(b"", xmp)


def without_thumbnails(segment: bytes) -> bytes | None:
    """The content of a JPEG's segment without thumbnails; None if it held nothing else."""
    if segment.startswith(_EXIF_LEAD):
        return without_exif_thumbnail(segment)
    if segment.startswith(_PHOTOSHOP_LEAD):
        return without_photoshop_thumbnail(segment)
    if segment.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        return without_xmp_thumbnail(segment)
    if segment.startswith(_JFXX):
        return None
    if segment.startswith(_JFIF) and len(segment) > _JFIF_LENGTH:
        return segment[: _JFIF_LENGTH - 2] + b"\0\0"
    return segment
