"""PyAV, imported at first use: it brings FFmpeg's libraries."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from restorae.errors import MissingExtra


def file_name(path: Path) -> str:
    """A file's name as FFmpeg takes it: absolute, since what comes before a colon would be taken for a protocol."""
    return str(path.absolute())


def import_av() -> ModuleType:
    """The module `av`.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtra(
            "Reading and writing films needs PyAV: pip install 'restorae[film]'"
        ) from error
    return av
