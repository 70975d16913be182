"""Frames restored by comparing them with their neighbours in the same shot, moved onto them by optical flow.

Whatever a frame becomes follows from the frames around it alone: not from the piece or the tile in which it is restored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from restorae.film.alignment import Flow, Luma, Motion, flow_between, motion_of, prepare_for_flow
from restorae.film.frame_restorer import FrameRestorer, RestoredFrame, changes
from restorae.film.planes import tiles_for
from restorae.film.real_changes import without_real_changes
from restorae.film.repairs import REPAIRED, repair_map
from restorae.film.shots import Shots
from restorae.film.stack import OFFSETS, PLANES, REACH, adjacent, stack_planes
from restorae.formats.video import Frame, PixelLayout
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import FrameFacts, Restorer
from restorae.tiling import apply

_AROUND_PX = 3
"""Pixels around damage to which no grain is put back."""


@dataclass(kw_only=True)
class _Seen:
    """A frame of the window."""

    frame: Frame
    planes: list[Luma]
    """Its planes that are restored, working values."""
    prepared: NDArray[np.uint8]


@dataclass
class _Window:
    """Frames in memory, and the flows between them, each computed once."""

    seen: dict[int, _Seen] = field(default_factory=dict)
    flows: dict[tuple[int, int], Flow] = field(default_factory=dict)

    def flow(self, first: int, second: int) -> Flow:
        """Flow from one frame to another."""
        if (first, second) not in self.flows:
            self.flows[first, second] = flow_between(
                self.seen[first].prepared, self.seen[second].prepared
            )
        return self.flows[first, second]

    def motion(self, centre: int, neighbour: int, height: int, width: int) -> Motion:
        """How a neighbour moves onto the centre."""
        flows = self.flow(centre, neighbour), self.flow(neighbour, centre)
        first, second = self.seen[centre].prepared, self.seen[neighbour].prepared
        return motion_of(first, second, flows, height=height, width=width)

    def forget_before(self, number: int) -> None:
        """Leave out frames that no later frame is compared with."""
        self.seen = {index: seen for index, seen in self.seen.items() if index >= number}
        self.flows = {pair: flow for pair, flow in self.flows.items() if min(pair) >= number}


class WindowRestorer(FrameRestorer):
    """Restores frames with a look at two neighbours on each side; where their motion is lost, alone.

    Args:
        restorer: whose tiles are stacks of `restorae.film.stack`.
        request: how.
        layout: of the frames.
        size: height and width of the frames.
        shots: no frame is compared with one of another shot.
        tile: side of a tile; None chooses one that fits in memory.
    """

    def __init__(
        self,
        restorer: Restorer,
        request: RestoreRequest,
        *,
        layout: PixelLayout,
        size: tuple[int, int],
        shots: Shots | None = None,
        tile: int | None = None,
    ) -> None:
        self.layout, self.size = layout, size
        self.strength, self.shots = request.strength, shots or Shots()
        self.grain = 1.0 if request.repair == "defects" else request.grain
        self.notices = []
        capabilities = restorer.capabilities
        self.tile, self.plan = tiles_for(
            restorer,
            size,
            PLANES,
            halo=capabilities.halo,
            multiple_of=capabilities.multiple_of,
            tile=tile,
        )
        height, width = size
        self._restore = restorer.prepare(
            FrameFacts(height=height, width=width, channels=PLANES), request
        )

    def restore(self, frames: Iterable[Frame], first: int = 0) -> Iterator[RestoredFrame]:
        window, count = _Window(), 0
        for number, frame in enumerate(frames):
            count = number + 1
            if number >= first - REACH:
                window.seen[number] = self._see(frame)
            if number - REACH >= first:
                yield self._restored(number - REACH, window)
        for number in range(max(first, count - REACH), count):
            yield self._restored(number, window)

    def _see(self, frame: Frame) -> _Seen:
        working = self.layout.to_working(frame.planes)
        planes = [np.ascontiguousarray(working[..., each]) for each in range(working.shape[-1])]
        return _Seen(frame=frame, planes=planes, prepared=prepare_for_flow(np.mean(planes, axis=0)))

    def _restored(self, number: int, window: _Window) -> RestoredFrame:
        seen, shot = window.seen[number], self.shots.frame_range(number)
        near = [number + offset for offset in OFFSETS]
        motions = {
            index: window.motion(number, index, *self.size)
            for index in near
            if index in window.seen and index in shot
        }
        used = {index: motion for index, motion in motions.items() if motion.is_known}
        values, damage = [], np.zeros(self.size, np.float32)
        for channel, centre in enumerate(seen.planes):
            moved = [
                (window.seen[index].planes[channel], used[index]) if index in used else None
                for index in near
            ]
            restored, found = self._clean(centre, moved)
            values.append(restored)
            damage = np.maximum(damage, found)
        planes = self.layout.with_working(seen.frame.planes, np.stack(values, -1), self.strength)
        record: dict[str, Any] = {
            "frame": number,
            **changes(seen.frame.planes, planes, self.layout),
            "repaired": round(float((damage > REPAIRED).mean()), 5),
            "motion_known": [
                round(motions[index].share, 3) if index in motions else None for index in near
            ],
            "flow_failed": bool(motions) and not used,
        }
        window.forget_before(number + 1 - REACH)
        return RestoredFrame(
            frame=seen.frame,
            planes=planes,
            repairs=np.rint(damage * 255).astype(np.uint8),
            record=record,
        )

    def _clean(
        self, centre: Luma, neighbours: list[tuple[Luma, Motion] | None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The clean plane and the probability of damage, (height, width) each."""
        planes = stack_planes(centre, neighbours)
        stack = torch.from_numpy(planes)[None]

        def restore(tiles: torch.Tensor) -> torch.Tensor:
            found = self._restore(tiles, [0] * len(tiles))
            assert found.defects is not None
            return torch.cat([found.mean, found.defects], 1)

        cleaned, suspected = apply(restore, stack, self.plan)[0].cpu()
        mean = torch.from_numpy(
            without_real_changes(
                centre, cleaned.numpy(), suspected.numpy(), adjacent(planes, neighbours)
            )
        )
        damage = repair_map(mean - torch.from_numpy(centre), suspected)
        if self.grain:
            around = functional.max_pool2d(damage[None], 2 * _AROUND_PX + 1, 1, _AROUND_PX)[0]
            kept = self.grain * (1 - 2 * around).clamp(0, 1)
            mean = mean + kept * (torch.from_numpy(centre) - mean)
        return mean.numpy(), damage.numpy()
