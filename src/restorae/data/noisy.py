"""Noisy images in any format: 16-bit micrographs, floats, stacks of planes; each mapped by its file's value range."""

from __future__ import annotations

from pathlib import Path

from restorae.data.file_images import list_folder, read_files
from restorae.data.image_set import HELD_IN_MEMORY, ImageSet
from restorae.data.named import NAMES, Split
from restorae.data.opening import open_images
from restorae.data.ranges import in_their_ranges
from restorae.errors import DataUnavailable, nearest
from restorae.progress import SILENT, Progress


def open_noisy(
    source: str | Path,
    split: Split = "all",
    data_dir: Path | None = None,
    memory: int = HELD_IN_MEMORY,
    progress: Progress = SILENT,
) -> ImageSet:
    """The images of a file, a stack, an array or a folder of them; each page is one image.

    Each channel of an image that is neither grey nor colour becomes a grey image. Images are decoded in memory if
    they fit in `memory` bytes. Named sets are opened as `open_images` does. Images without a single value are left out.

    Raises:
        DataUnavailable: no data set, file or folder has that name.
        BadImage, ShapeMismatch: the data cannot be used; the message names the file.
    """
    if str(source) in NAMES:
        return open_images(source, split, data_dir)
    path = Path(source)
    if not path.exists():
        raise DataUnavailable(
            f"There is no data set {str(source)!r}: no file or folder of that name. {nearest(str(source), NAMES)}"
        )
    files = list_folder(path, progress) if path.is_dir() else [path]
    names = [file.relative_to(path).as_posix() if path.is_dir() else file.name for file in files]
    images = read_files(files, names, memory, mixed=False)
    return in_their_ranges(images, images)[0]
