"""Films through a restorer: what is kept, what is changed, and that a stopped run can go on."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restorae.errors import Interrupted, SettingsConflict, UsageError
from restorae.film import FilmReport, FilmRequest, piece_writing, plan_films, restore_films
from restorae.formats.video import read_facts
from restorae.progress import SILENT, Progress
from restorae.restoring import RestoreRequest, RestorerPool
from restorae.restoring.restorer import Restorer
from tests.clips import VARIABLE, Clip, av, decoded, packets
from tests.known_restorer import Known, identity


def restore(
    source: Path,
    target: Path,
    restorer: Restorer | None = None,
    *,
    request: RestoreRequest = RestoreRequest(model="known"),
    check: Callable[[], None] = lambda: None,
    progress: Progress = SILENT,
    overwrite: bool = False,
    **film: Any,
) -> FilmReport:
    asked = FilmRequest(**film)
    tasks = plan_films([source], target, overwrite, resume=asked.resume)
    pool = RestorerPool.of(restorer or identity())
    report = restore_films(tasks, request, asked, pool, progress=progress, check=check)
    assert not report.failures, report.failures[0].reason
    return report


@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p10le", "gray", "gbrp10le"])
def test_what_the_restorer_leaves_is_left_bit_for_bit(tmp_path: Path, layout: str) -> None:
    made = Clip(layout=layout, height=31, width=45).save(tmp_path / "clip.mkv")
    restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", lossless=True)
    written = decoded(tmp_path / "out.mkv")
    assert len(written) == len(made)
    for (_, planes), expected in zip(written, made, strict=True):
        assert all(map(np.array_equal, planes, expected))


@pytest.mark.parametrize(("is_full", "black", "span"), [(False, 16, 219), (True, 0, 255)])
def test_luma_is_restored_on_its_own_scale_and_chroma_is_copied(
    tmp_path: Path, is_full: bool, black: int, span: int
) -> None:
    made = Clip(is_full=is_full).save(tmp_path / "clip.mkv")
    restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", Known(), lossless=True)
    for (_, (luma, *chroma)), (before, *colours) in zip(
        decoded(tmp_path / "out.mkv"), made, strict=True
    ):
        expected = ((before - black) / span * 0.5 + 0.25) * span + black
        assert np.abs(luma - expected).max() <= 0.51
        assert all(map(np.array_equal, chroma, colours))


def test_strength_mixes_the_stored_values(tmp_path: Path) -> None:
    made = Clip(is_full=True).save(tmp_path / "clip.mkv")
    request = RestoreRequest(model="known", strength=0.5)
    restore(
        tmp_path / "clip.mkv", tmp_path / "out.mkv", Known(0, 1), request=request, lossless=True
    )
    luma, before = decoded(tmp_path / "out.mkv")[0][1][0], made[0][0]
    assert np.array_equal(luma, np.rint(before + 0.5 * (255.0 - before)).astype(np.uint8))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", "h264"),
        (".mp4", "vp9"),
        (".mov", "h264"),
        (".mkv", "h264"),
        (".mkv", "ffv1"),
        (".webm", "vp9"),
        pytest.param(".mov", "hevc", marks=pytest.mark.slow),
        pytest.param(".mkv", "hevc", marks=pytest.mark.slow),
    ],
)
def test_time_stamps_and_sound_come_through(tmp_path: Path, suffix: str, codec: str) -> None:
    sound = "libopus" if suffix == ".webm" else "aac"
    source = tmp_path / ("clip.webm" if suffix == ".webm" else "clip.mp4")
    Clip(
        codec="libvpx-vp9" if suffix == ".webm" else "libx264",
        sound=sound,
        height=128,
        width=144,
    ).save(source)
    target = tmp_path / f"out{suffix}"
    restore(source, target, codec=codec)
    exact = suffix in (".mp4", ".mov")
    before, after = decoded(source), decoded(target)
    assert len(before) == len(after) == len(VARIABLE)
    for (time, _), (other, _) in zip(before, after, strict=True):
        assert abs(time - other) <= (0 if exact else Fraction(1, 2000))
    original, copied = packets(source), packets(target)
    assert [content for _, content in original] == [content for _, content in copied]
    for (time, _), (other, _) in zip(original, copied, strict=True):
        assert abs(time - other) <= (0 if exact else Fraction(1, 2000))
    assert copied[0][0] < 0  # the priming samples still begin before the first frame


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_belongs_to_the_film_is_kept(tmp_path: Path, suffix: str) -> None:
    name = "it's $HOME"
    chapters = [
        {
            "id": 1,
            "start": 0,
            "end": 300,
            "time_base": Fraction(1, 1000),
            "metadata": {"title": "One"},
        }
    ]
    source, target = tmp_path / f"{name}.mkv", tmp_path / f"{name} out{suffix}"
    Clip(
        codec="libx264",
        sound="aac",
        rotation=90,
        aspect=Fraction(16, 15),
        metadata={"title": name},
        chapters=chapters,
        attachment=b"kept",
    ).save(source)
    report = restore(source, target)
    before, after = read_facts(source), read_facts(target)
    for fact in ("rotation", "pixel_aspect", "colors", "height", "width", "layout"):
        assert getattr(after, fact) == getattr(before, fact), fact
    assert after.rotation == 90
    with av.open(str(target)) as film:
        assert film.metadata["title"] == name
        assert film.streams.audio[0].metadata["language"] == "fra"
        (chapter,) = film.chapters()
        assert chapter["metadata"]["title"] == "One"
        assert (chapter["end"] - chapter["start"]) * chapter["time_base"] == Fraction(3, 10)
        held = [stream.metadata["filename"] for stream in film.streams.attachments]
    left_out = [notice for notice in report.films[0].notices if "left out" in notice]
    assert held == (["notes.txt"] if suffix == ".mkv" else [])
    assert len(left_out) == (0 if suffix == ".mkv" else 1)
    assert all("notes.txt" in notice for notice in left_out)


def test_a_part_begins_at_zero_with_its_sound(tmp_path: Path) -> None:
    source, target = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    Clip(stamps=range(0, 90 * 3000, 3000), codec="libx264", sound="aac").save(source)
    restore(source, target, from_time="1", to_time="2.5")
    times = [time for time, _ in decoded(target)]
    assert len(times) == 45
    assert (times[0], times[-1]) == (0, Fraction(44, 30))
    original, copied = packets(source), packets(target)
    held = [(time - 1, content) for time, content in original if 1 <= time < Fraction(5, 2)]
    assert [content for _, content in copied] == [content for _, content in held]
    for (time, _), (other, _) in zip(copied, held, strict=True):
        assert abs(time - other) <= Fraction(1, 48000)


class _StopAfter:
    """Stops a run before its frame of this number."""

    def __init__(self, frames: int) -> None:
        self.left = frames

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Interrupted("stopped")


@pytest.mark.parametrize("codec", ["h264", "ffv1", pytest.param("hevc", marks=pytest.mark.slow)])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece_writing, "FRAMES", 8)
    source = tmp_path / "clip.mp4"
    Clip(
        stamps=range(0, 30 * 3000, 3000), codec="libx264", sound="aac", height=128, width=144
    ).save(source)
    whole = tmp_path / "whole.mkv"
    restore(source, whole, Known(), codec=codec)
    for frames in (0, 5, 8, 19, 29):
        target = tmp_path / f"after-{frames}.mkv"
        with pytest.raises(Interrupted):
            restore(source, target, Known(), codec=codec, check=_StopAfter(30 + frames))
        assert not target.exists()
        assert not list(tmp_path.rglob("*.partial*"))
        with pytest.raises(UsageError, match="stopped"):
            restore(source, target, Known(), codec=codec)
        again = Known()
        restore(source, target, again, codec=codec, resume=True)
        assert target.read_bytes() == whole.read_bytes()
        assert len(again.shapes) == 30 - frames // 8 * 8  # complete pieces are not restored again
        assert not Path(f"{target}.pieces").exists()


def test_pieces_of_other_settings_are_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece_writing, "FRAMES", 8)
    Clip().save(tmp_path / "clip.mkv")
    with pytest.raises(Interrupted):
        restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", check=_StopAfter(26))
    other = RestoreRequest(model="known", strength=0.5)
    with pytest.raises(SettingsConflict, match="strength"):
        restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", request=other, resume=True)
    restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", request=other, overwrite=True)
    assert len(decoded(tmp_path / "out.mkv")) == len(VARIABLE)


def test_every_frame_is_reported(tmp_path: Path) -> None:
    class Counts(Progress):
        total = done = 0

        def begin(self, task: str, total: int, unit: str) -> None:
            self.total, self.done = total, 0

        def advance(self, count: int, figures: Any = {}) -> None:
            self.done += count
            assert figures["frames_per_second"] > 0

    counts = Counts()
    Clip().save(tmp_path / "clip.mkv")
    restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", progress=counts)
    assert counts.done == counts.total == len(VARIABLE)


@pytest.mark.parametrize(
    ("layout", "film", "quality", "offered"),
    [
        ("yuv420p", {"codec": "h263"}, None, None),
        ("yuv411p", {"codec": "h264"}, None, "ffv1"),
        ("yuv422p10le", {"codec": "h264", "lossless": True}, None, "ffv1"),
        ("yuv420p", {"codec": "ffv1"}, 50, "h264"),
    ],
)
def test_a_codec_that_does_not_fit_names_one_that_does(
    tmp_path: Path, layout: str, film: dict[str, Any], quality: int | None, offered: str | None
) -> None:
    Clip(layout=layout).save(tmp_path / "clip.mkv")
    request = RestoreRequest(model="known", quality=quality)
    with pytest.raises(UsageError) as raised:
        restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", request=request, **film)
    if offered is None:
        assert "Known: ffv1, h264, hevc" in str(raised.value)
    else:
        assert [fix.value for fix in raised.value.message.fixes] == [offered]
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize("setting", [{"samples": 3}, {"error_map": True}, {"format": "png"}])
def test_settings_of_images_are_refused(tmp_path: Path, setting: dict[str, Any]) -> None:
    with pytest.raises(SettingsConflict, match="not for films"):
        FilmRequest().check(RestoreRequest(**setting))


def test_an_empty_part_is_a_failure(tmp_path: Path) -> None:
    Clip().save(tmp_path / "clip.mkv")
    tasks = plan_films([tmp_path / "clip.mkv"], tmp_path / "out.mkv")
    asked = FilmRequest(from_time="1:00")
    report = restore_films(tasks, RestoreRequest(model="known"), asked, RestorerPool.of(identity()))
    assert "no frame in the part" in str(report.failures[0])
    assert not (tmp_path / "out.mkv").exists()
