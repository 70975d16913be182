"""The damaged clips of the part `film`: frozen by a seed, so that every method is shown the same frames.

The clips lie below `--data-dir`, else `RESTORAE_DATA`: `video/davis-test/`, `video/clips/`. None of their frames is trained on:
of `bikes`, the frames 0 to 136 are for training, 137 to 186 for choosing, the rest for this.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from learning.data import place_of
from settings import Bench

from restorae.data import Footage, open_material
from restorae.degradations.old_film import DamagedClip, FilmDamager, OldFilm, Window
from restorae.randomness import derive_seed
from restorae.shapes import Images

SEQUENCES = ("car-shadow", "drift-chicane", "goat", "libby", "paragliding-launch", "scooter-black")
BIKES_CUT = 242
"""The frame of `bikes` with which its last shot begins."""
BIKES = ((187, BIKES_CUT - 1), (BIKES_CUT, 249))
"""First and last frames of the two shots of `bikes` that are tested on."""
AGE = 0.5


@dataclass(frozen=True, kw_only=True)
class TestClip:
    """A clip of one shot that is tested on."""

    name: str
    """What it is called on the page."""
    footage: Footage
    """Its clean frames."""

    def damaged(self, age: float = AGE, *, weave: bool = False) -> DamagedClip:
        """The clip as old film: the same for the same age, whatever else is measured.

        Weave is off unless asked for, and so is fading: where frames are moved and pale, plain differences measure nothing else.
        """
        film = OldFilm(age=age, grey=True, weave=weave, fading=False)
        damager = FilmDamager(film, seed_of(self.name), window=Window(*self.footage.size))
        return damager.damage(self.clean())

    def clean(self) -> Images:
        """Its clean frames, (frames, 1, height, width)."""
        return self.footage.read(0, len(self.footage))


def seed_of(name: str) -> int:
    """The seed of a clip's damage: it depends on its name alone."""
    return derive_seed(7, zlib.crc32(name.encode()))


def test_clips(bench: Bench) -> Iterator[TestClip]:
    """The clips to report on, shot by shot.

    Raises:
        DataUnavailable: they are not there.
    """
    yield from _clips(place_of(bench, "video"))


def _clips(video: Path) -> Iterator[TestClip]:
    for name in SEQUENCES:
        yield _one(name, str(video / "davis-test" / name))
    for first, last in BIKES:
        name = f"bikes {first}-{last}"
        yield _one(name, f"{video / 'clips' / 'bikes.mp4'}#{first}-{last}")
    yield _one("carphone", str(video / "clips" / "carphone_pristine.mp4"))


def _one(name: str, source: str) -> TestClip:
    (footage,) = open_material([source]).clips
    return TestClip(name=name, footage=footage)
