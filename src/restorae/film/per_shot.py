"""Each frame, free of flicker, through the restorer of its shot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from restorae.film.analysis import FilmAnalysis, corrected
from restorae.film.frame_restorer import FrameRestorer, RestoredFrame, SingleFrames
from restorae.film.planes import PlaneRestorer, sample_frame
from restorae.film.shots import Shot, Shots
from restorae.film.windows import WindowRestorer
from restorae.formats.video import Frame, FrameReader
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer


class ShotRestorer(FrameRestorer):
    """Restores frames by the settings of their shots.

    Consecutive shots of equal settings share a restorer, which is prepared when the first of them comes.

    Args:
        restorer: for shots without a model of their own.
        request: for shots without settings of their own.
        analysis: shots and tone curves of the film.
        restorers: where restorers of shots come from.
        reader: of the film.
        tile: side of a tile; None chooses one that fits in memory.
    """

    def __init__(
        self,
        restorer: Restorer,
        request: RestoreRequest,
        *,
        analysis: FilmAnalysis,
        restorers: RestorerPool,
        reader: FrameReader,
        tile: int | None,
    ) -> None:
        self._restorer, self._request, self._analysis = restorer, request, analysis
        self._restorers, self._reader = restorers, reader
        self._runs = _runs(analysis.shots)
        self._alone: dict[int, FrameRestorer] = {}
        self._usual = self._make(Shot(first=0), analysis.shots, tile)
        self.tile, self.notices = self._usual.tile, self._usual.notices

    def restore(self, frames: Iterable[Frame], first: int = 0) -> Iterator[RestoredFrame]:
        steady = corrected(iter(frames), self._analysis, self._reader.facts.layout)
        for index, group in groupby(enumerate(steady), lambda each: self._runs.index(each[0])):
            start = self._runs.shots[index].first
            ends = [*self._runs.cuts, None]
            end = ends[index]
            if end is not None and end <= first:
                continue
            for restored in self._of_run(index).restore(
                (frame for _, frame in group), max(0, first - start)
            ):
                yield self._recorded(restored, start)

    def restore_one(self, frames: Sequence[Frame], at: int, *, number: int) -> RestoredFrame:
        """A single frame, as it becomes among all others.

        Args:
            frames: it and its neighbours in its shot, without flicker, in order.
            at: its place among these.
            number: its number in the film.
        """
        index = self._runs.index(number)
        if index not in self._alone:
            self._alone[index] = self._make(self._runs.shots[index], Shots(), self.tile)
        restored = next(iter(self._alone[index].restore(frames, at)))
        return self._recorded(restored, number - at)

    def _of_run(self, index: int) -> FrameRestorer:
        """The restorer of a run of shots; its frames are counted from 0 there."""
        run = self._runs.shots[index]
        end = [*self._runs.cuts, None][index]
        inside = [cut for cut in self._analysis.shots.cuts if run.first < cut < (end or cut + 1)]
        if run.first == 0 and _settings(run) == (None, None):
            return self._usual
        return self._make(run, Shots.at(cut - run.first for cut in inside), self.tile)

    def _make(self, shot: Shot, shots: Shots, tile: int | None) -> FrameRestorer:
        restorer = self._restorer if shot.model is None else self._restorers.get(shot.model)
        facts = self._reader.facts
        request = replace(
            self._request,
            model=shot.model or self._request.model,
            strength=self._request.strength if shot.strength is None else shot.strength,
        )
        if restorer.capabilities.neighbours:
            return WindowRestorer(
                restorer,
                request,
                layout=facts.layout,
                size=(facts.height, facts.width),
                shots=shots,
                tile=tile,
            )
        sample = sample_frame(self._reader) if restorer.capabilities.measures_noise else None
        return SingleFrames(PlaneRestorer(restorer, request, facts=facts, sample=sample, tile=tile))

    def _recorded(self, restored: RestoredFrame, start: int) -> RestoredFrame:
        """With the frame's number in the film's part, its tone curve, and a repair map if other shots have one."""
        number = restored.record["frame"] + start
        record = {**restored.record, "frame": number, "tone_curve": self._analysis.curve(number)}
        if self._analysis.moves:
            record["moved"] = self._analysis.move(number)
        repairs = restored.repairs
        if repairs is None and self._restorer.capabilities.neighbours:
            repairs = np.zeros((self._reader.facts.height, self._reader.facts.width), np.uint8)
        return replace(restored, record=record, repairs=repairs)


def _settings(shot: Shot) -> tuple[str | None, float | None]:
    return shot.model, shot.strength


def _runs(shots: Shots) -> Shots:
    """Consecutive shots of equal settings as one."""
    kept = [next(group) for _, group in groupby(shots.shots, _settings)]
    return Shots(tuple(kept))
