"""A film's shots as a small text file (TOML) that a person can edit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from restorae.errors import BadImage, BadSpec, nearest
from restorae.files import write_text
from restorae.film.shots import Shot, Shots
from restorae.formats.original import cannot_read

_KNOWN = tuple(field.name for field in fields(Shot))
_HEADING = """\
# Shots of {name}. A shot begins at its frame `first`, counted from 0 at the first frame of the film, and ends
# where the next one begins. Settings that hold for one shot alone may follow it:
#   model = "photo-denoiser"    strength = 0.8    deflicker = 0.0    references = ["still.png"]
"""


def write_cuts(
    path: Path, film: Path, shots: Shots, *, offset: int, times: Sequence[Fraction]
) -> None:
    """Write the shots of a film.

    Args:
        path: the file to write; what is there is replaced.
        film: for the heading.
        shots: of the part that is restored.
        offset: frames of the film before that part.
        times: when the film's frames are shown, in seconds from the first; may be fewer than frames.

    Raises:
        OutputError: it cannot be written.
    """
    lines = [_HEADING.format(name=film.name)]
    for shot in shots.shots:
        first = shot.first + offset
        when = f"   # {_clock(times[first])}" if first < len(times) else ""
        lines.append(f"[[shot]]\nfirst = {first}{when}")
        if shot.model is not None:
            lines.append(f"model = {_quoted(shot.model)}")
        for name in ("strength", "deflicker"):
            if (value := getattr(shot, name)) is not None:
                lines.append(f"{name} = {float(value)}")
        if shot.references:
            lines.append(f"references = [{', '.join(map(_quoted, shot.references))}]")
        lines.append("")
    write_text(path, "\n".join(lines))


def read_cuts(path: Path) -> Shots:
    """The shots that a file lists; `first` counts from the film's first frame, and frames before the first shot belong to it.

    Raises:
        BadImage: it cannot be read.
        BadSpec: it is no such list; the line is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = tomllib.loads(text)
    except OSError as error:
        raise cannot_read(path, error) from None
    except UnicodeDecodeError:
        raise BadImage("is not a list of shots: it is not text in UTF-8", subject=path) from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        problem = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise _bad(path, line, f"is not TOML: {problem}") from None
    for name in found:
        if name != "shot":
            raise _bad(path, _line(text, None, name), f"unknown name {nearest(name, ['shot'])}")
    entries = found.get("shot")
    if (
        not isinstance(entries, list)
        or not entries
        or not all(isinstance(e, dict) for e in entries)
    ):
        raise _bad(path, 1, "no shot is listed. Expected [[shot]], and below it first = 0")
    shots: list[Shot] = []
    for number, entry in enumerate(entries):
        shot = _shot(entry, path, partial(_line, text, number))
        if shots and shot.first <= shots[-1].first:
            raise _bad(
                path,
                _line(text, number, "first"),
                f"frame {shot.first} does not come after frame {shots[-1].first} of the shot before",
            )
        shots.append(shot)
    return Shots(tuple(shots))


def part_of(listed: Shots, *, offset: int, count: int) -> Shots:
    """The listed shots in a part of the film, counted from its first frame.

    Args:
        listed: as `read_cuts` returns them.
        offset: frames of the film before the part.
        count: frames of the part.
    """
    kept = [
        replace(shot, first=max(0, shot.first - offset))
        for shot, following in zip(listed.shots, [*listed.shots[1:], None], strict=True)
        if shot.first < offset + count and (following is None or following.first > offset)
    ]
    if not kept:
        kept = [replace(listed.shots[0], first=0)]
    return Shots((replace(kept[0], first=0), *kept[1:]))


def check_length(path: Path, listed: Shots, frames: int) -> None:
    """Refuse a list with a shot that begins behind the last of the film's `frames`.

    Raises:
        BadSpec: there is one; the line is named.
    """
    for number, shot in enumerate(listed.shots):
        if shot.first >= frames:
            line = _line(path.read_text(encoding="utf-8-sig"), number, "first")
            raise _bad(path, line, f"there is no frame {shot.first}: the film has {frames} frames")


def _shot(entry: dict[str, Any], path: Path, line: Callable[[str], int]) -> Shot:
    for name in entry:
        if name not in _KNOWN:
            raise _bad(path, line(name), f"unknown setting {nearest(name, _KNOWN)}")
    first = entry.get("first")
    if not isinstance(first, int) or isinstance(first, bool) or first < 0:
        raise _bad(path, line("first"), "first must be the number of a frame, from 0")
    if not isinstance(entry.get("model", ""), str):
        raise _bad(path, line("model"), "model must be a name in quotation marks")
    for name in ("strength", "deflicker"):
        value = entry.get(name, 0)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise _bad(path, line(name), f"{name} must be a number from 0 to 1")
    references = entry.get("references", [])
    if not isinstance(references, list) or not all(isinstance(each, str) for each in references):
        raise _bad(
            path, line("references"), "references must be a list of names in quotation marks"
        )
    # names of files count from the folder of the list
    found = tuple(str(path.parent / each) for each in references)
    return Shot(**entry | {"references": found})


def _line(text: str, number: int | None, name: str) -> int:
    """The line of a name, counted from 1: within the shot of that number, whose heading it is if the name is not there."""
    heading, seen = 1, -1
    for at, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[\[\s*shot\s*\]\]", line):
            seen, heading = seen + 1, at if number in (None, seen + 1) else heading
        if number in (None, seen) and re.match(rf"\s*\[*\s*[\"']?{re.escape(name)}\b", line):
            return at
    return heading


def _bad(path: Path, line: int, problem: str) -> BadSpec:
    return BadSpec(f"line {line}: {problem}", subject=path)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _clock(seconds: Fraction) -> str:
    minutes, rest = divmod(float(seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:06.3f}"
