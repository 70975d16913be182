"""NumPy's files, `.npy` and `.npz`. Nothing in them is ever unpickled."""

from __future__ import annotations

import contextlib
import io
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage
from restorae.files import written_whole
from restorae.formats.original import cannot_read

UNREADABLE = (
    OSError, ValueError, EOFError, MemoryError, SyntaxError, RuntimeError, TypeError, ArithmeticError, zipfile.BadZipFile,
    zlib.error, tokenize.TokenError
)  # fmt: skip
_PREFERRED = ("images", "x_test", "x_train", "x", "arr_0")


@contextlib.contextmanager
def without_advice() -> Iterator[None]:
    """Drop NumPy's advice to save files of Python 2 again."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reading `.npy`", UserWarning)
        yield


def read_array(path: Path, name: str | None = None) -> np.ndarray:
    """The array in a `.npy`, or the one called `name` in a `.npz`.

    Without `name`, a `.npz` gives its only array, or the first of images, x_test, x_train, x, arr_0.

    Raises:
        BadImage: not such a file, cut short, holding objects, or no array of that name.
    """
    try:
        # numpy leaves a broken archive open
        with path.open("rb") as handle, without_advice():
            loaded = np.load(handle, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            with loaded:
                return _choose(path, loaded, name)
    except UNREADABLE as error:
        raise _unreadable(path, error) from None


def _choose(path: Path, arrays: np.lib.npyio.NpzFile, name: str | None) -> np.ndarray:
    return np.asarray(arrays[_chosen_name(path, arrays, name)])


def _chosen_name(path: Path, arrays: np.lib.npyio.NpzFile, name: str | None) -> str:
    wanted = (name,) if name else (*_PREFERRED, *arrays.files[: len(arrays.files) == 1])
    chosen = next((each for each in wanted if each in arrays.files), None)
    if chosen is None:
        raise BadImage(
            f"holds the arrays {', '.join(arrays.files) or '(none)'}; expected one called {name or 'images'}",
            subject=path,
        )
    return chosen


def write_array(path: Path, array: np.ndarray, like: Path | None = None) -> None:
    """Write `array` as `.npy`, or as the array `images` of a `.npz`, whole or not at all.

    With `like`, another `.npz`, it replaces the array that `read_array` finds there, and the others are copied.

    Raises:
        BadImage: `like` cannot be read.
        OutputError: it cannot be written.
    """
    held = io.BytesIO()
    if path.suffix.lower() == ".npz":
        np.savez_compressed(
            held,
            **(
                _replaced(like, array)
                if like is not None and zipfile.is_zipfile(like)
                else {"images": array}
            ),
        )
    else:
        np.save(held, array, allow_pickle=False)
    with written_whole(path) as partial:
        partial.write_bytes(held.getbuffer())


def _replaced(like: Path, array: np.ndarray) -> Any:
    try:
        with like.open("rb") as handle, np.load(handle, allow_pickle=False) as loaded:
            name = _chosen_name(like, loaded, None)
            return {each: array if each == name else loaded[each] for each in loaded.files}
    except UNREADABLE as error:
        raise _unreadable(like, error) from None


def _unreadable(path: Path, error: Exception) -> BadImage:
    if isinstance(error, OSError) and error.errno is not None:
        return cannot_read(path, error)
    if "Object arrays" in str(error) or ("allow_pickle" in str(error) and _is_pickle(path)):
        return BadImage(
            "holds Python objects, which are never loaded (they could run code); expected an array of numbers",
            subject=path,
        )
    return BadImage(
        f"cannot be read as a NumPy array: it is cut short, damaged or something else ({error})",
        subject=path,
    )


def _is_pickle(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as handle:
        return handle.read(1) == b"\x80"
    return False
