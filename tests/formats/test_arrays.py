"""NumPy's files: numbers are read, objects never, and broken files are told."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from restorae.errors import BadImage, OutputError
from restorae.formats import read_array, write_array

ARRAY = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4)


class Malice:
    """Unpickled, this makes the file that it names."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=some.arrays(
        st.sampled_from((np.uint8, np.uint16, np.float32, np.float64, np.bool_)),
        some.array_shapes(max_dims=4, max_side=4),
    )
)
def test_what_is_written_is_read_back(tmp_path, suffix, array):
    write_array(tmp_path / f"set{suffix}", array)
    found = read_array(tmp_path / f"set{suffix}")
    assert found.dtype == array.dtype
    assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_numpy_itself_reads_what_is_written(tmp_path, suffix):
    write_array(tmp_path / f"set{suffix}", ARRAY)
    loaded = np.load(tmp_path / f"set{suffix}")
    if suffix == ".npz":
        with loaded:
            assert loaded.files == ["images"]
            loaded = loaded["images"]
    assert np.array_equal(loaded, ARRAY)


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_order_in_memory_are_written_as_they_are(tmp_path, order):
    array = np.asarray(ARRAY.transpose(2, 0, 1), order=order)
    write_array(tmp_path / "set.npy", array)
    assert np.array_equal(read_array(tmp_path / "set.npy"), array)


# ------------------------------------------------------------------------------------------------- several arrays


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("labels", "images"), "images"),
        (("x_train", "y_train", "x_test", "y_test"), "x_test"),
        (("y_train", "x_train"), "x_train"),
        (("mask", "x"), "x"),
        (("arr_1", "arr_0"), "arr_0"),
        (("whatever",), "whatever"),
    ],
)
def test_without_a_name_the_likely_array_is_chosen(tmp_path, names, expected):
    np.savez(
        tmp_path / "set.npz", **{name: np.full((2, 2), place) for place, name in enumerate(names)}
    )
    assert (read_array(tmp_path / "set.npz") == names.index(expected)).all()


@pytest.mark.filterwarnings("error")
def test_a_file_of_python_2_is_read_without_advice(tmp_path):
    np.save(tmp_path / "old.npy", ARRAY)
    content = (tmp_path / "old.npy").read_bytes()
    (tmp_path / "old.npy").write_bytes(content.replace(b"(2, 3, 4), } ", b"(2L, 3, 4), }"))
    np.testing.assert_array_equal(read_array(tmp_path / "old.npy"), ARRAY)


def test_a_named_array_is_that_one(tmp_path):
    np.savez(tmp_path / "set.npz", images=np.zeros((2, 2)), other=np.ones((2, 2)))
    assert (read_array(tmp_path / "set.npz", "other") == 1).all()
    with pytest.raises(
        BadImage, match=r"holds the arrays images, other; expected one called third"
    ):
        read_array(tmp_path / "set.npz", "third")


def test_arrays_of_unlikely_names_are_listed(tmp_path):
    np.savez(tmp_path / "set.npz", left=np.zeros(2), right=np.zeros(2))
    with pytest.raises(
        BadImage, match=r"set.npz: holds the arrays left, right; expected one called images"
    ):
        read_array(tmp_path / "set.npz")
    with zipfile.ZipFile(tmp_path / "none.npz", "w"):
        pass
    with pytest.raises(BadImage, match=r"holds the arrays \(none\)"):
        read_array(tmp_path / "none.npz")


# ------------------------------------------------------------------------------------------------- objects


def malicious(folder: Path, kind: str) -> tuple[Path, Path]:
    """A file that makes a mark when it is unpickled, and the mark."""
    mark, path = folder / "it-ran", folder / f"bad.{kind.rpartition(' ')[2]}"
    objects = np.array([Malice(mark)], dtype=object)
    if kind == "objects in npy":
        np.save(path, objects, allow_pickle=True)
    elif kind == "objects in npz":
        np.savez(path, images=objects)
    else:
        path.write_bytes(pickle.dumps(Malice(mark)))
    return path, mark


@pytest.mark.parametrize(
    "kind", ["objects in npy", "objects in npz", "a pickle called npy", "a pickle called npz"]
)
def test_objects_are_refused_and_nothing_in_them_runs(tmp_path, kind):
    path, mark = malicious(tmp_path, kind)
    with pytest.raises(
        BadImage,
        match=r"bad\..* holds Python objects, which are never loaded \(they could run code\)",
    ):
        read_array(path)
    assert not mark.exists(), "the file ran code"


@pytest.mark.parametrize(
    "kind", ["objects in npy", "objects in npz", "a pickle called npy", "a pickle called npz"]
)
def test_those_files_would_run_code_if_they_were_unpickled(tmp_path, kind):
    path, mark = malicious(tmp_path, kind)
    loaded = np.load(path, allow_pickle=True)
    if isinstance(loaded, np.lib.npyio.NpzFile):
        with loaded:
            loaded["images"]
    assert mark.exists(), "the test above proves nothing"


# ------------------------------------------------------------------------------------------------- broken files


def encoded(suffix: str) -> bytes:
    held = io.BytesIO()
    if suffix == ".npz":
        np.savez_compressed(held, images=ARRAY)
    else:
        np.save(held, ARRAY)
    return held.getvalue()


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("kept", [0.01, 0.1, 0.5, 0.9])
def test_a_file_cut_short_is_refused(tmp_path, suffix, kept):
    content = encoded(suffix)
    (tmp_path / f"cut{suffix}").write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(BadImage, match=rf"cut\{suffix}"):
        read_array(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize(
    "content", [b"", b"hello, this is text\n", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"PK\x03\x04"]
)
def test_what_is_something_else_is_refused_and_not_called_objects(tmp_path, suffix, content):
    (tmp_path / f"notes{suffix}").write_bytes(content)
    with pytest.raises(
        BadImage,
        match=rf"notes\{suffix}: cannot be read as a NumPy array: it is cut short, damaged or something else",
    ):
        read_array(tmp_path / f"notes{suffix}")


def with_header(shape: tuple[int, ...], values: bytes) -> bytes:
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        held, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return held.getvalue() + values


@pytest.mark.parametrize("shape", [(100, 100), (10**6, 10**7), (2**40, 2**40)], ids=str)
def test_a_header_that_promises_more_than_the_file_holds_is_refused(tmp_path, shape):
    (tmp_path / "lie.npy").write_bytes(with_header(shape, b"12345678"))
    with pytest.raises(BadImage, match=r"lie.npy"):
        read_array(tmp_path / "lie.npy")


def test_a_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(BadImage, match=r"missing.npy"):
        read_array(tmp_path / "missing.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_damaged_file_gives_an_array_or_a_sentence(tmp_path, suffix, place, value):
    content = bytearray(encoded(suffix))
    content[place % len(content)] = value
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    told = None
    try:
        assert isinstance(read_array(path), np.ndarray)
    except BadImage as error:
        told = str(error)
    assert told is None or path.name in told


def test_where_nothing_can_be_written_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="could not be written"):
        write_array(tmp_path / "file" / "set.npy", ARRAY)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
