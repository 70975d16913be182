"""Rights and times of files that are made from others: never more rights than the original has.

`cp -p` and `shutil.copystat` set rights when a file is complete; here it has them from its first byte.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from restorae.display import counted
from restorae.errors import BadImage, OutputError

_NOTHING_YET_NS = 1_000_000_000
"""Modification time of a file into which nothing was written yet: a second after the epoch."""
_READ_AND_WRITE = 0o666


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """The file from which others are made, as it was when it was opened."""

    path: Path
    found: os.stat_result
    """Its rights, times and identity."""
    keep_times: bool = True
    """Whether what is made from it gets its times."""
    new: Path | None = None
    """A file that must not be replaced: there was none when the run was planned."""

    @classmethod
    def of(cls, path: Path, *, keep_times: bool = True, new: Path | None = None) -> SourceFile:
        """What `path` is now.

        Raises:
            BadImage: it cannot be inspected.
        """
        try:
            return cls(path=path, found=path.stat(), keep_times=keep_times, new=new)
        except OSError as error:
            raise BadImage(f"cannot be read: {error.strerror or error}", subject=path) from None

    def is_at(self, place: Path) -> bool:
        """Whether `place` is a name of the original."""
        return os.path.realpath(self.path) == os.path.realpath(place)

    def notices(self, target: Path) -> list[str]:
        """What the user should know of a result that replaces the original."""
        others = self.found.st_nlink - 1
        if others < 1 or not self.is_at(target):
            return []
        return [f"has {counted(others, 'other name')} (hard links), showing the original as before"]

    def put(self, partial: Path, target: Path, place: Path) -> None:
        """Give a complete file its name.

        Args:
            partial: the complete file.
            target: the name that was asked for.
            place: where that is, with links followed.

        Raises:
            BadImage: the original, which it replaces, was changed meanwhile, or another program wrote such a file.
            OSError: the system refuses.
        """
        if self.is_at(place):
            with contextlib.suppress(FileNotFoundError):
                if _identity(place.stat()) == _identity(self.found):
                    os.replace(partial, place)
                    return
            raise BadImage(
                "was changed while it was being restored. It was left as it is now", subject=target
            )
        if target != self.new:
            os.replace(partial, place)
            return
        try:
            os.link(partial, place)
        except FileExistsError:
            pass
        except OSError:  # exFAT and some network drives have no hard links
            if not os.path.lexists(place):
                os.replace(partial, place)
                return
        else:
            return
        raise BadImage(
            "was written by another program meanwhile. That file was kept", subject=target
        )


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


_ORIGINAL: ContextVar[SourceFile | None] = ContextVar("original", default=None)


def current_original() -> SourceFile | None:
    """The file from which whatever is written now is made; None where there is none."""
    return _ORIGINAL.get()


@contextlib.contextmanager
def made_from(source: SourceFile | None) -> Iterator[None]:
    """Within this block and thread, the files that appear are made from `source`."""
    token = _ORIGINAL.set(source)
    try:
        yield
    finally:
        _ORIGINAL.reset(token)


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file that is being written, and what it gets when it is complete."""

    path: Path
    mode: int
    """Its rights in the end. Until then its owner may write it, and others have these rights at most."""
    source: SourceFile | None
    replaces_source: bool

    @classmethod
    def make(cls, path: Path, place: Path, source: SourceFile | None) -> NewFile:
        """Make an empty file at `path` that will be renamed to `place`.

        Raises:
            OSError: the system refuses.
        """
        replaced: int | None = None
        with contextlib.suppress(OSError):
            replaced = stat.S_IMODE(place.stat().st_mode)
        allowed = _READ_AND_WRITE if source is None else stat.S_IMODE(source.found.st_mode)
        in_place = source is not None and source.is_at(place)
        if replaced is not None:
            allowed &= replaced
            if source is None:
                allowed = replaced
        wanted = allowed & _READ_AND_WRITE
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, wanted | stat.S_IWUSR)
        try:
            masked = stat.S_IMODE(os.fstat(handle).st_mode)  # without the umask's bits
        finally:
            os.close(handle)
        mode = allowed if replaced is not None else masked & (wanted | ~stat.S_IWUSR)
        os.utime(path, ns=(_NOTHING_YET_NS, _NOTHING_YET_NS))
        return cls(path=path, mode=mode, source=source, replaces_source=in_place)

    def require_written(self) -> None:
        """Check that something was written, if only nothing.

        Raises:
            OutputError: the file was never opened for writing, so it is no result.
        """
        if self.path.stat().st_mtime_ns == _NOTHING_YET_NS:
            raise OutputError("could not be written: nothing came", subject=self.path)

    def finish(self) -> None:
        """Give the complete file its rights and times."""
        mode = self.mode
        if self.replaces_source:
            assert self.source is not None
            mode = self._owned_as(self.source.found, mode)
            with contextlib.suppress(OSError):  # access lists, tags and flags, where there are such
                shutil.copystat(self.source.path, self.path)
        self.path.chmod(mode)
        if self.source is not None and self.source.keep_times:
            found = self.source.found
            os.utime(self.path, ns=(found.st_atime_ns, found.st_mtime_ns))
        elif self.replaces_source:
            os.utime(self.path)

    def _owned_as(self, found: os.stat_result, mode: int) -> int:
        """Give the file the owner and group of the original; the rights that remain where the system refuses."""
        if hasattr(os, "chown"):
            for owner, group in ((found.st_uid, found.st_gid), (-1, found.st_gid)):
                with contextlib.suppress(OSError):
                    os.chown(self.path, owner, group)
                    return mode
        # another group gets no more than everybody has
        return mode & ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3 & mode
