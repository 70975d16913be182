"""What is written beside a restored film: the repair map, piece by piece with the film, and a log of its frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from restorae.errors import Fix, SettingsConflict, UsageError
from restorae.files import require_writable, write_text
from restorae.film.frame_restorer import RestoredFrame
from restorae.film.plan import piece_path
from restorae.film.repair_map import map_facts, map_folder
from restorae.film.request import FilmRequest
from restorae.formats.video import CONTAINERS, Encoding, PieceWriter, VideoFacts, read_times
from restorae.restoring.tasks import FileTask


class PairWriter:
    """A piece of the film, and one of its repair map where that is written.

    That of the map is complete first: where the film's is there, so is the map's.

    Args:
        folder: of the pieces.
        number: of the piece.
        facts: of the film.
        encodings: of the film, and of the repair map where there is one.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        *,
        facts: VideoFacts,
        encodings: tuple[Encoding, Encoding | None],
    ) -> None:
        encoding, as_map = encodings
        self.count = 0
        self._map: PieceWriter | None = None
        if as_map is not None:
            of_map = map_folder(folder)
            of_map.mkdir(exist_ok=True)
            self._map = PieceWriter(piece_path(of_map, number), map_facts(facts), encoding=as_map)
        self._film = PieceWriter(piece_path(folder, number), facts, encoding=encoding)

    def put(self, restored: RestoredFrame) -> None:
        """Encode the next frame."""
        frame = restored.frame
        if self._map is not None:
            assert restored.repairs is not None
            self._map.put([restored.repairs], frame.stamp, frame.duration)
        self._film.put(restored.planes, frame.stamp, frame.duration, record=restored.record)
        self.count += 1

    def finish(self) -> None:
        """Write the piece, whole or not at all."""
        if self._map is not None:
            self._map.finish()
        self._film.finish()

    def drop(self) -> None:
        """Give the piece up."""
        if self._map is not None:
            self._map.drop()
        self._film.drop()


def write_frame_log(pieces: Sequence[Path], target: Path, facts: VideoFacts) -> None:
    """A line of JSON for each frame of the pieces: its time in seconds from the film's first frame, and its record.

    Raises:
        OutputError: it cannot be written.
    """
    lines = []
    for piece in pieces:
        times = read_times(piece)
        assert times is not None
        for stamp, record in zip(times.stamps, times.records, strict=True):
            lines.append(json.dumps({"seconds": float(facts.seconds(stamp)), **record}))
    write_text(target, "".join(f"{line}\n" for line in lines))


def check_extra_outputs(tasks: Sequence[FileTask], film: FilmRequest) -> None:
    """Check that what is written beside a film has a place of its own.

    Raises:
        UsageError: several films would write one file, it would replace a film, or its name is not one of a film.
        OutputError: it cannot be written there.
    """
    for setting, path in (("repair_map", film.repair_map), ("frame_log", film.frame_log)):
        if path is None:
            continue
        if len(tasks) > 1:
            raise SettingsConflict("{} is for a single film", settings=(setting,))
        if setting == "repair_map" and path.suffix.lower() not in CONTAINERS:
            raise UsageError(
                f"is not a name for a film. Expected one that ends in {', '.join(CONTAINERS)}",
                subject=path,
                fix=Fix(setting, action="change"),
            )
        taken = {each.resolve() for task in tasks for each in (task.source, task.target)}
        if path.resolve() in taken:
            raise UsageError("is the film itself", subject=path, fix=Fix(setting, action="change"))
        require_writable(path.parent)
