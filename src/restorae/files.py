"""Writing files so that each appears complete or not at all: write beside the target, then rename."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from restorae.errors import Fix, OutputError, UsageError
from restorae.file_attributes import NewFile, SourceFile, current_original, made_from
from restorae.file_locks import marked_as_written


@contextlib.contextmanager
def written_whole(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` when the block succeeds, else remove it.

    The temporary name keeps the target's suffix, because some writers choose the format by it. Where `target` is a link to a
    file, that file is written and the link stays. Within `made_from` the file gets the rights and times of its original, and
    from its first byte nobody may read it who may not read that; a file that is replaced keeps its rights.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full. What was at `target` is untouched.
        BadImage: the file to replace is not the one that was read, or appeared meanwhile.
        OSError: the block failed on another file, such as a source that vanished while it was read.
    """
    target = Path(target)
    place = Path(os.path.realpath(target)) if target.is_file() else target
    suffix = target.suffix if len(os.fsencode(target.suffix)) < 100 else ""
    partial = place.with_name(f".{secrets.token_hex(6)}.partial{suffix}")
    original = current_original()
    try:
        _make_folder(place.parent, target)
        try:
            new = NewFile.make(partial, place, original)
        except OSError as error:
            raise write_failure(target, error) from error
        try:
            with marked_as_written(partial):
                yield partial
        except OSError as error:
            if _is_about_another(error, (partial, target, place)):
                raise
            raise write_failure(target, error) from error
        try:
            new.require_written()
            with open(partial, "rb+") as handle:
                os.fsync(handle.fileno())
            new.finish()
            if original is None:
                os.replace(partial, place)
            else:
                original.put(partial, target, place)
        except OSError as error:
            raise write_failure(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(target: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `target`, complete or not at all."""
    with written_whole(target) as partial:
        partial.write_bytes(content)


def copy_whole(source: SourceFile, target: Path) -> None:
    """Copy a file, complete or not at all; onto itself it stays as it is.

    Raises:
        OutputError: it cannot be written.
        BadImage: the file to replace appeared meanwhile.
        OSError: the source cannot be read.
    """
    if not source.is_at(target):
        with made_from(source), written_whole(target) as partial:
            shutil.copyfile(source.path, partial)


def write_text(target: str | os.PathLike[str], content: str) -> None:
    """Write `content` to `target` as UTF-8, complete or not at all."""
    write_bytes(target, content.encode())


def require_writable(folder: str | os.PathLike[str]) -> None:
    """Make `folder` and try to write in it now, before long work whose result will go there.

    Raises:
        OutputError: it cannot be made or written.
    """
    folder = Path(folder)
    _make_folder(folder, folder)
    probe = folder / f".{secrets.token_hex(6)}.partial"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise write_failure(folder, error) from error


def require_absent(
    target: str | os.PathLike[str], overwrite: bool = False, *, setting: str = "out"
) -> None:
    """Raise `UsageError` if `target` exists and must not be replaced; `setting` is what named the target."""
    if not overwrite and os.path.lexists(target):
        fixes = (Fix("overwrite"), Fix(setting, action="change"))
        raise UsageError("already exists", subject=target, fix=fixes)


def write_failure(target: str | os.PathLike[str], error: OSError) -> OutputError:
    """The `OutputError` for a `target` that could not be written because of `error`."""
    reason = _reason(error)
    return OutputError(
        f"could not be written: {reason}. Nothing that was there before has changed",
        subject=target,
        fix=Fix("out", action="change"),
    )


def printable(name: str) -> str:
    """A file's name in characters that can be printed and drawn, whatever its bytes are."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\n", "\\n")


def _make_folder(folder: Path, target: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failure(target, error) from error


def _is_about_another(error: OSError, own: tuple[Path, ...]) -> bool:
    """Whether an error names a file, and only files other than `own`."""
    named = [name for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    paths = {Path(os.fsdecode(name)).absolute() for name in named}
    return bool(paths) and paths.isdisjoint(path.absolute() for path in own)


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full"
        case errno.EFBIG:
            return "files of this size are not allowed there"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "permission denied"
        case errno.ENOTDIR | errno.EEXIST:
            return "a file is where a folder is needed"
        case errno.EISDIR:
            return "a folder has that name"
        case _:
            return str(error.strerror or error)


def file_digest(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
