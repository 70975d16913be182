"""Locks on files: which temporary files are still being written, and work that only one process may do."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from restorae.errors import InputError

fcntl: Any = None
with contextlib.suppress(ImportError):  # Windows has none: nothing is locked or taken for left over
    fcntl = importlib.import_module("fcntl")

_TEMPORARY = re.compile(r"\.([0-9a-f]{12})\.partial")
_AGE_S = 60.0
"""Younger files may belong to a process that has not locked them yet."""


@contextlib.contextmanager
def marked_as_written(path: Path) -> Iterator[None]:
    """While this lasts, other processes can tell that the temporary file is being written."""
    handle = None
    with contextlib.suppress(OSError):  # some network drives have no locks
        if fcntl is not None:
            handle = os.open(path, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def remove_left_over(folder: Path) -> int:
    """Remove the temporary files in a folder that a process left which was killed; how many they were."""
    groups: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            found = _TEMPORARY.match(path.name)
            if found is not None and path.is_file() and not path.is_symlink():
                groups.setdefault(found[1], []).append(path)
    removed = 0
    for group in groups.values():
        if all(map(_is_left_over, group)):
            for path in group:
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed += 1
    return removed


def _is_left_over(path: Path) -> bool:
    if fcntl is None:
        return False
    try:
        with path.open("rb") as handle:
            # the time of the last change of the file's entry, which nobody can set
            if time.time() - os.fstat(handle.fileno()).st_ctime < _AGE_S:
                return False
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked, or not to be locked here
        return False
    return True


@contextlib.contextmanager
def one_process(path: Path, doing: str) -> Iterator[None]:
    """Within this block no other process is in such a block of the same path; a killed one no longer is.

    Args:
        path: the file of the lock, which is removed in the end.
        doing: what another process does, for the message.

    Raises:
        InputError: another process is there.
    """
    handle = _lock(path, doing)
    try:
        yield
    finally:
        if handle is not None:
            path.unlink(missing_ok=True)
            os.close(handle)


def _lock(path: Path, doing: str) -> int | None:
    """A handle of the locked file; None where there are no locks."""
    while fcntl is not None:
        try:
            handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            return None  # what is written there will say why not
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise InputError(f"another process {doing}; wait for its end", subject=path) from None
        except OSError:
            os.close(handle)
            return None
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)  # the other one removed it meanwhile
    return None
