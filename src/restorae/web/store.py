"""A place for pictures and results while the server runs: a temporary folder with an end to its size, gone afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import threading
from pathlib import Path

from restorae.web.http_errors import HttpError, in_size

_PREFIX = "restorae-page-"
_LOCK = "in-use"


class Store:
    """A temporary folder of *workspaces*, which is emptied when the server ends, or by the next one if it could not.

    Args:
        most: bytes that all workspaces may take together.
        parent: where the folder is made; by default where this machine keeps temporary files.
    """

    def __init__(self, most: int, parent: Path | None = None) -> None:
        self.most = most
        parent = parent or Path(tempfile.gettempdir())
        _sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = (self.folder / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._counting = threading.Lock()
        self._taken: dict[str, int] = {}

    @property
    def taken(self) -> int:
        """Bytes that are spoken for."""
        return sum(self._taken.values())

    def workspace(self) -> Workspace:
        """A new, empty folder."""
        name = secrets.token_hex(8)
        (self.folder / name).mkdir()
        with self._counting:
            self._taken[name] = 0
        return Workspace(self, name)

    def claim(self, workspace: str, count: int) -> None:
        """Speak for `count` more bytes.

        Raises:
            HttpError: there is no room for them.
        """
        with self._counting:
            if self.taken + count > self.most:
                raise HttpError(
                    507,
                    f"There is no room for this: {in_size(self.taken)} of {in_size(self.most)} are taken by pictures that are open. "
                    "Remove some of them.",
                )
            self._taken[workspace] += count

    def free(self, workspace: str) -> None:
        """Remove a workspace and what is on it."""
        with self._counting:
            self._taken.pop(workspace, None)
        shutil.rmtree(self.folder / workspace, ignore_errors=True)

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


class Workspace:
    """A folder of the store, with what belongs to one picture or one job."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name
        self.folder = store.folder / name

    def claim(self, count: int) -> None:
        """Speak for more bytes; errors as `Store.claim`."""
        self.store.claim(self.name, count)

    def remove(self) -> None:
        """Remove it and what is on it."""
        self.store.free(self.name)

    def failed(self, error: OSError) -> HttpError:
        """The error for a file that cannot be written here."""
        reason = error.strerror or type(error).__name__
        return HttpError(
            507,
            f"The server cannot store the picture: {reason}. It keeps its files in the folder for temporary files (TMPDIR).",
        )


def _sweep(parent: Path) -> None:
    """Remove what servers left that were killed: nobody holds the lock of their folder any more."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
