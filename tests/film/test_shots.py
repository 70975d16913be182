"""Cuts are found whatever the film's age; shots are listed in a file that a person can edit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from restorae.errors import BadSpec
from restorae.film.cut_list import check_length, part_of, read_cuts, write_cuts
from restorae.film.shots import Shot, Shots

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film): shots are not tested.")

from restorae.film.shot_detection import find_cuts


def _shot(seed: int, count: int, pace: float) -> list[np.ndarray]:
    """A camera that moves over a still scene: (64, 96) each."""
    scene = gaussian_filter(np.random.default_rng(seed).random((120, 240)), 4)
    scene = (scene - scene.min()) / np.ptp(scene)
    starts = (np.arange(count) * pace).astype(int)
    return [scene[20:84, 10 + start : 106 + start].astype(np.float32) for start in starts]


def _aged(frames: list[np.ndarray], seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    found = []
    for number, frame in enumerate(frames):
        frame = np.roll(frame, random.integers(-1, 2, 2), (0, 1)) * random.uniform(0.4, 1.3)
        frame = frame + random.normal(0, 0.04, frame.shape)
        for row, column in random.integers(0, 60, (5, 2)):
            frame[row : row + 2, column : column + 3] = random.integers(0, 2)
        found.append(frame * 0.2 + 0.8 if number in (7, 33) else frame)  # a flash
    return found


@pytest.mark.parametrize("is_old", [False, True])
def test_cuts_are_found_to_the_frame_and_nothing_else_is(is_old: bool) -> None:
    frames = [*_shot(1, 14, 0.5), *_shot(2, 9, 3), *_shot(3, 20, 0), *_shot(4, 12, 1)]
    assert find_cuts(_aged(frames, 0) if is_old else frames) == [14, 23, 43]
    assert find_cuts(_aged(frames, 1)[43:] if is_old else frames[43:]) == []


def test_a_fade_and_black_frames_are_no_cut() -> None:
    faded = [
        frame * share for frame, share in zip(_shot(5, 30, 1), np.linspace(1, 0, 30), strict=True)
    ]
    assert find_cuts([*faded, *[np.zeros((64, 96), np.float32)] * 8]) == []


def test_windows_stay_in_their_shot() -> None:
    shots = Shots.at([30, 76])
    for frame in (0, 29, 30, 75, 76, 10_000):
        assert frame in shots.frame_range(frame)
        assert (shots.frame_range(frame)[0] > 0) == (frame >= 30)
    assert [shots.frame_range(at)[-1] for at in (29, 30, 75)] == [29, 75, 75]


def test_what_is_written_is_read_back_and_counted_in_the_part(tmp_path: Path) -> None:
    shots = Shots(
        (
            Shot(first=0, strength=0.5),
            Shot(first=20, model='a "b" $c\\d'),
            Shot(first=45, deflicker=0.0),
        )
    )
    path = tmp_path / "cuts.toml"
    times = [Fraction(number, 24) for number in range(60)]
    write_cuts(path, Path("film.mp4"), shots, offset=10, times=times)
    assert "first = 55   # 0:00:02.292" in path.read_text()
    listed = read_cuts(path)
    assert [shot.first for shot in listed.shots] == [10, 30, 55]
    assert part_of(listed, offset=10, count=50) == shots
    assert part_of(listed, offset=40, count=10).shots == (Shot(first=0, model='a "b" $c\\d'),)
    with pytest.raises(BadSpec, match="line 14: there is no frame 55: the film has 55 frames"):
        check_length(path, listed, 55)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[shot]]\nfirst = 0\n\n[[shot]]\nfirst = 0\n", "line 5: frame 0 does not come after"),
        ("[[shot]]\nfirst = -1\n", "line 2: first must be"),
        ("[[shot]]\nfirst = 0\n[[shot]]\nstrength = 1\n", "line 3: first must be"),
        ("[[shot]]\nfirst = 0\n[[shot]]\nfirst = 9\nstrength = 2\n", "line 5: strength must be"),
        ("[[shot]]\nfirst = 0\nstrenght = 1\n", "line 3: unknown setting"),
        ("[[shot]]\nfirst = 0\n# c\nmodel = 3\n", "line 4: model must be"),
        ("# none\n\n[[shots]]\nfirst = 0\n", "line 3: unknown name"),
        ("[[shot]]\nfirst 0\n", "line 2: is not TOML"),
        ("", "line 1: no shot"),
    ],
)
def test_a_bad_list_is_answered_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "cuts.toml"
    path.write_text(text)
    with pytest.raises(BadSpec, match=problem):
        read_cuts(path)
