"""Restored frames with the colours of the anchors around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from restorae.colouring.upsampling import known_share
from restorae.film.analysis import FilmAnalysis, corrected
from restorae.film.colour.carrying import Colours, Prepared, Step, blend, prepare
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
        own_chroma: the chroma of a reference at its own size, by its number.
        names: of the references, for the log.
    """

    def __init__(
        self,
        restorer: FrameRestorer,
        planes: ColourPlanes,
        *,
        track: ColourTrack,
        own_chroma: Callable[[int], np.ndarray],
        names: list[str],
    ) -> None:
        self._restorer, self._planes, self._track = restorer, planes, track
        self._own_chroma, self._names = own_chroma, names
        self._anchors = frozenset(track.anchors)
        self.tile, self.notices = restorer.tile, restorer.notices

    def restore(self, frames: Iterable[Frame], first: int = 0) -> Iterator[RestoredFrame]:
        waiting: list[_Waiting] = []
        for restored in self._restorer.restore(frames, self._track.around(first)[0]):
            luma, prepared = prepare(self._planes.luma(restored.planes))
            new = _Waiting(restored=restored, luma=luma, prepared=prepared)
            if not waiting:
                found = {new.number: self._track.colours(new.number, new.luma)}
                yield from self._coloured([new], found, first)
            waiting.append(new)
            if new.number in self._anchors:
                yield from self._coloured(waiting[1:], self._between(waiting), first)
                waiting = [new]
        yield from self._coloured(waiting[1:], self._between(waiting), first)

    def _between(self, group: list[_Waiting]) -> dict[int, Colours]:
        """Colours of all frames behind the first, which is an anchor."""
        steps = [Step.between(one.prepared, other.prepared) for one, other in pairwise(group)]
        state = self._track.colours(group[0].number, group[0].luma)
        forwards = [state := step.forwards(state) for step in steps]
        if group[-1].number not in self._anchors:
            return {each.number: found for each, found in zip(group[1:], forwards, strict=True)}
        state = self._track.colours(group[-1].number, group[-1].luma)
        result = {group[-1].number: state}
        for index in range(len(group) - 2, 0, -1):
            state = steps[index].backwards(state)
            share = index / (len(group) - 1)
            luma = group[index].luma
            both = forwards[index - 1].checked(luma), state.checked(luma)
            result[group[index].number] = blend([(both[0], 1 - share), (both[1], share)])
        return result

    def _coloured(
        self, frames: list[_Waiting], found: dict[int, Colours], first: int
    ) -> Iterator[RestoredFrame]:
        return (
            self._with_colours(each.restored, found[each.number], each.number)
            for each in frames
            if each.number >= first
        )

    def _with_colours(
        self, restored: RestoredFrame, colours: Colours, number: int
    ) -> RestoredFrame:
        record = {
            **restored.record,
            "colour_known": round(known_share(colours.trust), 4),
        }
        own = self._track.own.get(number)
        if own is None:
            chroma = colours.chroma * np.minimum(1, colours.trust / _GREY_BELOW)[..., None]
        else:
            chroma, record["reference"] = self._own_chroma(own), self._names[own]
        return replace(
            restored, planes=self._planes.coloured(restored.planes, chroma), record=record
        )
