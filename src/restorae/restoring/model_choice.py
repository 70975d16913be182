"""Which bundled model suits an image, where the person named none: decided for each file by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from restorae.errors import Fix, Message, UsageError
from restorae.formats import Original, skip_rows
from restorae.model import bundled
from restorae.page_detection import looks_like_page, shows_photograph, smaller, strip_heights
from restorae.restoring.facts import ReadRows
from restorae.restoring.opening import PREFIX
from restorae.shapes import Image
from restorae.shown_values import show_all
from restorae.value_range import choose_range

PAGES, PHOTOS, DIGITS = "page-cleaner", "photo-denoiser", "digits-denoiser"
"""The bundled models that are chosen from."""
PRINTS = "photo-restorer"
"""For old prints. They cannot be distinguished from photographs with a similar look, so it is suggested, not chosen."""
FILMS = "film-cleaner"
"""The bundled model that compares the frames of films."""
FILL = f"{PREFIX}inpaint"
"""What restores where a mask is given."""
OLD_PRINTS = Message(
    "Old prints (faded, scratched, dusty) need another model than photo-denoiser",
    fixes=(Fix("model", PRINTS),),
)
"""The notice printed once where photographs were recognised."""
WHITENED = Message(
    "The cleaner for pages whitens a photograph on a page. If there is one, another model is better",
    fixes=(Fix("model", PHOTOS),),
)
"""The notice printed once where pages were recognised: small and light photographs are not found."""
_ROWS = 1024
_DIGIT = 28
_MOST = 0.75


@dataclass(frozen=True)
class Choice:
    """What restores an image, and why."""

    name: str
    reason: str


_WITH_PHOTOGRAPH = Choice(
    PHOTOS, "a page of print with a photograph on it, which the cleaner for pages would whiten"
)


def choose_model(image: Image) -> Choice:
    """The bundled model that suits an image, (channels, height, width), working values.

    Raises:
        UsageError: there is no such bundled model.
    """
    known = bundled()
    if tuple(image.shape) == (1, _DIGIT, _DIGIT) and DIGITS in known:
        return Choice(DIGITS, f"a grey image of {_DIGIT} × {_DIGIT}, like its digits")
    if PAGES in known and looks_like_page(image):
        if shows_photograph(smaller([image])) and PHOTOS in known:
            return _WITH_PHOTOGRAPH
        return Choice(PAGES, "a printed or written page")
    if PHOTOS not in known:
        raise UsageError("There is no bundled model to choose from", fix=Fix("model", "FILE"))
    return Choice(PHOTOS, "not a page")


def choose_for_set(images: Iterable[Image]) -> Choice:
    """The bundled model that suits most of a set of images that are alike; where they are mixed, that for photographs.

    Raises:
        UsageError: as `choose_model`.
    """
    choices = [choose_model(image) for image in images]
    names = Counter(choice.name for choice in choices)
    if choices:
        name, count = names.most_common(1)[0]
        if count >= _MOST * len(choices):
            return next(choice for choice in choices if choice.name == name)
    return Choice(PHOTOS, "the images are mixed")


def choose_for_file(
    original: Original, rows: ReadRows | None = None, with_mask: bool = False
) -> Choice:
    """The bundled model that suits a file, by its first page; what a mask marks is filled.

    The middle rows are looked at, and of a page of print all of it: a photograph may be anywhere on it.

    Raises:
        UsageError: as `choose_model`.
        BadImage: the file cannot be decoded.
    """
    return choose_by_sample(original, rows, with_mask)[0]


def choose_by_sample(
    original: Original, rows: ReadRows | None = None, with_mask: bool = False
) -> tuple[Choice, Image | None]:
    """As `choose_for_file`, and the middle rows that were looked at, (channels, height, width), working values."""
    if with_mask:
        return Choice(FILL, "it fills what the mask marks"), None
    page = original.pages[0]
    reader, height = (rows or original.rows)(0), min(page.height, _ROWS)
    skip_rows(reader, (page.height - height) // 2)
    stored = reader.read(height)[..., : page.channels]
    values = choose_range(stored, no_data=page.no_data)
    if page.white_is_zero:
        values = values.inverted(page.dtype)

    def shown(stored: np.ndarray) -> Image:
        working = show_all(stored, values, page.no_data)
        return torch.from_numpy(np.ascontiguousarray(working.transpose(2, 0, 1)))

    sample = shown(stored)
    choice = choose_model(sample)
    if choice.name == PAGES and height < page.height:
        reader = (rows or original.rows)(0)
        strips = (
            shown(reader.read(count)[..., : page.channels])
            for count in strip_heights(page.height, _ROWS)
        )
        if shows_photograph(smaller(strips, max(page.height, page.width))):
            choice = _WITH_PHOTOGRAPH
    return choice, sample
