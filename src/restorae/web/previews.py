"""Previews: parts of an image, restored at full resolution as they will be in the restored file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restorae.errors import UsageError
from restorae.formats import read_still
from restorae.formats.orientation import upright
from restorae.regions import Region
from restorae.restoring import RestoreRequest
from restorae.restoring.facts import ImageFacts
from restorae.restoring.masks import laid_out_for
from restorae.restoring.model_choice import choose_by_sample
from restorae.restoring.preview import restore_region
from restorae.restoring.restorer import Capabilities
from restorae.restoring.unneeded import needs_no_restoring
from restorae.web.catalogue import Catalogue
from restorae.web.gallery_image import GalleryImage
from restorae.web.http_errors import not_found
from restorae.web.pyramid import SIDE, to_display

_KEPT = 4


def preview_tile(
    image: GalleryImage,
    request: RestoreRequest,
    catalogue: Catalogue,
    *,
    page: int = 0,
    column: int,
    row: int,
) -> np.ndarray:
    """A tile of a page of the restored image at full resolution, for display: (height, width, bands) uint8, upright.

    It shows what `Restoration` will write there: whatever is measured on the whole file is measured on it. For networks
    without a known reach, which look at everything, what lies far away is left out.

    Raises:
        HttpError: there is no such tile.
        UsageError: there is no preview of what is asked.
    """
    assert request.model is not None
    before = image.layer("before", page)
    height, width = before.height, before.width
    if not (0 <= column * SIDE < width and 0 <= row * SIDE < height):
        raise not_found(f"tile {column}, {row} of {image.name}")
    if len(image.original.pages) > 1 and request.together:
        raise UsageError("there is no preview of channels that are restored together")
    restorer = catalogue.restorers().get(request.model)
    shown_only = replace(request, samples=None, error_map=False, defect_mask=False)
    shown_only.check(restorer.capabilities)
    facts = _facts(image, shown_only, restorer.capabilities).of_page(page)
    original = image.original
    mask = None if request.mask is None else laid_out_for(original, read_still(request.mask))
    right, bottom = min(width, (column + 1) * SIDE), min(height, (row + 1) * SIDE)
    upright_region = Region(row * SIDE, column * SIDE, bottom - row * SIDE, right - column * SIDE)
    _, restored = restore_region(
        original,
        stored_region(upright_region, height, width, original.orientation),
        page=page,
        facts=facts,
        restorer=restorer,
        request=shown_only,
        mask=mask,
    )
    values = image.values if page == 0 else image.page_layers.range_of(original, page)
    shown = to_display(restored[..., : before.bands], values, original.pages[page].no_data)
    shown = upright(shown, original.orientation)
    same = before.bands == image.layers["before"].bands
    return shown if image.to_screen is None or not same else image.to_screen(shown)


def needs_nothing(image: GalleryImage, request: RestoreRequest, catalogue: Catalogue) -> bool:
    """Whether an image is left as it is where the model is chosen for it, as `restore_files` decides."""
    if image.original.notices or request.mask is not None or any(request.companions().values()):
        return False
    if image.needs_nothing is None:
        choice, sample = choose_by_sample(image.original, image.original.rows)
        image.needs_nothing = needs_no_restoring(
            sample if len(image.original.pages) == 1 else None,
            choice,
            catalogue.restorers().get(choice.name),
            replace(request, model=None),
        )
    return image.needs_nothing


def stored_region(region: Region, height: int, width: int, orientation: int) -> Region:
    """A region of the upright image, (height, width), in the orientation of the stored one.

    >>> stored_region(Region(0, 0, 2, 3), 10, 20, 6)
    Region(top=17, left=0, height=3, width=2)
    """
    rows, columns = (region.top, region.bottom), (region.left, region.right)
    from_bottom = (height - region.bottom, height - region.top)
    from_right = (width - region.right, width - region.left)
    vertical, horizontal = {
        1: (rows, columns),
        2: (rows, from_right),
        3: (from_bottom, from_right),
        4: (from_bottom, columns),
        5: (columns, rows),
        6: (from_right, rows),
        7: (from_right, from_bottom),
        8: (columns, from_bottom),
    }[orientation]
    return Region(
        vertical[0], horizontal[0], vertical[1] - vertical[0], horizontal[1] - horizontal[0]
    )


def _facts(image: GalleryImage, request: RestoreRequest, needed: Capabilities) -> ImageFacts:
    """What is measured on the whole file, once for restorers that need the same."""
    values = request.values or needed.values
    key = (values, needed.separates_grey, needed.measures_noise)
    if key not in image.facts:
        while len(image.facts) >= _KEPT:
            del image.facts[next(iter(image.facts))]
        image.facts[key] = ImageFacts.measure(image.original, values, needed)
    return image.facts[key]
