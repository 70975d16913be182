"""The analysis of a film: measured, or read from a stopped run; and its shots read from or written to a list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from restorae.display import counted
from restorae.errors import Fix, SettingsConflict
from restorae.film.analysis import FilmAnalysis, analyse, frames_before, saved_analysis
from restorae.film.cut_list import check_length, part_of, read_cuts, write_cuts
from restorae.film.plan_facts import facts_of_restorer
from restorae.film.request import FilmRequest
from restorae.formats.video import Frame, FrameReader, VideoFacts
from restorae.names import names_frames
from restorae.progress import Progress
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest


def measure_film(
    facts: VideoFacts,
    film: FilmRequest,
    folder: Path | None,
    *,
    progress: Progress,
    check: Callable[[], None],
    also: Callable[[Frame], None] | None = None,
) -> FilmAnalysis:
    """What is measured before the first frame is restored; a run that goes on reads it from its `folder`.

    Args:
        facts: of the film.
        film: how it is read.
        folder: of a run that goes on.
        progress: hears of each frame.
        check: called for each frame that is read; raises to stop.
        also: called with each frame that is read: what else looks at all of them.

    Raises:
        BadImage: the film cannot be read.
        BadSpec: the list of shots has errors, which are named by their line.
        OutputError: the list of shots cannot be written.
    """
    start, end = film.part
    reader = FrameReader(facts, start=start, end=end)
    listed = read_cuts(film.cuts) if film.cuts is not None and film.cuts.exists() else None
    if listed is not None and film.cuts is not None and not facts.breaks_off:
        check_length(film.cuts, listed, facts.packets)
    saved = None if folder is None else saved_analysis(folder)
    if saved is not None:
        if listed is None or film.cuts is None:
            return saved
        shots = part_of(listed, offset=frames_before(reader), count=len(saved.curves))
        return replace(saved, shots=shots)
    progress.begin("Measuring", reader.expected, "frames")

    started, count = time.perf_counter(), 0

    def seen(frame: Frame) -> None:
        nonlocal count
        check()
        if also is not None:
            also(frame)
        count += 1
        progress.advance(1, {"frames_per_second": count / (time.perf_counter() - started)})

    try:
        found = analyse(
            reader,
            listed=listed,
            deflicker=film.deflicker,
            stabilise=film.stabilise,
            seen=seen,
        )
    finally:
        progress.end()
    if film.cuts is not None and listed is None:
        times = [facts.seconds(stamp) for stamp in facts.stamps]
        write_cuts(film.cuts, facts.path, found.shots, offset=frames_before(reader), times=times)
    return found


def notices_of(analysis: FilmAnalysis) -> list[str]:
    """What the person should know of what was measured."""
    shots, steadied = len(analysis.shots.shots), analysis.steadied
    said = [f"{shots} shots"] if shots > 1 else []
    if steadied:
        most = max(analysis.flicker[number] for number in steadied)
        where = f" in {len(steadied)} of {shots} shots" if shots > 1 else ""
        said.append(
            f"flicker was removed{where}: from frame to frame up to {most:.2%} of full brightness"
        )
    moves = [max(map(abs, move)) for move in analysis.moves if move is not None]
    if moves:
        said.append(
            f"weave was removed: {counted(len(moves), 'frame')} moved by up to {max(moves):.1f} px; at the borders pixels are repeated"
        )
    return said


def facts_of_shots(
    analysis: FilmAnalysis, request: RestoreRequest, restorers: RestorerPool
) -> dict[str, Any]:
    """For the plan: the shots, and the checksums of their own models.

    Raises:
        InputError: there is no such model.
        SettingsConflict: it cannot do what was asked for.
    """
    found = []
    for shot in analysis.shots.shots:
        own: dict[str, Any] = asdict(shot)
        if shot.model is not None:
            restorer = restorers.get(shot.model)
            request.check(restorer.capabilities)
            own |= facts_of_restorer(restorer)
        found.append(own)
    return {"shots": found}


def check_films(film: FilmRequest, sources: Sequence[Path]) -> None:
    """Refuse one list of shots for several films, and a frame rate for films that have their own.

    Raises:
        SettingsConflict: as its message says.
    """
    if film.cuts is not None and len(sources) > 1:
        raise SettingsConflict(
            f"{{}} lists the shots of one film, and there are {len(sources)}",
            settings=("cuts",),
            fix=Fix("cuts", action="omit"),
        )
    if film.frame_rate is not None and not any(map(names_frames, sources)):
        raise SettingsConflict(
            "{} is for numbered frames; films have their own",
            settings=("frame_rate",),
            fix=Fix("frame_rate", action="omit"),
        )
