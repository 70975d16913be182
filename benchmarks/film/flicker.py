"""How much of a damaged clip's flicker is left by the tone curves that a film gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from film.data import TestClip, seed_of
from restorae.degradations.old_film import FilmDamager, OldFilm, Window
from restorae.film.deflicker import flicker_of
from restorae.film.tone import KNOTS, ToneMeter

FRAMES = 40
"""Frames of a clip at most."""
BLOCKS = 4, 6
"""Blocks of a frame, down and across, in which local flicker is measured."""


def flicker_left(clip: TestClip, age: float) -> dict[str, float]:
    """Shares of the flicker that are left: of the mean brightness, and of its mean in blocks.

    Flicker is the mean absolute change, from frame to frame, of the difference to the clean film.
    """
    clean = clip.footage.read(0, min(FRAMES, len(clip.footage)))
    film = OldFilm(age=age, grey=True, weave=False, fading=False)
    damager = FilmDamager(film, seed_of(clip.name), window=Window(*clip.footage.size))
    before = list(damager.damage(clean).frames[:, 0].numpy())
    meter = ToneMeter()
    curves = flicker_of(np.array([meter.put(frame).change for frame in before]))
    after = [
        frame + np.interp(frame, KNOTS, curve) for frame, curve in zip(before, curves, strict=True)
    ]
    truth = list(clean[:, 0].numpy())
    return {
        "flicker": _flicker(after, truth, (1, 1)) / _flicker(before, truth, (1, 1)),
        "local flicker": _flicker(after, truth, BLOCKS) / _flicker(before, truth, BLOCKS),
        "flicker frames": len(before),
    }


def _flicker(
    frames: Sequence[np.ndarray], clean: Sequence[np.ndarray], blocks: tuple[int, int]
) -> float:
    away = [_means(one - other, blocks) for one, other in zip(frames, clean, strict=True)]
    return float(np.abs(np.diff(away, axis=0)).mean())


def _means(image: np.ndarray, blocks: tuple[int, int]) -> list[float]:
    return [
        float(part.mean())
        for rows in np.array_split(image, blocks[0])
        for part in np.array_split(rows, blocks[1], axis=1)
    ]
