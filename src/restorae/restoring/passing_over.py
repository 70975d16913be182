"""Image files in folders that are not restored: counted and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from restorae.errors import BadImage, Fix, Message
from restorae.formats import FoundImages, kinds_counted, titles_of_images


def writable_images(found: FoundImages, kind: str | None) -> tuple[list[Path], list[Message]]:
    """The images whose results can be written, and what to say of the others."""
    notices, only_read = found.notices(), Counter[str]()
    writable: list[Path] = []
    for path, known in zip(found.images, found.formats, strict=True):
        if kind is None and known is not None and not known.can_write:
            only_read[known.title] += 1
        else:
            writable.append(path)
    if only_read:
        notices.append(
            Message(
                f"passed over {kinds_counted(only_read)}: read, but not written in their own format",
                subject=found.folder,
                fixes=(Fix("format", "png"), Fix("format", "tiff")),
            )
        )
    return writable, notices


def no_images(folder: Path, notices: Sequence[Message]) -> BadImage:
    """The error about a folder without images that can be restored."""
    if not notices:
        return BadImage(f"holds no images. Expected {titles_of_images()} files", subject=folder)
    problem = "; ".join(notice.problem for notice in notices)
    fixes = [fix for notice in notices for fix in notice.fixes]
    return BadImage(f"holds no images that can be restored: {problem}", subject=folder, fix=fixes)
