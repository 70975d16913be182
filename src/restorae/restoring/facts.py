"""Everything that is measured on a whole file, once, before its first tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from restorae.formats import Original, Page, Rows, skip_rows
from restorae.pixels import full_scale
from restorae.restoring.restorer import Capabilities, FrameFacts
from restorae.shapes import Images
from restorae.shown_values import show_all
from restorae.value_range import Sample, ValueRange, Values, range_by_type

SMALL = 128 * 128
"""Frames of up to so many pixels are never cut into tiles."""
_SAMPLED_VALUES = 1_000_000
_SAMPLED_PAGES = 64
_ROWS = 256

ReadRows = Callable[[int], Rows]
"""Gives a page's rows from the top."""


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What was measured on a file: how its stored values map to [0, 1], what is grey, samples of its noise."""

    frames: tuple[tuple[int, ...], ...]
    """The pages that are restored together: one page, or the channels of one plane of a stack."""
    ranges: dict[int, ValueRange]
    """What stored values mean, by channel of the file."""
    channel_of: tuple[int, ...]
    """The channel that each page shows."""
    dtype: np.dtype
    is_grey: dict[int, bool] = field(default_factory=dict)
    """By frame: whether its three channels are equal; of frames that may be cut into tiles."""
    samples: dict[int, Images] = field(default_factory=dict, repr=False)
    """By frame: a part at full resolution; frames that are alike share one, so that they are treated alike."""

    @classmethod
    def measure(
        cls,
        original: Original,
        values: Values,
        capabilities: Capabilities | None = None,
        *,
        together: bool = False,
        rows: ReadRows | None = None,
    ) -> ImageFacts:
        """Measure a file.

        Args:
            original: the opened file.
            values: how stored values map to [0, 1].
            capabilities: of the restorer; what it does not need is not measured.
            together: whether the channels of a stack are one frame.
            rows: gives a page's rows; by default the original's own.

        Raises:
            BadImage: the file cannot be decoded, or its values have no full range.
        """
        rows = rows or original.rows
        frames = tuple(_frames(original, together))
        facts = cls(
            frames=frames,
            ranges=_ranges(original, rows, values),
            channel_of=original.channel_of,
            dtype=original.pages[0].dtype,
        )
        if capabilities is None:
            return facts
        sample_of: dict[tuple[object, ...], Images] = {}
        for index, pages in enumerate(frames):
            outlines = [original.pages[page] for page in pages]
            channels = sum(outline.channels for outline in outlines)
            area = outlines[0].height * outlines[0].width
            if capabilities.separates_grey and channels == 3 and area > SMALL:
                facts.is_grey[index] = facts._measure_grey(outlines, pages, rows)
            if capabilities.measures_noise:
                kind = (*outlines, original.channel_of[pages[0]])
                if kind not in sample_of:
                    sample_of[kind] = facts._sample(outlines, pages, rows)
                facts.samples[index] = sample_of[kind]
        return facts

    def range_of(self, pages: Sequence[int]) -> ValueRange:
        """What the stored values of a frame mean."""
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

    def of_frame(self, index: int, outlines: Sequence[Page]) -> FrameFacts:
        """What restorers get to know about a frame and all others like it."""
        return FrameFacts(
            height=outlines[0].height,
            width=outlines[0].width,
            channels=sum(outline.channels for outline in outlines),
            sample=self.samples.get(index),
            is_grey=self.is_grey,
        )

    def of_page(self, page: int) -> ImageFacts:
        """The facts of one page, for a part of it that is restored alone."""
        index = next(index for index, pages in enumerate(self.frames) if page in pages)
        channel = self.channel_of[page]
        return ImageFacts(
            frames=((0,),),
            ranges={0: self.ranges[channel]},
            channel_of=(0,),
            dtype=self.dtype,
            is_grey={0: self.is_grey[index]} if index in self.is_grey else {},
            samples={0: self.samples[index]} if index in self.samples else {},
        )

    @property
    def values(self) -> str:
        """The ranges in words, for the log."""
        return "; ".join(dict.fromkeys(str(each) for each in self.ranges.values()))

    def _working(
        self, outlines: Sequence[Page], pages: Sequence[int], parts: Sequence[np.ndarray]
    ) -> np.ndarray:
        stored = parts[0] if len(parts) == 1 else np.concatenate(parts, 2)
        return show_all(stored, self.range_of(pages), no_data_of(outlines))

    def _measure_grey(self, outlines: Sequence[Page], pages: Sequence[int], rows: ReadRows) -> bool:
        """Whether all channels are equal in every row; for most colour images the first rows decide."""
        readers = [rows(page) for page in pages]
        for top in range(0, outlines[0].height, _ROWS):
            count = min(_ROWS, outlines[0].height - top)
            working = self._working(
                outlines,
                pages,
                [
                    reader.read(count)[..., : outline.channels]
                    for reader, outline in zip(readers, outlines, strict=True)
                ],
            )
            if not (working == working[..., :1]).all():
                return False
        return True

    def _sample(self, outlines: Sequence[Page], pages: Sequence[int], rows: ReadRows) -> Images:
        """A band across the middle of a frame, (1, channels, height, width)."""
        height = outlines[0].height
        above = max(0, (height - _ROWS) // 2)
        parts = []
        for page, outline in zip(pages, outlines, strict=True):
            reader = rows(page)
            skip_rows(reader, above)
            parts.append(reader.read(min(_ROWS, height - above))[..., : outline.channels])
        working = self._working(outlines, pages, parts)
        return torch.from_numpy(np.ascontiguousarray(working.transpose(2, 0, 1)))[None]


def _frames(original: Original, together: bool) -> Iterator[tuple[int, ...]]:
    if not together or max(original.channel_of, default=0) == 0:
        yield from ((page,) for page in range(len(original.pages)))
        return
    of_channel: dict[int, list[int]] = {}
    for page, channel in enumerate(original.channel_of):
        of_channel.setdefault(channel, []).append(page)
    yield from zip(*(of_channel[channel] for channel in sorted(of_channel)), strict=True)


def _ranges(original: Original, rows: ReadRows, values: Values) -> dict[int, ValueRange]:
    return {
        channel: measure_range(original, values, channel, rows)
        for channel in sorted(set(original.channel_of))
    }


def measure_range(
    original: Original, values: Values, channel: int, rows: ReadRows | None = None
) -> ValueRange:
    """What the stored values of a channel of a file mean; its planes share their range.

    Raises:
        BadImage: the file cannot be decoded, or its values have no full range.
    """
    pages = [page for page, of in enumerate(original.channel_of) if of == channel]
    first = original.pages[pages[0]]
    known = range_by_type(first.dtype, values)
    if known is not None:
        return known.inverted(first.dtype) if first.white_is_zero else known
    alike = [
        page
        for page in pages
        if original.pages[page].channels == first.channels
        and original.pages[page].dtype == first.dtype
    ]
    chosen = alike[:: max(1, len(alike) // _SAMPLED_PAGES)]
    most = _SAMPLED_VALUES // len(chosen)
    read, sample = rows or original.rows, Sample()
    for page in chosen:
        _add_page(sample, original.pages[page], read(page), most)
    found = sample.range(values, apart=first.channels not in (1, 3))
    return found.inverted(first.dtype) if first.white_is_zero else found


def _add_page(sample: Sample, outline: Page, reader: Rows, most: int) -> None:
    """Add evenly distributed values of a page."""
    every = max(1, round((outline.height * outline.width / most) ** 0.5))
    for top in range(0, outline.height, _ROWS):
        read = reader.read(min(_ROWS, outline.height - top))[..., : outline.channels]
        sample.add(read, outline.no_data, every, -top % every)


def no_data_of(outlines: Sequence[Page]) -> tuple[float, ...]:
    """What stands for no data in the channels of pages that are restored together."""
    if len(outlines) == 1:
        return outlines[0].no_data
    if not any(outline.no_data for outline in outlines):
        return ()
    return tuple(
        value
        for outline in outlines
        for value in (
            outline.no_data
            if len(outline.no_data) == outline.channels
            else (outline.no_data or (math.nan,)) * outline.channels
        )
    )
