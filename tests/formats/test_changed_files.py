"""A file that changes or vanishes while it is read is that file's fault, never the output's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorae.errors import BadImage
from restorae.formats import begin_result, open_original

VALUES = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
KINDS = {
    ".png": {},
    ".jpg": {},
    ".webp": {"lossless": True},
    ".tif": {},
    "-packed.tif": {"compression": "tiff_deflate"},
}


def source(folder: Path, kind: str) -> Path:
    path = folder / f"in{kind}"
    Image.fromarray(VALUES).save(path, **KINDS[kind])
    return path


def vanish(path: Path) -> None:
    path.unlink()


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


HARM = pytest.mark.parametrize("harm", [vanish, shrink])


@HARM
@pytest.mark.parametrize("kind", KINDS)
def test_before_its_metadata_are_copied(tmp_path: Path, kind: str, harm: Callable[[Path], None]):
    path, target = source(tmp_path, kind), tmp_path / f"out{kind}"
    target.write_bytes(b"as it was")
    writer = begin_result(open_original(path), target)
    writer.put(0, 0, VALUES)
    harm(path)
    with pytest.raises(BadImage) as caught:
        writer.finish()
    assert caught.value.message.subject == path
    assert target.read_bytes() == b"as it was"
    assert not list(tmp_path.glob(".*"))


@HARM
@pytest.mark.parametrize("kind", [*KINDS, ".npy"])
def test_before_its_rows_are_read(tmp_path: Path, kind: str, harm: Callable[[Path], None]):
    if kind == ".npy":
        path = tmp_path / "in.npy"
        np.save(path, VALUES)
    else:
        path = source(tmp_path, kind)
    original = open_original(path)
    harm(path)
    with pytest.raises(BadImage) as caught:
        original.rows(0).read(40)
    assert caught.value.message.subject == path


def test_while_the_rows_of_a_mapped_array_are_read(tmp_path: Path):
    np.save(tmp_path / "in.npy", np.zeros((4000, 4000)))
    rows = open_original(tmp_path / "in.npy").rows(0)
    rows.read(10)
    os.truncate(tmp_path / "in.npy", 4096)  # to read on would end the process with SIGBUS
    with pytest.raises(BadImage, match="changed while it was being read"):
        rows.read(10)


def test_between_the_pages_of_a_stack(tmp_path: Path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, np.zeros((3, 40, 30), np.uint8), photometric="minisblack", metadata=None)
    original = open_original(path)
    original.rows(0).read(40)
    shrink(path)
    with pytest.raises(BadImage, match="changed while it was being read"):
        original.rows(2)
