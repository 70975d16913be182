"""What a film would become: for each shot the frames that are damaged most, before and after, with what is repaired."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from restorae.colouring.sizes import resize
from restorae.film.analysis import FilmAnalysis, corrected
from restorae.film.colour.coloured_frames import CopiedFrames
from restorae.film.colour.colouring import FilmColouring, colouring_of
from restorae.film.colour.looking import search_for
from restorae.film.frame_restorer import RestoredFrame
from restorae.film.measuring import measure_film
from restorae.film.per_shot import ShotRestorer
from restorae.film.request import FilmRequest
from restorae.film.stack import REACH
from restorae.formats.video import Frame, FrameReader, VideoFacts, read_facts
from restorae.progress import SILENT, Progress
from restorae.restoring.model_choice import FILMS
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.shapes import Image

_TRIED = 4
"""Of so many times as many frames of a shot, evenly spread, the worst are shown."""
_SHOWN_PX = 480, 640
"""Height and width of what is shown of a frame: where most was repaired."""
_STEP_PX = 16
_AMPLIFIED = 5
"""By how much a change is amplified where there is no repair map."""


@dataclass(frozen=True, kw_only=True)
class ShotPreview:
    """A shot's worst frames."""

    number: int
    """Of the shot, from 1."""
    rows: list[tuple[str, tuple[Image, Image, Image]]]
    """What each frame is, the worst first; it before, after, and what is repaired (white)."""


def preview_film(
    source: Path,
    request: RestoreRequest,
    film: FilmRequest = FilmRequest(),
    restorers: RestorerPool | None = None,
    *,
    count: int = 3,
    progress: Progress = SILENT,
    check: Callable[[], None] = lambda: None,
) -> Iterator[ShotPreview]:
    """Restore a few frames of each shot, as they will be restored with the film; no film is written.

    Args:
        source: the film, or the pattern of numbered frames.
        request: how frames are restored.
        film: how the film is read; its list of shots is read or written.
        restorers: where restorers come from.
        count: frames of each shot.
        progress: hears of each frame.
        check: called for each frame that is measured; raises to stop.

    Raises:
        InputError: the film cannot be read.
        UsageError: what was asked for does not go together.
    """
    film.check(request)
    restorers = restorers or RestorerPool()
    restorer = restorers.get(request.model or FILMS)
    request.check(restorer.capabilities)
    facts = read_facts(source, film.rate)
    start, end = film.part
    reader = FrameReader(facts, start=start, end=end)
    search = search_for(facts, request, film.cuts, check=check)
    also = search.see if search else None
    analysis = measure_film(facts, film, None, progress=progress, check=check, also=also)
    restoring = ShotRestorer(
        restorer,
        request,
        analysis=analysis,
        restorers=restorers,
        reader=reader,
        tile=request.tile,
    )
    tried = _tried(analysis, count)
    colouring = colouring_of(facts, request, analysis, reader, source, search)
    with tempfile.TemporaryDirectory(prefix="restorae-") as folder:
        chroma: Iterator[np.ndarray | None] = itertools.repeat(None)
        if colouring is not None:
            colouring.look(None, progress=progress, check=check)
            copied = CopiedFrames(analysis, facts.layout)
            frames = colouring.colour(copied, Path(folder), progress=progress, check=check)
            chroma = (each for _, each in frames.chroma(iter(reader), frozenset(tried)))
            for notice in colouring.notices:
                progress.say(notice)
        progress.begin("Restoring samples", len(tried), "frames")
        try:
            restored = _restored(reader, restoring, analysis, tried, progress)
            for shot, group in groupby(
                zip(restored, chroma, strict=False),
                lambda each: analysis.shots.index(each[0].record["frame"]),
            ):
                worst = sorted(group, key=lambda each: _damage(each[0]), reverse=True)[:count]
                rows = [_row(each, facts, _rgb(each, of, colouring)) for each, of in worst]
                yield ShotPreview(number=shot + 1, rows=rows)
        finally:
            progress.end()


def _tried(analysis: FilmAnalysis, count: int) -> list[int]:
    """Frames to restore, evenly spread over each shot."""
    ends = [*analysis.shots.cuts, len(analysis.curves)]
    found: list[int] = []
    for shot, end in zip(analysis.shots.shots, ends, strict=True):
        length = end - shot.first
        wanted = min(length, _TRIED * count)
        found += [shot.first + (2 * each + 1) * length // (2 * wanted) for each in range(wanted)]
    return found


def _restored(
    reader: FrameReader,
    restoring: ShotRestorer,
    analysis: FilmAnalysis,
    tried: list[int],
    progress: Progress,
) -> Iterator[RestoredFrame]:
    """These frames, each restored with those of its shot around it."""
    waiting, recent = list(tried), dict[int, Frame]()
    layout, last = reader.facts.layout, len(analysis.curves) - 1
    for number, frame in enumerate(corrected(iter(reader), analysis, layout)):
        recent[number] = frame
        recent.pop(number - 2 * REACH - 1, None)
        while waiting and number >= min(waiting[0] + REACH, last):
            centre = waiting.pop(0)
            shot = analysis.shots.frame_range(centre)
            near = [each for each in sorted(recent) if abs(each - centre) <= REACH and each in shot]
            yield restoring.restore_one(
                [recent[each] for each in near], near.index(centre), number=centre
            )
            progress.advance(1)


def _damage(restored: RestoredFrame) -> float:
    record = restored.record
    return float(record.get("repaired", record["changed"]))


def _rgb(
    restored: RestoredFrame, chroma: np.ndarray | None, colouring: FilmColouring | None
) -> np.ndarray | None:
    """A restored frame in its colours; None where no colours are asked for."""
    if chroma is None or colouring is None:
        return None
    luma = colouring.planes.luma(restored.planes)
    rgb = colouring.planes.weights.to_rgb(luma, resize(chroma, luma.shape))
    return np.asarray(np.clip(rgb, 0, 1), np.float32)


def _row(
    restored: RestoredFrame, facts: VideoFacts, colours: np.ndarray | None
) -> tuple[str, tuple[Image, Image, Image]]:
    frame, layout = restored.frame, facts.layout
    before, after = layout.to_working(frame.as_read), layout.to_working(restored.planes)
    change = np.abs(after - before).max(-1)
    if restored.repairs is None:
        shown, what = _AMPLIFIED * change, "changed"
    else:
        shown, what = restored.repairs.astype(np.float32) / 255, "repaired"
    rows, columns = _window(change if restored.repairs is None else shown)
    seconds = float(facts.seconds(frame.stamp))
    label = f"frame {restored.record['frame']:,} ({seconds:.2f} s): {_damage(restored):.2%} {what}"
    return label, (
        _image(before[rows, columns]),
        _image((after if colours is None else colours)[rows, columns]),
        _image(shown[rows, columns, None]),
    )


def _window(strength: np.ndarray) -> tuple[slice, slice]:
    """The part of a frame in which most happens."""
    height, width = (min(side, most) for side, most in zip(strength.shape, _SHOWN_PX, strict=True))
    sums = np.pad(strength.cumsum(0, np.float64).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]
    inside = (inside + sums[:-height, :-width])[::_STEP_PX, ::_STEP_PX]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    top, left = int(top) * _STEP_PX, int(left) * _STEP_PX
    return slice(top, top + height), slice(left, left + width)


def _image(values: np.ndarray) -> Image:
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1), np.float32))
