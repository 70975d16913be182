"""TIFFs with smaller copies, masks and layers, and values that are packed or rarely compressed."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorae.errors import BadImage
from restorae.formats import open_original
from tests.known_restorer import identity, restore_file

COLOUR = np.kron(
    np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8), np.ones((8, 8, 1), np.uint8)
)
MASK = COLOUR[..., 0] > 120
HALF = np.ascontiguousarray(COLOUR[::2, ::2])


def restored(path: Path) -> tuple[list[tifffile.TiffPage], list[str]]:
    target = path.with_name("out.tif")
    _, said = restore_file(path, target, identity())
    with tifffile.TiffFile(target) as opened:
        pages = list(opened.pages)
        for page in pages:
            page.values = page.asarray()
            page.below = [(each.shape, each.asarray()) for each in page.pages or ()]
    return pages, said


ORDERS = {
    "image, mask, copy, mask of the copy": "IMCm",
    "mask first": "MICm",
    "two images, each with a mask and a copy": "IMCIMC",
    "copy first": "CI",
}


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_masks_stay_and_smaller_copies_are_made_of_the_result(tmp_path, order, compression):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        for letter in order:
            values, kind = {
                "I": (COLOUR, 0), "M": (MASK, 4), "C": (255 - HALF, 1), "m": (MASK[::2, ::2], 5)
            }[letter]  # fmt: skip
            options = {"photometric": 4} if letter in "Mm" else {"photometric": "rgb"}
            writer.write(values, subfiletype=kind, compression=compression, **options)
    pages, said = restored(tmp_path / "in.tif")
    assert said == []
    assert [int(page.subfiletype) for page in pages] == [
        {"I": 0, "M": 4, "C": 1, "m": 5}[letter] for letter in order
    ]
    for letter, page in zip(order, pages, strict=True):
        expected = {"I": COLOUR, "M": MASK, "C": HALF, "m": MASK[::2, ::2]}[letter]
        if letter == "C":
            assert np.abs(page.values.astype(int) - expected).mean() < 2
        else:
            assert np.array_equal(page.values, expected)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
def test_every_page_of_a_stack_has_its_smaller_copies_below(tmp_path, dtype):
    stack = np.stack([COLOUR[..., channel].astype(dtype) for channel in range(3)])
    with tifffile.TiffWriter(tmp_path / "in.ome.tif", ome=True) as writer:
        options = {"photometric": "minisblack", "tile": (32, 32), "compression": "zlib"}
        writer.write(stack, metadata={"axes": "CYX"}, subifds=2, **options)
        for step in (2, 4):
            writer.write(stack[:, ::step, ::step] * 0, subfiletype=1, **options)
    pages, _ = restored(tmp_path / "in.ome.tif")
    for channel, page in enumerate(pages):
        assert np.allclose(page.values, stack[channel], atol=1e-3)
        assert [shape for shape, _ in page.below] == [(48, 64), (24, 32)]
        for step, (_, values) in zip((2, 4), page.below, strict=True):
            assert np.allclose(values, stack[channel, ::step, ::step], atol=1)
    assert "<OME" in pages[0].description


def test_uncompressed_smaller_copies_do_not_stay_old(tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        writer.write(COLOUR, photometric="rgb", tile=(32, 32))
        writer.write(255 - HALF, photometric="rgb", tile=(32, 32), subfiletype=1)
    pages, _ = restored(tmp_path / "in.tif")
    assert np.abs(pages[1].values.astype(int) - HALF).mean() < 2


def test_an_image_below_a_preview_is_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        writer.write(HALF, photometric="rgb", subfiletype=1, subifds=1)
        writer.write(COLOUR, photometric="rgb")
    with pytest.raises(BadImage, match="begins with a preview"):
        open_original(tmp_path / "in.tif")


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_layers_never_stay(tmp_path, compression, bigtiff):
    layers = b"Adobe Photoshop Document Data Block\0 the old image"
    tags = [(37724, 7, len(layers), layers, True)]
    tifffile.imwrite(
        tmp_path / "in.tif", COLOUR, photometric="rgb", compression=compression, extratags=tags,
        bigtiff=bigtiff,
    )  # fmt: skip
    _, said = restored(tmp_path / "in.tif")
    assert ["37724 (Photoshop's layers)" in each for each in said] == [True]
    assert layers not in (tmp_path / "out.tif").read_bytes()


def packed(path: Path, values: np.ndarray, *, bits: int, is_deflated: bool) -> None:
    """A TIFF by the book whose values lie side by side, each row from a whole byte on."""
    height, width = values.shape
    rows = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    content = np.packbits(rows.astype(np.uint8).reshape(height, -1), axis=1).tobytes()
    content = zlib.compress(content) if is_deflated else content
    tags = {256: width, 257: height, 258: bits, 259: 8 if is_deflated else 1, 262: 1, 273: 8}
    tags |= {277: 1, 278: height, 279: len(content)}
    content += bytes(len(content) % 2)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<I", 8 + len(content))
    path.write_bytes(head + content + struct.pack("<H", len(tags)) + entries + bytes(4))


@pytest.mark.parametrize("is_deflated", [False, True])
@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_packed_values_are_read_exactly(tmp_path, bits, is_deflated):
    values = np.random.default_rng(0).integers(0, 2**bits, (21, 37))
    packed(tmp_path / "in.tif", values, bits=bits, is_deflated=is_deflated)
    pages, said = restored(tmp_path / "in.tif")
    assert np.array_equal(pages[0].values, values)
    assert f"{bits}-bit values" in said[0]


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16"])
def test_what_is_compressed_by_zstd_is_read(tmp_path, mode):
    values = COLOUR if mode == "RGB" else COLOUR[..., 0]
    values = values.astype(np.uint16) * 200 if mode == "I;16" else values
    Image.fromarray(values).save(tmp_path / "in.tif", compression="zstd")
    target = tmp_path / "out.tif"
    restore_file(tmp_path / "in.tif", target, identity())
    assert np.array_equal(tifffile.imread(target), values)


def test_a_sound_file_that_cannot_be_decoded_is_not_called_damaged(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", COLOUR[..., 0])
    content = bytearray((tmp_path / "in.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "in.tif") as opened:
        place = opened.pages[0].tags[259].valueoffset
    content[place : place + 2] = struct.pack("<H", 34887)
    (tmp_path / "in.tif").write_bytes(content)
    with pytest.raises(BadImage, match=r"compressed by LERC, .*nothing is wrong with the file"):
        open_original(tmp_path / "in.tif")
