"""Checks training images before training: what cannot be learned from is refused, what looks wrong is reported."""

from __future__ import annotations

from restorae.data import Pairs, Registration, registration, seem_swapped
from restorae.data.pairs import first_names
from restorae.display import counted
from restorae.errors import BadImage, Fix, Message
from restorae.progress import Progress
from restorae.shapes import Image


def require_variety(pairs: Pairs, called: str) -> None:
    """Refuse images that teach nothing: all of one value, or all the same image.

    Raises:
        BadImage: the message names them.
    """
    sides = [(called, pairs.clean)] + (
        [] if pairs.degraded is pairs.clean else [("degraded", pairs.degraded)]
    )
    for name, images in sides:
        first = images.fingerprint(0)
        if any(images.fingerprint(index) != first for index in range(1, len(images))):
            continue
        if _is_constant(images[0]):
            raise BadImage(
                f"The {name} images show nothing: every pixel has the same value ({first_names(images.names)})",
                fix=Fix("noisy" if name == "noisy" else name, action="change"),
            )
        if len(images) > 1:
            raise BadImage(
                f"The {len(images)} {name} images are all the same ({first_names(images.names)}): what is learned from one "
                "could not be checked on another. Add images that differ, or keep only one",
                fix=Fix("validation", 0),
            )


def inspect_pairs(pairs: Pairs, progress: Progress) -> None:
    """Refuse pairs without damage; warn of what looks like a mistake, by name.

    Raises:
        BadImage: the two images of every pair are the same.
    """
    same = [
        pairs.clean.names[index]
        for index in range(len(pairs))
        if pairs.degraded.fingerprint(index) == pairs.clean.fingerprint(index)
    ]
    if len(same) == len(pairs):
        raise BadImage(
            f"The degraded and the clean images are the same ({first_names(same)}): there is no damage to learn",
            fix=Fix("degraded", action="change"),
        )
    if same:
        progress.warn(
            f"The same image twice in {len(same):,} of {counted(len(pairs), 'pair')}: {first_names(same)}. "
            "From such pairs a network learns to change nothing."
        )
    for warning in _about_registration(registration(pairs)):
        progress.warn(warning)
    reason = seem_swapped(pairs)
    if reason:
        progress.warn(
            Message(
                f"The degraded and clean inputs look swapped: {reason}. If so, swap {{}} and {{}}; training continues as given",
                settings=("degraded", "clean"),
            )
        )


def _about_registration(found: Registration) -> list[str]:
    warnings = []
    if found.shifted:
        named = first_names([f"{name} ({shift})" for name, shift in found.shifted])
        warnings.append(
            f"Not aligned: {len(found.shifted)} of the {counted(found.looked_at, 'pair')} checked; the degraded image is "
            f"shifted: {named}. A network learns to blur from such pairs. Align them, or train on them anyway."
        )
    if len(found.unlike) == found.looked_at:
        warnings.append(
            f"The degraded and the clean images do not seem to belong together: they are no more alike than images of "
            f"different pairs ({first_names(found.unlike)}). Check their names and their order."
        )
    elif found.unlike:
        warnings.append(
            f"Different things seem to be shown by {len(found.unlike)} of the {counted(found.looked_at, 'pair')} checked: "
            f"{first_names(found.unlike)}. Leave out what does not belong together."
        )
    return warnings


def _is_constant(image: Image) -> bool:
    return image[0].numel() > 1 and bool(image.min() == image.max())
