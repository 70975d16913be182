"""WebP's metadata, byte for byte."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from restorae.errors import BadImage
from restorae.formats.webp_chunks import carry, is_lossless

PIXELS = np.random.default_rng(0).integers(0, 255, (21, 34, 4)).astype(np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>odd</x:xmpmeta>"


def exif() -> bytes:
    block = Image.Exif()
    block[0x010F], block[0x4746], block[0x9999] = "Maker", 4, "a private tag"
    return block.tobytes()


def webp(alpha: bool = False, **options: object) -> io.BytesIO:
    held = io.BytesIO()
    Image.fromarray(PIXELS if alpha else PIXELS[..., :3]).save(held, "WEBP", **options)
    return held


def carried(original: io.BytesIO, encoded: io.BytesIO, **options: bool) -> Image.Image:
    result = io.BytesIO()
    carry(original, encoded, result, **options)
    content = result.getvalue()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8, (
        "the length at the head is that of the file"
    )
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize(
    "own", [{}, {"exif": b"Exif\0\0wrong", "xmp": b"wrong", "icc_profile": b"wrong"}]
)
def test_all_blocks_are_carried_and_the_pixels_are_the_encoded_ones(alpha, lossless, own):
    encoded = webp(alpha, lossless=lossless, **own)
    found = carried(webp(exif=exif(), xmp=XMP, icc_profile=PROFILE), encoded)
    assert found.info["exif"].removeprefix(b"Exif\0\0") == exif().removeprefix(b"Exif\0\0")
    assert found.info["xmp"] == XMP
    assert found.info["icc_profile"] == PROFILE
    assert found.getexif()[0x9999] == "a private tag"
    assert found.mode == ("RGBA" if alpha else "RGB")
    np.testing.assert_array_equal(np.asarray(found), np.asarray(Image.open(encoded)))


def test_a_profile_that_no_longer_fits_is_left_out():
    found = carried(webp(exif=exif(), icc_profile=PROFILE), webp(), profile=False)
    assert "icc_profile" not in found.info
    assert found.info["exif"].removeprefix(b"Exif\0\0") == exif().removeprefix(b"Exif\0\0")


def test_without_metadata_the_encoder_s_own_go():
    found = carried(webp(), webp(exif=exif(), xmp=XMP))
    assert not {"exif", "xmp", "icc_profile"} & found.info.keys()
    assert found.size == (34, 21)


def test_an_animation_stays_one():
    held = io.BytesIO()
    frames = [Image.fromarray(np.roll(PIXELS[..., :3], shift, 1)) for shift in (0, 5, 9)]
    frames[0].save(
        held, "WEBP", save_all=True, append_images=frames[1:], duration=70, lossless=True
    )
    for original in (webp(exif=exif()), webp()):
        found = carried(original, held)
        assert found.n_frames == 3
        found.seek(2)
        np.testing.assert_array_equal(np.asarray(found.convert("RGB")), np.asarray(frames[2]))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"hello" * 9, webp(exif=exif()).getvalue()[:-5]])
def test_what_is_broken_is_refused(content):
    with pytest.raises(BadImage, match="WebP"):
        carry(io.BytesIO(content), webp(), io.BytesIO())


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_it_is_reported_whether_pixels_were_stored_without_loss(tmp_path, lossless, alpha):
    for name, options in (
        ("plain", {}),
        ("large-profile", {"icc_profile": PROFILE + bytes(9000)}),
        ("misleading", {"xmp": b"VP8L" * 9}),
    ):
        (tmp_path / name).write_bytes(webp(alpha, lossless=lossless, **options).getvalue())
        with (tmp_path / name).open("rb") as file:
            assert is_lossless(file) == lossless
    frames = [Image.fromarray(np.roll(PIXELS[..., :3], shift, 1)) for shift in (0, 5)]
    frames[0].save(
        tmp_path / "moving.webp",
        save_all=True,
        append_images=frames[1:],
        lossless=lossless,
        quality=50,
    )
    with (tmp_path / "moving.webp").open("rb") as file:
        assert is_lossless(file) == lossless
