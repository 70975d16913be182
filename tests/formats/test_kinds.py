"""Formats told by the first bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from restorae.formats import SUFFIX_OF, SUFFIXES, WRITTEN, kind_named, kind_of
from restorae.formats.kinds import kind_from


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_pillow_writes_is_known_by_its_first_bytes(kind):
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, kind)
    assert kind_from(file.getvalue()[:32]) == kind


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}], ids=str)
def test_both_kinds_of_tiff_are_known(options):
    assert kind_from(pyvips.Image.black(4, 4).tiffsave_buffer(**options)[:32]) == "tiff"
    assert [kind_from(start + bytes(28)) for start in (b"MM\0*", b"MM\0+")] == ["tiff", "tiff"]


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"avif\0\0\0\0mif1", "avif"),
        (b"mif1\0\0\0\0avif", "avif"),
        (b"heic\0\0\0\0mif1", "heic"),
        (b"isom\0\0\0\0mp41", None),
    ],
)
def test_heif_and_avif_are_told_apart_by_their_brands_and_films_are_neither(brands, kind):
    assert kind_from(b"\0\0\0\x18ftyp" + brands) == kind


def test_numpys_files_are_known(tmp_path):
    np.save(tmp_path / "a", np.zeros(3))
    np.savez(tmp_path / "b", np.zeros(3))
    np.savez(tmp_path / "empty")
    assert [kind_of(tmp_path / name) for name in ("a.npy", "b.npz", "empty.npz")] == [
        "npy",
        "npz",
        "npz",
    ]


@given(st.binary(max_size=40))
def test_any_bytes_have_a_kind_or_none(content):
    assert kind_from(content) in {None, *SUFFIX_OF}


def test_names_promise_a_kind():
    assert [kind_named(Path(name)) for name in ("A.JPG", "a.tar.tiff", "a.jfif", "a", "a.txt", ".png")] == [
        "jpeg", "tiff", "jpeg", None, None, None,
    ]  # fmt: skip
    assert all(kind_named(Path(f"a{suffix}")) == kind for kind, suffix in SUFFIX_OF.items())
    assert ".npy" not in SUFFIXES
