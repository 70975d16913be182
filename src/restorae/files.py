"""Writing so that a file appears whole or not at all: write beside the target, then rename."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from restorae.errors import OutputError


@contextlib.contextmanager
def written_whole(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block ends well, else remove it.

    The temporary name keeps the target's suffix, so that writers which choose a format by name choose rightly.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full. What was at `target` is untouched.
    """
    target = Path(target)
    suffix = target.suffix if len(os.fsencode(target.suffix)) < 100 else ""
    partial = target.with_name(f".{secrets.token_hex(6)}.partial{suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with open(partial, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(partial, target)
    except OSError as error:
        raise OutputError(explain_write_failure(target, error)) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(target: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `target`, whole or not at all."""
    with written_whole(target) as partial:
        partial.write_bytes(content)


def write_text(target: str | os.PathLike[str], content: str) -> None:
    """Write `content` to `target` as UTF-8, whole or not at all."""
    write_bytes(target, content.encode())


def require_writable(folder: str | os.PathLike[str]) -> None:
    """Make `folder` and try to write in it now, before long work whose result would go there.

    Raises:
        OutputError: it cannot be made or written.
    """
    folder = Path(folder)
    probe = folder / f".{secrets.token_hex(6)}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise OutputError(explain_write_failure(folder, error)) from error


def explain_write_failure(target: Path, error: OSError) -> str:
    """A sentence for a person: what could not be written, why, and what to do."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            reason = "the disk is full. Free some space or choose another place with --out"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            reason = "writing is not allowed there. Choose another place with --out"
        case errno.ENOTDIR | errno.EEXIST:
            reason = "a file stands where a folder is needed. Choose another place with --out"
        case errno.EISDIR:
            reason = "a folder stands where the file would go. Choose another name with --out"
        case _:
            reason = f"{error.strerror or error}. Choose another place with --out"
    return f"{target} could not be written: {reason}. Nothing that was there before has changed."


def in_print(name: str) -> str:
    """A file's name in characters that can be printed and drawn, whatever its bytes are."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\n", "\\n")
