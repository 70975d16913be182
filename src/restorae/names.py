"""Names of files: macOS writes an accent as a character of its own (NFD), other systems do not (NFC), and some ignore case."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable
from pathlib import Path

FRAME_SUFFIXES = (".png", ".tif", ".tiff", ".dpx")
"""Numbered frames that are read and written, by suffix."""

NUMBER = re.compile(r"%(?:0(\d+))?d")
"""Where a pattern has the frame's number, as FFmpeg and C write it: %05d with 5 digits at least, %d without leading zeros."""


def names_frames(path: Path) -> bool:
    """Whether a name is the pattern of numbered frames, such as `frames/%05d.png`; a file of that very name is an image."""
    is_pattern = len(NUMBER.findall(path.name)) == 1 and path.suffix.lower() in FRAME_SUFFIXES
    return is_pattern and not path.is_file()


def normal(name: str) -> str:
    r"""A name with each accent joined to its letter (NFC), to compare names that are equal to a reader.

    >>> normal("Cafe\u0301") == normal("Caf\u00e9")
    True
    """
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """A name as a file system sees it that ignores case and how accents are written."""
    return normal(normal(name).casefold())


class NamesOnDisk:
    """Finds files whose names are written in another normal form; the lists of folders are kept."""

    def __init__(self) -> None:
        self._listed: dict[Path, dict[str, str]] = {}

    def find(self, path: Path) -> Path:
        """The path under which `path` is on the disk; `path` itself where nothing is there."""
        if str(path).isascii() or os.path.lexists(path):
            return path
        parent = self.find(path.parent) if path.parent != path else path
        return parent / self._names(parent).get(normal(path.name), path.name)

    def _names(self, folder: Path) -> dict[str, str]:
        if folder not in self._listed:
            self._listed[folder] = {}
            with contextlib.suppress(OSError):
                self._listed[folder] = {
                    normal(path.name): path.name
                    for path in sorted(folder.iterdir())
                    if not path.name.isascii()
                }
        return self._listed[folder]


def tells_names_apart(paths: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether a file system keeps files apart whose paths differ only in case or normal form; tried with a file of our own."""
    listed = [Path(path) for path in paths]
    folder = next(each for each in (listed[0].parent, *listed[0].parents) if each.is_dir())
    probe = f".{secrets.token_hex(6)}"
    names = {str(each) for each in listed}
    forms = ["a\u00e9"]
    if len({normal(name) for name in names}) < len(names):
        forms.append("ae\u0301")
    if len({name.casefold() for name in names}) < len(names):
        forms.append("A\u00e9")
    first = folder / f"{probe}{forms[0]}.partial"
    try:
        first.touch(exist_ok=False)
        return not any(os.path.lexists(folder / f"{probe}{form}.partial") for form in forms[1:])
    except OSError:
        return True  # nothing can be written there, which is said later
    finally:
        with contextlib.suppress(OSError):
            first.unlink(missing_ok=True)
