"""The film cleaner: what it compares, that neither tiles, pieces nor cuts change its results, and what it says."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from restorae.errors import Interrupted, UsageError
from restorae.film import FilmRequest, piece_writing, plan_films, restore_films
from restorae.film.shots import Shots
from restorae.film.windows import WindowRestorer
from restorae.formats.video import Frame, read_facts
from restorae.formats.video.layout import layout_of
from restorae.restoring import RestoreRequest, RestorerPool
from tests.clips import Clip, decoded
from tests.small_cleaner import cleaner, scene

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film): films are not cleaned.")

from restorae.film.alignment import Motion, flow_between, motion_of, prepare_for_flow
from restorae.film.stack import PLANES, _median_of_five, stack_planes


def over(
    images: np.ndarray, request: RestoreRequest, *, shots: Shots | None = None, tile: int = 64
) -> WindowRestorer:
    """The cleaner over grey frames of 8 bits."""
    _, height, width = images.shape
    return WindowRestorer(
        cleaner(),
        request,
        layout=layout_of("gray", 2),
        size=(height, width),
        shots=shots,
        tile=tile,
    )


def restored(images: np.ndarray, *, shots: Shots | None = None, first: int = 0, tile: int = 64):
    windows = over(images, RestoreRequest(), shots=shots, tile=tile)
    frames = [Frame(stamp=index, duration=1, planes=(each,)) for index, each in enumerate(images)]
    return list(windows.restore(frames, first))


def motion_between(first: np.ndarray, second: np.ndarray) -> Motion:
    flows = flow_between(first, second), flow_between(second, first)
    return motion_of(first, second, flows, height=first.shape[0], width=first.shape[1])


def test_the_median_is_the_median() -> None:
    for order in itertools.permutations(range(5)):
        values = [np.full((1, 1), each, np.float32) for each in order]
        assert _median_of_five(values).item() == np.median(order)


def test_a_neighbour_is_moved_onto_the_centre() -> None:
    before, after = (each.astype(np.float32) / 255 for each in scene(2))
    first, second = prepare_for_flow(before), prepare_for_flow(after)
    motion = motion_between(first, second)
    inside = (slice(8, -8), slice(8, -8))
    assert (
        np.abs(motion.move(after) - before)[inside].mean()
        < 0.2 * np.abs(after - before)[inside].mean()
    )
    assert motion.validity[inside].mean() > 0.8


def test_what_appears_in_one_frame_is_not_in_the_median() -> None:
    frames = scene(5).astype(np.float32) / 255
    clean, centre = frames[2].copy(), frames[2]
    centre[20:24, 30:34] = 1.0
    prepared = [prepare_for_flow(each) for each in frames]
    near = [(frames[i], motion_between(prepared[2], prepared[i])) for i in (0, 1, 3, 4)]
    planes = stack_planes(centre, near)
    assert planes.shape == (PLANES, *centre.shape)
    spot = (slice(20, 24), slice(30, 34))
    assert np.abs(planes[0] - clean)[spot].mean() < 0.25 * np.abs(centre - clean)[spot].mean()


def test_tiles_and_the_first_frame_change_nothing() -> None:
    images = scene(7, height=64, width=80)
    whole = restored(images, tile=128)
    for other in (restored(images, tile=48), restored(images, tile=128, first=4)):
        for one in other:
            same = whole[one.record["frame"]]
            assert one.record["frame"] == other[0].record["frame"] + other.index(one)
            assert np.abs(one.planes[0].astype(int) - same.planes[0]).max() <= 1
    exact = restored(images, tile=128, first=4)
    assert [each.record for each in exact] == [each.record for each in whole[4:]]


def test_no_window_looks_across_a_cut() -> None:
    images = scene(8)
    others = np.concatenate([images[:4], images[4:, ::-1]])
    free = restored(images)
    cut, other_cut = (restored(each, shots=Shots.at([4])) for each in (images, others))
    for one, other in zip(cut[:4], other_cut[:4], strict=True):
        assert np.array_equal(one.planes[0], other.planes[0])
    assert not np.array_equal(free[3].planes[0], cut[3].planes[0])
    assert np.array_equal(free[1].planes[0], cut[1].planes[0])


def test_frames_of_another_scene_are_not_used() -> None:
    alone = np.stack(
        [scene(1)[0], *np.random.default_rng(3).integers(0, 256, (2, 48, 64), np.uint8)]
    )
    record = restored(alone)[0].record
    assert record["flow_failed"], record
    assert restored(scene(3))[0].record["flow_failed"] is False


def test_a_stopped_run_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece_writing, "FRAMES", 3)
    Clip(stamps=range(0, 8 * 3600, 3600)).save(tmp_path / "clip.mkv")

    def run(name: str, stops_at: int | None = None, resume: bool = False) -> None:
        calls = itertools.count()

        def check() -> None:
            if next(calls) == stops_at:
                raise Interrupted("stopped")

        film = FilmRequest(
            lossless=True,
            resume=resume,
            repair_map=tmp_path / f"{name}-map.mkv",
            frame_log=tmp_path / f"{name}.jsonl",
        )
        tasks = plan_films([tmp_path / "clip.mkv"], tmp_path / f"{name}.mkv", resume=resume)
        restore_films(tasks, RestoreRequest(), film, RestorerPool.of(cleaner()), check=check)

    run("whole")
    with pytest.raises(Interrupted):
        run("stopped", stops_at=4)
    run("stopped", resume=True)
    for suffix in (".mkv", "-map.mkv", ".jsonl"):
        whole, stopped = (tmp_path / f"{name}{suffix}" for name in ("whole", "stopped"))
        assert whole.read_bytes() == stopped.read_bytes(), suffix
    lines = [json.loads(line) for line in (tmp_path / "whole.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(8))
    facts, of_map = read_facts(tmp_path / "whole.mkv"), read_facts(tmp_path / "whole-map.mkv")
    assert facts.stamps == of_map.stamps
    assert of_map.layout.name == "gray"
    assert len(decoded(tmp_path / "whole-map.mkv")) == 8


def test_grain_comes_back_and_damage_does_not() -> None:
    images = scene(5)
    frames = [Frame(stamp=index, duration=1, planes=(each,)) for index, each in enumerate(images)]
    kept = over(images, RestoreRequest(grain=1.0))
    found = list(kept.restore(frames))[2]
    assert found.repairs is not None
    clear = np.zeros(found.repairs.shape, bool)
    clear[3:-3, 3:-3] = True
    damaged = found.repairs > 127
    changed = np.abs(found.planes[0].astype(int) - images[2]) > 1
    assert not (changed & clear & ~_grown(damaged | (found.repairs > 0), 4)).any()


def _grown(mask: np.ndarray, by: int) -> np.ndarray:
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8)) > 0


def test_the_cleaner_refuses_images() -> None:
    with pytest.raises(UsageError, match="cleans films"):
        cleaner().model.restore(np.zeros((32, 32), np.uint8))
