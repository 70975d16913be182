"""Names of files: as clients send them, as they are shown, and as results are called."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path, PurePosixPath

from restorae.formats import SUFFIX_OF, Original, kind_named
from restorae.formats.registry import FORMATS

_LONGEST_NAME = 120


def plain_name(name: str) -> str:
    r"""File name for display: the last part of the path, without unprintable characters.

    >>> plain_name("../../etc/pass\nwd"), plain_name("C:\\scans\\aunt.tif"), plain_name("  ")
    ('passwd', 'aunt.tif', 'image')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    return _shown(last)[-_LONGEST_NAME:] or "image"


def plain_folder(folder: str) -> str:
    r"""Folders above a file for display and for archives: nothing that leads elsewhere.

    >>> plain_folder("scans/1950"), plain_folder("../../etc"), plain_folder("C:\\scans\\aunt"), plain_folder("")
    ('scans/1950', 'etc', 'C/scans/aunt', '')
    """
    parts = (
        "".join(letter for letter in _shown(part) if letter not in ':*?"<>|').strip(" .")
        for part in folder.replace("\\", "/").split("/")
    )
    return "/".join(part[:_LONGEST_NAME] for part in parts if part)


def unused_name(name: str, taken: Container[str]) -> str:
    """A name like this one that is not taken.

    >>> unused_name("aunt.jpg", {"aunt.jpg", "aunt (2).jpg"}), unused_name("aunt.jpg", ())
    ('aunt (3).jpg', 'aunt.jpg')
    """
    path, number, found = PurePosixPath(name), 1, name
    while found in taken:
        number += 1
        found = f"{path.stem} ({number}){path.suffix}"
    return found


def written_kind(original: Original, asked: str | None = None) -> str:
    """The format of a result: the one that was asked for, else that of the image, else one that loses nothing."""
    if asked is not None:
        return asked
    if FORMATS[original.kind].writer is not None:
        return original.kind
    holding = (
        kind
        for kind in ("png", "tiff")
        if FORMATS[kind].capabilities.refusal(original.pages) is None
    )
    return next(holding, original.kind)


def result_name(name: str, kind: str) -> str:
    """File name of the restored file when it is downloaded.

    >>> result_name("aunt.jpeg", "jpeg"), result_name("scan", "tiff"), result_name("odd.png", "tiff")
    ('aunt-restored.jpeg', 'scan-restored.tif', 'odd-restored.tif')
    """
    path = PurePosixPath(name)
    suffix = path.suffix if kind_named(Path(name)) == kind else SUFFIX_OF[kind]
    return f"{path.stem}-restored{suffix}"


def _shown(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()
