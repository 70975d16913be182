"""A disk that is full at any byte: what was there stays, nothing half-written is left, and it is said why."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorae.errors import OutputError
from restorae.formats import begin_result, open_original, read_array, read_still

VALUES = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
KINDS = {
    ".png": {},
    ".jpg": {"quality": 95},
    ".webp": {"lossless": True},
    ".avif": {},
    ".tif": {},
    "-packed.tif": {"compression": "tiff_deflate"},
    ".npy": {},
}


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file grows beyond `size` bytes, as on a full disk (a quota, to be exact)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def begun(source: Path, target: Path):
    original = open_original(source)
    writer = begin_result(original, target)
    writer.put(0, 0, original.rows(0).read(40))
    return writer


@pytest.mark.parametrize("kind", KINDS)
def test_at_any_byte(tmp_path: Path, kind: str) -> None:
    source, target = tmp_path / f"in{kind}", tmp_path / f"out{kind}"
    if kind == ".npy":
        np.save(source, VALUES)
    else:
        Image.fromarray(VALUES).save(source, **KINDS[kind])
    begun(source, target).finish()
    size = target.stat().st_size
    whole = read_array(target) if kind == ".npy" else read_still(target)
    for room in sorted({0, 1, 8, *range(50, size, size // 6), size - 2, size - 1}):
        target.write_bytes(b"as it was")
        writer = begun(source, target)
        with pytest.raises(OutputError) as refused, room_for(room):
            writer.finish()
        assert refused.value.message.subject == target, room
        assert "could not be written" in str(refused.value)
        assert target.read_bytes() == b"as it was"
        assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, target.name]
    writer = begun(source, target)
    with room_for(3 * size):
        writer.finish()
    assert np.array_equal(read_array(target) if kind == ".npy" else read_still(target), whole)
