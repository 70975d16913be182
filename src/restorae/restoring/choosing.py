"""Which bundled model suits the pictures that came, where a person named none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from restorae.errors import InputError, UsageError
from restorae.formats import open_original, skip_rows
from restorae.model import bundled
from restorae.page_detection import looks_like_page
from restorae.pixels import range_of
from restorae.restoring.jobs import Job
from restorae.restoring.restorers import PREFIX
from restorae.shapes import Image

PAGES, PHOTOS, DIGITS = "page-cleaner", "photo-denoiser", "digits-denoiser"
"""The bundled models that are chosen from."""
PRINTS = "photo-restorer"
"""For old prints, which nobody can tell from photographs that are to look so: it is told of, not chosen."""
_LOOKED_AT = 12
_ROWS = 1024
_DIGIT = 28
_MOST = 0.75
"""Share of the pictures that must be pages, or digits: what is no page would be whitened as if it were one."""


class Choice(NamedTuple):
    """What restores and why it was taken."""

    name: str
    reason: str


def choose_model(images: Iterable[Image]) -> Choice:
    """The bundled model that suits the pictures, (channels, height, width), working values; where they are mixed, that for photographs.

    Raises:
        UsageError: there is no such bundled model.
    """
    known, count, pages, digits = bundled(), 0, 0, 0
    for image in images:
        count += 1
        digits += tuple(image.shape) == (1, _DIGIT, _DIGIT)
        pages += looks_like_page(image)
    if count and digits >= _MOST * count and DIGITS in known:
        return Choice(DIGITS, f"the pictures are as small as its digits, {_DIGIT} × {_DIGIT}")
    if count and pages >= _MOST * count and PAGES in known:
        return Choice(
            PAGES, f"{pages} of {count} picture(s) that were looked at seem to be pages of print"
        )
    if PHOTOS not in known:
        raise UsageError(
            "Say by what the pictures are restored: --model, a file or a name of restorae models list."
        )
    some = (
        f"; {pages} of {count} that were looked at seem to be pages of print, which {PAGES} restores"
        if pages and PAGES in known
        else ""
    )
    prints = f" ({PRINTS} is for old prints: faded, scratched, dusty)" if PRINTS in known else ""
    return Choice(PHOTOS, f"it takes off the noise of photographs, however strong{prints}{some}")


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
    return torch.from_numpy(
        np.ascontiguousarray(range_of(stored).to_working(stored).transpose(2, 0, 1))
    )
