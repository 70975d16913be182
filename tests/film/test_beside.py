"""What is written beside a restored film."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restorae.errors import Interrupted, UsageError
from restorae.film import FilmReport, FilmRequest, piece_writing, plan_films, restore_films
from restorae.restoring import RestoreRequest, RestorerPool
from tests.clips import Clip, decoded, packets
from tests.known_restorer import Known


def restore(source: Path, target: Path, stop_at: int = 2**30, **film: Any) -> FilmReport:
    left = iter(range(stop_at))

    def check() -> None:
        if next(left, None) is None:
            raise Interrupted("stopped")

    asked = FilmRequest(lossless=True, **film)
    tasks = plan_films([source], target, resume=asked.resume)
    return restore_films(
        tasks, RestoreRequest(model="known"), asked, RestorerPool.of(Known()), check=check
    )


@pytest.mark.parametrize(("layout", "left"), [("yuv420p", 46), ("yuv422p10le", 46), ("gbrp10le", 45)])
def test_the_comparison_shows_each_frame_before_and_after(
    tmp_path: Path, layout: str, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece_writing, "FRAMES", 4)
    made = Clip(layout=layout, height=31, width=45, sound="aac").save(tmp_path / "clip.mkv")
    both = tmp_path / "both.mkv"
    with pytest.raises(Interrupted):
        restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", 26, compare=both)
    assert not both.exists()
    restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", compare=both, resume=True)
    shown, restored = decoded(both), decoded(tmp_path / "out.mkv")
    for (time, planes), (other, after), before in zip(shown, restored, made, strict=True):
        assert time == other
        for plane, (side, was, now) in enumerate(zip(planes, before, after, strict=True)):
            assert np.array_equal(side[:, : was.shape[1]], was)
            start = left if plane == 0 else side.shape[1] - now.shape[1]
            assert np.array_equal(side[:, start:], now)
    assert packets(both) == packets(tmp_path / "clip.mkv")


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    Clip().save(tmp_path / "clip.mkv")
    for names in ({"compare": "out.mkv"}, {"compare": "a.mkv", "frame_log": "a.mkv"}):
        named = {setting: tmp_path / name for setting, name in names.items()}
        with pytest.raises(UsageError, match="named twice"):
            restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", **named)
