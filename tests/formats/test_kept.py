"""Everything that must be kept: for each format, each property, by files that other programs write and read back."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, TiffImagePlugin

from tests.known_restorer import identity, restore_file, whole_range

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"/><?xpacket end="w"?>'
MAKER_NOTE = bytes(range(200))
SHAPE = (37, 45)

# ------------------------------------------------------------------------------------------------- images to keep


def noise(*shape: int, dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    """Values over the whole range of a type; of floats over [0, 1]; of int16 over a part of its range with both signs."""
    source = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return source.random(shape).astype(dtype)
    if np.dtype(dtype).kind == "i":
        return source.integers(-900, 3000, shape, dtype)
    return source.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def smooth(*shape: int, dtype: Any = np.uint8) -> np.ndarray:
    """A soft image, which formats that lose hardly change."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] / 20
    channels = [
        np.sin(rows * (1 + place / 3)) * np.cos(columns + place) * 0.45 + 0.5
        for place in range(shape[2] if len(shape) > 2 else 1)
    ]
    values = np.stack(channels, -1) if len(shape) > 2 else channels[0]
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


def exif(orientation: int = 6) -> Image.Exif:
    tags = Image.Exif()
    tags[0x010F], tags[0x0112], tags[0x0132], tags[0x8298] = (
        "Häuser",
        orientation,
        "1969:07:20 20:17:40",
        "somebody",
    )
    tags[0x8769] = {
        0x829A: TiffImagePlugin.IFDRational(1, 125),
        0x9003: "1969:07:20 20:17:40",
        0x927C: MAKER_NOTE,
    }
    tags[0x8825] = {1: "N", 2: (47.0, 22.0, 30.5)}
    return tags


def png_of(path: Path, values: np.ndarray) -> None:
    """A PNG written by the book, so that 16 bits and colour go together, with all that is said beside the pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    height, width, bands = values.shape if values.ndim == 3 else (*values.shape, 1)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[bands]
    rows = values.astype(f">u{values.itemsize}").reshape(height, -1)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, values.itemsize * 8, kind, 0, 0, 0))
        + chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(PROFILE))
        + chunk(b"pHYs", struct.pack(">IIB", 11811, 5905, 1))
        + chunk(b"eXIf", exif().tobytes().removeprefix(b"Exif\0\0"))
        + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        + chunk(b"tEXt", b"Comment\0made by the book")
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
        + chunk(b"IEND", b"")
    )


def png_values(path: Path) -> np.ndarray:
    """The values of a PNG that is not interlaced, read by the book."""
    content, place, packed = path.read_bytes(), 8, b""
    header = struct.unpack(">IIBBBBB", content[16:29])
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        if content[place + 4 : place + 8] == b"IDAT":
            packed += content[place + 8 : place + 8 + length]
        place += length + 12
    width, height, depth, kind, *_ = header
    assert header[-1] == 0
    bands, deep = {0: 1, 4: 2, 2: 3, 6: 4}[kind], depth // 8
    step, raw = bands * deep, np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)
    rows = np.zeros(
        (height + 1, step + width * step), np.uint8
    )  # a row above and a pixel to the left are taken to be 0
    for row, (way, *filtered) in enumerate(raw.tolist(), 1):
        for at, value in enumerate(filtered, step):
            left, above, corner = (
                int(rows[row, at - step]),
                int(rows[row - 1, at]),
                int(rows[row - 1, at - step]),
            )
            nearest = min(
                (abs(left + above - corner - each), place, each)
                for place, each in enumerate((left, above, corner))
            )[2]
            rows[row, at] = (value + (0, left, above, (left + above) // 2, nearest)[way]) % 256
    values = rows[1:, step:].copy().view(f">u{deep}").astype(f"u{deep}")
    return values.reshape((height, width, bands) if bands > 1 else (height, width))


def by_pillow(values: np.ndarray, **options: Any) -> Callable[[Path], None]:
    """Writes with Pillow, and says everything that Pillow can say in that format."""

    def write(path: Path) -> None:
        said: dict[str, Any] = {
            "icc_profile": PROFILE,
            "exif": exif(),
            "xmp": XMP,
            "dpi": (300, 150),
        }
        if path.suffix == ".jpg":
            said["comment"] = b"a comment"
        if path.suffix == ".tif":
            info = TiffImagePlugin.ImageFileDirectory_v2()
            info[700], info.tagtype[700], info[274] = said.pop("xmp"), 1, 6
            said["tiffinfo"] = info
        Image.fromarray(values).save(path, **said | options)

    return write


def by_tifffile(values: np.ndarray | list[np.ndarray], **options: Any) -> Callable[[Path], None]:
    """Writes with tifffile: one page for each of a list."""

    def write(path: Path) -> None:
        said = {
            "resolution": (300, 150),
            "resolutionunit": "INCH",
            "extratags": [
                (34675, 7, len(PROFILE), PROFILE, True),
                (700, 1, len(XMP), XMP, True),
                (274, 3, 1, 8, True),
            ],
        }
        file = {
            name: options[name]
            for name in ("bigtiff", "byteorder", "ome", "imagej")
            if name in options
        }
        page = {name: value for name, value in options.items() if name not in file}
        with tifffile.TiffWriter(path, **file) as writer:
            if isinstance(values, list):
                for place, each in enumerate(values):
                    writer.write(
                        each, **{"metadata": None, "description": f"page {place}", **said, **page}
                    )
            elif file.get("ome") or file.get("imagej"):
                writer.write(
                    values,
                    **{"resolution": said["resolution"], "extratags": said["extratags"], **page},
                )
            else:
                writer.write(values, **{"metadata": None, "description": "a scan", **said, **page})

    return write


def by_vips(values: np.ndarray, **options: Any) -> Callable[[Path], None]:
    """Writes with libvips."""

    def write(path: Path) -> None:
        image = pyvips.Image.new_from_array(values)
        if values.dtype == np.uint16:
            image = image.copy(interpretation="rgb16" if image.bands > 2 else "grey16")
        image = image.copy(xres=11.811, yres=5.906)
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", PROFILE)
        image.set_type(pyvips.GValue.blob_type, "exif-data", exif(1).tobytes())
        image.set_type(pyvips.GValue.blob_type, "xmp-data", XMP)
        image.write_to_file(str(path), **options)

    return write


def by_hand(values: np.ndarray) -> Callable[[Path], None]:
    return lambda path: png_of(path, values)


# ------------------------------------------------------------------------------------------------- how it is read back


def pillow_values(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        pages = []
        for place in range(getattr(opened, "n_frames", 1)):
            opened.seek(place)
            raw = opened.tag_v2 if isinstance(opened, TiffImagePlugin.TiffImageFile) else {}
            values = np.asarray(opened)
            if 274 in raw:  # Pillow turns a TIFF, and it should be seen as it is stored
                values = {1: values, 8: np.rot90(values, -1), 6: np.rot90(values)}[raw[274]]
            pages.append(values)
    return pages[0] if len(pages) == 1 else np.stack(pages)


def upright_values(path: Path) -> np.ndarray:
    """As one looks at it: HEIF's decoders turn what is to be turned."""
    with Image.open(path) as opened:
        return np.asarray(ImageOps.exif_transpose(opened))


def vips_values(path: Path) -> np.ndarray:
    return np.asarray(pyvips.Image.new_from_file(str(path)).numpy())


def tiff_values(path: Path) -> Any:
    with tifffile.TiffFile(path) as opened:
        if opened.is_ome or opened.is_imagej:
            return opened.asarray()
        pages = [page.asarray() for page in opened.pages if not page.is_reduced]
    alike = len({page.shape for page in pages}) == 1
    return pages[0] if len(pages) == 1 else np.stack(pages) if alike else pages


def contiguous_values(path: Path) -> np.ndarray:
    """Bands beside each other, however they are stored."""
    with tifffile.TiffFile(path) as opened:
        page = opened.pages.first
        return np.moveaxis(page.asarray(), 0, -1) if page.planarconfig == 2 else page.asarray()


# ------------------------------------------------------------------------------------------------- what is kept


def opened_with_pillow(look: Callable[[Any], Any]) -> Callable[[Path], Any]:
    def found(path: Path) -> Any:
        with Image.open(path) as opened:
            return look(opened)

    return found


def in_tiff(look: Callable[[Any], Any]) -> Callable[[Path], Any]:
    def found(path: Path) -> Any:
        with tifffile.TiffFile(path) as opened:
            return look(opened)

    return found


def tags_of(opened: Any) -> Any:
    """What the test said; programs may say more of their own, such as the version of EXIF."""
    tags = opened.getexif()
    taken, place = tags.get_ifd(0x8769), tags.get_ifd(0x8825)
    return (
        [tags.get(tag) for tag in (0x010F, 0x0132, 0x8298)],
        [taken.get(tag) for tag in (0x829A, 0x9003, 0x927C)],
        dict(place) if place else None,
    )


def pyramid_of(opened: Any) -> Any:
    first = opened.pages.first
    smaller = (
        first.pages
        if first.subifds
        else [page for page in opened.pages if page.is_reduced or page.index]
    )
    found = [(page.shape, page.tile) for page in smaller]
    return (bool(first.subifds), found) if found else None


def tiff_layout(opened: Any) -> Any:
    page = opened.pages.first
    return page.compression, page.predictor, page.tile if page.is_tiled else None, opened.is_bigtiff


PROPERTIES: dict[str, Callable[[Path], Any]] = {
    "profile": opened_with_pillow(lambda opened: opened.info.get("icc_profile")),
    "EXIF": opened_with_pillow(tags_of),
    "XMP": opened_with_pillow(lambda opened: opened.info.get("xmp")),
    "orientation": opened_with_pillow(lambda opened: opened.getexif().get(0x0112)),
    "upright": opened_with_pillow(lambda opened: ImageOps.exif_transpose(opened).size),
    "resolution": opened_with_pillow(
        lambda opened: tuple(map(float, opened.info["dpi"])) if "dpi" in opened.info else None
    ),
    "comment": opened_with_pillow(
        lambda opened: opened.info.get("comment") or opened.info.get("Comment")
    ),
    "sampling": opened_with_pillow(JpegImagePlugin.get_sampling),
    "progressive": opened_with_pillow(lambda opened: opened.info.get("progressive")),
    "mode": opened_with_pillow(lambda opened: opened.mode),
    "bits": lambda path: pyvips.Image.new_from_file(str(path)).get("bits-per-sample"),
    "frames": opened_with_pillow(
        lambda opened: [
            (opened.seek(place), opened.load(), opened.info["duration"])[2]
            for place in range(opened.n_frames)
        ]
    ),
    "tags": in_tiff(
        lambda opened: [
            {274: 1}
            | {
                code: page.tags[code].value
                for code in (274, 282, 283, 296, 700, 34675)
                if code in page.tags
            }
            for page in opened.pages
        ]
    ),
    "descriptions": in_tiff(lambda opened: [page.description for page in opened.pages]),
    "pages": in_tiff(
        lambda opened: [
            (page.shape, str(page.dtype), page.photometric, page.extrasamples)
            for page in opened.pages
        ]
    ),
    "layout": in_tiff(tiff_layout),
    "pyramid": in_tiff(pyramid_of),
    "series": in_tiff(
        lambda opened: (
            opened.is_ome,
            opened.is_imagej,
            opened.series[0].axes,
            opened.series[0].shape,
            opened.imagej_metadata,
        )
    ),
}
"""What is looked at, by programs that have no part in the writing."""

SAID = ("profile", "EXIF", "XMP", "resolution")
TIFF = ("tags", "pages", "layout")


@dataclass(frozen=True)
class Case:
    """A file, what it holds, and who reads its values."""

    name: str
    suffix: str
    write: Callable[[Path], None]
    values: Callable[[Path], Any]
    holds: tuple[str, ...]
    alpha: int = 0
    lossy: float = 0.0
    """By how much, on average, values may be off."""
    own_range: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def stack(*shape: int, dtype: Any = np.uint16) -> np.ndarray:
    return noise(*shape, *SHAPE, dtype=dtype)


CASES = [
    *(
        Case(
            f"PNG {bits} bit {name}",
            ".png",
            by_hand(noise(*SHAPE, *bands, dtype=f"u{bits // 8}")),
            png_values,
            (*SAID, "orientation", "comment", "mode"),
            alpha,
        )
        for bits in (8, 16)
        for name, bands, alpha in (
            ("grey", (), 0),
            ("grey and alpha", (2,), 1),
            ("RGB", (3,), 0),
            ("RGBA", (4,), 1),
        )
    ),
    Case(
        "PNG by Pillow, 16 bit",
        ".png",
        by_pillow(noise(*SHAPE, dtype=np.uint16)),
        pillow_values,
        ("profile", "EXIF", "resolution", "mode"),
    ),
    *(
        Case(
            f"JPEG {name}",
            ".jpg",
            by_pillow(smooth(*SHAPE, *bands), quality=95, **options),
            pillow_values,
            (*SAID, "orientation", "comment", "sampling", "mode", *more),
            0,
            1.5,
        )
        for name, bands, options, more in (
            ("grey", (), {}, ()),
            ("RGB 4:4:4", (3,), {"subsampling": 0}, ()),
            ("RGB 4:2:0", (3,), {"subsampling": 2}, ()),
            ("progressive", (3,), {"progressive": True}, ("progressive",)),
        )
    ),
    Case(
        "WebP",
        ".webp",
        by_pillow(smooth(*SHAPE, 3), quality=95),
        pillow_values,
        ("profile", "EXIF", "XMP", "orientation", "mode"),
        0,
        3,
    ),
    Case(
        "WebP lossless",
        ".webp",
        by_pillow(noise(*SHAPE, 3), lossless=True),
        pillow_values,
        ("profile", "EXIF", "XMP", "mode"),
    ),
    Case(
        "WebP lossless RGBA",
        ".webp",
        by_pillow(noise(*SHAPE, 4) | 1, lossless=True, exact=True),
        pillow_values,
        ("profile", "mode"),
        1,
    ),
    Case(
        "WebP RGBA",
        ".webp",
        by_pillow(smooth(*SHAPE, 4) | 128, quality=95),
        pillow_values,
        ("profile", "mode"),
        1,
        3,
    ),
    Case(
        "AVIF 8 bit",
        ".avif",
        by_pillow(smooth(*SHAPE, 3), quality=95, subsampling="4:4:4"),
        upright_values,
        ("profile", "EXIF", "XMP", "upright", "mode", "bits"),
        0,
        3,
    ),
    Case(
        "AVIF RGBA",
        ".avif",
        by_pillow(smooth(*SHAPE, 4) | 128, quality=95),
        upright_values,
        ("profile", "mode"),
        1,
        3,
    ),
    Case(
        "AVIF 10 bit",
        ".avif",
        by_vips(smooth(*SHAPE, 3, dtype=np.uint16), bitdepth=10, Q=95),
        vips_values,
        ("profile", "EXIF", "XMP", "bits"),
        0,
        500,
    ),
    Case(
        "TIFF by Pillow",
        ".tif",
        by_pillow(noise(*SHAPE, 3)),
        tiff_values,
        (*SAID, "orientation", *TIFF),
    ),
    Case(
        "TIFF by Pillow, LZW",
        ".tif",
        by_pillow(noise(*SHAPE, 3), compression="tiff_lzw"),
        pillow_values,
        (*SAID, "orientation", *TIFF),
    ),
    Case(
        "TIFF by Pillow, PackBits",
        ".tif",
        by_pillow(noise(*SHAPE), compression="packbits"),
        tiff_values,
        (*SAID, "orientation", *TIFF),
    ),
    Case(
        "TIFF by libvips, LZW, 16 bit",
        ".tif",
        by_vips(noise(*SHAPE, 3, dtype=np.uint16), compression="lzw", predictor="horizontal"),
        vips_values,
        ("profile", "XMP", "resolution", *TIFF),
    ),
    Case(
        "TIFF, JPEG inside",
        ".tif",
        by_vips(smooth(*SHAPE, 3), compression="jpeg", Q=95),
        vips_values,
        ("profile", "XMP", "resolution", *TIFF),
        0,
        2,
    ),
    *(
        Case(
            f"TIFF {dtype} {name}",
            ".tif",
            by_tifffile(
                noise(*SHAPE, *bands, dtype=dtype),
                **({"photometric": "rgb"} if bands and bands[0] > 2 else {}),
                **({"extrasamples": ["unassalpha"]} if alpha else {}),
                **({"planarconfig": "contig"} if bands else {}),
            ),
            tiff_values,
            (*TIFF, "descriptions"),
            alpha,
            own_range=dtype == "int16",
        )
        for dtype in ("uint8", "uint16", "float32", "float64", "int16")
        for name, bands, alpha in (("grey", (), 0), ("RGB", (3,), 0), ("RGBA", (4,), 1))
    ),
    *(
        Case(
            f"TIFF {name}",
            ".tif",
            by_tifffile(noise(*shape, dtype=dtype), **options),
            tiff_values,
            (*TIFF, "descriptions"),
        )
        for name, shape, dtype, options in (
            ("strips", SHAPE, np.uint8, {"rowsperstrip": 8}),
            ("tiled", (100, 90), np.uint16, {"tile": (16, 32)}),
            ("deflate", SHAPE, np.uint8, {"compression": "zlib", "predictor": True}),
            (
                "tiled deflate RGB",
                (100, 90, 3),
                np.uint8,
                {"compression": "zlib", "tile": (32, 48), "photometric": "rgb"},
            ),
            ("BigTIFF", SHAPE, np.uint16, {"bigtiff": True}),
            ("big-endian", SHAPE, np.uint16, {"byteorder": ">"}),
            ("big-endian float", SHAPE, np.float32, {"byteorder": ">"}),
            ("BigTIFF float64", SHAPE, np.float64, {"bigtiff": True, "byteorder": ">"}),
            ("float64 deflate", SHAPE, np.float64, {"compression": "zlib"}),
        )
    ),
    Case(
        "TIFF planar",
        ".tif",
        by_tifffile(
            np.moveaxis(noise(*SHAPE, 3), 2, 0), planarconfig="separate", photometric="rgb"
        ),
        contiguous_values,
        ("tags", "descriptions"),
    ),
    Case(
        "TIFF planar float64",
        ".tif",
        by_tifffile(
            np.moveaxis(noise(*SHAPE, 3, dtype=np.float64), 2, 0),
            planarconfig="separate",
            photometric="rgb",
        ),
        contiguous_values,
        ("tags", "descriptions"),
    ),
    Case(
        "TIFF RGBA float64 deflate",
        ".tif",
        by_tifffile(
            noise(*SHAPE, 4, dtype=np.float64),
            photometric="rgb",
            extrasamples=["unassalpha"],
            compression="zlib",
        ),
        tiff_values,
        ("tags", "pages", "descriptions"),
        1,
    ),
    Case(
        "TIFF float16",
        ".tif",
        by_tifffile(noise(*SHAPE, dtype=np.float16)),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF five bands",
        ".tif",
        by_tifffile(noise(*SHAPE, 5), photometric="minisblack", planarconfig="contig"),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF five bands, tiled, deflate",
        ".tif",
        by_tifffile(
            noise(*SHAPE, 5),
            photometric="minisblack",
            planarconfig="contig",
            compression="zlib",
            tile=(16, 32),
        ),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF RGB, alpha and more",
        ".tif",
        by_tifffile(
            noise(*SHAPE, 5),
            photometric="rgb",
            planarconfig="contig",
            extrasamples=["unassalpha", "unspecified"],
        ),
        tiff_values,
        (*TIFF, "descriptions"),
        2,
    ),
    Case(
        "TIFF pages alike",
        ".tif",
        by_tifffile([noise(*SHAPE, seed=seed) for seed in range(3)]),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF pages alike, deflate, RGB",
        ".tif",
        by_tifffile(
            [noise(*SHAPE, 3, seed=seed) for seed in range(3)],
            compression="zlib",
            photometric="rgb",
        ),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF pages that differ",
        ".tif",
        by_tifffile([noise(20, 30), noise(31, 8), noise(9, 50)]),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF pages of grey and colour",
        ".tif",
        by_tifffile([noise(20, 30, 3), noise(31, 8)]),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF pages of 8 and 16 bit",
        ".tif",
        by_tifffile([noise(20, 30), noise(31, 8, dtype=np.uint16)]),
        tiff_values,
        (*TIFF, "descriptions"),
    ),
    Case(
        "TIFF pyramid",
        ".tif",
        by_vips(
            smooth(600, 500, 3),
            tile=True,
            pyramid=True,
            tile_width=64,
            tile_height=64,
            compression="deflate",
        ),
        tiff_values,
        ("profile", "XMP", "resolution", *TIFF, "pyramid"),
    ),
    Case(
        "TIFF pyramid below",
        ".tif",
        by_vips(
            smooth(600, 500, 3), tile=True, pyramid=True, subifd=True, tile_width=64, tile_height=64
        ),
        tiff_values,
        ("profile", "XMP", "resolution", *TIFF, "pyramid"),
    ),
    Case(
        "OME ZYX",
        ".ome.tif",
        by_tifffile(
            stack(3),
            ome=True,
            metadata={"axes": "ZYX", "PhysicalSizeX": 0.1},
            photometric="minisblack",
        ),
        tiff_values,
        (*TIFF, "descriptions", "series"),
    ),
    Case(
        "OME TCYX",
        ".ome.tif",
        by_tifffile(
            stack(2, 3),
            ome=True,
            metadata={"axes": "TCYX", "Channel": {"Name": ["a", "b", "c"]}},
            photometric="minisblack",
            compression="zlib",
        ),
        tiff_values,
        (*TIFF, "descriptions", "series"),
    ),
    Case(
        "ImageJ ZYX",
        ".tif",
        by_tifffile(stack(3), imagej=True, metadata={"axes": "ZYX", "spacing": 2.5, "unit": "um"}),
        tiff_values,
        ("tags", "descriptions", "series"),
    ),
    Case(
        "ImageJ TZCYX",
        ".tif",
        by_tifffile(
            stack(2, 3, 2),
            imagej=True,
            metadata={
                "axes": "TZCYX",
                "mode": "composite",
                "Labels": [str(each) for each in range(12)],
            },
        ),
        tiff_values,
        ("tags", "descriptions", "series"),
    ),
    Case(
        "ImageJ ZCYX, one directory",
        ".tif",
        by_tifffile(stack(3, 2), imagej=True, truncate=True, metadata={"axes": "ZCYX"}),
        tiff_values,
        ("tags", "descriptions", "series", "layout"),
    ),
    Case(
        "ImageJ float",
        ".tif",
        by_tifffile(stack(3, dtype=np.float32), imagej=True, metadata={"axes": "ZYX"}),
        tiff_values,
        ("tags", "descriptions", "series"),
    ),
]

each_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], tuple[Path, Path]]:
    """A case's file and its result, made once."""
    made: dict[str, tuple[Path, Path]] = {}
    folder = tmp_path_factory.mktemp("kept")

    def make(case: Case) -> tuple[Path, Path]:
        if case.name not in made:
            before, after = (
                folder / f"{len(made)}-before{case.suffix}",
                folder / f"{len(made)}-after{case.suffix}",
            )
            case.write(before)
            made[case.name] = before, after
            restore_file(before, after, tile=32)
        return made[case.name]

    return make


def expected_of(case: Case, values: Any) -> Any:
    """What the known restorer makes of a case's values."""
    if isinstance(values, list):
        return [expected_of(case, each) for each in values]
    colours = values[..., : values.shape[-1] - case.alpha] if case.alpha else values
    if case.own_range:
        low, high = np.percentile(colours, (0.1, 99.9))
        changed = np.rint(0.5 * colours + 0.5 * low + 0.25 * (high - low)).astype(values.dtype)
    else:
        changed = whole_range(colours)
    return (
        np.concatenate([changed, values[..., values.shape[-1] - case.alpha :]], -1)
        if case.alpha
        else changed
    )


def assert_alike(found: Any, expected: Any, tolerance: float) -> None:
    """Values exactly, floats to float32's precision; where a format loses, by the mean of what they are off."""
    if isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other, tolerance)
        return
    assert (found.shape, found.dtype.newbyteorder("=")) == (
        expected.shape,
        expected.dtype.newbyteorder("="),
    )
    off = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    if tolerance:
        assert off.mean() <= tolerance, (
            f"values are off by {off.mean():.3g} on average, {off.max():g} at most"
        )
    else:
        allowed = (
            2e-7 if expected.dtype.kind == "f" else 0
        )  # of float16 the same values are nearest
        assert off.max() <= allowed, (
            f"{(off > allowed).sum():,} of {off.size:,} values are off, by {off.max():g} at most"
        )


@each_case
def test_values_are_restored_in_their_type_and_alpha_is_left_alone(restored, case):
    before, after = restored(case)
    values = case.values(before)
    assert_alike(case.values(after), expected_of(case, values), case.lossy)
    if case.alpha and not case.lossy:
        assert np.array_equal(case.values(after)[..., -1], values[..., -1])


@each_case
def test_what_belongs_to_it_is_kept(restored, case):
    before, after = restored(case)
    held = {name: PROPERTIES[name](before) for name in case.holds}
    assert None not in held.values(), (
        f"the file for {case} does not hold all of {held}: write it, or take it out of what the case holds"
    )
    assert {name: PROPERTIES[name](after) for name in case.holds} == held


EXACT = [case for case in CASES if not case.lossy]
ONE_OF_A_KIND = {(case.suffix, case.alpha, case.own_range): case for case in EXACT}.values()


@pytest.mark.parametrize(
    ("case", "how"),
    [
        *((case, {"restorer": identity()}) for case in EXACT),
        # what these two do differently depends on the values, not on how a file holds them
        *((case, {"strength": 0}) for case in ONE_OF_A_KIND),
        *((case, {"tile": None, "restorer": identity()}) for case in ONE_OF_A_KIND),
    ],
    ids=str,
)
def test_what_changes_nothing_gives_every_value_back(tmp_path, case, how):
    before, after = tmp_path / f"before{case.suffix}", tmp_path / f"after{case.suffix}"
    case.write(before)
    restore_file(before, after, **{"tile": 32} | how)
    values, found = case.values(before), case.values(after)
    for one, other in (
        zip(found, values, strict=True) if isinstance(values, list) else [(found, values)]
    ):
        same = np.array_equal(one, other)
        close = (
            one.dtype.kind == "f"
            and "strength" not in how
            and np.allclose(one, other, rtol=0, atol=1e-7)
        )
        assert same or close, f"{(one != other).sum()} values changed"


@pytest.mark.parametrize("name", ["TIFF pyramid", "TIFF pyramid below"])
def test_the_smaller_copies_of_a_pyramid_show_the_restored_image(restored, name):
    _, after = restored(next(case for case in CASES if case.name == name))
    with tifffile.TiffFile(after) as opened:
        first = opened.pages.first
        half = (first.pages[0] if first.subifds else opened.pages[1]).asarray().astype(np.float64)
        whole = first.asarray().astype(np.float64)
    height, width = half.shape[0], half.shape[1]
    expected = whole[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).mean((1, 3))
    assert np.abs(half - expected).max() <= 1
