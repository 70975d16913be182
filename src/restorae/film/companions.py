"""Films that are written piece by piece with the restored one: the repair map, and the comparison side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from restorae.film.frame_restorer import RestoredFrame
from restorae.film.piece_writing import Track
from restorae.film.plan import complete_pieces, folder_of_companion
from restorae.film.request import FilmRequest
from restorae.formats.video import CONTAINERS, Cut, VideoFacts, choose_encoding, join_pieces
from restorae.formats.video.layout import layout_of
from restorae.restoring.request import RestoreRequest

_FULL_RANGE = 2


@dataclass(frozen=True, kw_only=True)
class Companion(Track):
    """A film beside the restored one."""

    target: Path
    """Where it goes."""
    is_silent: bool
    """Whether the source's sound and other streams are left out."""


def companions(
    folder: Path, facts: VideoFacts, film: FilmRequest, request: RestoreRequest
) -> list[Companion]:
    """The films that were asked for beside the restored one.

    Args:
        folder: of the pieces.
        facts: of the source.
        film: what was asked for.
        request: how frames are restored.

    Raises:
        UsageError: no codec suits one of them.
    """
    found = []
    if film.repair_map is not None:
        found.append(_repair_map(folder_of_companion(folder, "map"), facts, film.repair_map))
    if film.compare is not None:
        track_folder = folder_of_companion(folder, "compare")
        found.append(_comparison(track_folder, facts, film.compare, film, request))
    return found


def join_companions(found: Iterable[Companion], count: int, cut: Cut) -> None:
    """Write the films of the first `count` pieces.

    Raises:
        OutputError: one cannot be written.
    """
    for each in found:
        pieces = complete_pieces(each.folder)[:count]
        container = CONTAINERS[each.target.suffix.lower()]
        join_pieces(pieces, each.target, container, each.facts, cut, alone=each.is_silent)


def _repair_map(folder: Path, facts: VideoFacts, target: Path) -> Companion:
    """Where a film cleaner found damage: grey frames, without loss."""
    layout = layout_of("gray", _FULL_RANGE)
    as_map = replace(
        facts, layout=layout, codec="ffv1", colors=replace(facts.colors, range=_FULL_RANGE)
    )
    encoding = choose_encoding(as_map, CONTAINERS[target.suffix.lower()], lossless=True)

    def shown(restored: RestoredFrame) -> Sequence[np.ndarray]:
        assert restored.repairs is not None
        return [restored.repairs]

    return Companion(
        folder=folder,
        facts=as_map,
        encoding=encoding,
        planes=shown,
        target=target,
        is_silent=True,
    )


def _comparison(
    folder: Path, facts: VideoFacts, target: Path, film: FilmRequest, request: RestoreRequest
) -> Companion:
    """Each frame as it was read, left, and restored, right."""
    # the right one begins where a chroma value does
    step = facts.layout.chroma_step
    left = -(-facts.width // step) * step
    side_by_side = replace(facts, width=left + facts.width)
    encoding = choose_encoding(
        side_by_side,
        CONTAINERS[target.suffix.lower()],
        codec=film.codec,
        quality=request.quality,
        lossless=film.lossless,
    )

    grey = 2 ** (facts.layout.bits - 1)

    def shown(restored: RestoredFrame) -> Sequence[np.ndarray]:
        pairs = zip_longest(restored.frame.as_read, restored.planes)
        return [
            # a grey film that was coloured had no chroma
            _beside(
                np.full_like(after, grey) if before is None else before, after, left, facts.width
            )
            for before, after in pairs
        ]

    return Companion(
        folder=folder,
        facts=side_by_side,
        encoding=encoding,
        planes=shown,
        target=target,
        is_silent=False,
    )


def _beside(before: np.ndarray, after: np.ndarray, left: int, width: int) -> np.ndarray:
    missing = left - width if before.shape[1] == width else 0
    return np.concatenate([np.pad(before, ((0, 0), (0, missing)), "edge"), after], axis=1)
