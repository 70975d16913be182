"""A task's file before its turn: opened, read if it is small, and what restores it chosen."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from restorae.formats import MOST_PIXELS, ArrayRows, Original, Rows, kind_named, open_original
from restorae.restoring.masks import Masks
from restorae.restoring.model_choice import Choice, choose_by_sample
from restorae.restoring.request import RestoreRequest
from restorae.restoring.tasks import FileTask
from restorae.shapes import Image

_READ_AHEAD = 96 * 2**20
"""Bytes of decoded pixels up to which a file is read before its turn."""


@dataclass
class Opened:
    """A file that waits for the network."""

    original: Original
    choice: Choice
    _: KW_ONLY
    mask: np.ndarray | None = None
    digest: str = ""
    pages: list[np.ndarray] | None = None
    sample: Image | None = None
    """The part of a single image by which the model was chosen; None of a stack, and where the person named the model."""

    def rows(self, page: int) -> Rows:
        """A page's rows, from memory where the file was read ahead."""
        return self.original.rows(page) if self.pages is None else ArrayRows(self.pages[page])


def open_task(task: FileTask, request: RestoreRequest, masks: Masks | None = None) -> Opened:
    """Open a task's file, read it if it is small, and choose what restores it.

    Raises:
        BadImage: it cannot be read.
        ShapeMismatch: its mask has another size.
    """
    original = open_original(task.source, request.axes, request.max_pixels or MOST_PIXELS)
    opened = Opened(original, Choice(request.model or "", ""))
    if masks is not None:
        opened.mask = masks.of(task.name, original)
    if original.bytes <= _READ_AHEAD:
        opened.pages = [
            original.rows(index).read(page.height) for index, page in enumerate(original.pages)
        ]
    if request.model is None:
        opened.choice, sample = choose_by_sample(original, opened.rows, masks is not None)
        opened.sample = sample if len(original.pages) == 1 else None
    return opened


def misnamed(task: FileTask, original: Original) -> list[str]:
    """The notice that a result's name promises another format than its content has."""
    named = kind_named(task.target)
    if (
        task.kind is not None
        or named is None
        or named == original.kind
        or {named, original.kind} == {"avif", "heic"}
    ):
        return []
    return [
        f"it is a {original.kind.upper()} file by its content, and so is its result ({task.target.name})"
    ]
