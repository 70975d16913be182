"""What is written beside a restored film: the log of its frames, and checks of all further files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from restorae.errors import Fix, SettingsConflict, UsageError
from restorae.files import require_writable, write_text
from restorae.film.request import FilmRequest
from restorae.formats.video import CONTAINERS, VideoFacts, read_times
from restorae.restoring.tasks import FileTask


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
    taken = {each.resolve() for task in tasks for each in (task.source, task.target)}
    for setting in ("repair_map", "compare", "frame_log"):
        path = getattr(film, setting)
        if path is None:
            continue
        if len(tasks) > 1:
            raise SettingsConflict("{} is for a single film", settings=(setting,))
        if setting != "frame_log" and path.suffix.lower() not in CONTAINERS:
            raise UsageError(
                f"is not a name for a film. Expected one that ends in {', '.join(CONTAINERS)}",
                subject=path,
                fix=Fix(setting, action="change"),
            )
        if path.resolve() in taken:
            raise UsageError(
                "is named twice, or the film itself",
                subject=path,
                fix=Fix(setting, action="change"),
            )
        taken.add(path.resolve())
        require_writable(path.parent)
