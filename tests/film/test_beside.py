"""What is written beside a restored film."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from restorae.errors import Interrupted, Message, UsageError
from restorae.film import (
    FilmReport,
    FilmRequest,
    forecast,
    piece_writing,
    plan_films,
    restore_films,
)
from restorae.progress import SILENT, Progress
from restorae.restoring import RestoreRequest, RestorerPool
from tests.clips import Clip, decoded, packets
from tests.known_restorer import Known


def restore(
    source: Path, target: Path, stop_at: int = 2**30, progress: Progress = SILENT, **film: Any
) -> FilmReport:
    left = iter(range(stop_at))

    def check() -> None:
        if next(left, None) is None:
            raise Interrupted("stopped")

    asked = FilmRequest(lossless=True, **film)
    tasks = plan_films([source], target, resume=asked.resume)
    return restore_films(
        tasks,
        RestoreRequest(model="known"),
        asked,
        RestorerPool.of(Known()),
        progress=progress,
        check=check,
    )


@pytest.mark.parametrize(
    ("layout", "left"), [("yuv420p", 46), ("yuv422p10le", 46), ("gbrp10le", 45)]
)
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


def test_time_and_disk_are_forecast_from_the_first_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Heard(Progress):
        def say(self, message: str | Message) -> None:
            said.append(f"said {message}")

        def warn(self, message: str | Message) -> None:
            said.append(f"warned {message}")

    source = tmp_path / "clip.mkv"
    Clip(stamps=range(0, 80 * 3600, 3600)).save(source)
    restore(source, tmp_path / "out.mkv", progress=Heard())
    (found,) = (each for each in said if "of disk" in each)
    assert found.startswith("said")
    assert "80 frames will take about" in found
    megabytes = float(found.partition(" MB")[0].rpartition(" ")[2])
    result = (tmp_path / "out.mkv").stat().st_size
    assert megabytes * 1e6 == pytest.approx(2 * result, rel=0.2)  # the pieces and the result
    assert len(decoded(tmp_path / "out.mkv")) == 80

    monkeypatch.setattr(forecast.shutil, "disk_usage", lambda _: Mock(free=1000))
    restore(source, tmp_path / "again.mkv", progress=Heard())
    assert any(each.startswith("warned") and "only 0.0 MB are free" in each for each in said)


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    Clip().save(tmp_path / "clip.mkv")
    for names in ({"compare": "out.mkv"}, {"compare": "a.mkv", "frame_log": "a.mkv"}):
        named = {setting: tmp_path / name for setting, name in names.items()}
        with pytest.raises(UsageError, match="named twice"):
            restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", **named)
