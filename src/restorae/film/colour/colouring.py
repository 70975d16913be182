"""The colours of a film, decided before its first frame is restored: references, frames that they are, anchors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restorae.colouring.contradictions import Sketch, contradictions
from restorae.colouring.matching import ReferenceCells
from restorae.colouring.references import (
    KnownColours,
    digest_of,
    find_references,
    read_opponent,
)
from restorae.film.analysis import FilmAnalysis
from restorae.film.colour.carrying import prepare
from restorae.film.colour.coloured_frames import ColouredFrames, CopiedFrames
from restorae.film.colour.fusing import MODEL, bundled_fuser
from restorae.film.colour.looking import ReferenceSearch
from restorae.film.colour.planes import ColourPlanes
from restorae.film.colour.track import (
    ColourTrack,
    Tracker,
    colours_folder,
    remove_colours,
    saved_track,
)
from restorae.film.frame_restorer import FrameRestorer
from restorae.formats.video import Frame, FrameReader, VideoFacts
from restorae.names import names_frames
from restorae.progress import Progress
from restorae.restoring.log import model_digest
from restorae.restoring.request import RestoreRequest

_WELL_KNOWN = 0.9
"""Share of a frame whose colours are known from which no further reference is asked for."""
_UNUSED = 0.01
"""Share of the film below which a reference gives next to nothing to it."""
_NAMED = 5
"""References that are named in a notice at most."""


@dataclass(kw_only=True)
class FilmColouring:
    """What colours a film.

    Args:
        facts: of the film.
        request: with its references.
        analysis: shots of the film.
        reader: reads the part that is restored.
        target: what is written.
        search: has seen all frames, where the film was read for it.

    Raises:
        BadImage: the film has no room for colours.
        UsageError: there are no references in a folder.
    """

    facts: VideoFacts
    request: RestoreRequest
    analysis: FilmAnalysis
    reader: FrameReader
    target: Path
    search: ReferenceSearch | None = None

    def __post_init__(self) -> None:
        self.notices: list[str] = []
        self._cells: list[ReferenceCells] = []
        self._own: dict[int, int] = {}
        self._count = 0
        self._contradictions: list[str] = []
        self._fuser = bundled_fuser()
        self.planes = ColourPlanes(self.facts, as_rgb=names_frames(self.target))
        shots = self.analysis.shots.shots
        per_shot = [
            find_references([Path(each) for each in shot.references]) if shot.references else None
            for shot in shots
        ]
        general = find_references(self.request.references)
        listed = [*general, *(path for each in per_shot if each is not None for path in each)]
        self.paths = list(dict.fromkeys(listed))
        numbers = {path: number for number, path in enumerate(self.paths)}
        self._of_shot = [
            [numbers[path] for path in (general if each is None else each)] for each in per_shot
        ]

    @property
    def written(self) -> VideoFacts:
        """The facts of the coloured film."""
        return self.planes.written

    def plan_facts(self) -> dict[str, Any]:
        """For the plan: checksums of the references."""
        return {"reference_files": digest_of(self.paths)}

    @staticmethod
    def restorer_facts() -> dict[str, str]:
        """For the plan: the checksum of the network that weighs colours."""
        return {f"sha256 of {MODEL}": model_digest(MODEL)}

    def look(self, resumed: Path | None, *, progress: Progress, check: Callable[[], None]) -> None:
        """Decide what references are, before anything is written; a run that goes on did so before, into `resumed`.

        Raises:
            BadImage: a reference cannot be used, or the film is in colour already.
        """
        if resumed is not None and saved_track(colours_folder(resumed)) is not None:
            return
        search = self.search
        if search is None or not search.count or not set(self.paths) <= set(search.paths):
            search = self._searched(progress, check)
        at = [search.paths.index(path) for path in self.paths]
        self._cells = [search.cells[each] for each in at]
        self._leave_out([search.sketches[each] for each in at])
        index = self.analysis.shots.index
        found = search.own(lambda frame: [at[each] for each in self._of_shot[index(frame)]])
        self._own = {frame: at.index(number) for frame, number in found.items()}
        self._count = search.count

    def _searched(self, progress: Progress, check: Callable[[], None]) -> ReferenceSearch:
        """A search of its own, where the film was measured by an earlier run."""
        search = ReferenceSearch(
            self.paths, self.planes, recolour=self.request.recolour, check=check
        )
        for _, frame in self._frames("Looking for references", progress, check):
            search.see(frame)
        return search

    def _leave_out(self, sketches: list[Sketch]) -> None:
        """Of references of a shot that contradict each other, all but the first."""
        for each in contradictions(sketches):
            shots = [of for of in self._of_shot if {each.first, each.second} <= set(of)]
            for of in shots:
                of.remove(each.second)
            if shots:
                self._contradictions.append(each.text(sketches))

    def colour(
        self,
        restorer: FrameRestorer,
        folder: Path,
        *,
        progress: Progress,
        check: Callable[[], None],
    ) -> ColouredFrames:
        """What restores and colours, after `look`; colours of anchors are kept in `folder`, that of the pieces.

        Raises:
            OutputError: they cannot be written.
        """
        track = saved_track(colours_folder(folder))
        if track is None:
            track = self._find(colours_folder(folder), progress, check)
        coloured = ColouredFrames(
            self._without_restoring(restorer),
            self.planes,
            track=track,
            own_colours=self._own_colours,
            names=[path.name for path in self.paths],
            fuser=self._fuser,
        )
        self.notices = self._notices(track)
        return coloured

    def _own_colours(self, number: int) -> KnownColours:
        return read_opponent(self.paths[number], self.planes.weights)[1]

    def _without_restoring(self, restorer: FrameRestorer) -> FrameRestorer:
        """Where the original is to be kept as it is, nothing is restored to be thrown away."""
        own = [shot.strength for shot in self.analysis.shots.shots if shot.strength]
        if self.request.strength or own:
            return restorer
        return CopiedFrames(self.analysis, self.facts.layout)

    def _find(self, folder: Path, progress: Progress, check: Callable[[], None]) -> ColourTrack:
        remove_colours(folder.parent)
        folder.mkdir(exist_ok=True)
        tracker = Tracker(
            folder,
            self._cells,
            shots=self.analysis.shots,
            of_shot=self._of_shot.__getitem__,
            own=self._own,
            own_colours=self._own_colours,
            count=self._count,
            fuser=self._fuser,
        )
        for number, frame in self._frames("Finding colours", progress, check):
            tracker.see(number, *prepare(self.planes.luma(frame.planes)))
        return tracker.finish()

    def _frames(
        self, title: str, progress: Progress, check: Callable[[], None]
    ) -> Iterator[tuple[int, Frame]]:
        reader = FrameReader(self.facts, start=self.reader.start, end=self.reader.end)
        progress.begin(title, reader.expected, "frames")
        started = time.perf_counter()
        try:
            for number, frame in enumerate(reader):
                check()
                yield number, frame
                speed = (number + 1) / (time.perf_counter() - started)
                progress.advance(1, {"frames_per_second": speed})
        finally:
            progress.end()

    def _notices(self, track: ColourTrack) -> list[str]:
        said = [
            *self._contradictions[:_NAMED],
            *self._positions(track),
        ]
        used = zip(self.paths, track.used, strict=True)
        unused = [path for path, share in used if share < _UNUSED]
        if unused:
            names = ", ".join(path.name for path in unused[:_NAMED])
            more = f" and {len(unused) - _NAMED} more" if len(unused) > _NAMED else ""
            said.append(f"next to no colours were taken from {names}{more}")
        share, frame = min(zip(track.known, track.anchors, strict=True))
        if share < _WELL_KNOWN:
            said.append(
                f"a reference would help most at frame {frame}: the colours of {share:.0%} of it are known"
            )
        return said

    def _positions(self, track: ColourTrack) -> list[str]:
        """Which frames are references."""
        said = [
            f"frame {frame} is the reference {self.paths[number].name}"
            for frame, number in list(track.own.items())[:_NAMED]
        ]
        if len(track.own) > _NAMED:
            said.append(f"{len(track.own) - _NAMED} more references are frames of it")
        return said


def colouring_of(
    facts: VideoFacts,
    request: RestoreRequest,
    analysis: FilmAnalysis,
    reader: FrameReader,
    target: Path,
    search: ReferenceSearch | None = None,
) -> FilmColouring | None:
    """What colours a film; None where no colours are asked for."""
    listed = any(shot.references for shot in analysis.shots.shots)
    if not request.references and not listed:
        return None
    return FilmColouring(
        facts=facts,
        request=request,
        analysis=analysis,
        reader=reader,
        target=target,
        search=search,
    )
