"""Which pictures a command takes where nothing, or not only a path, is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from restorae.cli.options import one_of
from restorae.errors import UsageError
from restorae.progress import Progress

if TYPE_CHECKING:
    import numpy as np

    from restorae.evaluating import TestSet

SPLITS = ("train", "test", "all")


def mnist_or_digits(data_dir: Path | None, progress: Progress) -> str:
    """MNIST if it is here or can be had; else the embedded digits, and why."""
    from restorae.data import open_pictures
    from restorae.errors import DataUnavailable

    try:
        open_pictures("mnist", "train", data_dir, progress)
    except DataUnavailable as error:
        progress.warn(
            f"{error}\nGoing on with the embedded digits: real handwriting too, but 1,797 small pictures, not MNIST."
        )
        return "digits"
    return "mnist"


def check_split(split: str) -> Any:
    """The split, or `UsageError`."""
    return one_of("split", split, SPLITS)


def check_damage(spec: str | None, degraded: str | None) -> None:
    """Raise `UsageError` unless one is said, and only one: damage to draw, or degraded partners."""
    if (spec is None) == (degraded is None):
        raise UsageError(
            "Say what the pictures are restored from: either --with SPEC (damage drawn from --seed) or --degraded DATA."
        )


def test_set_from(
    clean: str,
    degraded: str | None,
    spec: str | None,
    split: str,
    seed: int,
    data_dir: Path | None,
    progress: Progress,
) -> TestSet:
    """Clean pictures and what they are to be restored from, as the options say; the person hears what was left out or mapped.

    Raises:
        DataUnavailable, BadPicture, ShapeMismatch: they cannot be used.
    """
    from restorae.data import in_their_ranges, match, open_pictures
    from restorae.data.pairs import first_names
    from restorae.degradations import Degradation
    from restorae.evaluating import TestSet

    part = check_split(split)
    pictures = open_pictures(clean, part, data_dir, progress)
    if degraded is None:
        _, ranged, _, told = in_their_ranges(pictures, pictures)
        test_set = TestSet(ranged, degradation=Degradation.of(spec), seed=seed)
    else:
        pairs, unmatched = match(open_pictures(degraded, part, data_dir, progress), pictures)
        told = [
            *pairs.notices,
            *([f"Left out, without a partner: {first_names(unmatched)}."] if unmatched else []),
        ]
        test_set = TestSet(pairs.clean, degraded=pairs.degraded)
    for sentence in told:
        progress.say(sentence)
    return test_set


def one_picture(text: str, split: str, data_dir: Path | None, progress: Progress) -> np.ndarray:
    """The picture in a file, or one of a set by its place, `mnist:12`: (height, width[, 3]).

    Raises:
        UsageError: the set has no picture at that place.
        InputError: it cannot be read.
    """
    from restorae.data import open_pictures
    from restorae.formats import read_still
    from restorae.pixels import as_array

    source, colon, place = text.rpartition(":")
    if not colon or not place.isdigit() or Path(text).is_file():
        return read_still(Path(text))
    pictures = open_pictures(source, check_split(split), data_dir, progress)
    if int(place) >= len(pictures):
        raise UsageError(
            f"{source} ({split}) has {len(pictures):,} pictures, from 0 to {len(pictures) - 1}; there is no {place}."
        )
    picture: np.ndarray = as_array(pictures[int(place)][None])[0]
    return picture
