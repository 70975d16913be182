"""Images in memory on the road of files: the same measurements, choices, tiles and blending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from restorae.display import counted
from restorae.errors import BadImage, Fix, SettingsConflict
from restorae.formats import ArrayRows, Original, Page, Rows
from restorae.layout import Layout
from restorae.model.in_memory import read_mask, refuse_numbers
from restorae.restoring.facts import ImageFacts
from restorae.restoring.image import restore_image
from restorae.restoring.model_choice import Choice, choose_by_sample
from restorae.restoring.output_contract import Output, RestoredRows
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.restoring.unneeded import UNCHANGED, needs_no_restoring

FOR_FILES = (
    "references",
    "recolour",
    "samples",
    "error_map",
    "defect_mask",
    "format",
    "quality",
    "max_pixels",
    "together",
    "keep_times",
)
"""Settings of a request that only files have."""
_MASK = Path("mask")
"""What a request says where a mask in memory is given."""


@dataclass(frozen=True, kw_only=True)
class ImagesInMemory(Original):
    """Images of one array, (n, height, width, bands), as pages."""

    array: np.ndarray = field(repr=False, compare=False)

    @classmethod
    def of(
        cls,
        array: np.ndarray,
        *,
        alpha: int = 0,
        like: Page | None = None,
        path: Path = Path("image"),
    ) -> ImagesInMemory:
        """The images of an array; the last `alpha` bands are alpha, or all is as in the page `like`. Messages name `path`."""
        count, height, width, bands = array.shape
        page = Page(height, width, bands=bands, alpha=alpha, dtype=array.dtype)
        if like is not None:
            page = replace(like, height=height, width=width)
        return cls(path=path, kind="npy", pages=(page,) * count, array=array)

    @property
    def is_array(self) -> bool:
        return True

    def rows(self, page: int) -> Rows:
        return ArrayRows(self.array[page])


class MemoryOutput(Output):
    """Restored pages in an array like that of the original."""

    def __init__(self, like: np.ndarray) -> None:
        self.array = np.empty_like(like, order="C")

    def put(self, rows: RestoredRows) -> None:
        self.array[rows.page, rows.top : rows.top + len(rows.stored)] = rows.stored

    def finish(self) -> None:
        """It is there already."""

    def drop(self) -> None:
        """Nothing is held elsewhere."""


def restore_as_files(
    given: Any,
    request: RestoreRequest,
    restorer_of: Callable[[str], Restorer],
    *,
    mask: Any = None,
    chosen: Callable[[Choice], None] = lambda choice: None,
) -> Any:
    """Restore an array, a tensor, a PIL image, or a list of these as files with these values would be; same form.

    Args:
        given: the images.
        request: how; `model` None chooses for each.
        restorer_of: gives the restorer of a name.
        mask: as `restorae.model.in_memory.read_mask` says; of a list one for all, or a list with one for each.
        chosen: told of each choice of a model.

    Raises:
        BadImage, ShapeMismatch: an image or a mask cannot be used.
        UsageError: settings exclude each other, are for files, or the restorer cannot do what is asked.
    """
    only_files = [name for name in FOR_FILES if name in request.given()]
    if only_files:
        name = only_files[0]
        raise SettingsConflict(
            "{} is for files, and images in memory were given",
            settings=(name,),
            fix=Fix(name, action="omit"),
        )
    if isinstance(given, list | tuple):
        refuse_numbers(given)
        masks = mask if isinstance(mask, list | tuple) else [mask] * len(given)
        if len(masks) != len(given):
            raise BadImage(f"got {counted(len(given), 'image')} and {counted(len(masks), 'mask')}")
        found = [
            restore_as_files(image, request, restorer_of, mask=its_mask, chosen=chosen)
            for image, its_mask in zip(given, masks, strict=True)
        ]
        return tuple(found) if isinstance(given, tuple) else found
    layout = Layout.of(given, axes=request.axes)
    stored = layout.stored(given, with_alpha=True)
    original = ImagesInMemory.of(stored, alpha=int(layout.has_alpha))
    painted = None if mask is None else read_mask(mask, layout.count, layout.size)
    request = replace(request, mask=None if mask is None else _MASK)
    if layout.is_on_working_scale:
        request = replace(request, values="full-range")
    if request.model is None:
        choice, sample = choose_by_sample(original, with_mask=mask is not None)
        restorer = restorer_of(choice.name)
        one = sample if len(original.pages) == 1 else None
        if needs_no_restoring(one, choice, restorer, request):
            choice, request = Choice(choice.name, UNCHANGED), replace(request, strength=0.0)
        chosen(choice)
    else:
        restorer = restorer_of(request.model)
    request.check(restorer.capabilities)
    return layout.give_back_stored(_restored(original, restorer, request, painted), given)


def _restored(
    original: ImagesInMemory,
    restorer: Restorer,
    request: RestoreRequest,
    painted: np.ndarray | None,
) -> np.ndarray:
    output = MemoryOutput(original.array)
    if painted is None or len(painted) == 1:
        mask = None if painted is None else painted[0]
        restore_image(original, [output], restorer, request, mask=mask)
        return output.array
    # each image has its own mask, but all have the range that was measured on the whole
    facts = ImageFacts.measure(
        original, request.values or restorer.capabilities.values, restorer.capabilities
    )
    for index in range(len(original.pages)):
        one = ImagesInMemory.of(original.array[index : index + 1], alpha=original.pages[0].alpha)
        part = MemoryOutput(one.array)
        restore_image(
            one, [part], restorer, request, facts=facts.of_page(index), mask=painted[index]
        )
        output.array[index] = part.array[0]
    return output.array
