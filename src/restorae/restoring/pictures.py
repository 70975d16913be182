"""One picture file through a restorer: read by rows, restored by tiles, written by rows, in memory bounded by the tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

import numpy as np
import torch

from restorae.errors import UsageError
from restorae.formats import Original, Result, Rows, skip_rows
from restorae.pixels import FULL_RANGE, ValueRange, Values, choose_range, full_scale
from restorae.regions import Region
from restorae.restoring.error_maps import ErrorMap
from restorae.restoring.frames import Frame
from restorae.restoring.masks import ill_fitting
from restorae.restoring.restorers import Change, Restorer
from restorae.shapes import Images
from restorae.tile_size import tile_for_free_memory, with_smaller_tiles
from restorae.tiling import plan_for, run

_SMALL = 128 * 128
"""Frames up to so many pixels go through the restorer together."""
_TOGETHER = 400_000
_SAMPLED = 1_000_000
_SAMPLED_PAGES = 64
_SAMPLED_ROWS = 256


@dataclass(frozen=True)
class Treatment:
    """How pictures are restored, beside by what."""

    strength: float = 1.0
    """How far towards the restored picture: 0 leaves it as it is, 1 is all the way."""
    tile: int | None = None
    """Side of a tile in pixels, context included; None takes what is fast and fits the memory at hand."""
    values: Values | None = None
    """How stored values map to [0, 1]; None takes what the restorer was made for."""
    together: bool = False
    """Whether the channels of a stack, which lie in pages of their own, are restored together."""


@dataclass
class Account:
    """What was done to one picture."""

    values: str = ""
    """What stored values meant 0 and 1."""
    tile: int | None = None
    """Side of a tile; None where the picture went whole."""
    mean_bound: float | None = None
    """Mean of the error bounds on the [0, 1] scale, where they were asked for."""
    notices: list[str] = field(default_factory=list)


def restore_picture(
    original: Original,
    result: Result,
    restorer: Restorer,
    treatment: Treatment = Treatment(),
    *,
    mask: np.ndarray | None = None,
    errors: ErrorMap | None = None,
    rows: Callable[[int], Rows] | None = None,
    advance: Callable[[int], None] = lambda rows: None,
    say: Callable[[str], None] = lambda message: None,
) -> Account:
    """Restore every page of `original` into `result`, which the caller then finishes.

    Alpha, what the mask leaves out, and NaN and infinite values come back as they were.

    Args:
        original: the opened file.
        result: where restored values go.
        restorer: what restores.
        treatment: how.
        mask: (height, width), 0 to 255, white where the picture is damaged; None restores all of it.
        errors: takes the error bounds of a restorer that tells them; the caller finishes it too.
        rows: gives a page's rows; by default the original's own.
        advance: told of rows that are done.
        say: told what was decided on the way.

    Raises:
        ShapeMismatch: the mask or the restorer does not fit the picture.
        BadPicture: the file turns out to be broken.
        OutputError: the result cannot be written.
    """
    rows = rows or original.rows
    _check_mask(original, restorer, mask)
    ranges = _Ranges(original, rows, treatment.values or restorer.values)
    account = Account(values=str(ranges))
    changes: dict[tuple[int, ...], Change] = {}
    kept_out, bounds_total = 0, 0.0
    for group in _groups(original, treatment.together):
        frames = [
            Frame(
                pages,
                [original.pages[page] for page in pages],
                rows,
                result,
                ranges.of(pages),
                treatment.strength,
                mask,
                restorer.needs_mask,
                errors,
            )
            for pages in group
        ]
        # measured once for all planes of a channel, so that they are treated alike
        outline = (
            frames[0].height,
            frames[0].width,
            frames[0].channels,
            original.channel_of[group[0][0]],
        )
        if outline not in changes:
            changes[outline] = restorer.settled(
                (outline[0], outline[1]), partial(_sample_images, original, rows, group[0], ranges)
            )
        if frames[0].height * frames[0].width <= _SMALL:
            _restore_together(frames, changes[outline], advance)
        else:
            tile = account.tile or treatment.tile  # what turned out to fit, else what is wanted
            account.tile = (
                _restore_by_tiles(frames[0], changes[outline], restorer, tile, advance, say)
                or account.tile
            )
        kept_out += sum(frame.kept_out for frame in frames)
        bounds_total += sum(frame.bounds_total for frame in frames)
    if errors is not None:
        account.mean_bound = bounds_total / sum(
            page.height * page.width * page.channels for page in original.pages
        )
    if kept_out:
        account.notices.append(
            f"{kept_out:,} NaN or infinite value(s) were kept out of the restoration and put back"
        )
    return account


def missing_mask(restorer: Restorer) -> str:
    """What a person is told who gave no mask where one is needed."""
    return (
        f"{restorer.name} fills what a mask marks. Give --mask: a picture, or a folder of them with the same names, white where the "
        "picture is damaged."
    )


def _check_mask(original: Original, restorer: Restorer, mask: np.ndarray | None) -> None:
    if mask is None:
        if restorer.needs_mask:
            raise UsageError(missing_mask(restorer))
        return
    page = next((page for page in original.pages if (page.height, page.width) != mask.shape), None)
    if page is not None:
        raise ill_fitting(original, page, mask)


def _groups(original: Original, together: bool) -> Iterator[list[tuple[int, ...]]]:
    """Frames, by their pages; small ones of one outline in groups."""
    frames: list[tuple[int, ...]]
    if together and max(original.channel_of, default=0) > 0:
        of_channel: dict[int, list[int]] = {}
        for page, channel in enumerate(original.channel_of):
            of_channel.setdefault(channel, []).append(page)
        frames = list(zip(*(of_channel[channel] for channel in sorted(of_channel)), strict=True))
    else:
        frames = [(page,) for page in range(len(original.pages))]
    for outline, alike in groupby(
        frames, key=lambda pages: tuple(original.pages[page] for page in pages)
    ):
        area = outline[0].height * outline[0].width
        at_once = max(1, _TOGETHER // area) if area <= _SMALL else 1
        listed = list(alike)
        yield from (listed[start : start + at_once] for start in range(0, len(listed), at_once))


def _restore_together(
    frames: Sequence[Frame], change: Change, advance: Callable[[int], None]
) -> None:
    """Small frames of one size as one batch."""
    whole = Region(0, 0, frames[0].height, frames[0].width)
    restored = change(torch.stack([frame.read(whole) for frame in frames]))
    for frame, values in zip(frames, restored, strict=True):
        frame.write(whole, values)
        advance(frame.height)


def _restore_by_tiles(
    frame: Frame,
    change: Change,
    restorer: Restorer,
    tile: int | None,
    advance: Callable[[int], None],
    say: Callable[[str], None],
) -> int | None:
    """A frame tile by tile; the side of the tiles, None where one was enough."""
    needed = restorer.bytes_per_pixel(frame.channels)
    tile = tile or tile_for_free_memory(
        needed, halo=restorer.halo, multiple_of=restorer.multiple_of, device=restorer.device
    )
    counted = 0

    def attempt(side: int) -> int | None:
        nonlocal counted
        frame.restart()
        plan = plan_for(
            frame.height,
            frame.width,
            tile=side,
            halo=restorer.halo,
            multiple_of=restorer.multiple_of,
        )
        done = 0

        def tell(pixels: int) -> None:
            nonlocal done, counted
            done += pixels
            if done // frame.width > counted:
                advance(done // frame.width - counted)
                counted = done // frame.width

        run(change, plan, frame, frame, tell)
        return side if len(plan) > 1 else None

    return with_smaller_tiles(
        attempt, tile, halo=restorer.halo, multiple_of=restorer.multiple_of, say=say
    )


# -------------------------------------------------------------------------------------------- what values mean


class _Ranges:
    """What the stored values of each channel of a file mean; planes of one channel share their range."""

    def __init__(self, original: Original, rows: Callable[[int], Rows], wanted: Values) -> None:
        self.channel_of, self.dtype = original.channel_of, original.pages[0].dtype
        self.ranges: dict[int, ValueRange] = {}
        for channel in sorted(set(self.channel_of)):
            pages = [page for page, of in enumerate(self.channel_of) if of == channel]
            dtype = original.pages[pages[0]].dtype
            if wanted != "own-range" and (dtype.kind == "b" or dtype == np.uint8):
                self.ranges[channel] = FULL_RANGE
                continue
            colours = original.pages[pages[0]].channels
            alike = [
                page
                for page in pages
                if original.pages[page].channels == colours and original.pages[page].dtype == dtype
            ]
            chosen = alike[:: max(1, len(alike) // _SAMPLED_PAGES)]
            sample = np.concatenate(
                [_sampled(original, rows, page, _SAMPLED // len(chosen)) for page in chosen]
            )
            self.ranges[channel] = choose_range(sample, wanted, apart=colours not in (1, 3))

    def of(self, pages: Sequence[int]) -> ValueRange:
        """What the values of a frame mean."""
        ranges = [self.ranges[self.channel_of[page]] for page in pages]
        if len(ranges) == 1 or all(each.is_full for each in ranges):
            return ranges[0]
        ranges = [
            ValueRange((0.0,), (full_scale(self.dtype),)) if each.is_full else each
            for each in ranges
        ]
        return ValueRange(
            tuple(each.low[0] for each in ranges), tuple(each.high[0] for each in ranges)
        )

    def __str__(self) -> str:
        return "; ".join(dict.fromkeys(str(each) for each in self.ranges.values()))


def _sampled(original: Original, rows: Callable[[int], Rows], page: int, most: int) -> np.ndarray:
    """Evenly spread values of a page: (count, channels)."""
    outline = original.pages[page]
    every = max(1, round((outline.height * outline.width / most) ** 0.5))
    reader, found = rows(page), []
    for top in range(0, outline.height, _SAMPLED_ROWS):
        read = reader.read(min(_SAMPLED_ROWS, outline.height - top))
        found.append(
            read[-top % every :: every, ::every, : outline.channels].reshape(-1, outline.channels)
        )
    return np.concatenate(found)


def _sample_images(
    original: Original, rows: Callable[[int], Rows], pages: Sequence[int], ranges: _Ranges
) -> Images:
    """A band of a frame at full resolution, (1, channels, height, width): its noise can be measured on it."""
    outlines = [original.pages[page] for page in pages]
    height = outlines[0].height
    above = max(0, (height - _SAMPLED_ROWS) // 2)
    parts = []
    for page, outline in zip(pages, outlines, strict=True):
        reader = rows(page)
        skip_rows(reader, above)
        parts.append(reader.read(min(_SAMPLED_ROWS, height - above))[..., : outline.channels])
    stored = (
        np.nan_to_num(np.concatenate(parts, 2))
        if parts[0].dtype.kind == "f"
        else np.concatenate(parts, 2)
    )
    return torch.from_numpy(
        np.ascontiguousarray(ranges.of(pages).to_working(stored).transpose(2, 0, 1))
    )[None]
