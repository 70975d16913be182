"""References are looked for among a film's frames, in the same reading of the film in which it is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from restorae.colouring.contradictions import Sketch
from restorae.colouring.in_colour import colour_spread, require_grey
from restorae.colouring.matching import ReferenceCells
from restorae.colouring.references import find_references, read_reference
from restorae.colouring.sizes import working_size
from restorae.errors import BadImage
from restorae.film.colour.carrying import working_luma
from restorae.film.colour.own_frames import OwnFrameFinder
from restorae.film.colour.planes import ColourPlanes
from restorae.film.colour.track import colours_folder, saved_track
from restorae.film.cut_list import read_cuts
from restorae.formats.video import Frame, VideoFacts
from restorae.restoring.request import RestoreRequest

_LOOKED_AT = 24
"""Every so many frames it is looked whether the film is in colour."""


def search_for(
    facts: VideoFacts,
    request: RestoreRequest,
    cuts: Path | None,
    resumed: Path | None = None,
    *,
    check: Callable[[], None],
) -> ReferenceSearch | None:
    """What looks for references while a film is measured; None where there are none, or none are looked for.

    Args:
        facts: of the film.
        request: with references.
        cuts: the list of shots, which may name references, too.
        resumed: folder of a run that goes on: it may have found all colours.
        check: called before each reference; raises to stop.

    Raises:
        BadImage: a reference cannot be used, or the film has no room for colours.
        UsageError: there are no references in a folder.
        BadSpec: the list has errors.
    """
    if resumed is not None and saved_track(colours_folder(resumed)) is not None:
        return None
    listed = read_cuts(cuts).shots if cuts is not None and cuts.exists() else ()
    given = [request.references, *(map(Path, shot.references) for shot in listed)]
    paths = dict.fromkeys(path for each in given for path in find_references(list(each)))
    if not paths:
        return None
    planes = ColourPlanes(facts)
    return ReferenceSearch(list(paths), planes, recolour=request.recolour, check=check)


class ReferenceSearch:
    """Reads references, and finds out which of them are frames of a film, which it is shown one by one.

    Args:
        paths: of the references.
        planes: of the film.
        recolour: whether the film may be in colour already.
        check: called before each reference; raises to stop.

    Raises:
        BadImage: a reference cannot be used.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        planes: ColourPlanes,
        *,
        recolour: bool,
        check: Callable[[], None],
    ) -> None:
        self.paths, self.planes = list(paths), planes
        self.cells: list[ReferenceCells] = []
        self.sketches: list[Sketch] = []
        self.count = 0
        """Frames that were seen."""
        self._spread: list[float] | None = None if recolour else []
        size = working_size(planes.facts.height, planes.facts.width)
        self._finder = OwnFrameFinder(size, float(planes.facts.pixel_aspect))
        for path in paths:
            check()
            reference = read_reference(path, planes.weights)
            self._finder.add(reference)
            self.cells.append(ReferenceCells.of(reference))
            self.sketches.append(Sketch.of(reference))

    def see(self, frame: Frame) -> None:
        """Look at the next frame."""
        self._finder.see(self.count, working_luma(self.planes.luma(frame.planes)))
        if self._spread is not None and self.count % _LOOKED_AT == 0:
            chroma = self.planes.chroma(frame.planes)
            self._spread.append(0.0 if chroma is None else colour_spread(chroma))
        self.count += 1

    def own(self, of_frame: Callable[[int], Sequence[int]]) -> dict[int, int]:
        """Of each frame that is a reference: its number, when all frames were seen.

        Args:
            of_frame: numbers of the references that a frame may use.

        Raises:
            BadImage: the film has no frames, or is in colour already.
        """
        path = self.planes.facts.path
        require_grey(self._spread or [], path)
        if not self.count:
            raise BadImage("has no frame in the part that was asked for", subject=path)
        return self._finder.found(of_frame)
