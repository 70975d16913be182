"""Every format: recognised by its content, written and read back, honest about what it holds."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from restorae.errors import BadImage, Fix
from restorae.formats import (
    ARRAY_KINDS,
    FORMATS,
    SUFFIXES,
    WRITTEN,
    Format,
    Original,
    Page,
    begin_result,
    format_named,
    format_of,
    open_original,
)
from restorae.formats.registry import format_from

ALL = pytest.mark.parametrize("found", FORMATS.values(), ids=FORMATS)
IMAGES = pytest.mark.parametrize("found", [FORMATS[name] for name in WRITTEN], ids=WRITTEN)
WRITABLE = [each for each in FORMATS.values() if each.can_write]


def image(height: int = 24, width: int = 40, dtype: str = "uint8") -> np.ndarray:
    """A smooth colour image, which lossy formats hardly change."""
    rows, columns = np.mgrid[:height, :width] / 12
    values = np.stack([np.sin(rows + shift) * np.cos(columns) / 2.5 + 0.5 for shift in range(3)], 2)
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


def sample(folder: Path, found: Format) -> Path:
    """A colour image in this format by another library, under a name that promises nothing."""
    path = folder / "sample"
    if found.is_array:
        with path.open("wb") as file:
            (np.save if found.name == "npy" else np.savez)(file, image())
    elif found.name == "heic":
        path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1" + bytes(8))  # no encoder is free
    elif found.name in ("jxl", "pdf"):
        path.write_bytes({"jxl": b"\xff\x0a", "pdf": b"%PDF-1.7\n"}[found.name] + bytes(40))
    else:
        named = {"jp2": "JPEG2000", "pnm": "PPM"}.get(found.name, found.name)
        Image.fromarray(image()).save(path, named)
    return path


@ALL
@pytest.mark.parametrize("suffix", ["", ".png", ".npy", ".tif", ".txt"])
def test_it_is_recognised_by_content_whatever_the_suffix(tmp_path, found, suffix):
    path = sample(tmp_path, found).rename(tmp_path / f"misnamed{suffix}")
    assert format_of(path) is found
    if found.can_write:
        assert open_original(path).kind == found.name


@ALL
def test_its_suffixes_promise_it_and_no_other(found):
    for suffix in found.suffixes:
        assert format_named(Path(f"A{suffix.upper()}")) is found
        assert (suffix in SUFFIXES) != found.is_array


@pytest.mark.parametrize("found", WRITABLE, ids=lambda found: found.name)
def test_what_is_written_is_read_back(tmp_path, found):
    original = open_original(sample(tmp_path, found))
    values = image()[::-1]
    target = tmp_path / f"result{found.suffix}"
    with begin_result(original, target) as writer:
        assert not writer.ordered
        for top in (12, 0):  # rows may come in any order
            writer.put(0, top, values[top : top + 12])
        writer.finish()
    result = open_original(target)
    assert result.kind == found.name
    assert result.pages == original.pages
    off = np.abs(result.rows(0).read(24).astype(int) - values)
    if found.capabilities.lossy:
        assert 0 < off.mean() < 3
    else:
        assert off.max() == 0


BEYOND = {
    "more pages": lambda page: (page, page),
    "pages of two sizes": lambda page: (page, replace(page, height=9)),
    "alpha": lambda page: (replace(page, bands=4, alpha=1),),
    "five channels": lambda page: (replace(page, bands=5),),
    "32 bits": lambda page: (replace(page, dtype=np.dtype("uint32")),),
    "sign": lambda page: (replace(page, dtype=np.dtype("int16")),),
    "floats": lambda page: (replace(page, dtype=np.dtype("float32")),),
}
HELD = {
    "png": {"alpha"},
    "jpeg": set(),
    "webp": {"alpha", "more pages"},
    "avif": {"alpha", "more pages"},
    "tiff": set(BEYOND),
}


@IMAGES
@pytest.mark.parametrize("beyond", BEYOND)
def test_what_it_cannot_hold_is_refused_with_the_formats_that_can(tmp_path, found, beyond):
    original: Original = open_original(sample(tmp_path, FORMATS["tiff"]))
    original = replace(original, pages=BEYOND[beyond](original.pages[0]))
    assert found.holds(original.pages) == (beyond in HELD[found.name])
    if beyond in HELD[found.name]:
        return
    with pytest.raises(BadImage) as caught:
        begin_result(original, tmp_path / "result", found.name)
    possible = {name for name, held in HELD.items() if beyond in held}
    fixes = caught.value.message.fixes
    assert set(fixes) == {Fix("format", name) for name in possible} | {Fix("format", action="omit")}
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize("deep", [name for name in WRITTEN if FORMATS[name].capabilities.bits < 16])
def test_bits_that_are_rounded_are_reported(tmp_path, deep):
    pyvips.Image.new_from_array(image(dtype="uint16")).pngsave(str(tmp_path / "in.png"))
    original = open_original(tmp_path / "in.png")
    with begin_result(original, tmp_path / "out", deep) as writer:
        writer.put(0, 0, image(dtype="uint16"))
        writer.finish()
    bits = FORMATS[deep].capabilities.bits
    assert writer.notices == [f"16 bits became {bits}: {FORMATS[deep].title} holds no more"]


def test_formats_that_are_only_read_offer_those_that_are_written(tmp_path):
    pages = (Page(24, 40, bands=3, alpha=0, dtype=np.dtype("uint8")),)
    assert not FORMATS["heic"].holds(pages)
    original = replace(open_original(sample(tmp_path, FORMATS["png"])), kind="heic")
    with pytest.raises(BadImage, match="HEIC files are read but not written") as caught:
        begin_result(original, tmp_path / "result")
    assert caught.value.message.fixes == tuple(Fix("format", name) for name in WRITTEN)


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        (b"avif\0\0\0\0mif1", "avif"),
        (b"mif1\0\0\0\0avif", "avif"),
        (b"heic\0\0\0\0mif1", "heic"),
        (b"isom\0\0\0\0mp41", None),
    ],
)
def test_heif_and_avif_are_distinguished_by_their_brands_and_films_are_neither(brands, name):
    assert format_from(b"\0\0\0\x18ftyp" + brands) is (FORMATS[name] if name else None)


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"])
def test_every_kind_of_tiff_is_known(start):
    assert format_from(start + bytes(28)) is FORMATS["tiff"]


def test_an_empty_archive_is_one():
    file = io.BytesIO()
    np.savez(file)
    assert format_from(file.getvalue()[:32]) is FORMATS["npz"]


@given(st.binary(max_size=40))
def test_any_bytes_are_of_one_format_at_most(content):
    assert sum(each.recognises(content) for each in FORMATS.values()) <= 1


def test_other_names_promise_nothing():
    assert [format_named(Path(name)) for name in ("a", "a.txt", ".png")] == [None] * 3
    assert format_named(Path("a.tar.tiff")) is FORMATS["tiff"]
    assert {"npy", "npz"} == ARRAY_KINDS
