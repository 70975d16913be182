"""XMP that speaks of what lies behind an image: gain maps, films, further images. Where that is not there, it must not."""

from __future__ import annotations

import re

_PROMISING = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"http://ns.google.com/photos/1.0/camera/",
    b"http://ns.google.com/photos/1.0/container/",
    b"http://ns.google.com/photos/1.0/container/item/",
    b"http://ns.google.com/photos/1.0/image/",
    b"http://ns.google.com/photos/1.0/depthmap/",
    b"http://ns.google.com/photos/dd/1.0/device/",
    b"http://ns.apple.com/HDRGainMap/1.0/",
)
"""Name spaces whose properties describe parts of the file."""


def _prefixes(xmp: bytes) -> set[bytes]:
    """The prefixes that stand for these name spaces."""
    found = re.findall(rb"xmlns:([\w.-]+)\s*=\s*[\"']([^\"']*)[\"']", xmp)
    return {prefix for prefix, space in found if space in _PROMISING}


def promises(xmp: bytes) -> bool:
    """Whether XMP speaks of parts of its file that are not the image."""
    return any(
        re.search(rb"[<\s]" + re.escape(prefix) + rb":", xmp) is not None
        for prefix in _prefixes(xmp)
    )


def without_promises(xmp: bytes) -> bytes:
    r"""XMP without what it says of such parts; everything else stays byte for byte.

    >>> space = b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
    >>> without_promises(b'<rdf:Description ' + space + b' hdrgm:Version="1.0" a:b="c"/>').endswith(b'/" a:b="c"/>')
    True
    """
    for prefix in _prefixes(xmp):
        name = re.escape(prefix) + rb":[\w.-]+"
        xmp = re.sub(rb"\s+" + name + rb"\s*=\s*(\"[^\"]*\"|'[^']*')", b"", xmp)
        xmp = re.sub(rb"<(" + name + rb")(\s[^<>]*)?/>", b"", xmp)
        xmp = re.sub(rb"<(" + name + rb")(\s[^<>]*)?>.*?</\1\s*>", b"", xmp, flags=re.DOTALL)
    return xmp
