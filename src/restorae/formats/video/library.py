"""PyAV, imported at first use: it brings FFmpeg's libraries."""

from __future__ import annotations

from types import ModuleType

from restorae.errors import MissingExtra


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
