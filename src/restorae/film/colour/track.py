"""The colours of a film's anchor frames, found before the first frame is restored and kept beside the pieces.

Anchors are the first frame of each shot, its last one, every 16th in between, and the frames that are references themselves.
Colours of an anchor come from the nearest such frames of its shot, carried along by optical flow, and from matching it to all
references where the flow is lost. What a frame between two anchors becomes depends on these two alone: a run that goes on
reads them and gives the same result.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from restorae.colouring.matching import Matcher, ReferenceCells
from restorae.colouring.references import KnownColours
from restorae.colouring.upsampling import KNOWN, known_share, to_pixels
from restorae.errors import BadImage
from restorae.files import write_bytes, write_text
from restorae.film.colour.carrying import Colours, Prepared, Step
from restorae.film.colour.fusing import Fuser
from restorae.film.opencv import import_cv2
from restorae.film.shots import Shots

EVERY = 16
"""Frames from one anchor to the next."""
_BACKWARDS = 240
"""Frames that colours are carried back from a reference at most."""
_INDEX = "colours.json"
_FOLDER = "colours"
_STEPS = 255.0
_NEAR_PX = 25
"""Side of the squares, at the working size, in which known colours of a reference are spread to unknown pixels."""
_MATCHED, _MATCHED_ALONE = 0.1, 0.5
"""How much a match counts, at the same trust, beside colours carried from a reference, and beside those of earlier matches."""


def colours_folder(pieces: Path) -> Path:
    """Where the colours of a film's anchors are kept, in the folder of its pieces."""
    return pieces / _FOLDER


@dataclass(kw_only=True)
class ColourTrack:
    """The anchors of a film, and what was found out about its references."""

    folder: Path
    anchors: list[int]
    """Frames, in rising order."""
    own: dict[int, int]
    """Of each frame that is a reference: the number of the reference."""
    used: list[float]
    """Of each reference: share of the film that takes its colours."""
    known: list[float]
    """Of each anchor: share of it whose colours are known."""

    def around(self, frame: int) -> tuple[int, int]:
        """The anchors at or before, and at or after a frame; the last one twice behind the end."""
        index = bisect_left(self.anchors, frame)
        if index == len(self.anchors):
            return self.anchors[-1], self.anchors[-1]
        after = self.anchors[index]
        return (after, after) if after == frame else (self.anchors[index - 1], after)

    def colours(self, anchor: int, luma: np.ndarray) -> Colours:
        """The colours of an anchor, whose luma is at its working size.

        Raises:
            BadImage: its file is broken.
        """
        path = _path(self.folder, anchor)
        stored = import_cv2().imdecode(np.frombuffer(path.read_bytes(), np.uint8), -1)
        if stored is None:
            raise BadImage("is broken", subject=path)
        planes = stored.astype(np.float32) / np.float32(_STEPS)
        planes[..., :2] -= np.float32(128 / _STEPS)
        chroma = np.ascontiguousarray(planes[..., :2])
        return Colours(chroma=chroma, trust=np.ascontiguousarray(planes[..., 2]), luma=luma)

    def save(self) -> None:
        """Note that all anchors are there."""
        content = {"anchors": self.anchors, "own": list(self.own.items()), "used": self.used}
        write_text(self.folder / _INDEX, json.dumps(content | {"known": self.known}))


def saved_track(folder: Path) -> ColourTrack | None:
    """The track of a stopped run; None where it is not complete."""
    try:
        found = json.loads((folder / _INDEX).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    own = {int(frame): int(reference) for frame, reference in found.pop("own")}
    return ColourTrack(folder=folder, own=own, **found)


def remove_colours(pieces: Path) -> None:
    """Remove the colours of a film's anchors."""
    folder = colours_folder(pieces)
    if not folder.is_dir():
        return
    for path in [*folder.glob("*.png"), folder / _INDEX, *folder.glob(".*.partial*")]:
        path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


@dataclass(kw_only=True)
class _Pending:
    """An anchor whose colours may still come from a reference after it."""

    frame: int
    matched: Colours
    """Its luma is the anchor's."""
    forwards: Colours | None
    backwards: Colours | None = None
    is_after_own: bool = False
    """Whether a reference of its shot came before it."""

    def fused(self, fuser: Fuser) -> Colours:
        has_own = self.is_after_own or self.backwards is not None
        return fuser(
            self.matched.luma,
            (self.forwards, self.backwards),
            matched=self.matched,
            weight=_MATCHED if has_own else _MATCHED_ALONE,
        )


@dataclass(kw_only=True)
class _Shot:
    """What is remembered of a shot while its frames are looked at."""

    matcher: Matcher | None
    """None of a shot without references."""
    numbers: list[int]
    """Numbers of the references it may use."""
    state: Colours | None = None
    has_own: bool = False
    """Whether one of its frames so far is a reference."""
    before: Prepared | None = None
    pending: list[_Pending] = field(default_factory=list)
    history: deque[tuple[int, Prepared]] = field(default_factory=lambda: deque(maxlen=_BACKWARDS))


class Tracker:
    """Finds the colours of anchors from a film's frames, which it is shown one by one.

    Args:
        folder: where they are kept.
        references: of the film.
        shots: of the film.
        of_shot: numbers of the references that a shot may use, by the shot's number.
        own: of each frame that is a reference: the number of the reference.
        own_colours: the colours of a reference at its own size, by its number.
        count: frames of the film.
        fuser: weighs colours from several sources.
        step: finds the motion between two frames.
    """

    def __init__(
        self,
        folder: Path,
        references: list[ReferenceCells],
        *,
        shots: Shots,
        of_shot: Callable[[int], list[int]],
        own: dict[int, int],
        own_colours: Callable[[int], KnownColours],
        count: int,
        fuser: Fuser,
        step: Callable[[Prepared, Prepared], Step] = Step.between,
    ) -> None:
        self.references, self.shots, self.of_shot, self.count = references, shots, of_shot, count
        self._own_colours, self._fuser, self._step = own_colours, fuser, step
        self.track = ColourTrack(
            folder=folder, anchors=[], own={}, used=[0.0] * len(references), known=[]
        )
        self._own = own
        self._matchers: dict[tuple[int, ...], Matcher | None] = {}
        self._shot: _Shot | None = None

    def see(self, number: int, luma: np.ndarray, prepared: Prepared) -> None:
        """Look at the next frame: luma at its working size, as it is and prepared for flow."""
        first, last = self._range(number)
        if number == first:
            self._finish_shot()
            self._shot = self._begin(number)
        shot = self._shot
        assert shot is not None
        if shot.state is not None and shot.before is not None:
            shot.state = self._step(shot.before, prepared).forwards(shot.state)
        own = self._own.get(number)
        own = own if own in shot.numbers else None
        if own is not None:
            self._put_own(shot, number, (luma, prepared), own)
        elif (number - first) % EVERY == 0 or number == last:
            matched = self._matched(shot, luma)
            pending = _Pending(
                frame=number, matched=matched, forwards=shot.state, is_after_own=shot.has_own
            )
            shot.pending.append(pending)
            if not shot.has_own:
                shot.state = pending.fused(self._fuser)
        shot.before = prepared
        shot.history.append((number, prepared))

    def finish(self) -> ColourTrack:
        """The track, when all frames were seen."""
        self._finish_shot()
        frames = max(1, len(self.track.anchors))
        self.track.used = [round(share / frames, 5) for share in self.track.used]
        self.track.save()
        return self.track

    def _range(self, number: int) -> tuple[int, int]:
        frames = self.shots.frame_range(number)
        return frames.start, min(frames.stop, self.count) - 1

    def _begin(self, number: int) -> _Shot:
        numbers = self.of_shot(self.shots.index(number))
        key = tuple(numbers)
        if key not in self._matchers:
            used = [self.references[each] for each in numbers]
            self._matchers = {key: Matcher(used) if used else None}
        return _Shot(matcher=self._matchers[key], numbers=numbers)

    def _matched(self, shot: _Shot, luma: np.ndarray) -> Colours:
        if shot.matcher is None:
            nothing = np.zeros((*luma.shape, 2), np.float32)
            return Colours(chroma=nothing, trust=nothing[..., 0], luma=luma)
        found = shot.matcher.match(luma)
        for share, number in zip(found.used.tolist(), shot.numbers, strict=True):
            self.track.used[number] += share
        chroma, trust = to_pixels(found, (luma.shape[0], luma.shape[1]))
        return Colours(chroma=chroma, trust=trust, luma=luma)

    def _put_own(
        self, shot: _Shot, number: int, seen: tuple[np.ndarray, Prepared], own: int
    ) -> None:
        """A frame that is a reference: its colours are carried on, and back to the one before."""
        luma, prepared = seen
        found = self._own_colours(own).resized((prepared.shape[0], prepared.shape[1]))
        trust = np.ones(luma.shape, np.float32) if found.known is None else found.known
        colours = Colours(chroma=found.chroma, trust=trust, luma=luma)
        self.track.own[number] = own
        self.track.used[own] += 1
        anchors = {each.frame: each for each in shot.pending}
        state, after = colours, prepared
        for frame, before in reversed(shot.history):
            state = self._step(before, after).backwards(state)
            after = before
            if frame in anchors:
                anchors[frame].backwards = state
        self._write_all(shot)
        if found.known is not None:
            colours = self._completed(shot, colours)
        self._write(number, colours)
        shot.state, shot.has_own = colours, True
        shot.history.clear()

    def _completed(self, shot: _Shot, own: Colours) -> Colours:
        """The colours of a frame that is a reference in part: where they are unknown, found as those of any frame."""
        matched, state = self._matched(shot, own.luma), shot.state
        rest = self._fuser(own.luma, (own, state), matched=matched, weight=_MATCHED)
        near = import_cv2().blur(own.trust, (_NEAR_PX, _NEAR_PX))
        sources = [own.trust, near, matched.trust, *([] if state is None else [state.trust])]
        trust = np.minimum(np.maximum.reduce(sources), np.maximum(own.trust, rest.trust))
        rest_chroma = rest.chroma * np.minimum(1, trust / np.float32(KNOWN))[..., None]
        chroma = KnownColours(chroma=own.chroma, known=own.trust).over(rest_chroma)
        return Colours(chroma=chroma, trust=trust, luma=own.luma)

    def _finish_shot(self) -> None:
        if self._shot is not None:
            self._write_all(self._shot)

    def _write_all(self, shot: _Shot) -> None:
        for each in shot.pending:
            self._write(each.frame, each.fused(self._fuser))
        shot.pending.clear()

    def _write(self, anchor: int, colours: Colours) -> None:
        planes = np.dstack([colours.chroma, colours.trust])
        planes[..., :2] += np.float32(128 / _STEPS)
        stored = np.rint(np.clip(planes * _STEPS, 0, _STEPS)).astype(np.uint8)
        done, content = import_cv2().imencode(".png", stored)
        assert done
        write_bytes(_path(self.track.folder, anchor), content.tobytes())
        self.track.anchors.append(anchor)
        self.track.known.append(round(known_share(colours.trust), 4))


def _path(folder: Path, anchor: int) -> Path:
    return folder / f"{anchor:08d}.png"
