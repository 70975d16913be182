"""The plan of a film: everything that its pieces depend on, decided before the first frame and kept beside them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from restorae.errors import Fix, SettingsConflict
from restorae.files import write_text
from restorae.film.analysis import ANALYSIS
from restorae.film.colour.track import remove_colours
from restorae.formats.video import Encoding, VideoFacts, read_times, times_path
from restorae.formats.video.numbered_frames import UNFINISHED

FRAMES = 64
"""Frames of a piece: what a stopped run loses at most."""
_ENDS = 2**20
_COMPANIONS = ("map", "compare")
_PLAN, _DONE = "plan.json", "done.json"


@dataclass(frozen=True, kw_only=True)
class FilmPlan:
    """What a film's pieces depend on."""

    source: Mapping[str, Any]
    """Size, time of change and checksum of both ends of the file."""
    settings: Mapping[str, Any]
    """What was asked for."""
    restorer: Mapping[str, str]
    """Name and checksum of what restores."""
    encoding: Mapping[str, Any]
    """With what the frames are encoded."""
    tile: int
    """Side of a tile."""
    frames: int = FRAMES
    """Frames of a piece."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """Versions and precision: with others the last digits may differ."""

    @classmethod
    def make(
        cls,
        facts: VideoFacts,
        settings: Mapping[str, Any],
        restorer: Mapping[str, str],
        encoding: Encoding,
        tile: int,
        machine: Mapping[str, Any],
    ) -> FilmPlan:
        """The plan for a film."""
        source = asdict(facts.stamp)
        if facts.frames is None:
            source["sha256_of_ends"] = _digest_of_ends(facts.path)
        made = cls(
            source=source,
            settings=settings,
            restorer=restorer,
            encoding=asdict(encoding),
            tile=tile,
            machine=machine,
        )
        return cls(**json.loads(json.dumps(asdict(made))))  # as it is read back

    def save(self, folder: Path) -> None:
        """Write it into the folder of the pieces."""
        write_text(folder / _PLAN, json.dumps(asdict(self), indent=2))


def saved_plan(folder: Path) -> FilmPlan | None:
    """The plan of a stopped run; None where there is none."""
    path = folder / _PLAN
    try:
        return FilmPlan(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def check_same(new: FilmPlan, old: FilmPlan, folder: Path) -> list[str]:
    """Refuse to mix pieces of two plans; the notices where only the machine differs.

    Raises:
        SettingsConflict: source, settings, model or encoding are others.
    """
    for name in ("source", "settings", "restorer", "encoding", "frames"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            differing = (
                [key for key in now if before.get(key) != now[key]] if name != "frames" else []
            )
            what = f" ({', '.join(differing)})" if differing else ""
            raise SettingsConflict(
                f"{folder.name} was begun with another {name}{what}, so {{}} is not possible",
                settings=("resume",),
                fix=Fix("overwrite"),
            )
    changed = [key for key, value in new.machine.items() if old.machine.get(key) != value]
    return [
        f"its first pieces were made with another {key} ({old.machine.get(key)}, now {new.machine[key]}); the last digits of "
        "values may differ"
        for key in changed
    ]


def piece_path(folder: Path, number: int) -> Path:
    """The file of a piece."""
    return folder / f"{number:06d}.nut"


def folder_of_companion(folder: Path, name: str) -> Path:
    """The folder of the pieces of a film that is written beside another, in that of the other's pieces."""
    assert name in _COMPANIONS
    return folder / name


def complete_pieces(folder: Path) -> list[Path]:
    """The pieces that are complete, from the first on without a gap."""
    found: list[Path] = []
    while read_times(path := piece_path(folder, len(found))) is not None:
        found.append(path)
    return found


def frames_in(pieces: Iterable[Path]) -> int:
    """Frames of complete pieces."""
    found = map(read_times, pieces)
    return sum(len(times.stamps) for times in found if times is not None)


def mark_done(folder: Path, notices: list[str], is_damaged: bool) -> None:
    """Note that all pieces are complete, and what was noticed while the film was read."""
    write_text(folder / _DONE, json.dumps({"notices": notices, "is_damaged": is_damaged}))


def read_done(folder: Path) -> tuple[list[str], bool] | None:
    """What `mark_done` noted; None where pieces are missing."""
    path = folder / _DONE
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["notices"], found["is_damaged"]


def remove_pieces(folder: Path) -> None:
    """Remove pieces and what belongs to them; a folder that holds anything else stays."""
    if not folder.is_dir():
        return
    for name in _COMPANIONS:
        remove_pieces(folder / name)
    remove_colours(folder)
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    for path in [*folder.glob("*.nut"), *folder.glob("*.json"), *folder.glob(".*.partial*")]:
        if path.stem.isdigit() or path.name in (_PLAN, _DONE, ANALYSIS) or ".partial" in path.name:
            times_path(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _digest_of_ends(path: Path) -> str:
    """SHA-256 of the first and the last MiB: a whole film takes long to read."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        digest.update(handle.read(_ENDS))
        handle.seek(max(0, path.stat().st_size - _ENDS))
        digest.update(handle.read(_ENDS))
    return digest.hexdigest()
