"""Files of the server: a folder with a size limit, which is removed when the server ends, unless it is to be kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from restorae.errors import UsageError
from restorae.files import require_writable
from restorae.web.http_errors import HttpError, in_size

_PREFIX = "restorae-page-"
_LOCK = "in-use"
_NAME = re.compile("[0-9a-f]{16}")


class Store:
    """A temporary folder of *workspaces*. If the server was killed, the next one removes its folder.

    Args:
        most: size limit of all workspaces together, in bytes.
        parent: folder in which the store is created. By default the system's folder for temporary files.
        keep: a folder that is the store itself, and that stays when the server ends; made if it is missing.

    Raises:
        UsageError: another server uses `keep`.
        OutputError: `keep` cannot be written.
    """

    def __init__(self, most: int, parent: Path | None = None, *, keep: Path | None = None) -> None:
        self.most, self.is_kept = most, keep is not None
        if keep is None:
            parent = parent or Path(tempfile.gettempdir())
            _sweep(parent)
            self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        else:
            require_writable(keep)
            self.folder = keep
        self._lock = (self.folder / _LOCK).open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UsageError("another server uses this folder", subject=self.folder) from None
        self._counting = threading.Lock()
        self._taken: dict[str, int] = {}
        self._total = 0
        self.make_room: Callable[[int], None] = lambda count: None
        """Called when so many bytes do not fit: frees what can be made again."""

    def kept(self) -> Iterator[Workspace]:
        """The workspaces that an earlier server left in a folder that is kept."""
        for folder in sorted(self.folder.iterdir()):
            if _NAME.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
                taken = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
                with self._counting:
                    self._count(folder.name, taken)
                yield Workspace(self, folder.name)

    @property
    def taken(self) -> int:
        """Bytes that are reserved."""
        return self._total

    def workspace(self) -> Workspace:
        """A new, empty folder."""
        name = secrets.token_hex(8)
        (self.folder / name).mkdir()
        with self._counting:
            self._count(name, 0)
        return Workspace(self, name)

    def claim(self, workspace: str, count: int) -> None:
        """Reserve `count` more bytes.

        Raises:
            HttpError: they exceed the size limit.
        """
        missing = self.taken + count - self.most
        if missing > 0:
            self.make_room(missing)
        with self._counting:
            if self.taken + count > self.most:
                raise HttpError(
                    507,
                    f"There is not enough space: {in_size(self.taken)} of {in_size(self.most)} are taken by images that are open. "
                    "Remove some of them.",
                )
            self._count(workspace, self._taken[workspace] + count)

    def settle(self, workspace: str) -> None:
        """Count what the files of a workspace take, instead of what was reserved for them."""
        taken = sum(path.stat().st_size for path in (self.folder / workspace).iterdir())
        with self._counting:
            if workspace in self._taken:
                self._count(workspace, taken)

    def free(self, workspace: str) -> None:
        """Remove a workspace and its files."""
        with self._counting:
            self._total -= self._taken.pop(workspace, 0)
        shutil.rmtree(self.folder / workspace, ignore_errors=True)

    def _count(self, workspace: str, taken: int) -> None:
        """Note what a workspace takes, and the sum, which is asked for with each part of a file that arrives."""
        self._total += taken - self._taken.get(workspace, 0)
        self._taken[workspace] = taken

    def close(self) -> None:
        """Remove all workspaces and the folder, unless it is kept."""
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


class Workspace:
    """A folder of the store, with the files of one image or one job."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name
        self.folder = store.folder / name

    def claim(self, count: int) -> None:
        """Reserve `count` more bytes; errors as `Store.claim`."""
        self.store.claim(self.name, count)

    def settle(self) -> None:
        """Count what its files take, instead of what was reserved for them."""
        with contextlib.suppress(OSError):  # it was removed meanwhile
            self.store.settle(self.name)

    def remove(self) -> None:
        """Remove the folder and its files."""
        self.store.free(self.name)

    def failed(self, error: OSError) -> HttpError:
        """The HTTP error for a file that could not be written here."""
        reason = error.strerror or type(error).__name__
        return HttpError(
            507,
            f"The server cannot store the image: {reason}. Free some space on its disk, or remove images here.",
        )


def _sweep(parent: Path) -> None:
    """Remove the folders of servers that were killed: nobody holds the lock of such a folder."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
