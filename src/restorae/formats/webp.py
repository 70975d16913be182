"""WebP: lossy or lossless, 8 bits, animations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from restorae.formats import webp_chunks
from restorae.formats.format import Capabilities, Format
from restorae.formats.original import Original
from restorae.formats.vips_reading import VipsLoader, open_with_vips
from restorae.formats.vips_writing import VipsWriter

if TYPE_CHECKING:
    import pyvips

_QUALITY = 90
_LOADER = VipsLoader("webpload_source", has_pages=True)


class _WebpWriter(VipsWriter):
    kind, title, bits = "webp", "WebP", 8

    def save(self, image: pyvips.Image, path: str | bytes, keep: str) -> None:
        options: dict[str, Any] = {"Q": self.quality or _QUALITY}
        if self.is_same_format and self.quality is None:
            with self.original.reopened() as before:
                if webp_chunks.is_lossless(before):
                    options = {"lossless": True}
        image.webpsave(path, keep=keep, **options)

    def save_with_own_metadata(self, image: pyvips.Image, partial: Path) -> None:
        # delays of an animation are kept by libvips; what it says in EXIF is replaced
        image = self.with_metadata(image, upright=False)
        with (
            self.encoded(image, partial, keep="all") as encoded,
            self.original.reopened() as before,
            encoded.open("rb") as after,
            partial.open("wb") as result,
        ):
            webp_chunks.carry(before, after, result, profile=not self.original.converted)


def _open(path: Path, _axes: str | None) -> Original:
    return open_with_vips(path, WEBP.name, _LOADER)


def _encode(image: pyvips.Image, quality: int) -> bytes:
    return image.webpsave_buffer(Q=quality)  # type: ignore[no-any-return]


def _recognises(start: bytes) -> bool:
    return start[:4] == b"RIFF" and start[8:12] == b"WEBP"


WEBP = Format(
    name="webp",
    title="WebP",
    suffixes=(".webp",),
    media_type="image/webp",
    recognises=_recognises,
    capabilities=Capabilities(bits=8, accepts_bits=16, pages=True, quality=_QUALITY),
    open=_open,
    writer=_WebpWriter,
    loaders=(_LOADER,),
    encode=_encode,
    reads="8 bits, alpha, all frames of an animation",
    carries="chunks: EXIF, XMP, colour profile; delays; lossless stays lossless unless a quality is asked for",
)
