"""The repair map: where a film cleaner found damage, as a grey film with the time stamps of the restored one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from restorae.formats.video import (
    CONTAINERS,
    Cut,
    Encoding,
    VideoFacts,
    choose_encoding,
    join_pieces,
)
from restorae.formats.video.layout import layout_of

_FOLDER = "map"
_FULL_RANGE = 2


def map_facts(facts: VideoFacts) -> VideoFacts:
    """The facts of the repair map's film: the source's time axis, grey frames of its size."""
    layout = layout_of("gray", _FULL_RANGE)
    return replace(
        facts, layout=layout, codec="ffv1", colors=replace(facts.colors, range=_FULL_RANGE)
    )


def map_encoding(facts: VideoFacts, target: Path) -> Encoding:
    """How the repair map is encoded: without loss.

    Raises:
        UsageError: nothing encodes grey frames without loss in the container of that name.
    """
    return choose_encoding(map_facts(facts), CONTAINERS[target.suffix.lower()], lossless=True)


def map_folder(folder: Path) -> Path:
    """The folder of the repair map's pieces, in that of the film's."""
    return folder / _FOLDER


def join_map(pieces: Sequence[Path], target: Path, facts: VideoFacts, cut: Cut) -> None:
    """Write the repair map; it has no sound.

    Raises:
        OutputError: it cannot be written.
    """
    container = CONTAINERS[target.suffix.lower()]
    join_pieces(pieces, target, container, map_facts(facts), cut, alone=True)
