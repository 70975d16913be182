"""Restored frames with the colours of the anchors around them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from restorae.colouring.references import KnownColours
from restorae.colouring.upsampling import known_share
from restorae.film.analysis import FilmAnalysis, corrected
from restorae.film.colour.carrying import Colours, Prepared, Step, prepare
from restorae.film.colour.fusing import Fuser
from restorae.film.colour.planes import ColourPlanes
from restorae.film.colour.track import ColourTrack
from restorae.film.frame_restorer import FrameRestorer, RestoredFrame
from restorae.formats.video import Frame, PixelLayout

_GREY_BELOW = 0.01
"""Trust below which colours are drawn towards grey."""


class CopiedFrames(FrameRestorer):
    """Frames as they are, free of flicker: what is coloured where nothing else is asked for."""

    def __init__(self, analysis: FilmAnalysis, layout: PixelLayout) -> None:
        self.analysis, self.layout, self.tile, self.notices = analysis, layout, 0, []

    def restore(self, frames: Iterable[Frame], first: int = 0) -> Iterator[RestoredFrame]:
        for number, frame in enumerate(corrected(iter(frames), self.analysis, self.layout)):
            if number >= first:
                yield RestoredFrame(
                    frame=frame,
                    planes=list(frame.planes),
                    repairs=np.zeros(frame.planes[0].shape, np.uint8),
                    record={"frame": number},
                )


@dataclass(kw_only=True)
class _Waiting:
    restored: RestoredFrame
    luma: np.ndarray
    prepared: Prepared

    @property
    def number(self) -> int:
        number = self.restored.record["frame"]
        assert isinstance(number, int)
        return number


class ColouredFrames(FrameRestorer):
    """Colours what another restorer gives.

    Args:
        restorer: gives the frames, whose luma stays as it is.
        planes: of the film.
        track: the colours of its anchors.
        own_colours: the colours of a reference at its own size, by its number.
        names: of the references, for the log.
        fuser: weighs colours from both sides.
        step: finds the motion between two frames.
    """

    def __init__(
        self,
        restorer: FrameRestorer,
        planes: ColourPlanes,
        *,
        track: ColourTrack,
        own_colours: Callable[[int], KnownColours],
        names: list[str],
        fuser: Fuser,
        step: Callable[[Prepared, Prepared], Step] = Step.between,
    ) -> None:
        self._restorer, self._planes, self._track = restorer, planes, track
        self._own_colours, self._names = own_colours, names
        self._fuser, self._step = fuser, step
        self._anchors = frozenset(track.anchors)
        self.tile, self.notices = restorer.tile, restorer.notices

    def restore(self, frames: Iterable[Frame], first: int = 0) -> Iterator[RestoredFrame]:
        for each, colours in self._found(frames, range(first, sys.maxsize)):
            yield self._with_colours(each.restored, colours, each.number)

    def chroma(
        self, frames: Iterable[Frame], wanted: Container[int]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Numbers of the wanted frames and their chroma, (rows, columns, 2) of any size."""
        for each, colours in self._found(frames, wanted):
            yield each.number, self._chroma(colours, each.number)

    def _found(
        self, frames: Iterable[Frame], wanted: Container[int]
    ) -> Iterator[tuple[_Waiting, Colours]]:
        """The colours of wanted frames, group by group: an anchor, and what lies between it and the one before."""
        first = wanted.start if isinstance(wanted, range) else 0
        waiting: list[_Waiting] = []
        for restored in self._restorer.restore(frames, self._track.around(first)[0]):
            luma, prepared = prepare(self._planes.luma(restored.planes))
            new = _Waiting(restored=restored, luma=luma, prepared=prepared)
            if not waiting and new.number in wanted:
                yield new, self._track.colours(new.number, new.luma)
            waiting.append(new)
            if new.number in self._anchors:
                yield from self._of_group(waiting, wanted)
                waiting = [new]
        yield from self._of_group(waiting, wanted)

    def _of_group(
        self, group: list[_Waiting], wanted: Container[int]
    ) -> Iterator[tuple[_Waiting, Colours]]:
        behind = [each for each in group[1:] if each.number in wanted]
        found = self._between(group) if behind else {}
        return ((each, found[each.number]) for each in behind)

    def _between(self, group: list[_Waiting]) -> dict[int, Colours]:
        """Colours of all frames behind the first, which is an anchor."""
        steps = [self._step(one.prepared, other.prepared) for one, other in pairwise(group)]
        state = self._track.colours(group[0].number, group[0].luma)
        forwards = [state := step.forwards(state) for step in steps]
        if group[-1].number not in self._anchors:
            return {each.number: found for each, found in zip(group[1:], forwards, strict=True)}
        state = self._track.colours(group[-1].number, group[-1].luma)
        result = {group[-1].number: state}
        for index in range(len(group) - 2, 0, -1):
            state = steps[index].backwards(state)
            share = index / (len(group) - 1)
            result[group[index].number] = self._fuser(
                group[index].luma, (forwards[index - 1], state), (1 - share, share)
            )
        return result

    def _with_colours(
        self, restored: RestoredFrame, colours: Colours, number: int
    ) -> RestoredFrame:
        record = {
            **restored.record,
            "colour_known": round(known_share(colours.trust), 4),
        }
        own = self._track.own.get(number)
        if own is not None:
            record["reference"] = self._names[own]
        chroma = self._chroma(colours, number)
        return replace(
            restored, planes=self._planes.coloured(restored.planes, chroma), record=record
        )

    def _chroma(self, colours: Colours, number: int) -> np.ndarray:
        known = np.minimum(1, colours.trust / np.float32(_GREY_BELOW))
        chroma = np.asarray(colours.chroma * known[..., None], np.float32)
        own = self._track.own.get(number)
        return chroma if own is None else self._own_colours(own).over(chroma)
