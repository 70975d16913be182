"""What is measured in a film before its first frame is restored: shots, and a tone curve against flicker for each frame."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from restorae.files import write_text
from restorae.film.cut_list import part_of
from restorae.film.deflicker import SIGNIFICANT, flicker_of, removable_change
from restorae.film.shot_detection import CutFinder
from restorae.film.shots import Shot, Shots
from restorae.film.tone import KNOTS, Tone, ToneMeter
from restorae.film.weave import Move, moved, moves_against_weave
from restorae.formats.video import Frame, FrameReader, PixelLayout

ANALYSIS = "analysis.json"
"""The file of an analysis in the folder of a film's pieces."""
_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class FilmAnalysis:
    """What was measured in a film, or in the part of it that is restored. Frames are counted from 0 in that part."""

    shots: Shots
    flicker: tuple[float, ...] = ()
    """Of each shot: by how much less its mean brightness changes from frame to frame without flicker, [0, 1] scale."""
    curves: tuple[tuple[float, ...] | None, ...] = ()
    """Of each frame: what is added to its tones at `KNOTS`, [0, 1] scale; None leaves it as it is."""
    moves: tuple[Move | None, ...] = ()
    """Of each frame: by how far it is moved down and to the right, in pixels; None, or no number at all, leaves it there."""

    @property
    def steadied(self) -> tuple[int, ...]:
        """Numbers of the shots whose flicker is removed."""
        return tuple(
            sorted({self.shots.index(at) for at, curve in enumerate(self.curves) if curve})
        )

    def curve(self, frame: int) -> tuple[float, ...] | None:
        """The tone curve of a frame; None leaves it as it is."""
        return self.curves[frame] if frame < len(self.curves) else None

    def move(self, frame: int) -> Move | None:
        """By how far a frame is moved; None leaves it where it is."""
        return self.moves[frame] if frame < len(self.moves) else None

    def save(self, folder: Path) -> None:
        """Write it beside the pieces.

        Raises:
            OutputError: it cannot be written.
        """
        shots = [asdict(shot) for shot in self.shots.shots]
        content = {
            "shots": shots,
            "flicker": self.flicker,
            "curves": self.curves,
            "moves": self.moves,
        }
        write_text(folder / ANALYSIS, json.dumps(content))


def saved_analysis(folder: Path) -> FilmAnalysis | None:
    """The analysis of a stopped run; None where there is none."""
    try:
        found = json.loads((folder / ANALYSIS).read_text(encoding="utf-8"))
        return FilmAnalysis(
            shots=Shots(tuple(Shot(**each) for each in found["shots"])),
            flicker=tuple(found["flicker"]),
            curves=tuple(None if curve is None else tuple(curve) for curve in found["curves"]),
            moves=tuple(None if move is None else (move[0], move[1]) for move in found["moves"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def analyse(
    reader: FrameReader,
    *,
    listed: Shots | None = None,
    deflicker: float | None = None,
    stabilise: bool = False,
    seen: Callable[[Frame], None] = lambda frame: None,
) -> FilmAnalysis:
    """Read a film once and measure it.

    Args:
        reader: of the part that is restored; it is read to its end.
        listed: shots that a person listed, counted in the whole film; None finds them.
        deflicker: share of flicker that is removed, 0 to 1; None removes all of it from shots that clearly flicker.
        stabilise: whether frames are moved so that they do not weave.
        seen: called with each frame; may raise to stop.

    Raises:
        BadImage: as `FrameReader` does.
    """
    finder, meter = CutFinder(), ToneMeter(with_shifts=stabilise)
    tones: list[Tone] = []
    for frame in reader:
        luma = luma_of(frame, reader.facts.layout)
        if listed is None:
            finder.put(luma)
        tones.append(meter.put(luma))
        seen(frame)
    shots = (
        part_of(listed, offset=frames_before(reader), count=len(tones))
        if listed is not None
        else Shots.at(finder.finish())
    )
    decided = _decided(shots, tones, deflicker)
    if not stabilise:
        return decided
    ends = [*shots.cuts, len(tones)]
    height = reader.facts.height
    parts = [
        moves_against_weave([tone.shift for tone in tones[shot.first : end]], height)
        for shot, end in zip(shots.shots, ends, strict=True)
    ]
    return replace(decided, moves=tuple(move for part in parts for move in part))


def _decided(shots: Shots, tones: list[Tone], deflicker: float | None) -> FilmAnalysis:
    flicker: list[float] = []
    curves: list[tuple[float, ...] | None] = []
    for shot, end in zip(shots.shots, [*shots.cuts, len(tones)], strict=True):
        part = tones[shot.first : end]
        found = flicker_of(np.array([tone.change for tone in part]).reshape(-1, len(KNOTS)))
        means = np.array([tone.mean for tone in part])
        after = means + [
            float(tone.shares @ curve) for tone, curve in zip(part, found, strict=True)
        ]
        flicker.append(round(removable_change(means, after), _DIGITS))
        wanted = deflicker if shot.deflicker is None else shot.deflicker
        amount = float(flicker[-1] >= SIGNIFICANT) if wanted is None else wanted
        for curve in np.round(found * amount, _DIGITS):
            curves.append(tuple(curve.tolist()) if amount else None)
    return FilmAnalysis(shots=shots, flicker=tuple(flicker), curves=tuple(curves))


def luma_of(frame: Frame, layout: PixelLayout) -> np.ndarray:
    """A frame's luma, or of RGB its green: float32 (height, width), [0, 1] when clean."""
    return layout.values.to_working(frame.planes[0][..., None])[..., 0]


def frames_before(reader: FrameReader) -> int:
    """Frames of the film before the part that is read."""
    if reader.start is None:
        return 0
    facts = reader.facts
    return sum(facts.seconds(stamp) < reader.start for stamp in facts.stamps)


def corrected(
    frames: Iterator[Frame], analysis: FilmAnalysis, layout: PixelLayout
) -> Iterator[Frame]:
    """The frames moved and with their tone curves applied, one by one; those that stay as they are are the same objects."""
    for number, frame in enumerate(frames):
        curve, move = analysis.curve(number), analysis.move(number)
        if curve is None and move is None:
            yield frame
            continue
        planes = list(frame.planes) if move is None else moved(frame.planes, move, layout)
        if curve is not None:
            table = tone_table(curve, layout)
            for plane in layout.restored:
                planes[plane] = table[planes[plane]]
        yield replace(frame, planes=tuple(planes), uncorrected=frame.planes)


def tone_table(curve: tuple[float, ...], layout: PixelLayout) -> np.ndarray:
    """What each stored value becomes under a tone curve; never falling."""
    stored = np.arange(layout.largest + 1, dtype=layout.dtype)
    working = layout.values.to_working(stored[:, None]).astype(np.float64)
    working += np.interp(working, KNOTS, curve)
    table = layout.values.to_stored(working, layout.dtype)[:, 0]
    return np.minimum(np.maximum.accumulate(table), layout.largest).astype(layout.dtype)
