"""What a film cleaner is trained on: stacks of aligned frames of old film, the clean frame, and where the film is marked.

Frames are aligned after they are damaged, by the same code as in use: the network learns what flow gets wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from restorae.data import WHOLE, ClipExamples, Share
from restorae.data.examples import read_ahead
from restorae.errors import BadSpec
from restorae.film.alignment import Luma, Motion, flow_between, motion_of, prepare_for_flow
from restorae.film.stack import OFFSETS, REACH, stack_planes
from restorae.shapes import Images

MARGIN = 16
"""Pixels around a patch that are damaged and aligned with it, then cut off: flow is poor at edges."""
VISIBLE = 0.03
"""Change of brightness from which a mark counts: what nobody can see need not be found."""


class Stacks(NamedTuple):
    """A batch for a film cleaner."""

    planes: Images
    """Stacks of aligned frames, (batch, planes, height, width), the planes of `restorae.film.stack`."""
    clean: Images
    """The frame in the middle without grain, marks, blur and compression, of its own tone and place, (batch, 1, height, width)."""
    marks: Tensor
    """1 where dust, dirt, hairs, scratches or splices can be seen, else 0, (batch, 1, height, width)."""


@dataclass(frozen=True)
class StackExamples:
    """Stacks made of clips: the same for the same seed, epoch and index.

    Args:
        clips: where clips come from; their number of frames must be that which a stack reaches over.
    """

    clips: ClipExamples
    _: KW_ONLY
    missing: float = 0.1
    """Share of the stacks in which the neighbours of one side are missing, as beside a cut."""

    def __post_init__(self) -> None:
        if self.clips.frames != 2 * REACH + 1:
            raise BadSpec(f"stacks need clips of {2 * REACH + 1} frames, got {self.clips.frames}")

    def __len__(self) -> int:
        return len(self.clips)

    def batches(
        self,
        epoch: int,
        batch_size: int,
        start: int = 0,
        workers: int = 0,
        device: str | torch.device = "cpu",
        share: Share = WHOLE,
    ) -> Iterator[tuple[Images, Images]]:
        """The epoch's (stacks, clean frames with their marks) from the `start`-th on, made by `workers` threads.

        A `share` is the same part of the same batches.

        Raises:
            MissingExtra: OpenCV is not installed.
        """

        def made(place: int) -> Stacks:
            return self.stacks(epoch, place, batch_size, share)

        places = range(start, max(1, len(self) // batch_size))
        for each in read_ahead(made, places, workers):
            yield each.planes.to(device), torch.cat([each.clean, each.marks], 1).to(device)

    def stacks(self, epoch: int, place: int, batch_size: int, share: Share = WHOLE) -> Stacks:
        """The batch at a place of an epoch, or a share of it.

        Raises:
            MissingExtra: OpenCV is not installed.
        """
        wide = replace(self.clips, patch=self.clips.patch + 2 * MARGIN)
        inner = slice(MARGIN, -MARGIN)
        every = round(1 / self.missing) if self.missing else 0
        batch = next(wide.batches(epoch, batch_size, place, share=share))
        stacks = []
        first = share.of(batch_size).start
        for slot, clip in enumerate(batch.degraded[:, :, 0].numpy(), first):
            number = place * batch_size + slot
            # evenly spread instead of drawn, each side in turn
            side = (-1, 1)[number // every % 2] if every and number % every == 0 else 0
            stacks.append(stack_of_clip(clip, without=side))
        return Stacks(
            planes=torch.from_numpy(np.stack(stacks))[..., inner, inner],
            clean=batch.toned[:, REACH, :, inner, inner],
            marks=(batch.change[:, REACH, :, inner, inner].abs() > VISIBLE).float(),
        )


def stack_of_clip(clip: np.ndarray, *, without: int = 0) -> np.ndarray:
    """The stack of the frame in the middle of a clip (frames, height, width), as in use.

    Args:
        clip: luma of consecutive frames.
        without: the side whose neighbours are missing, -1 before or 1 after the frame; 0 for none.
    """
    height, width = clip.shape[1:]
    prepared = [prepare_for_flow(frame) for frame in clip]
    centre = prepared[REACH]
    neighbours: list[tuple[Luma, Motion] | None] = []
    for offset in OFFSETS:
        other = prepared[REACH + offset]
        if offset * without > 0:
            neighbours.append(None)
            continue
        flows = flow_between(centre, other), flow_between(other, centre)
        motion = motion_of(centre, other, flows, height=height, width=width)
        neighbours.append((clip[REACH + offset], motion) if motion.is_known else None)
    return stack_planes(clip[REACH], neighbours)
