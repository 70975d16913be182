"""Opens the data that a command's options name, and its defaults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from restorae.cli.choices import SplitName
from restorae.cli.wording import COMMAND_LINE
from restorae.display import counted
from restorae.errors import SettingsConflict, UsageError
from restorae.progress import Progress

if TYPE_CHECKING:
    import numpy as np

    from restorae.evaluating import TestSet


def mnist_or_digits(data_dir: Path | None, progress: Progress) -> str:
    """`mnist` if it is on this machine or can be downloaded; else `digits`, with a warning that says why."""
    from restorae.data import open_images
    from restorae.errors import DataUnavailable

    try:
        open_images("mnist", "train", data_dir, progress)
    except DataUnavailable as error:
        progress.warn(
            f"{error.render(COMMAND_LINE)}\nUsing the embedded digits instead: 1,797 small images of handwriting."
        )
        return "digits"
    return "mnist"


def check_damage(spec: str | None, degraded: str | None) -> None:
    """Raise `UsageError` unless exactly one is given: damage to draw, or degraded partners."""
    if (spec is None) == (degraded is None):
        raise SettingsConflict(
            "give either {} (synthetic damage) or {} (degraded partners of the clean images)",
            settings=("degradation", "degraded"),
        )


def test_set_from(
    clean: str,
    degraded: str | None,
    spec: str | None,
    split: SplitName,
    seed: int,
    data_dir: Path | None,
    progress: Progress,
) -> TestSet:
    """The clean images and their degraded versions that the options name; notices say what was left out or mapped.

    Raises:
        DataUnavailable, BadImage, ShapeMismatch: they cannot be used.
    """
    from restorae.data import in_their_ranges, match, open_images
    from restorae.data.pairs import first_names
    from restorae.degradations import Degradation
    from restorae.evaluating import TestSet

    images = open_images(clean, split, data_dir, progress)
    if degraded is None:
        _, ranged, _, told = in_their_ranges(images, images)
        test_set = TestSet(ranged, degradation=Degradation.of(spec), seed=seed)
    else:
        pairs, unmatched = match(open_images(degraded, split, data_dir, progress), images)
        told = [
            *pairs.notices,
            *([f"Left out, without a partner: {first_names(unmatched)}."] if unmatched else []),
        ]
        test_set = TestSet(pairs.clean, degraded=pairs.degraded)
    for sentence in told:
        progress.say(sentence)
    return test_set


def one_image(text: str, split: SplitName, data_dir: Path | None, progress: Progress) -> np.ndarray:
    """The image in a file, or one of a data set by its index, `mnist:12`: (height, width[, 3]).

    Raises:
        UsageError: the index is out of range.
        InputError: it cannot be read.
    """
    from restorae.data import open_images
    from restorae.formats import read_still
    from restorae.pixels import as_array

    source, colon, index = text.rpartition(":")
    if not colon or not index.isdigit() or Path(text).is_file():
        return read_still(Path(text))
    images = open_images(source, split, data_dir, progress)
    if int(index) >= len(images):
        raise UsageError(
            f"{source} ({split}) has {counted(len(images), 'image')}, from 0 to {len(images) - 1}, got {index}"
        )
    image: np.ndarray = as_array(images[int(index)][None])[0]
    return image
