"""Old films made of new ones: every frame is degraded, sound and time stamps stay."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restorae.degradations import Degradation
from restorae.degradations.on_clips import ClipDegrader, degrader_of_clip
from restorae.errors import BadImage
from restorae.files import written_whole
from restorae.film.delivery import deliver, encoding_for
from restorae.film.frame_restorer import RestoredFrame
from restorae.film.piece_writing import Track, write_pieces
from restorae.film.plan import complete_pieces
from restorae.film.planes import Planes
from restorae.film.tasks import pieces_of
from restorae.formats.video import (
    Cut,
    FrameReader,
    VideoFacts,
    read_facts,
)
from restorae.formats.video.layout import plane_array
from restorae.formats.video.library import import_av
from restorae.formats.video.pieces import describe_pixels
from restorae.names import names_frames
from restorae.progress import SILENT, Progress
from restorae.randomness import derive_seed
from restorae.restoring.tasks import FileTask

_DEEP = "gbrp16le"
_ORDER = (2, 0, 1)
"""Planes of red, green and blue in FFmpeg's planar layout."""


@dataclass(frozen=True, kw_only=True)
class DegradedFilm:
    """What became of a film."""

    target: Path
    """The degraded film."""
    frames: int
    """Its number of frames."""
    record: Path
    """A JSON file beside it: the degradation, the seed, and what was drawn."""
    notices: tuple[str, ...]
    """What the person should know."""


def degrade_film(
    task: FileTask,
    degradation: Degradation,
    seed: int,
    *,
    quality: int | None = None,
    lossless: bool = False,
    progress: Progress = SILENT,
) -> DegradedFilm:
    """Degrade a film, its damage drawn once for all frames.

    Films of luma alone are degraded there. Those in colour are converted to red, green and blue of 16 bits and back by FFmpeg.

    Args:
        task: the film and the file to write.
        degradation: what happens to it.
        seed: all that is random follows from it.
        quality: of the encoding, as for restored films.
        lossless: encode without loss.
        progress: hears of each frame.

    Raises:
        InputError: the film cannot be read.
        OutputError: the result cannot be written.
        MissingExtra: PyAV is not installed.
    """
    facts = read_facts(task.source)
    encoding = encoding_for(task.target, facts, quality=quality, lossless=lossless)
    steps = degrader_of_clip(degradation, seed, facts.height, facts.width)
    is_grey = bool(getattr(degradation, "grey", False))
    change = (
        _on_luma(facts, steps) if _has_luma_alone(facts) or is_grey else _on_colours(facts, steps)
    )
    reader = FrameReader(facts)
    beside = pieces_of(task)
    folder = Path(tempfile.mkdtemp(prefix=f".{beside.name}.", dir=beside.parent))

    def degraded() -> Iterator[RestoredFrame]:
        for frame in reader:
            yield RestoredFrame(frame=frame, planes=change(frame.planes), record={})
            progress.advance(1, {})

    progress.begin("Degrading", reader.expected, "frames")
    try:
        write_pieces(degraded(), [Track(folder=folder, facts=facts, encoding=encoding)])
        pieces = complete_pieces(folder)
        if not pieces:
            raise BadImage("has no frame", subject=facts.path)
        delivered = deliver(pieces, task.target, facts, Cut(start=Fraction(0)), folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        progress.end()
    record = _record(task.target, degradation, seed, steps)
    return DegradedFilm(
        target=task.target,
        frames=reader.read,
        record=record,
        notices=(*facts.notices, *reader.notices, *delivered.notices),
    )


def film_seed(seed: int, index: int) -> int:
    """The seed of the film with that index in a run."""
    return derive_seed(seed, index)


def record_of(film: Path) -> Path:
    """The file that says how a film was degraded."""
    of_frames = names_frames(film)
    place = film.parent if of_frames else film
    return place.with_name(f"{place.name}.json")


def _record(film: Path, degradation: Degradation, seed: int, steps: ClipDegrader) -> Path:
    path = record_of(film)
    facts = {"degradation": str(degradation), "seed": seed, "drawn": steps.drawn}
    with written_whole(path) as partial:
        partial.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return path


def _has_luma_alone(facts: VideoFacts) -> bool:
    return not facts.layout.is_rgb and facts.layout.name.startswith("gray")


def _on_luma(facts: VideoFacts, steps: ClipDegrader) -> Callable[[Planes], list[np.ndarray]]:
    """Degrade luma; chroma, where there is any, becomes neutral."""
    layout = facts.layout

    def change(planes: Planes) -> list[np.ndarray]:
        working = torch.from_numpy(layout.to_working(planes)).permute(2, 0, 1)[None]
        degraded = steps.degrade(working.contiguous())[0].permute(1, 2, 0).numpy()
        neutral = 2 ** (layout.bits - 1)
        without_colour = [
            np.full_like(plane, neutral) if 0 < number < 3 else plane
            for number, plane in enumerate(planes)
        ]
        return layout.with_working(without_colour, degraded)

    return change


def _on_colours(facts: VideoFacts, steps: ClipDegrader) -> Callable[[Planes], list[np.ndarray]]:
    """Degrade red, green and blue."""
    av, layout = import_av(), facts.layout

    def change(planes: Planes) -> list[np.ndarray]:
        frame = _filled(av, facts, layout.name, planes, layout.dtype)
        deep = frame.reformat(format=_DEEP)
        stored = [plane_array(plane, np.dtype(np.uint16)) for plane in deep.planes]
        working = torch.from_numpy(
            np.stack([stored[index] for index in _ORDER]).astype(np.float32) / np.float32(65535)
        )
        degraded = steps.degrade(working[None])[0].clamp(0, 1).numpy()
        values = np.rint(degraded * np.float32(65535)).astype(np.uint16)
        red, green, blue = values
        back = _filled(av, facts, _DEEP, (green, blue, red), np.dtype(np.uint16))
        back.color_range = 2
        result = back.reformat(
            format=layout.name,
            dst_colorspace=facts.colors.matrix,
            dst_color_range=2 if layout.is_full or layout.is_rgb else 1,
        )
        changed = [plane_array(plane, layout.dtype) for plane in result.planes]
        return [*changed[:3], *planes[3:]]

    return change


def _filled(av: Any, facts: VideoFacts, name: str, planes: Planes, dtype: np.dtype) -> Any:
    frame = av.VideoFrame(facts.width, facts.height, name)
    for plane, values in zip(frame.planes, planes, strict=True):
        plane_array(plane, dtype)[:] = values
    describe_pixels(frame, facts)
    return frame
