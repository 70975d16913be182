"""Weave: measured, and removed without the motion of the camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from restorae.film import FilmRequest, plan_films, restore_films
from restorae.restoring import RestoreRequest, RestorerPool
from tests.clips import decoded
from tests.known_restorer import identity
from tests.small_cleaner import save_grey

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film).")

import cv2

from restorae.film.tone import ToneMeter
from restorae.film.weave import moved, moves_against_weave
from restorae.formats.video.layout import layout_of

FRAMES, HEIGHT, WIDTH = 24, 96, 128


def positions() -> tuple[np.ndarray, np.ndarray]:
    """A camera that stands and then pans, and the weave of the film, both (frame, 2) in pixels."""
    random = np.random.default_rng(5)
    pan = np.outer(np.maximum(0, np.arange(FRAMES) - 10), (0.3, 1.2))
    return pan, random.normal(0, 0.5, (FRAMES, 2))


def filmed(path: np.ndarray) -> np.ndarray:
    """(frame, height, width) uint8 of a texture at these places."""
    noise = np.random.default_rng(0).normal(0, 1, (HEIGHT + 40, WIDTH + 80)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    texture = np.clip(128 + 45 * smooth / smooth.std(), 0, 255)
    places = [ndimage.shift(texture, (down - 20, right - 40), order=3) for down, right in path]
    return np.rint(np.clip(places, 0, 255)).astype(np.uint8)[:, :HEIGHT, :WIDTH]


def test_weave_is_taken_out_and_a_pan_stays() -> None:
    pan, weave = positions()
    meter = ToneMeter(with_shifts=True)
    shifts = [meter.put(frame / np.float32(255)).shift for frame in filmed(pan + weave)]
    np.testing.assert_allclose(np.diff(pan + weave, axis=0), shifts[1:], atol=0.05)
    moves = np.array([move or (0.0, 0.0) for move in moves_against_weave(shifts, HEIGHT)])
    left = (weave + moves) - (weave + moves).mean(0)
    assert left.std() < 0.4 * weave.std()


def test_moved_planes_lie_where_they_should() -> None:
    frames = filmed(np.array([(0.0, 0.0), (1.25, -2.5)]))
    chroma = [
        cv2.resize(each, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for each in frames
    ]
    layout = layout_of("yuv420p", 2)
    planes = moved([frames[0], chroma[0], chroma[0]], (1.25, -2.5), layout)
    inside = (slice(4, -4), slice(4, -4))
    before, after = (frames[0], chroma[0], chroma[0]), (frames[1], chroma[1], chroma[1])
    for plane, was, expected in zip(planes, before, after, strict=True):
        error, unmoved = (
            np.abs(each.astype(int) - expected)[inside].mean() for each in (plane, was)
        )
        assert error < 0.15 * unmoved


def test_a_film_is_steadied_and_one_that_stands_is_left(tmp_path: Path) -> None:
    _, weave = positions()
    woven, still = filmed(weave), filmed(np.zeros_like(weave))

    def steadied(name: str, images: np.ndarray) -> np.ndarray:
        source, target = tmp_path / f"{name}.mkv", tmp_path / f"{name}-out.mkv"
        save_grey(source, images)
        film = FilmRequest(stabilise=True, lossless=True, deflicker=0.0)
        pool = RestorerPool.of(identity())
        report = restore_films(
            plan_films([source], target), RestoreRequest(model="known"), film, pool
        )
        said = any("weave was removed" in notice for notice in report.films[0].notices)
        assert said == (name == "woven")
        return np.stack([planes[0] for _, planes in decoded(target)])

    assert np.array_equal(steadied("still", still), still)
    inside = (slice(None), slice(6, -6), slice(6, -6))
    after, before = (
        np.abs(np.diff(each[inside].astype(int), axis=0)).mean()
        for each in (steadied("woven", woven), woven)
    )
    assert after < 0.45 * before
