"""Writing a picture file's restored values back the way the original held them: type, pages, metadata and all.

Values come by rows and are gathered in a `Spool`; at the end libvips encodes them beside the target, the original's metadata
are carried over byte for byte where the format stays the same, and the file appears under its name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restorae.errors import BadPicture
from restorae.files import written_whole
from restorae.formats import jpeg_segments, png_chunks, tiff_tags, webp_chunks
from restorae.formats.array_files import ArrayOriginal
from restorae.formats.array_writing import begin_array
from restorae.formats.kinds import ARRAY_KINDS, WRITTEN
from restorae.formats.original import Original, Page
from restorae.formats.originals import TiffArrayOriginal, VipsOriginal
from restorae.formats.tiff_pages import colour_options, needs_bigtiff, write_pages
from restorae.formats.vips_image import as_8_bits, image_of, vips_errors
from restorae.formats.writer import SpooledWriter, Writer

if TYPE_CHECKING:
    import pyvips

QUALITY = {"jpeg": 95, "webp": 90, "avif": 80, "tiff": 95}
"""Of lossy formats, unless something else is asked for."""
_METADATA = (
    "icc-profile-data", "exif-data", "xmp-data", "iptc-data", "photoshop-data", "orientation", "resolution-unit", "delay", "loop",
    "image-description",
)  # fmt: skip
_METADATA_STARTS = ("exif-ifd", "png-comment")


def begin_result(
    original: Original, target: Path, kind: str | None = None, quality: int | None = None
) -> Writer:
    """A result for `target` that is like `original`, in its format or in another.

    Args:
        original: the file whose values were changed.
        target: the file to write.
        kind: `png`, `jpeg`, `tiff`, `webp` or `avif`; None keeps the original's.
        quality: 1 to 100, of formats that lose; None takes what is hardly seen (JPEG 95).

    Raises:
        BadPicture: that format cannot hold this picture.
        OutputError: there is no room for it.
    """
    kind = kind or original.kind
    if isinstance(original, ArrayOriginal) or kind in ARRAY_KINDS:
        if not isinstance(original, ArrayOriginal) or kind not in ARRAY_KINDS:
            raise BadPicture(
                f"{original.path}: arrays are written as arrays and pictures as pictures; {kind} is not possible here."
            )
        return begin_array(target, original.pages, original, compressed=kind == "npz")
    if isinstance(original, TiffArrayOriginal):
        if kind != "tiff":
            raise BadPicture(
                f"{original.path} holds {original.pages[0].dtype} values, which only TIFF can hold. Leave --format away."
            )
        return _TiffArrayResult(original, target)
    assert isinstance(original, VipsOriginal)
    if kind not in WRITTEN:
        raise BadPicture(
            f"{original.path}: {kind.upper()} files are read but not written. Choose --format {', '.join(WRITTEN)}."
        )
    _check_holds(original, kind)
    sizes = {(page.height, page.width, page.bands, page.dtype) for page in original.pages}
    # libvips would call all bands beyond grey or colour alpha
    by_bands = (
        kind == "tiff"
        and original.pages[0].channels not in (1, 3)
        and not (original.layout and original.layout.pyramid)
    )
    if len(sizes) > 1 or by_bands:
        return _MixedTiffResult(original, target, kind, quality)
    return _VipsResult(original, target, kind, quality)


def _check_holds(original: VipsOriginal, kind: str) -> None:
    """Raise `BadPicture` if a format would lose pages, alpha, channels or range."""
    page = original.pages[0]
    why = ""
    if len(original.pages) > 1 and kind in ("png", "jpeg"):
        why = f"{kind.upper()} holds one page, this file has {len(original.pages)}"
    elif page.dtype.kind != "u" and kind != "tiff":
        why = f"{kind.upper()} holds whole numbers without sign, not {page.dtype}"
    elif page.dtype.itemsize > 2 and kind != "tiff":
        why = f"{kind.upper()} does not hold {page.dtype}"
    elif page.alpha and kind == "jpeg":
        why = "JPEG has no alpha, this file has"
    elif page.channels not in (1, 3) and kind != "tiff":
        why = f"{kind.upper()} holds 1 or 3 channels, this file has {page.channels}"
    if why:
        others = "tiff" if "alpha" not in why else "png, tiff, webp"
        raise BadPicture(
            f"{original.path}: {why}, and nothing is to be lost. Choose --format {others}, or leave it away."
        )


class _VipsResult(SpooledWriter):
    def __init__(
        self, original: VipsOriginal, target: Path, kind: str, quality: int | None
    ) -> None:
        self.kind, self.quality, self.picture = kind, quality, original
        super().__init__(target, original.pages, original.bytes if kind == "tiff" else 0)

    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial, vips_errors(self.target):
                image = self._image()
                if self.kind != self.picture.kind or self.kind == "avif":
                    self._save(
                        _with_metadata(image, self.picture, self.kind != self.picture.kind),
                        partial,
                        "all",
                    )
                    if self.kind == "tiff":
                        self._carry_exif(partial)
                else:
                    self._save_and_carry(image, partial)
        finally:
            self.drop()

    def _image(self) -> pyvips.Image:
        """All pages below one another, as libvips wants them."""
        page, header = self.pages[0], self.picture.header
        image = image_of(self, _interpretation(page, self.picture))
        image = image.copy(xres=header.xres, yres=header.yres)
        if (
            self.kind != "tiff"
            and self.kind != self.picture.kind
            and page.dtype.itemsize == 2
            and self.kind in ("jpeg", "webp")
        ):
            image = as_8_bits(image)
            self.notices.append(f"16 bits became 8: {self.kind.upper()} holds no more")
        if self.kind == "avif" and self.kind != self.picture.kind and page.dtype.itemsize == 2:
            self.notices.append("16 bits became 12: AVIF holds no more")
        return image

    def _options(self) -> dict[str, Any]:
        header, same = self.picture.header, self.kind == self.picture.kind
        match self.kind:
            case "jpeg":
                sampling = (
                    header.get("jpeg-chroma-subsample")
                    if same and header.get_typeof("jpeg-chroma-subsample")
                    else ""
                )
                return {
                    "Q": self.quality or QUALITY["jpeg"],
                    "subsample_mode": "off"
                    if "4:4:4" in sampling
                    else "on"
                    if "4:2:0" in sampling
                    else "auto",
                    "interlace": bool(
                        same
                        and header.get_typeof("jpeg-multiscan")
                        and header.get("jpeg-multiscan")
                    ),
                    "optimize_coding": True,
                }
            case "png":
                return {
                    "interlace": bool(same and header.get_typeof("interlaced")),
                    "compression": 6,
                }
            case "webp":
                lossless = (
                    self.quality is None and same and webp_chunks.is_lossless(self.picture.path)
                )
                return {"lossless": True} if lossless else {"Q": self.quality or QUALITY["webp"]}
            case "avif":
                deep = self.pages[0].dtype.itemsize > 1
                bits = (
                    header.get("bits-per-sample")
                    if same and header.get_typeof("bits-per-sample")
                    else (12 if deep else 8)
                )
                return {
                    "compression": "av1",
                    "Q": self.quality or QUALITY["avif"],
                    "bitdepth": bits if bits in (8, 10, 12) else 8,
                }
            case _:
                return self._tiff_options()

    def _tiff_options(self) -> dict[str, Any]:
        size = self.bytes
        layout = self.picture.layout
        if layout is None:
            return {
                "compression": "deflate",
                "predictor": "horizontal",
                "bigtiff": needs_bigtiff(size),
            }
        options: dict[str, Any] = {
            "compression": layout.compression,
            "bigtiff": layout.bigtiff or needs_bigtiff(size * (1.34 if layout.pyramid else 1)),
        }
        page = self.pages[0]
        if layout.compression == "jpeg" and (page.dtype.itemsize > 1 or page.bands not in (1, 3)):
            options["compression"] = "deflate"
        if options["compression"] == "jpeg":
            options["Q"] = self.quality or QUALITY["tiff"]
        if options["compression"] in ("lzw", "deflate", "zstd"):
            options["predictor"] = layout.predictor
        if layout.tile is not None:
            options |= {"tile": True, "tile_height": layout.tile[0], "tile_width": layout.tile[1]}
        if layout.pyramid:
            options |= {"pyramid": True, "subifd": layout.subifds}
        return options

    def _save(self, image: pyvips.Image, path: Path, keep: str) -> None:
        saver = {
            "jpeg": image.jpegsave,
            "png": image.pngsave,
            "webp": image.webpsave,
            "avif": image.heifsave,
            "tiff": image.tiffsave,
        }
        saver[self.kind](os.fsencode(path), keep=keep, **self._options())

    def _save_and_carry(self, image: pyvips.Image, partial: Path) -> None:
        profile = not self.picture.converted
        if self.kind == "tiff":
            if self._goes_in_place():
                assert self.picture.layout is not None
                assert self.picture.layout.contiguous is not None
                _put_in_place(
                    self,
                    self.picture.path,
                    partial,
                    self.picture.layout.contiguous,
                    self.picture.layout.big_endian,
                )
                return
            self._save(image, partial, "none")
            self.notices += tiff_tags.carry(self.picture.path, partial, profile=profile)
            return
        encoded = partial.with_suffix(".encoded")
        try:
            if self.kind == "webp":  # delays are kept by libvips; what it says in EXIF is replaced
                self._save(_with_metadata(image, self.picture, upright=False), encoded, "all")
            else:
                self._save(image, encoded, "none")
            with (
                self.picture.path.open("rb") as before,
                encoded.open("rb") as after,
                partial.open("wb") as result,
            ):
                if self.kind == "jpeg":
                    jpeg_segments.carry(before, after, result, profile=profile)
                elif self.kind == "webp":
                    webp_chunks.carry(before, after, result, profile=profile)
                else:
                    self.notices += png_chunks.carry(
                        before, after, result, profile=profile, converted=self.picture.converted
                    )
        finally:
            encoded.unlink(missing_ok=True)

    def _goes_in_place(self) -> bool:
        """Whether the values may simply take the places of the original's, and all else stays as it is."""
        layout = self.picture.layout
        return layout is not None and layout.contiguous is not None and not self.picture.notices

    def _carry_exif(self, partial: Path) -> None:
        """EXIF is laid out as a TIFF is, so its fields become the TIFF's."""
        header = self.picture.header
        if not header.get_typeof("exif-data"):
            return
        blob = bytes(header.get("exif-data")).removeprefix(b"Exif\0\0")
        exif = partial.with_suffix(".exif")
        try:
            exif.write_bytes(blob)
            with contextlib.suppress(BadPicture):
                self.notices += tiff_tags.carry(
                    exif, partial, orientation=False
                )  # it was turned upright
        finally:
            exif.unlink(missing_ok=True)


def _interpretation(page: Page, original: VipsOriginal) -> str:
    if page.channels == 3 and (
        original.converted
        or original.header.interpretation not in ("srgb", "rgb", "rgb16", "scrgb")
    ):
        return "rgb16" if page.dtype.itemsize == 2 else "srgb"
    if page.channels not in (1, 3):
        return "grey16" if page.dtype.itemsize == 2 else "b-w"
    return str(original.header.interpretation)


def _with_metadata(image: pyvips.Image, original: VipsOriginal, upright: bool) -> pyvips.Image:
    """The image with what libvips knows of the original; turned upright where the new format might not say how to."""
    header, image = original.header, image.copy()
    for name in header.get_fields():
        if name == "icc-profile-data" and original.converted:
            continue
        if name in _METADATA or name.startswith(_METADATA_STARTS):
            image.set_type(header.get_typeof(name), name, header.get(name))
    if upright and original.orientation > 1 and len(original.pages) == 1:
        image = image.autorot()
    return image


# ------------------------------------------------------------------------------------------ TIFFs of other kinds


class _MixedTiffResult(SpooledWriter):
    """Pages of different sizes or types, or of many bands, written one by one."""

    def __init__(
        self, original: VipsOriginal, target: Path, kind: str, quality: int | None
    ) -> None:
        if kind != "tiff":
            raise BadPicture(
                f"{original.path} holds pages of different sizes, which only TIFF can hold. Leave --format away."
            )
        super().__init__(target, original.pages, original.bytes)
        self.original = original
        self.layout, self.converted = original.layout, original.converted

    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial:
                compressed = self.layout is not None and self.layout.compression != "none"
                big = needs_bigtiff(self.bytes) or (self.layout is not None and self.layout.bigtiff)
                stored = {
                    "compression": "zlib" if compressed else None,
                    "tile": self.layout.tile if self.layout is not None else None,
                }
                write_pages(self, partial, big, lambda page: {**colour_options(page), **stored})
                self.notices += tiff_tags.carry(
                    self.original.path, partial, profile=not self.converted
                )
        finally:
            self.drop()


class _TiffArrayResult(SpooledWriter):
    """Values that libvips does not write: put where the original's lie, or written by tifffile."""

    def __init__(self, original: TiffArrayOriginal, target: Path) -> None:
        super().__init__(target, original.pages, original.bytes)
        self.original = original
        self.layout = original.layout

    def finish(self) -> None:
        assert self.layout is not None
        try:
            with written_whole(self.target) as partial:
                if self.layout.contiguous is not None:
                    _put_in_place(
                        self,
                        self.original.path,
                        partial,
                        self.layout.contiguous,
                        self.layout.big_endian,
                    )
                    return
                write_pages(self, partial, self.layout.bigtiff, self._as_laid_out)
                self.notices += tiff_tags.carry(self.original.path, partial)
        finally:
            self.drop()

    def _as_laid_out(self, page: Page) -> dict[str, Any]:
        assert self.layout is not None
        said = {**colour_options(page), "compression": "zlib"}
        if self.layout.white_is_zero and page.channels == 1:
            said["photometric"] = "miniswhite"
        if self.layout.associated:
            said["extrasamples"] = [
                "assocalpha" if each == "unassalpha" else each
                for each in said["extrasamples"] or ()
            ]
        return said


def _put_in_place(
    result: SpooledWriter, original: Path, partial: Path, start: int, big_endian: bool
) -> None:
    """A copy of the original whose values are the result's."""
    shutil.copyfile(original, partial)
    with partial.open("rb+") as handle:
        handle.seek(start)
        for place, page in enumerate(result.pages):
            values = result.page(place)
            handle.write(
                np.ascontiguousarray(
                    values, page.dtype.newbyteorder(">" if big_endian else "<")
                ).data
            )
            del values
