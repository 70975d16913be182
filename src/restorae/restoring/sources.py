"""Whether what is to be restored is there: asked first, so without NumPy and the file formats."""

from __future__ import annotations

import os
import re
from pathlib import Path

from restorae.errors import BadImage
from restorae.names import NamesOnDisk, names_frames

_REMOTE = re.compile(r"(s3|gs|https?):/+")


def remote_uri(path: Path | str) -> str | None:
    """The address that a path was made of, as by a command line; None where it is a path.

    >>> remote_uri(Path("s3://bucket/scans")), remote_uri(Path("scans"))
    ('s3://bucket/scans', None)
    """
    text = os.fspath(path)
    found = _REMOTE.match(text)
    return f"{found[1]}://{text[found.end() :]}" if found else None


def check_exists(given: Path) -> None:
    """Raise `BadImage` if there is no such file or folder; of numbered frames, no folder. Servers are not asked."""
    if remote_uri(given):
        return
    given = given.parent if names_frames(given) else given
    given = NamesOnDisk().find(given)
    try:
        given.lstat()
        given.is_dir()
    except FileNotFoundError:
        raise BadImage("no such file or folder", subject=given) from None
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror or error}", subject=given) from None
