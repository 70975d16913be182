"""Writing files so that each appears complete or not at all: write beside the target, then rename."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from restorae.errors import Fix, OutputError, UsageError


@contextlib.contextmanager
def written_whole(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` when the block succeeds, else remove it.

    The temporary name keeps the target's suffix, because some writers choose the format by it.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full. What was at `target` is untouched.
        OSError: the block failed on another file, such as a source that vanished while it was read.
    """
    target = Path(target)
    suffix = target.suffix if len(os.fsencode(target.suffix)) < 100 else ""
    partial = target.with_name(f".{secrets.token_hex(6)}.partial{suffix}")
    try:
        _make_folder(target.parent, target)
        try:
            yield partial
        except OSError as error:
            if _is_about_another(error, (partial, target)):
                raise
            raise write_failure(target, error) from error
        try:
            with open(partial, "rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(partial, target)
        except OSError as error:
            raise write_failure(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(target: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `target`, complete or not at all."""
    with written_whole(target) as partial:
        partial.write_bytes(content)


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file with its rights and times, complete or not at all; onto itself it stays as it is.

    Raises:
        OutputError: it cannot be written.
        OSError: the source cannot be read.
    """
    if os.path.realpath(source) != os.path.realpath(target):
        with written_whole(target) as partial:
            shutil.copy2(source, partial)


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
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "permission denied"
        case errno.ENOTDIR | errno.EEXIST:
            return "a file is where a folder is needed"
        case errno.EISDIR:
            return "a folder has that name"
        case _:
            return str(error.strerror or error)
