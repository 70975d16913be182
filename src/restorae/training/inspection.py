"""Looks at training pictures before training does: what cannot be learned from is refused, what looks wrong is told."""

from __future__ import annotations

from restorae.data import Pairs, Registration, registration, seem_swapped
from restorae.data.pairs import some
from restorae.errors import BadPicture
from restorae.progress import Progress
from restorae.shapes import Image


def require_variety(pairs: Pairs, called: str) -> None:
    """Refuse pictures that say nothing: all of one value, or all the same picture.

    Raises:
        BadPicture: with what to do.
    """
    sides = [(called, pairs.clean)] + (
        [] if pairs.degraded is pairs.clean else [("degraded", pairs.degraded)]
    )
    for name, pictures in sides:
        first = pictures.fingerprint(0)
        if any(pictures.fingerprint(index) != first for index in range(1, len(pictures))):
            continue
        if _is_constant(pictures[0]):
            raise BadPicture(
                f"The {name} pictures show nothing: every pixel has one value ({some(pictures.names)}). Are these the right "
                "files, and were they written as they should be?"
            )
        if len(pictures) > 1:
            raise BadPicture(
                f"The {len(pictures)} {name} pictures are all the same ({some(pictures.names)}): what is learned from one could not be "
                "checked on another. Give pictures that differ, or the one alone with --validation 0."
            )


def inspect_pairs(pairs: Pairs, progress: Progress) -> None:
    """Refuse pairs without damage; warn of what looks like a mistake, by name.

    Raises:
        BadPicture: the two pictures of every pair are the same.
    """
    same = [
        pairs.clean.names[index]
        for index in range(len(pairs))
        if pairs.degraded.fingerprint(index) == pairs.clean.fingerprint(index)
    ]
    if len(same) == len(pairs):
        raise BadPicture(
            f"The degraded and the clean pictures are the same ({some(same)}): there is no damage to learn. Were the same files, or the "
            "same folder, given for both?"
        )
    if same:
        progress.warn(
            f"{len(same)} of {len(pairs)} pair(s) are the same picture twice: {some(same)}. They teach to change nothing."
        )
    for warning in _about_registration(registration(pairs)):
        progress.warn(warning)
    reason = seem_swapped(pairs)
    if reason:
        progress.warn(
            f"Were the degraded and the clean pictures taken for each other? {reason[0].upper()}{reason[1:]}. If so, swap --degraded and "
            "--clean; training goes on as you said."
        )


def _about_registration(found: Registration) -> list[str]:
    told = []
    if found.shifted:
        named = some([f"{name} ({shift})" for name, shift in found.shifted])
        told.append(
            f"{len(found.shifted)} of {found.looked_at} pair(s) that were looked at do not lie on each other; the degraded picture is "
            f"shifted: {named}. A network learns to blur from such pairs. Align them, or train on them anyway."
        )
    if len(found.unlike) == found.looked_at:
        told.append(
            f"The degraded and the clean pictures do not seem to belong together: they are no more alike than pictures of different pairs "
            f"({some(found.unlike)}). Were names or the order mixed up?"
        )
    elif found.unlike:
        told.append(
            f"{len(found.unlike)} of {found.looked_at} pair(s) that were looked at seem to show different things: {some(found.unlike)}. "
            "Look at them, and leave out what does not belong together."
        )
    return told


def _is_constant(picture: Image) -> bool:
    return picture[0].numel() > 1 and bool(picture.min() == picture.max())
