"""Films that are broken, odd or unusual."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from restorae.errors import BadImage, OutputError, UsageError
from restorae.film import FilmReport, FilmRequest, piece_writing, plan_films, restore_films
from restorae.film.plan import complete_pieces, frames_in
from restorae.formats.video import FrameReader, read_facts
from restorae.formats.video import codecs as codecs_module
from restorae.restoring import RestoreRequest, RestorerPool
from tests.clips import VARIABLE, Clip, av, decoded, packets
from tests.known_restorer import identity

SECOND = range(0, 50 * 3600, 3600)


def restore(source: Path, target: Path, **film: str | bool) -> FilmReport:
    asked = FilmRequest(**film)
    return restore_films(
        plan_films([source], target, resume=asked.resume),
        RestoreRequest(model="known"),
        asked,
        RestorerPool.of(identity()),
    )


def test_a_file_that_breaks_off_is_restored_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    Clip(stamps=SECOND, options={"g": "1"}).save(whole)
    content = whole.read_bytes()
    (tmp_path / "part.mkv").write_bytes(content[: len(content) * 3 // 5])
    report = restore(tmp_path / "part.mkv", tmp_path / "out.mkv", lossless=True)
    written, before = decoded(tmp_path / "out.mkv"), decoded(whole)
    assert 20 < len(written) < 40
    for (time, planes), (other, expected) in zip(written[:-1], before, strict=False):
        assert time == other
        assert all(map(np.array_equal, planes, expected))
    assert report.films[0].is_damaged


def test_packets_that_cannot_be_decoded_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "clip.mkv"
    Clip(codec="libx264", stamps=SECOND, options={"g": "1"}).save(source)
    content = bytearray(source.read_bytes())
    broken = packets(source, "video")[25][1]
    at = content.index(broken)
    content[at : at + len(broken)] = bytes(len(broken))
    source.write_bytes(content)
    report = restore(source, tmp_path / "out.mkv")
    assert not report.failures
    assert report.films[0].is_damaged
    assert 48 <= report.films[0].frames <= 50


def test_a_film_of_one_frame(tmp_path: Path) -> None:
    Clip(stamps=(0,)).save(tmp_path / "clip.mkv")
    report = restore(tmp_path / "clip.mkv", tmp_path / "out.mp4")
    assert report.films[0].frames == len(decoded(tmp_path / "out.mp4")) == 1


def test_a_film_that_begins_late_or_early_keeps_its_times(tmp_path: Path) -> None:
    for first in (7200, -3600):
        source, target = tmp_path / f"clip{first}.mp4", tmp_path / f"out{first}.mp4"
        Clip(stamps=range(first, first + 36000, 3600), codec="libx264", sound="aac").save(source)
        report = restore(source, target)
        assert not report.failures
        assert [time for time, _ in decoded(source)] == [time for time, _ in decoded(target)]
        before, after = packets(source), packets(target)
        assert all(
            abs(time - other) <= Fraction(1, 48000)
            for (time, _), (other, _) in zip(before, after, strict=True)
        )


def test_missing_and_falling_time_stamps_are_replaced_and_reported(tmp_path: Path) -> None:
    """AVI has none of its own: what a reader is given is falsified here."""
    Clip(stamps=SECOND).save(tmp_path / "clip.mkv")
    facts = read_facts(tmp_path / "clip.mkv")
    reader = FrameReader(facts)

    class Decoded:
        def __init__(self, pts: int | None) -> None:
            self.pts, self.dts = pts, None

    stamps, previous = [], None
    for pts in (0, 40, 30, None, 200):
        previous = reader._stamp(Decoded(pts), previous)
        stamps.append(previous)
    assert stamps == [0, 40, 41, 41 + facts.step, 200]
    assert len(reader.notices) == 2


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_time_that_starts_anew_goes_on(tmp_path: Path, suffix: str) -> None:
    """Two recordings in one file: sound in ADTS frames, which MP4 and Matroska hold without their headers."""
    Clip(codec="libx264", stamps=range(0, 36000, 3600), sound="aac").save(tmp_path / "one.ts")
    (tmp_path / "two.ts").write_bytes((tmp_path / "one.ts").read_bytes() * 2)
    report = restore(tmp_path / "two.ts", tmp_path / f"out{suffix}")
    times = [time for time, _ in decoded(tmp_path / f"out{suffix}")]
    assert [time - times[0] for time in times] == [Fraction(number, 25) for number in range(20)]
    assert any("starts anew 1 time" in notice for notice in report.films[0].notices)
    (before, _), *_ = after = packets(tmp_path / f"out{suffix}")
    assert len(after) == 2 * len(packets(tmp_path / "one.ts"))
    assert float(after[len(after) // 2][0] - before) == pytest.approx(0.4, abs=0.04)


def test_drop_frame_rates_stay_exact(tmp_path: Path) -> None:
    for rate in (Fraction(24000, 1001), Fraction(30000, 1001)):
        source, target = tmp_path / f"{rate.numerator}.mp4", tmp_path / f"out{rate.numerator}.mp4"
        Clip(stamps=range(0, 40), time_base=1 / rate, codec="libx264").save(source)
        restore(source, target)
        assert [time for time, _ in decoded(target)] == [number / rate for number in range(40)]
        assert float(read_facts(target).rate) == pytest.approx(float(rate), rel=1e-2)


def test_two_tracks_of_sound_and_a_cover_image_come_along(tmp_path: Path) -> None:
    source, target = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    with av.open(str(source), "w") as out:
        video = out.add_stream("mpeg4", rate=25, width=48, height=32)
        tracks = [out.add_stream("aac", rate=48000, layout="mono") for _ in range(2)]
        for track, language in zip(tracks, ("fra", "deu"), strict=True):
            track.metadata["language"] = language
        cover = out.add_stream("png", rate=1, width=16, height=16)
        cover.pix_fmt = "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 20 * number, np.uint8))
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for track in tracks:
            for _ in range(15):
                sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
                sound.sample_rate = 48000
                out.mux(track.encode(sound))
            out.mux(track.encode(None))
        out.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        out.mux(cover.encode(None))
    report = restore(source, target)
    assert not report.failures
    assert len(report.films[0].copied) == 3
    with av.open(str(target)) as film:
        assert [track.metadata["language"] for track in film.streams.audio] == ["fra", "deu"]
        covers = [bool(int(each.disposition) & 0x400) for each in film.streams.video]
        assert covers == [False, True]


def test_a_size_that_changes_is_refused_with_the_time(tmp_path: Path) -> None:
    small, large, both = (tmp_path / name for name in ("small.h264", "large.h264", "both.h264"))
    Clip(codec="libx264", stamps=range(0, 36000, 3600)).save(small)
    Clip(codec="libx264", stamps=range(0, 36000, 3600), height=64, width=64).save(large)
    both.write_bytes(small.read_bytes() + large.read_bytes())
    (tmp_path / "both.mpg").write_bytes(both.read_bytes())
    report = restore(tmp_path / "both.mpg", tmp_path / "out.mkv")
    assert "changes from 32 × 48 to 64 × 64 px" in str(report.failures[0])
    assert report.failures[0].reason.fixes[0].setting == "to_time"


@pytest.mark.parametrize(("limit", "kept"), [(5_000, 0), (25_000, 16)])
def test_where_nothing_more_can_be_written_what_is_done_is_kept(
    tmp_path: Path, limit: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of the size of files ends as a full disk does: in a piece, or when pieces are joined."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(piece_writing, "FRAMES", 4)
    source, target = tmp_path / "clip.mkv", tmp_path / "out.mkv"
    Clip().save(source)
    restore(source, tmp_path / "whole.mkv", lossless=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OutputError, match="not be written"):
            restore(source, target, lossless=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not target.exists()
    pieces = Path(f"{target}.pieces")
    assert frames_in(complete_pieces(pieces)) == kept
    restore(source, target, lossless=True, resume=True)
    assert target.read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert not pieces.exists()


def test_odd_sides_are_kept_and_a_codec_that_cannot_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "clip.mkv"
    Clip(height=31, width=45).save(source)
    with pytest.raises(UsageError, match="needs even sides for yuv420p") as raised:
        restore(source, tmp_path / "out.mp4", codec="h264")
    assert [fix.value for fix in raised.value.message.fixes] == ["ffv1"]
    restore(source, tmp_path / "out.mp4")
    facts = read_facts(tmp_path / "out.mp4")
    assert (facts.height, facts.width, facts.codec) == (31, 45, "ffv1")


def test_an_encoder_that_is_missing_is_named_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clip().save(tmp_path / "clip.mkv")
    lacking = set(av.codecs_available) - {"libx264"}
    monkeypatch.setattr(codecs_module.import_av(), "codecs_available", lacking)
    with pytest.raises(UsageError, match="has no encoder libx264") as raised:
        restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", codec="h264")
    assert [fix.value for fix in raised.value.message.fixes] == ["ffv1"]


def test_a_name_with_a_colon_is_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Clip().save(tmp_path / "part:1.mkv")
    assert restore(Path("part:1.mkv"), Path("out:1.mkv")).films[0].frames == len(VARIABLE)


def test_names_that_cannot_be_written_are_refused_before_work(tmp_path: Path) -> None:
    Clip().save(tmp_path / "clip.mkv")
    with pytest.raises(UsageError, match="Expected one that ends in"):
        plan_films([tmp_path / "clip.mkv"], tmp_path / "out.wmv")
    with pytest.raises(UsageError, match="is an input"):
        plan_films([tmp_path / "clip.mkv"], tmp_path / "clip.mkv", overwrite=True)
    with pytest.raises(BadImage, match="no such file"):
        plan_films([tmp_path / "other.mkv"], tmp_path / "out.mkv")
