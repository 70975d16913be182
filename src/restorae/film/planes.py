"""Frames through a restorer: luma where it is stored, without a detour through RGB; chroma and alpha are copied."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch

from restorae.formats.video import FrameReader, VideoFacts
from restorae.regions import Plan
from restorae.restoring.image import blended_notice, in_parts
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import FrameFacts, Restorer
from restorae.shapes import Images
from restorae.tile_size import tile_for_free_memory
from restorae.tiling import apply, plan_for

Planes = Sequence[np.ndarray]
_SAMPLED_ROWS = 256


class PlaneRestorer:
    """Restores the planes of frames, all of them alike: everything is decided here, before the first frame.

    Args:
        restorer: what restores.
        request: how.
        facts: of the film.
        sample: the planes of a frame on which noise is measured, for restorers that do so.
        tile: side of a tile; None chooses one that fits in memory.
    """

    def __init__(
        self,
        restorer: Restorer,
        request: RestoreRequest,
        *,
        facts: VideoFacts,
        sample: Planes | None = None,
        tile: int | None = None,
    ) -> None:
        self.restorer, self.layout, self.strength = restorer, facts.layout, request.strength
        capabilities, channels = restorer.capabilities, len(facts.layout.restored)
        halo, multiple_of = capabilities.halo_for(request), capabilities.multiple_for(request)
        self.tile, self.plan = tiles_for(
            restorer,
            (facts.height, facts.width),
            channels,
            halo=halo,
            multiple_of=multiple_of,
            tile=tile,
        )
        measured = None
        if sample is not None:
            above = max(0, (facts.height - _SAMPLED_ROWS) // 2)
            measured = self._working(sample)[:, :, above : above + _SAMPLED_ROWS]
        prepared = restorer.prepare(
            FrameFacts(
                height=facts.height,
                width=facts.width,
                channels=channels,
                sample=measured,
                is_grey={0: False},
            ),
            request,
        )
        self.notices = (
            [blended_notice(restorer.name, self.tile)]
            if self.plan.blended and len(self.plan) > 1
            else []
        )
        """What the person should know of how frames are restored."""
        self._restore = in_parts(prepared, request, capabilities)

    def __call__(self, planes: Planes) -> list[np.ndarray]:
        """The restored planes; those that are not restored are the same objects."""
        images = self._working(planes)
        restored = apply(
            lambda tiles: self._restore(tiles, [0] * len(tiles)).mean, images, self.plan
        )
        values = restored[0].permute(1, 2, 0).cpu().numpy()
        return self.layout.with_working(planes, values, self.strength)

    def _working(self, planes: Planes) -> Images:
        working = self.layout.to_working(planes).transpose(2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(working))[None]


def tiles_for(
    restorer: Restorer,
    size: tuple[int, int],
    channels: int,
    *,
    halo: int | None,
    multiple_of: tuple[int, int],
    tile: int | None,
) -> tuple[int, Plan]:
    """Side of a tile, and the tiles of all frames of a film.

    Args:
        restorer: what restores the tiles.
        size: height and width of a frame.
        channels: planes that a tile has.
        halo: pixels of context on each side; None where a pixel depends on the whole frame.
        multiple_of: tiles start on multiples of these.
        tile: side of a tile; None chooses one that fits in memory.
    """
    side = tile or tile_for_free_memory(
        size,
        restorer.bytes_per_pixel(channels),
        halo=halo,
        multiple_of=multiple_of,
        device=restorer.device,
    )
    return side, plan_for(*size, tile=side, halo=halo, multiple_of=multiple_of)


def sample_frame(reader: FrameReader) -> Planes | None:
    """The planes of a frame in the middle of the part that is read; of a film that cannot be sought in, of its first frame."""
    facts = reader.facts
    start = reader.start or Fraction(0)
    last = facts.seconds(facts.stamps[-1]) if facts.stamps else Fraction(0)
    end = last if reader.end is None else min(reader.end, last)
    for each in (
        FrameReader(facts, start=(start + end) / 2, end=reader.end),
        FrameReader(facts, start=reader.start, end=reader.end),
    ):
        with contextlib.closing(iter(each)) as frames:
            frame = next(frames, None)
        if frame is not None:
            return frame.planes
    return None
