"""What the part `learning` trains and is tested on: which images, which of them are kept apart, and the noise on them.

The images lie below `--data-dir`, else `RESTORAE_DATA`: `denoise-test/`, `photos-train/`, `dirty-documents/`,
`microscopy/`, `old-photos/`. They are not downloaded, since nobody may hand them on. What is tested on is never trained on.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from settings import Bench

from restorae.data import ImageSet, open_images
from restorae.degradations import Degradation
from restorae.errors import DataUnavailable
from restorae.evaluating import TestSet
from restorae.randomness import derive_seed

LEFT_OUT = frozenset({"12003"})
"""Photos of photos-train that a test set shows too: Set12's starfish is a part of this one."""
VALIDATION_LAYOUTS, VALIDATION_BACKGROUNDS = (4, 10), (2,)
TEST_LAYOUTS, TEST_BACKGROUNDS = (1, 7, 13), (3,)
"""Of the pages' 18 layouts and 4 backgrounds; a page is tested on where both are, and no page shares either with training."""
FIELDS = ("001", "031", "061")
CHANNELS = (0, 1, 2)
"""Fields of W2S and the fluorescence channels of each."""
_NOISE = 5


def place_of(bench: Bench, *parts: str) -> Path:
    """A folder or file of real images.

    Raises:
        DataUnavailable: it is not there; the message, which may stand on the page, names no folder of this machine.
    """
    root = bench.data_dir or os.environ.get("RESTORAE_DATA")
    place = Path(root).joinpath(*parts) if root else None
    if place is None or not place.exists():
        raise DataUnavailable(
            f"{'/'.join(parts)} is not below `--data-dir` or `RESTORAE_DATA`, and cannot be downloaded."
        )
    return place


# photos


def test_photos(bench: Bench, name: str) -> ImageSet:
    """Set12, BSD68 or CBSD68; in a quick run some of it."""
    images = open_images(place_of(bench, "denoise-test", name))
    return images if bench.test_photos is None else images.subset(range(bench.test_photos))


def test_set_from(images: ImageSet, sigma: float, seed: int) -> TestSet:
    """The images under Gaussian noise of `sigma` of 255, neither clipped nor rounded; a seed of its own for each image."""
    return TestSet(
        images, degradation=Degradation.of(f"gaussian-noise(sigma={sigma / 255!r})"), seed=seed
    )


def training_photos(folder: Path) -> list[Path]:
    """The photos of photos-train that no test set shows, in the order of their paths."""
    return [path for path in sorted(folder.rglob("*.jpg")) if path.stem not in LEFT_OUT]


def noise_for(seed: int, place: int, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Gaussian noise of `sigma` of 255 on the [0, 1] scale, float32: that of the image at this place."""
    source = np.random.Generator(np.random.Philox(derive_seed(seed, _NOISE, place)))
    return source.standard_normal(shape, np.float32) * np.float32(sigma / 255)


def save_noisy(photos: Sequence[Path], folder: Path, sigma: float, seed: int) -> Path:
    """The photos in grey under noise that is drawn once and stays, as float TIFFs: what a noisy camera would have left."""
    _emptied(folder)
    for place, path in enumerate(photos):
        with Image.open(path) as photo:
            clean = np.asarray(photo.convert("L"), np.float32) / np.float32(255)
        tifffile.imwrite(
            folder / f"{path.stem}.tif", clean + noise_for(seed, place, clean.shape, sigma)
        )
    return folder


# pages


@dataclass(frozen=True)
class Page:
    """A dirty page whose clean version is known."""

    number: str
    layout: int
    background: int


@dataclass(frozen=True)
class PageSplit:
    """Pages to train on, to choose by and to test on: no two of the three share a layout or a background."""

    train: tuple[Page, ...]
    validation: tuple[Page, ...]
    test: tuple[Page, ...]


def read_pages(table: Path) -> list[Page]:
    """The pages of `pairs.csv` whose clean version is there."""
    with table.open(newline="", encoding="utf-8") as lines:
        return [
            Page(row["number"], int(row["layout"]), int(row["background"]))
            for row in csv.DictReader(lines)
            if row["has_clean"] == "1"
        ]


def split_pages(pages: Iterable[Page]) -> PageSplit:
    """Pages whose layout and background both belong to one part; what would join two parts is left out."""
    everything = list(pages)

    def part(layouts: Iterable[int], backgrounds: Iterable[int]) -> tuple[Page, ...]:
        return tuple(
            page for page in everything if page.layout in layouts and page.background in backgrounds
        )

    kept_layouts, kept_backgrounds = (
        {*VALIDATION_LAYOUTS, *TEST_LAYOUTS},
        {*VALIDATION_BACKGROUNDS, *TEST_BACKGROUNDS},
    )
    return PageSplit(
        train=part(
            {page.layout for page in everything} - kept_layouts,
            {page.background for page in everything} - kept_backgrounds,
        ),
        validation=part(VALIDATION_LAYOUTS, VALIDATION_BACKGROUNDS),
        test=part(TEST_LAYOUTS, TEST_BACKGROUNDS),
    )


def save_pairs(source: Path, pages: Sequence[Page], folder: Path) -> tuple[Path, Path]:
    """Copies of the pages in two folders, degraded and clean."""
    degraded, clean = _emptied(folder / "degraded"), _emptied(folder / "clean")
    for page in pages:
        shutil.copy(source / "train" / f"{page.number}.png", degraded)
        shutil.copy(source / "train_cleaned" / f"{page.number}.png", clean)
    return degraded, clean


# micrographs


def save_field(
    source: Path, fields: Iterable[str], folder: Path, which: str = "noisy-avg1"
) -> Path:
    """Copies of some fields of W2S, every channel an image."""
    _emptied(folder)
    for field in fields:
        for channel in CHANNELS:
            shutil.copy(source / which / f"{field}_{channel}.png", folder)
    return folder


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
