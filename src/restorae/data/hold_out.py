"""Which images are kept from training: decided by their content alone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import numpy as np

from restorae.errors import Fix, ShapeMismatch, UsageError

SALT = b"restorae hold-out 1"


def content_hash(stored: np.ndarray) -> str:
    """16 hexadecimal digits that stand for an image's stored values: (height, width[, channels]), any dtype."""
    values = np.ascontiguousarray(stored)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    outline = f"{values.dtype.str} {values.shape}".encode()
    return hashlib.sha256(outline + values.tobytes()).hexdigest()[:16]


def fingerprint_of(outline: object) -> str:
    """16 hexadecimal digits that stand for what identifies data: names, sizes and hashes of content."""
    return hashlib.sha256(repr(outline).encode()).hexdigest()[:16]


def hold_out_position(content: str) -> float:
    """A number in [0, 1) from a content hash: an image is held out where it lies below the share that is asked for."""
    return int.from_bytes(hashlib.sha256(SALT + content.encode()).digest()[:8], "big") / 2**64


def hold_out(
    hashes: Sequence[str],
    share: float,
    most: int,
    *,
    always: Collection[str] = (),
    learned: Collection[str] = (),
) -> tuple[list[int], list[int]]:
    """Split images into those to train on and those held out for validation; indices, in order.

    An image is held out if its `hold_out_position` lies below `share`. The split depends on nothing but the content: not
    on the seed, the order, the names or the training stage. Copies of one image fall on the same side. Each side gets at
    least one image.

    Args:
        hashes: the content hash of each image.
        share: share of the images to hold out, above 0.
        most: at most so many different images are held out: those with the smallest positions.
        always: hashes that stay held out, since the model that training starts from held them out.
        learned: hashes that the model that training starts from has learned.

    Raises:
        ShapeMismatch: there are fewer than two different images.
        UsageError: an image would be held out that the starting model has learned, or all images are in `always`.
    """
    different = sorted(set(hashes), key=hold_out_position)
    if len(different) < 2:
        raise ShapeMismatch(
            "Training needs at least two different images, one to learn from and one to check on; there is only one",
            fix=Fix("validation", 0),
        )
    kept = [each for each in different if each in always]
    if len(kept) == len(different):
        raise UsageError(
            "All of these images were held out when the starting model was trained, so that it can be checked on "
            "them: there is nothing left to learn from",
            fix=(Fix("start_from", "nothing"), Fix("clean", action="change")),
        )
    chosen = [each for each in different if each not in always and hold_out_position(each) < share]
    chosen = chosen[: max(0, most - len(kept))]
    if len(kept) + len(chosen) == len(different):
        chosen = chosen[:-1]
    seen = [each for each in chosen if each in learned]
    if not kept and not chosen:
        # below the share lies none: the nearest to it that the starting model has not learned
        fresh = [each for each in different if each not in learned]
        chosen = fresh[:1]
        seen = [] if fresh else different[:1]
    if seen:
        raise UsageError(
            f"{len(seen)} of the images to hold out were learned by the starting model (content hash "
            f"{', '.join(seen[:3])}{', …' if len(seen) > 3 else ''}): a score on them would be on images that it has "
            f"seen, not on unseen ones. A smaller share holds out fewer, and 0 none",
            fix=(Fix("validation", 0), Fix("start_from", "nothing")),
        )
    held = {*kept, *chosen}
    return (
        [index for index, each in enumerate(hashes) if each not in held],
        [index for index, each in enumerate(hashes) if each in held],
    )
