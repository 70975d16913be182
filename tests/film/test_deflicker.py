"""Flicker goes, fades stay, and what does not flicker is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.clips import av, decoded

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film): flicker is not tested.")

from restorae.film.analysis import analyse, saved_analysis
from restorae.film.deflicker import flicker_of
from restorae.film.tone import KNOTS, ToneMeter
from restorae.formats.video import FrameReader, read_facts
from tests.film.test_restoring import restore

FRAMES = 60


def _scene() -> list[np.ndarray]:
    scene = gaussian_filter(np.random.default_rng(0).random((120, 260)), 3)
    scene = 0.1 + 0.7 * (scene - scene.min()) / np.ptp(scene)
    return [scene[10:100, at : at + 160].astype(np.float32) for at in range(FRAMES)]


def _steadied(frames: list[np.ndarray]) -> list[np.ndarray]:
    meter = ToneMeter()
    curves = flicker_of(np.array([meter.put(frame).change for frame in frames]))
    return [
        frame + np.interp(frame, KNOTS, curve) for frame, curve in zip(frames, curves, strict=True)
    ]


def _save(path: Path, gains: list[float]) -> list[np.ndarray]:
    """A film of the scene in grey, each frame with its gain."""
    frames = [
        np.clip(frame * gain * 255, 0, 255).astype(np.uint8)
        for frame, gain in zip(_scene(), gains, strict=False)
    ]
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = 160, 90, "gray"
        for frame in frames:
            out.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        out.mux(video.encode(None))
    return frames


def _left(frames: list[np.ndarray], clean: list[np.ndarray]) -> float:
    """Mean change, from frame to frame, of the mean brightness against the clean film's."""
    away = [float(frame.mean() - other.mean()) for frame, other in zip(frames, clean, strict=True)]
    return float(np.abs(np.diff(away)).mean())


def test_flicker_of_grainy_dusty_frames_goes() -> None:
    random, clean = np.random.default_rng(1), _scene()
    frames = []
    for frame in clean:
        aged = frame ** random.uniform(0.94, 1.06) * random.uniform(0.9, 1.1)
        aged = aged + random.normal(0, 0.04, frame.shape)
        for row, column in random.integers(0, 80, (10, 2)):
            aged[row : row + 4, column : column + 4] = 1
        frames.append(aged.astype(np.float32))
    assert _left(_steadied(frames), clean) < 0.12 * _left(frames, clean)


@pytest.mark.parametrize("depth", [0.0, 0.4])
def test_a_drawn_fade_survives(depth: float) -> None:
    fade = np.interp(np.arange(FRAMES), [0, 12, 48, 60], [1, 1, depth, depth])
    frames = [frame * np.float32(share) for frame, share in zip(_scene(), fade, strict=True)]
    for after, before in zip(_steadied(frames), frames, strict=True):
        assert abs(after.mean() - before.mean()) < 0.05 * frames[0].mean()


def test_by_default_only_what_clearly_flickers_is_changed(tmp_path: Path) -> None:
    steady, flickers = tmp_path / "steady.mkv", tmp_path / "flickers.mkv"
    _save(steady, [1.0] * 20)
    made = _save(flickers, [1 + 0.05 * (number % 2) for number in range(20)])
    assert analyse(FrameReader(read_facts(steady))).steadied == ()
    found = analyse(FrameReader(read_facts(flickers)))
    assert found.steadied == (0,)
    found.save(tmp_path)
    assert saved_analysis(tmp_path) == found

    restore(flickers, tmp_path / "off.mkv", lossless=True, deflicker=0)
    assert all(
        np.array_equal(a[0], b)
        for (_, a), b in zip(decoded(tmp_path / "off.mkv"), made, strict=True)
    )
    restore(flickers, tmp_path / "on.mkv", lossless=True)
    means = [planes[0].mean() for _, planes in decoded(tmp_path / "on.mkv")]
    before = [planes.mean() for planes in made]
    assert np.abs(np.diff(means)).mean() < 0.3 * np.abs(np.diff(before)).mean()
