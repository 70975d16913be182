"""OpenCV, imported at first use; it belongs to the extra `film`."""

from __future__ import annotations

from typing import Any

from restorae.errors import MissingExtra


def import_cv2() -> Any:
    """OpenCV, with one thread: results must not depend on the number of cores.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingExtra("Restoring films needs OpenCV: pip install 'restorae[film]'") from error
    cv2.setNumThreads(1)
    return cv2
