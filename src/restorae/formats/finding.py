"""Finding image files in folders."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from restorae.errors import Message
from restorae.formats.format import Format
from restorae.formats.registry import FORMATS, SUFFIXES, format_named, identify
from restorae.formats.unread import UNREAD, UnreadKind


@dataclass(frozen=True)
class FoundImages:
    """What was found below a folder."""

    folder: Path
    _: KW_ONLY
    images: tuple[Path, ...]
    """Sorted."""
    formats: tuple[Format | None, ...]
    """The format of each by its content; None of a broken one."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """How many image files of kinds that are not read there are, by kind."""

    def notices(self) -> list[Message]:
        """What to say of the files that were passed over: a line, or none."""
        if not self.passed_over:
            return []
        known = {each.title: each.way_out for each in UNREAD}
        known |= {each.title: each.without_decoder for each in FORMATS.values()}
        ways = {kind: known[kind] for kind in sorted(self.passed_over) if known.get(kind)}
        said = [way if len(ways) == 1 else f"{kind}: {way}" for kind, way in ways.items()]
        counts = kinds_counted(self.passed_over)
        return [Message(". ".join([f"passed over {counts}: not read", *said]), subject=self.folder)]


def kinds_counted(kinds: Counter[str]) -> str:
    """How many files of which kinds, in words.

    >>> kinds_counted(Counter({"DICOM": 2, "camera raw": 1}))
    '3 files (2 DICOM, 1 camera raw)'
    """
    total = sum(kinds.values())
    listed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    return f"{total:,} file{'s' if total > 1 else ''} ({listed})"


def find_images(folder: Path) -> FoundImages:
    """The image files below a folder; hidden ones are left out, links to folders not followed.

    Files with an image's suffix are listed, broken ones too; of the others those that are images by content. Files whose content
    is of a kind that is known and not read are kinds_counted, whatever their name. A folder that may not be read is listed itself, so that
    it is reported where a broken file would be.
    """
    found: dict[Path, Format | None] = {}
    closed: list[OSError] = []
    passed_over: Counter[str] = Counter()
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(parent, name)
            named = format_named(path)
            if name.startswith(".") or (named is not None and named.is_array):
                continue
            kind = _kind(path)
            if isinstance(kind, UnreadKind):
                passed_over[kind.title] += 1
            elif kind is None:
                if path.suffix.lower() in SUFFIXES:
                    found[path] = None
            elif not kind.is_array:
                if kind.loader is None:
                    passed_over[kind.title] += 1
                else:
                    found[path] = kind
    found |= {Path(error.filename): None for error in closed}
    images = tuple(sorted(found))
    return FoundImages(
        folder,
        images=images,
        formats=tuple(found[path] for path in images),
        passed_over=passed_over,
    )


def image_files(folder: Path) -> list[Path]:
    """The image files below a folder, as `find_images` lists them."""
    return list(find_images(folder).images)


def _kind(path: Path) -> Format | UnreadKind | None:
    with contextlib.suppress(OSError):
        return identify(path) if path.is_file() else None
    return None


def titles_of_images() -> str:
    """The formats of images that are read, in words: `PNG, JPEG, … or HEIC`."""
    titles = [each.title for each in FORMATS.values() if not each.is_array]
    return f"{', '.join(titles[:-1])} or {titles[-1]}"
