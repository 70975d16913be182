"""One image file through a restorer: read by rows, restored by tiles, written by rows, in memory bounded by the tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import torch

from restorae.display import counted
from restorae.errors import SettingsConflict
from restorae.formats import Original, Page
from restorae.model.separating import separate
from restorae.regions import Region
from restorae.restoring.facts import SMALL, ImageFacts, ReadRows
from restorae.restoring.frame import Blending, Frame, pack
from restorae.restoring.grain import add_grain
from restorae.restoring.masks import size_mismatch
from restorae.restoring.output_contract import Output
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Capabilities, Restored, Restorer, RestoreTiles
from restorae.shapes import Images
from restorae.tile_size import tile_for_free_memory, with_smaller_tiles
from restorae.tiling import plan_for, run

_TOGETHER = 400_000
"""Pixels of small frames that go through the restorer together."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What hears of the work while it is done."""

    advance: Callable[[int], None] = lambda rows: None
    """Called with the number of rows that are done."""
    say: Callable[[str], None] = lambda message: None
    """Called with each notice."""
    check: Callable[[], None] = lambda: None
    """Called before each tile; raises to stop the work."""


@dataclass(kw_only=True)
class ImageReport:
    """What was done to one image."""

    values: str = ""
    """What stored values meant 0 and 1."""
    tile: int | None = None
    """Side of a tile; None where the image went whole."""
    mean_bound: float | None = None
    """Mean of the error bounds on the [0, 1] scale, where they were asked for."""
    notices: list[str] = field(default_factory=list)


def restore_image(
    original: Original,
    outputs: Sequence[Output],
    restorer: Restorer,
    request: RestoreRequest = RestoreRequest(),
    *,
    facts: ImageFacts | None = None,
    mask: np.ndarray | None = None,
    rows: ReadRows | None = None,
    hooks: Hooks = Hooks(),
) -> ImageReport:
    """Restore every page of `original` into the outputs, which the caller then finishes.

    Alpha, what the mask leaves out, and NaN and infinite values come back as they were.

    Args:
        original: the opened file.
        outputs: what takes the restored rows.
        restorer: what restores.
        request: how.
        facts: what was measured on the file; None measures it now. Parts of a file are restored by the facts of the whole.
        mask: (height, width), 0 to 255, white where the image is damaged; None restores all of it.
        rows: gives a page's rows; by default the original's own.
        hooks: what hears of the work.

    Raises:
        ShapeMismatch: the mask or the restorer does not fit the image.
        BadImage: the file turns out to be broken.
        OutputError: the result cannot be written.
    """
    rows = rows or original.rows
    _check_mask(original, restorer, mask)
    capabilities = restorer.capabilities
    facts = facts or ImageFacts.measure(
        original,
        request.values or capabilities.values,
        capabilities,
        together=request.together,
        rows=rows,
    )
    blending = Blending(strength=request.strength, mask=mask, show_mask=capabilities.needs_mask)
    report = ImageReport(values=facts.values)
    prepared: dict[tuple[object, ...], RestoreTiles] = {}
    missing, isolated, bounds_total = 0, 0, 0.0
    for group in _groups(original, facts):
        frames = [
            Frame(
                pages=facts.frames[index],
                outlines=[original.pages[page] for page in facts.frames[index]],
                rows=rows,
                outputs=outputs,
                values=facts.range_of(facts.frames[index]),
                blending=blending,
            )
            for index in group
        ]
        # one function for all planes of a channel, so that they are treated alike
        kind = (*frames[0].outlines, original.channel_of[frames[0].pages[0]])
        if kind not in prepared:
            if request.keeps_all:
                prepared[kind] = _kept
            else:
                restore = restorer.prepare(facts.of_frame(group[0], frames[0].outlines), request)
                prepared[kind] = in_parts(restore, request, capabilities)
        function = _function(prepared[kind], group, hooks)
        if frames[0].height * frames[0].width <= SMALL:
            _restore_together(frames, function, hooks)
        else:
            tile = report.tile or request.tile  # what turned out to fit, else what is asked for
            report.tile = (
                _restore_by_tiles(frames[0], function, restorer, request, tile, hooks)
                or report.tile
            )
        missing += sum(frame.missing for frame in frames)
        isolated += sum(frame.isolated for frame in frames)
        bounds_total += sum(frame.bounds_total for frame in frames)
    if request.error_map:
        report.mean_bound = bounds_total / sum(
            page.height * page.width * page.channels for page in original.pages
        )
    report.notices += _about_values(missing, isolated)
    return report


def _about_values(missing: int, isolated: int) -> list[str]:
    notices = []
    if missing:
        notices.append(
            f"{counted(missing, 'NaN, infinite or no-data value')} kept out of the restoration and put back"
        )
    if isolated:
        notices.append(
            f"{counted(isolated, 'isolated value')} far outside the range of the others (hot or dead pixels) replaced"
        )
    return notices


def _check_mask(original: Original, restorer: Restorer, mask: np.ndarray | None) -> None:
    if mask is None:
        if restorer.capabilities.needs_mask:
            raise SettingsConflict(f"{restorer.name} needs {{}}", settings=("mask",))
        return
    page = next((page for page in original.pages if (page.height, page.width) != mask.shape), None)
    if page is not None:
        raise size_mismatch(original, page, mask)


def _groups(original: Original, facts: ImageFacts) -> Iterator[list[int]]:
    """Indices of frames; small ones of one outline in groups."""

    def outlines(index: int) -> tuple[Page, ...]:
        return tuple(original.pages[page] for page in facts.frames[index])

    for outline, alike in groupby(range(len(facts.frames)), key=outlines):
        area = outline[0].height * outline[0].width
        at_once = max(1, _TOGETHER // area) if area <= SMALL else 1
        listed = list(alike)
        yield from (listed[start : start + at_once] for start in range(0, len(listed), at_once))


def in_parts(
    restore: RestoreTiles, request: RestoreRequest, capabilities: Capabilities
) -> RestoreTiles:
    """What restores, keeps only the parts that are wanted, and puts back a share of the grain."""
    separates, parts = request.separates(capabilities), request.separation(capabilities)
    if not request.grain and not separates:
        return restore

    def restore_in_parts(images: Images, frames: Sequence[int]) -> Restored:
        mean, defects = restore(images, frames).mean, None
        degraded = (images[:, :-1] if capabilities.needs_mask else images).to(mean.device)
        if separates:
            mean, defects = separate(degraded, mean, parts)
        if request.grain:
            mean = add_grain(degraded, mean, request.grain)
        return Restored(mean, defects=defects if request.defect_mask else None)

    return restore_in_parts


def _kept(images: Images, _frames: Sequence[int]) -> Restored:
    """Images as they are: nothing is restored to be thrown away."""
    return Restored(images)


def _function(
    restore: RestoreTiles, group: Sequence[int], hooks: Hooks
) -> Callable[[Images], Images]:
    """What tiles go through: tiles of one frame, or the frames of a group whole."""

    def function(images: Images) -> Images:
        hooks.check()
        frames = group if len(group) == len(images) else list(group) * len(images)
        return pack(restore(images, frames))

    return function


def _restore_together(
    frames: Sequence[Frame], function: Callable[[Images], Images], hooks: Hooks
) -> None:
    """Small frames of one size as one batch."""
    whole = Region(0, 0, frames[0].height, frames[0].width)
    restored = function(torch.stack([frame.read(whole) for frame in frames]))
    for frame, values in zip(frames, restored, strict=True):
        frame.write(whole, values)
        hooks.advance(frame.height)


def _restore_by_tiles(
    frame: Frame,
    function: Callable[[Images], Images],
    restorer: Restorer,
    request: RestoreRequest,
    tile: int | None,
    hooks: Hooks,
) -> int | None:
    """A frame tile by tile; the side of the tiles, None where one was enough."""
    capabilities = restorer.capabilities
    halo, multiple_of = capabilities.halo_for(request), capabilities.multiple_for(request)
    if request.samples is not None:
        tile = max(frame.height, frame.width)  # random numbers are drawn for the whole
    tile = tile or tile_for_free_memory(
        (frame.height, frame.width),
        restorer.bytes_per_pixel(frame.channels),
        halo=halo,
        multiple_of=multiple_of,
        device=restorer.device,
    )
    counted = 0

    def attempt(side: int) -> int | None:
        nonlocal counted
        frame.restart()
        plan = plan_for(frame.height, frame.width, tile=side, halo=halo, multiple_of=multiple_of)
        done = 0

        def tell(pixels: int) -> None:
            nonlocal done, counted
            done += pixels
            if done // frame.width > counted:
                hooks.advance(done // frame.width - counted)
                counted = done // frame.width

        if plan.blended and len(plan) > 1:
            hooks.say(blended_notice(restorer.name, side))
        run(function, plan, frame, frame, tell)
        return side if len(plan) > 1 else None

    if request.samples is not None:
        return attempt(tile)
    return with_smaller_tiles(attempt, tile, halo=halo, multiple_of=multiple_of, say=hooks.say)


def blended_notice(name: str, tile: int) -> str:
    """What is said where the whole image is needed but does not fit in memory, or smaller tiles are asked for."""
    return f"{name} needs the whole image; in blended tiles of {tile:,} px the result differs a little from that of the whole."
