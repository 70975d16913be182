"""Which bundled model suits the pictures that came, where a person named none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from restorae.errors import InputError, UsageError
from restorae.formats import open_original, skip_rows
from restorae.looks import looks_like_page
from restorae.model import bundled
from restorae.pixels import range_of
from restorae.restoring.jobs import Job
from restorae.restoring.restorers import PREFIX
from restorae.shapes import Image

PAGES, PHOTOS, DIGITS = "page-cleaner", "photo-denoiser", "digits-denoiser"
"""The bundled models that are chosen from."""
_LOOKED_AT = 12
_ROWS = 1024
_DIGIT = 28
_REASONS = {
    PAGES: "the pictures look like pages of print",
    PHOTOS: "it takes off the noise of photographs, however strong",
    DIGITS: f"the pictures are as small as its digits, {_DIGIT} × {_DIGIT}",
}


class Choice(NamedTuple):
    """What restores and why it was taken."""

    name: str
    reason: str


def choose_model(images: Iterable[Image]) -> Choice:
    """The bundled model that suits most of the pictures, (channels, height, width), working values.

    Raises:
        UsageError: no bundled model suits any picture.
    """
    known, votes = bundled(), dict.fromkeys((PHOTOS, PAGES, DIGITS), 0)
    for image in images:
        if tuple(image.shape) == (1, _DIGIT, _DIGIT):
            votes[DIGITS] += 1
        else:
            votes[PAGES if PAGES in known and looks_like_page(image) else PHOTOS] += 1
    name = max(votes, key=lambda each: votes[each])
    if name not in known:
        raise UsageError("Say by what the pictures are restored: --model, a file or a name of restorae models list.")
    return Choice(name, _REASONS[name])


def choose_for_files(jobs: Sequence[Job], with_mask: bool = False) -> Choice:
    """The bundled model that suits the files to be restored, by a look at a dozen of them; what is masked is filled.

    Raises:
        UsageError: as `choose_model`.
    """
    if with_mask:
        return Choice(f"{PREFIX}inpaint", "it fills what the mask marks from what surrounds it")
    return choose_model(_some_of(jobs))


def _some_of(jobs: Sequence[Job]) -> Iterable[Image]:
    for job in jobs[:: -(-len(jobs) // _LOOKED_AT)]:
        try:
            yield _middle_rows(job)
        except InputError:
            continue  # whoever restores it will tell


def _middle_rows(job: Job) -> Image:
    original = open_original(job.source)
    page = original.pages[0]
    rows, height = original.rows(0), min(page.height, _ROWS)
    skip_rows(rows, (page.height - height) // 2)
    stored = rows.read(height)[..., : page.channels]
    if stored.dtype.kind == "f":
        stored = np.nan_to_num(stored)
    return torch.from_numpy(np.ascontiguousarray(range_of(stored).to_working(stored).transpose(2, 0, 1)))
