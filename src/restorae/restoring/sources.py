"""Whether what is to be restored is there: asked first, so without NumPy and the file formats."""

from __future__ import annotations

from pathlib import Path

from restorae.errors import BadImage
from restorae.names import NamesOnDisk, names_frames


def check_exists(given: Path) -> None:
    """Raise `BadImage` if there is no such file or folder; of a pattern of numbered frames, if there is no folder."""
    given = given.parent if names_frames(given) else given
    given = NamesOnDisk().find(given)
    try:
        given.lstat()
        given.is_dir()
    except FileNotFoundError:
        raise BadImage("no such file or folder", subject=given) from None
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror or error}", subject=given) from None
