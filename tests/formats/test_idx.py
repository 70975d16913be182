"""The idx format: what MNIST's files hold, and files that lie."""

from __future__ import annotations

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from restorae.errors import BadImage
from restorae.formats import read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    """An idx file's content, written from the format's description."""
    code = CODES[array.dtype.str[1:]]
    return (
        struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=st.sampled_from(list(CODES)).flatmap(
        lambda code: some.arrays(np.dtype(code), some.array_shapes(max_dims=4, max_side=5))
    ),
    gzipped=st.booleans(),
)
def test_every_type_and_number_of_sides_is_read_plain_and_gzipped(tmp_path, array, gzipped):
    path = tmp_path / "set-idx-ubyte"
    path.write_bytes(gzip.compress(idx(array)) if gzipped else idx(array))
    found = read_idx(path)
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


def test_what_is_read_can_be_changed(tmp_path):
    (tmp_path / "idx").write_bytes(idx(np.zeros((2, 2, 2), np.uint8)))
    found = read_idx(tmp_path / "idx")
    found += 1
    assert (found == 1).all()


def test_no_more_is_unpacked_than_the_header_names(tmp_path):
    # a gigabyte of zeros behind one image, in a megabyte; what is unpacked beyond the header is at most one step
    head = struct.pack(">HBBI", 0, 8, 1, 5)
    (tmp_path / "a.gz").write_bytes(gzip.compress(head + bytes(2**27), 9))
    tracemalloc.start()
    with pytest.raises(BadImage, match="holds at least"):
        read_idx(tmp_path / "a.gz")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**24


IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
WHOLE = idx(IMAGES)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not an idx file"),
        (b"\0\0\x08", "is not an idx file"),
        (b"hello, this is text", "is not an idx file"),
        (b"\x89PNG\r\n\x1a\n", "is not an idx file"),
        (b"\0\x01" + WHOLE[2:], "is not an idx file"),
        (b"\0\0\x07" + WHOLE[3:], "is not an idx file"),
        (b"\0\0\x08\0", "cut short"),
        (b"\0\0\x08\x09" + WHOLE[4:], "cut short"),
        (WHOLE[:9], "cut short"),
        (WHOLE[:-1], r"holds 59 bytes of values, but its header says 3×4×5 \(60 bytes\)"),
        (WHOLE[:16], r"holds 0 bytes of values, but its header says 3×4×5 \(60 bytes\)"),
        (WHOLE + b"\0", "holds 61 bytes of values"),
        (WHOLE[:4] + struct.pack(">III", 3, 4, 6) + WHOLE[16:], r"says 3×4×6 \(72 bytes\)"),
        (
            WHOLE[:4] + struct.pack(">III", *[2**32 - 1] * 3) + WHOLE[16:],
            "holds 60 bytes of values",
        ),
        (WHOLE[:2] + b"\x0e" + WHOLE[3:], r"says 3×4×5 \(480 bytes\)"),
    ],
)
@pytest.mark.parametrize("gzipped", [False, True])
def test_a_file_that_lies_is_refused_with_what_it_holds(tmp_path, content, told, gzipped):
    path = tmp_path / "bad-idx3-ubyte"
    path.write_bytes(gzip.compress(content) if gzipped else content)
    with pytest.raises(BadImage, match=f"bad-idx3-ubyte.*{told}"):
        read_idx(path)


@pytest.mark.parametrize("kept", [3, 12, 20, -9, -1])
def test_a_gzipped_file_cut_short_is_refused(tmp_path, kept):
    path = tmp_path / "bad.gz"
    path.write_bytes(gzip.compress(WHOLE)[:kept])
    with pytest.raises(BadImage, match=r"bad.gz: .*cut short or damaged"):
        read_idx(path)


def test_a_gzipped_file_with_a_wrong_checksum_is_refused(tmp_path):
    content = bytearray(gzip.compress(WHOLE))
    content[-6] ^= 0xFF
    (tmp_path / "bad.gz").write_bytes(content)
    with pytest.raises(BadImage, match="cut short or damaged"):
        read_idx(tmp_path / "bad.gz")


def test_a_set_without_images_is_empty(tmp_path):
    (tmp_path / "idx").write_bytes(idx(np.zeros((0, 28, 28), np.uint8)))
    assert read_idx(tmp_path / "idx").shape == (0, 28, 28)


def test_a_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(BadImage, match="cannot be read"):
        read_idx(tmp_path / "missing-idx3-ubyte")
    with pytest.raises(BadImage, match="cannot be read"):
        read_idx(tmp_path)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(0, 200),
    value=st.integers(0, 255),
    kept=st.integers(0, 200),
    gzipped=st.booleans(),
)
def test_a_damaged_file_gives_an_array_or_a_sentence(tmp_path, place, value, kept, gzipped):
    content = bytearray(gzip.compress(WHOLE) if gzipped else WHOLE)
    content[place % len(content)] = value
    path = tmp_path / "damaged"
    path.write_bytes(content[:kept] if kept < len(content) else content)
    told = None
    try:
        assert isinstance(read_idx(path), np.ndarray)
    except BadImage as error:
        told = str(error)
    assert told is None or str(path) in told
