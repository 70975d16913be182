"""Which frames of a film to colour by hand: where references help most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restorae.colouring.features import describe
from restorae.colouring.matching import signature_of
from restorae.errors import BadImage, UsageError
from restorae.film.analysis import FilmAnalysis
from restorae.film.colour.carrying import prepare
from restorae.film.colour.planes import ColourPlanes
from restorae.formats import write_still
from restorae.formats.video import FrameReader, VideoFacts
from restorae.progress import SILENT, Progress

MOST = 500
"""Frames that are suggested at most."""
_COMPARED = 3000
"""Frames that are compared at most, evenly spread."""
_SAME_SHOT = 0.4
"""Distance of two frames of a shot over that of frames that look as different and are of different shots."""
_PER_FRAME = 0.004
"""What a frame of time adds to the distance within a shot: colours that are carried far get lost."""
_EMPTY = 0.02
"""Standard deviation of luma up to which a frame shows nothing that could be coloured."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A frame to colour."""

    frame: int
    """Counted from 0."""
    serves: float
    """Share of the film to which it is the nearest of all that are suggested."""
    path: Path
    """Where it was written."""


def suggest_frames(
    facts: VideoFacts,
    analysis: FilmAnalysis,
    folder: Path,
    *,
    count: int,
    progress: Progress = SILENT,
    check: Callable[[], None] = lambda: None,
) -> list[Suggestion]:
    """Write the frames of a film that are to be coloured first, as grey PNG files, the most useful first.

    Each next one is the frame that brings the frames of the film nearest to their references, all together (greedy facility
    location). Frames of one shot are near each other, since colours are carried along it.

    Args:
        facts: of the film.
        analysis: its shots.
        folder: where files are written; it is made.
        count: how many, at most `MOST`.
        progress: hears of each frame.
        check: called before each frame; raises to stop.

    Raises:
        UsageError: so many are not suggested.
        BadImage: the film shows nothing.
        OutputError: a file cannot be written.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"{count} frames cannot be suggested: expected 1 to {MOST}")
    planes = ColourPlanes(facts)
    every = -(-facts.packets // _COMPARED)
    numbers, vectors = [], []
    progress.begin("Comparing", facts.packets, "frames")
    try:
        for number, frame in enumerate(FrameReader(facts)):
            check()
            progress.advance(1)
            if number % every:
                continue
            luma = prepare(planes.luma(frame.planes))[0]
            if luma.std() > _EMPTY:
                numbers.append(number)
                vectors.append(signature_of(describe(luma)))
    finally:
        progress.end()
    if not numbers:
        raise BadImage("shows nothing that could be coloured", subject=facts.path)
    shots = [analysis.shots.index(number) for number in numbers]
    chosen = spread(distances(torch.stack(vectors), numbers, shots), count)
    wanted = {numbers[index]: share for index, share in chosen}
    written = _write(facts, planes, folder, wanted)
    return [
        Suggestion(frame=frame, serves=share, path=written[frame])
        for frame, share in wanted.items()
    ]


def distances(vectors: Tensor, numbers: list[int], shots: list[int]) -> Tensor:
    """How far apart frames are as references of each other, (frames, frames).

    Args:
        vectors: what each looks like.
        numbers: of the frames.
        shots: the shot of each.
    """
    looks = torch.cdist(vectors, vectors) / vectors.shape[1] ** 0.5
    of, at = torch.tensor(shots), torch.tensor(numbers, dtype=torch.float32)
    is_same = of[:, None] == of[None]
    apart = _PER_FRAME * (at[:, None] - at[None]).abs() * float(looks.mean())
    return torch.where(is_same, (_SAME_SHOT * looks + apart).minimum(looks), looks)


def spread(apart: Tensor, count: int) -> list[tuple[int, float]]:
    """Indices of the frames that serve all best, the most useful first, and the share of frames that each serves.

    >>> positions = torch.tensor([0.0, 1, 2, 50, 51])
    >>> spread((positions[:, None] - positions).abs(), 2)
    [(2, 0.6), (3, 0.4)]
    """
    nearest = torch.full((len(apart),), float("inf"))
    chosen: list[int] = []
    for _ in range(min(count, len(apart))):
        totals = apart.minimum(nearest[:, None]).sum(0)
        totals[chosen] = float("inf")
        chosen.append(int(totals.argmin()))
        nearest = nearest.minimum(apart[:, chosen[-1]])
    served = apart[:, chosen].argmin(1).bincount(minlength=len(chosen)) / len(apart)
    return [(index, round(share, 4)) for index, share in zip(chosen, served.tolist(), strict=True)]


def _write(
    facts: VideoFacts, planes: ColourPlanes, folder: Path, wanted: dict[int, float]
) -> dict[int, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for number, frame in enumerate(FrameReader(facts)):
        if number in wanted:
            luma = np.clip(planes.luma(frame.planes), 0, 1)
            deep = facts.layout.bits > 8
            most = 65535 if deep else 255
            path = folder / f"{facts.path.stem}-{number:06d}.png"
            write_still(path, np.rint(luma * most).astype(np.uint16 if deep else np.uint8))
            written[number] = path
        if len(written) == len(wanted):
            break
    return written
