"""Opens data sets by name or path."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restorae.data.file_images import read_files, read_folder
from restorae.data.image_set import ArrayImages, ImageSet
from restorae.data.named import NAMES, Labelled, Split, load_named
from restorae.errors import BadImage, DataUnavailable, nearest
from restorae.formats import ARRAY_SUFFIXES, format_of, read_array, read_idx
from restorae.progress import SILENT, Progress


def open_images(
    source: str | Path,
    split: Split = "all",
    data_dir: Path | None = None,
    progress: Progress = SILENT,
) -> ImageSet:
    """The images of a named set (`mnist`, `fashion-mnist`, `digits`), a folder, a `.npy`, a `.npz`, an idx file or a stack.

    Args:
        source: name or path; a name wins over a file of that name, which is then `./name`.
        split: which part of a named set; paths have no parts and are taken whole.
        data_dir: the first folder to search for named sets.
        progress: reports downloads.

    Raises:
        DataUnavailable: neither a named set nor a path that exists.
        BadImage, ShapeMismatch: the data cannot be used; the message names the file.
    """
    if str(source) in NAMES:
        return load_named(str(source), split, data_dir, progress).images
    path = Path(source)
    if path.is_dir():
        return read_folder(path, progress=progress)
    if not path.is_file():
        raise DataUnavailable(
            f"There is no data set {str(source)!r}: no file or folder of that name. {nearest(str(source), NAMES)}"
        )
    if path.suffix.lower() in ARRAY_SUFFIXES:
        return ArrayImages(read_array(path), source=str(path))
    if "idx" in path.name or path.suffix == ".gz":
        return ArrayImages(read_idx(path), source=str(path))
    if format_of(path) is not None:
        return read_files([path], [""])  # a stack: its pages
    raise BadImage(
        f"{path} is not a set of images. Expected a folder, a .npy, .npz or idx file, or one of {', '.join(NAMES)}."
    )


def open_labelled(
    source: str | Path,
    split: Split = "all",
    data_dir: Path | None = None,
    progress: Progress = SILENT,
) -> tuple[ImageSet, np.ndarray | None]:
    """As `open_images`, and each image's label: a named set's own, or the name of its folder, or None.

    Raises:
        DataUnavailable, BadImage, ShapeMismatch: as `open_images`.
    """
    if str(source) in NAMES:
        labelled = load_named(str(source), split, data_dir, progress)
        return labelled.images, labelled.labels
    images = open_images(source, split, data_dir, progress)
    folders = [name.rpartition("/")[0] for name in images.names]
    return images, np.asarray(folders) if all(folders) else None


def read_labels(path: Path) -> np.ndarray:
    """Labels, (n,), from a `.npy`, a `.npz` (`labels`, or its only array) or an idx file.

    Raises:
        BadImage: it cannot be read, or holds something else.
    """
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        labels = read_idx(path)
    else:
        try:
            labels = read_array(path, "labels" if path.suffix.lower() == ".npz" else None)
        except BadImage:
            labels = read_array(path)
    if labels.ndim != 1:
        raise BadImage(
            f"{path} holds an array of shape {labels.shape}; expected one number or name per image, (count,)."
        )
    return labels


def is_named(source: str | Path) -> bool:
    """Whether `source` names a set that has a training and a test part."""
    return str(source) in NAMES


__all__ = ["Labelled", "is_named", "open_images", "open_labelled", "read_labels"]
