"""Writing a picture file's restored values back the way the original held them: type, pages, metadata and all.

Values come by rows and are gathered in a `Spool`; at the end libvips encodes them beside the target, the original's metadata
are carried over byte for byte where the format stays the same, and the file appears under its name.
"""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restorae.errors import BadPicture, OutputError
from restorae.files import explain_write_failure, written_whole
from restorae.formats import jpeg_segments, png_chunks, tiff_tags, webp_chunks
from restorae.formats.array_files import ArrayOriginal
from restorae.formats.arrays import write_array
from restorae.formats.kinds import ARRAY_KINDS, WRITTEN
from restorae.formats.originals import Original, Page, TiffArrayOriginal, VipsOriginal
from restorae.formats.spool import Spool
from restorae.formats.stills import as_8_bits

if TYPE_CHECKING:
    import pyvips

QUALITY = {"jpeg": 95, "webp": 90, "avif": 80, "tiff": 95}
"""Of lossy formats, unless something else is asked for."""
_CLASSIC_LIMIT = 3_900_000_000
_FORMATS = {
    "u1": "uchar", "i1": "char", "u2": "ushort", "i2": "short", "u4": "uint", "i4": "int", "f4": "float", "f8": "double", "b1": "uchar"
}  # fmt: skip
_METADATA = (
    "icc-profile-data", "exif-data", "xmp-data", "iptc-data", "photoshop-data", "orientation", "resolution-unit", "delay", "loop",
    "image-description",
)  # fmt: skip
_METADATA_STARTS = ("exif-ifd", "png-comment")


class Result(abc.ABC):
    """A file that is being written. Values may come in any order; then `finish`, or `drop`."""

    def __init__(self, original: Original, target: Path) -> None:
        self.original, self.target = original, target
        self.notices: list[str] = []

    @abc.abstractmethod
    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        """Rows (count, width, bands) of a page, from its row `top` on."""

    @abc.abstractmethod
    def finish(self) -> None:
        """Encode and write, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """

    @abc.abstractmethod
    def drop(self) -> None:
        """Give back what was taken; nothing is written."""

    def __enter__(self) -> Result:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()


def begin_result(
    original: Original, target: Path, kind: str | None = None, quality: int | None = None
) -> Result:
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
        as_it_lies = kind == "npy" and original.order == tuple(range(original.array.ndim))
        return (
            _SpooledArrayResult(original, target) if as_it_lies else _ArrayResult(original, target)
        )
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


# ------------------------------------------------------------------------------------------------------ arrays


class _ArrayResult(Result):
    """An array that is held in memory: compressed, or with sides in another order than planes, rows, columns."""

    def __init__(self, original: ArrayOriginal, target: Path) -> None:
        super().__init__(original, target)
        array = original.array
        self.planes_of = original.planes
        self.array: np.ndarray = np.empty(array.shape, array.dtype)
        self.like = original.path
        self.views = self.planes_of(self.array)

    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        view = self.views[page]
        view[top : top + len(rows)] = rows if view.ndim == 3 else rows[..., 0]

    def finish(self) -> None:
        write_array(self.target, self.array, self.like)

    def drop(self) -> None:
        self.array = np.empty(0)
        self.views = None


# ------------------------------------------------------------------------------------------------------ pictures


class _Spooled(Result):
    """A result whose pages lie one after another in a spool."""

    def __init__(self, original: Original, target: Path, encoded: int = 0) -> None:
        super().__init__(original, target)
        self.starts = [0, *accumulate(page.bytes for page in original.pages)]
        self.spool = Spool(target.parent, self.starts[-1], encoded)

    def put(self, page: int, top: int, rows: np.ndarray) -> None:
        outline = self.original.pages[page]
        stride = outline.bytes // outline.height
        self.spool.write(
            self.starts[page] + top * stride,
            np.ascontiguousarray(rows, outline.dtype).data.cast("B"),
        )

    def page(self, page: int) -> np.ndarray:
        """A finished page's values."""
        outline = self.original.pages[page]
        shape = (outline.height, outline.width, outline.bands)
        held = np.frombuffer(
            self.spool.buffer(),
            outline.dtype,
            outline.bytes // outline.dtype.itemsize,
            self.starts[page],
        )
        return held.reshape(shape)

    def drop(self) -> None:
        self.spool.close()


class _SpooledArrayResult(_Spooled):
    """An array of any size, written as it lies."""

    def __init__(self, original: ArrayOriginal, target: Path) -> None:
        super().__init__(original, target, original.array.nbytes)
        self.shape, self.dtype = original.array.shape, original.array.dtype

    def finish(self) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }
        try:
            with written_whole(self.target) as partial, partial.open("wb") as handle:
                np.lib.format.write_array_header_1_0(handle, header)
                handle.write(memoryview(self.spool.buffer()))
        finally:
            self.drop()


class _VipsResult(_Spooled):
    def __init__(
        self, original: VipsOriginal, target: Path, kind: str, quality: int | None
    ) -> None:
        self.kind, self.quality, self.picture = kind, quality, original
        super().__init__(original, target, original.bytes if kind == "tiff" else 0)

    def finish(self) -> None:
        import pyvips

        try:
            with written_whole(self.target) as partial:
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
        except pyvips.Error as error:
            raise _not_written(self.target, error) from None
        finally:
            self.drop()

    def _image(self) -> pyvips.Image:
        """All pages below one another, as libvips wants them."""
        import pyvips

        pages = self.original.pages
        page = pages[0]
        image = pyvips.Image.new_from_memory(
            self.spool.buffer(),
            page.width,
            page.height * len(pages),
            page.bands,
            _FORMATS[page.dtype.str[1:]],
        )
        header = self.picture.header
        image = image.copy(
            interpretation=_interpretation(page, self.picture), xres=header.xres, yres=header.yres
        )
        if len(pages) > 1:
            image.set_type(pyvips.GValue.gint_type, "page-height", page.height)
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
                deep = self.original.pages[0].dtype.itemsize > 1
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
        size = self.original.bytes
        layout = self.picture.layout
        if layout is None:
            return {
                "compression": "deflate",
                "predictor": "horizontal",
                "bigtiff": size > _CLASSIC_LIMIT,
            }
        options: dict[str, Any] = {
            "compression": layout.compression,
            "bigtiff": layout.bigtiff or size * (1.34 if layout.pyramid else 1) > _CLASSIC_LIMIT,
        }
        page = self.original.pages[0]
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
                    self, partial, self.picture.layout.contiguous, self.picture.layout.big_endian
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


class _MixedTiffResult(_Spooled):
    """Pages of different sizes or types, or of many bands, written one by one."""

    def __init__(
        self, original: VipsOriginal, target: Path, kind: str, quality: int | None
    ) -> None:
        if kind != "tiff":
            raise BadPicture(
                f"{original.path} holds pages of different sizes, which only TIFF can hold. Leave --format away."
            )
        super().__init__(original, target, original.bytes)
        self.layout, self.converted = original.layout, original.converted

    def finish(self) -> None:
        try:
            with written_whole(self.target) as partial:
                compressed = self.layout is not None and self.layout.compression != "none"
                big = self.starts[-1] > _CLASSIC_LIMIT or (
                    self.layout is not None and self.layout.bigtiff
                )
                stored = {
                    "compression": "zlib" if compressed else None,
                    "tile": self.layout.tile if self.layout is not None else None,
                }
                _write_pages(self, partial, big, lambda page: {**_colours(page), **stored})
                self.notices += tiff_tags.carry(
                    self.original.path, partial, profile=not self.converted
                )
        finally:
            self.drop()


class _TiffArrayResult(_Spooled):
    """Values that libvips does not write: put where the original's lie, or written by tifffile."""

    def __init__(self, original: TiffArrayOriginal, target: Path) -> None:
        super().__init__(original, target, original.bytes)
        self.layout = original.layout

    def finish(self) -> None:
        assert self.layout is not None
        try:
            with written_whole(self.target) as partial:
                if self.layout.contiguous is not None:
                    _put_in_place(self, partial, self.layout.contiguous, self.layout.big_endian)
                    return
                _write_pages(self, partial, self.layout.bigtiff, self._as_laid_out)
                self.notices += tiff_tags.carry(self.original.path, partial)
        finally:
            self.drop()

    def _as_laid_out(self, page: Page) -> dict[str, Any]:
        assert self.layout is not None
        said = {**_colours(page), "compression": "zlib"}
        if self.layout.white_is_zero and page.channels == 1:
            said["photometric"] = "miniswhite"
        if self.layout.associated:
            said["extrasamples"] = [
                "assocalpha" if each == "unassalpha" else each
                for each in said["extrasamples"] or ()
            ]
        return said


def _write_pages(
    result: _Spooled, partial: Path, bigtiff: bool, said: Callable[[Page], dict[str, Any]]
) -> None:
    """The result's pages one after another by tifffile; `said` gives what it is to say of each."""
    import tifffile

    with tifffile.TiffWriter(partial, bigtiff=bigtiff) as writer:
        for place, page in enumerate(result.original.pages):
            values = result.page(place)
            writer.write(values if page.bands > 1 else values[..., 0], **said(page), metadata=None)
            del values


def _colours(page: Page) -> dict[str, Any]:
    """What tifffile is to say of a page's bands."""
    rgb = page.channels == 3
    further = page.bands - (3 if rgb else 1)
    return {
        "photometric": "rgb" if rgb else "minisblack",
        "extrasamples": ["unspecified"] * (further - page.alpha) + ["unassalpha"] * page.alpha
        or None,
        "planarconfig": "contig" if page.bands > 1 else None,
    }


def _put_in_place(result: _Spooled, partial: Path, start: int, big_endian: bool) -> None:
    """A copy of the original whose values are the result's."""
    shutil.copyfile(result.original.path, partial)
    with partial.open("rb+") as handle:
        handle.seek(start)
        for place, page in enumerate(result.original.pages):
            values = result.page(place)
            handle.write(
                np.ascontiguousarray(
                    values, page.dtype.newbyteorder(">" if big_endian else "<")
                ).data
            )
            del values


def _not_written(target: Path, error: Exception) -> OutputError:
    told = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any("No space left" in line or "Disk quota" in line for line in told):
        return OutputError(explain_write_failure(target, OSError(28, "No space left on device")))
    return OutputError(
        f"{target} could not be written: {told[-1] if told else 'unknown reason'}. What was there before has not changed."
    )
