"""Results in another format, quality, and what is refused because something would be lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from restorae.errors import BadImage, Fix
from restorae.formats import begin_result, open_original
from tests.known_restorer import identity, restore_file, whole_range

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SUFFIX = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif", "webp": ".webp", "avif": ".avif"}
LOSSY = ("jpeg", "webp", "avif")


def smooth(*bands: int, dtype: type = np.uint8) -> np.ndarray:
    rows, columns = np.mgrid[:40, :48] / 20
    channels = [
        np.sin(rows + place) * np.cos(columns) * 0.4 + 0.5
        for place in range(bands[0] if bands else 1)
    ]
    values = np.rint(np.stack(channels, -1) * np.iinfo(dtype).max).astype(dtype)
    return values if bands else values[..., 0]


IMAGES = {
    "grey": smooth(),
    "colour": smooth(3),
    "grey and alpha": smooth(2),
    "colour and alpha": smooth(4) | 128,
    "16 bit": smooth(dtype=np.uint16),
    "16 bit colour": smooth(3, dtype=np.uint16),
    "float": np.random.default_rng(0).random((40, 48), dtype=np.float32),
    "sign": smooth().astype(np.int16) - 100,
    "pages": np.stack([smooth(), smooth()[::-1]]),
    "five bands": smooth(5),
}


def tiff(path: Path, name: str) -> Path:
    values = IMAGES[name]
    rgb = values.ndim == 3 and values.shape[-1] in (3, 4)
    tifffile.imwrite(
        path,
        values,
        photometric="rgb" if rgb else "minisblack",
        planarconfig="contig" if values.ndim == 3 and values.shape[-1] < 6 else None,
        extrasamples=["unassalpha"] if "alpha" in name else None,
        compression="zlib",
        metadata=None,
    )
    return path


TITLES = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}
ALL_BUT_JPEG = ("png", "tiff", "webp", "avif")
REFUSED = {
    ("grey and alpha", "jpeg"): ("has no alpha, this file has", ALL_BUT_JPEG),
    ("colour and alpha", "jpeg"): ("has no alpha, this file has", ALL_BUT_JPEG),
    ("pages", "png"): ("holds one page, this file has 2", ("tiff", "webp", "avif")),
    ("pages", "jpeg"): ("holds one page, this file has 2", ("tiff", "webp", "avif")),
    **{("float", kind): ("holds unsigned integers, not float32", ("tiff",)) for kind in TITLES},
    **{("sign", kind): ("holds unsigned integers, not int16", ("tiff",)) for kind in TITLES},
    **{
        ("five bands", kind): ("holds 1 or 3 channels, this file has 5", ("tiff",))
        for kind in TITLES
    },
}


@pytest.mark.parametrize("kind", SUFFIX)
@pytest.mark.parametrize("name", IMAGES)
def test_every_image_goes_into_every_format_that_holds_it_and_is_refused_by_the_others(
    tmp_path, name, kind
):
    source, target = tiff(tmp_path / "in.tif", name), tmp_path / f"out{SUFFIX[kind]}"
    if (name, kind) in REFUSED:
        problem, possible = REFUSED[name, kind]
        with pytest.raises(BadImage, match=f"{TITLES[kind]} {problem}, and nothing") as caught:
            begin_result(open_original(source), target, kind)
        fixes = caught.value.message.fixes
        assert fixes == (*(Fix("format", each) for each in possible), Fix("format", action="omit"))
        assert not target.exists()
        return
    _, notices = restore_file(source, target, identity(), kind=kind)
    values = IMAGES[name]
    found = pyvips.Image.new_from_file(
        str(target), **({"n": -1} if name == "pages" else {})
    ).numpy()
    deep, eight = values.dtype == np.uint16, kind in ("jpeg", "webp")
    assert notices == (
        [f"16 bits became {12 if kind == 'avif' else 8}: {TITLES[kind]} holds no more"]
        if deep and kind in LOSSY
        else []
    )
    expected = np.concatenate(values) if name == "pages" else values
    if deep and eight:
        expected = np.rint(expected / 257)
    if found.ndim > expected.ndim:  # WebP and AVIF know colour only
        expected = np.stack([expected] * 3, -1)
    elif found.shape[-1] > expected.shape[-1] and found.ndim == 3:
        expected = np.concatenate([expected[..., :1]] * 3 + [expected[..., 1:]], -1)
    if name == "pages" and kind == "avif":  # its pages are images of their own
        found = np.concatenate(
            [pyvips.Image.new_from_file(str(target), page=page).numpy() for page in range(2)]
        )
    assert found.shape == expected.shape
    off = np.abs(found.astype(float) - expected)
    if kind in LOSSY:
        assert off.mean() <= 3 * (1 if eight or not deep else 257), (
            f"values are off by {off.mean():.3g} on average"
        )
    else:
        assert off.max() == 0


@pytest.mark.parametrize("kind", SUFFIX)
@pytest.mark.parametrize("source", [".jpg", ".png", ".webp"])
def test_what_belongs_to_an_image_goes_with_it_into_another_format(tmp_path, source, kind):
    tags = Image.Exif()
    tags[0x010F], tags[0x8769] = "maker", {0x9003: "1969:07:20 20:17:40"}
    said = {"icc_profile": PROFILE, "exif": tags} | (
        {} if source == ".webp" else {"dpi": (300, 150)}
    )
    Image.fromarray(IMAGES["colour"]).save(tmp_path / f"in{source}", **said)
    target = tmp_path / f"out{SUFFIX[kind]}"
    restore_file(tmp_path / f"in{source}", target, kind=kind)
    with Image.open(target) as opened:
        assert opened.info["icc_profile"] == PROFILE
        assert opened.getexif()[0x010F] == "maker"
        assert opened.getexif().get_ifd(0x8769)[0x9003] == "1969:07:20 20:17:40"
        if source != ".webp" and kind not in (
            "webp",
            "avif",
        ):  # which do not know of a resolution but in EXIF
            # Pillow's word for a JPEG is of the width alone, where EXIF says both
            found = (
                (opened.getexif()[282], opened.getexif()[283])
                if kind == "jpeg" and source == ".png"
                else opened.info["dpi"]
            )
            assert np.allclose(tuple(map(float, found)), (300, 150), rtol=1e-3)


@pytest.mark.parametrize("kind", [kind for kind in SUFFIX if kind != "png"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_in_another_format_it_stands_as_it_stood(tmp_path, kind, orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(IMAGES["colour"]).save(tmp_path / "in.png", exif=tags)
    restore_file(tmp_path / "in.png", tmp_path / f"out{SUFFIX[kind]}", kind=kind)
    upright = np.rot90(whole_range(IMAGES["colour"]), {3: 2, 6: -1}[orientation])
    image = pyvips.Image.new_from_file(str(tmp_path / f"out{SUFFIX[kind]}"))
    found = image.autorot().numpy()
    assert found.shape == upright.shape
    assert np.abs(found.astype(float) - upright).mean() <= 3


def test_quality_is_as_asked_for_and_else_hardly_seen(tmp_path):
    Image.fromarray(IMAGES["colour"]).save(tmp_path / "in.png")
    for kind in LOSSY:
        sizes = []
        for quality in (20, None, 100):
            target = tmp_path / f"{quality}{SUFFIX[kind]}"
            restore_file(tmp_path / "in.png", target, kind=kind, quality=quality)
            sizes.append(target.stat().st_size)
        assert sizes == sorted(set(sizes)), (
            f"{kind} at quality 20, unsaid and 100 took {sizes} bytes"
        )


def test_arrays_stay_arrays_and_images_images(tmp_path):
    np.save(tmp_path / "in.npy", IMAGES["grey"])
    with pytest.raises(BadImage, match="arrays are written as arrays and images as images"):
        begin_result(open_original(tmp_path / "in.npy"), tmp_path / "out.png", "png")
    with pytest.raises(BadImage, match="arrays are written as arrays and images as images"):
        begin_result(open_original(tiff(tmp_path / "in.tif", "grey")), tmp_path / "out.npy", "npy")


def test_doubles_go_into_tiff_alone(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((20, 30)))
    with pytest.raises(BadImage, match="PNG holds unsigned integers, not float64"):
        begin_result(open_original(tmp_path / "in.tif"), tmp_path / "out.png", "png")


@pytest.mark.parametrize("axes", [None, "CYX", "YXC", "XY"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float32", "<f8", "bool"])
def test_arrays_keep_type_shape_and_byte_order(tmp_path, axes, order, dtype):
    shape = (20, 30) if axes == "XY" else (5, 20, 30)
    values = (
        (np.random.default_rng(0).random(shape) * (1 if np.dtype(dtype).kind in "fb" else 200))
        .round(3)
        .astype(dtype)
    )
    np.save(tmp_path / "in.npy", np.asarray(values, order=order))
    restore_file(tmp_path / "in.npy", tmp_path / "out.npy", strength=0, axes=axes)
    found = np.load(tmp_path / "out.npy")
    assert found.dtype.newbyteorder("=") == values.dtype.newbyteorder("=")
    assert np.array_equal(found, values)


def test_a_result_that_is_dropped_leaves_nothing(tmp_path):
    original = open_original(tiff(tmp_path / "in.tif", "grey"))
    with begin_result(original, tmp_path / "deep" / "out.tif") as result:
        result.put(0, 0, original.rows(0).read(40))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["in.tif"]
