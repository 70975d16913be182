"""Reading films: pixels where they are stored, time stamps to the tick."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from restorae.errors import BadImage
from restorae.formats.video import FrameReader, layout_of, read_facts
from tests.clips import VARIABLE, Clip, av


@pytest.mark.parametrize(
    "layout", ["yuv420p", "yuv422p10le", "gray", "gray12le", "yuv444p16le", "gbrp10le"]
)
def test_every_plane_is_read_as_it_was_stored(tmp_path: Path, layout: str) -> None:
    made = Clip(layout=layout, height=31, width=45).save(tmp_path / "clip.mkv")
    read = [
        [plane.copy() for plane in frame.planes]
        for frame in FrameReader(read_facts(tmp_path / "clip.mkv"))
    ]
    assert len(read) == len(made)
    for planes, expected in zip(read, made, strict=True):
        for plane, values in zip(planes, expected, strict=True):
            assert np.array_equal(plane, values)


def test_packed_pixels_are_only_unpacked(tmp_path: Path) -> None:
    """RGB against PyAV's own conversion to an array."""
    Clip(codec="rawvideo", layout="rgb24", stamps=(0,)).save(tmp_path / "clip.mov")
    facts = read_facts(tmp_path / "clip.mov")
    (frame,) = FrameReader(facts)
    read = np.stack([frame.planes[index] for index in facts.layout.restored], -1)
    with av.open(str(tmp_path / "clip.mov")) as film:
        expected = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert np.array_equal(read, expected)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_time_stamps_are_exact_or_those_of_the_container(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    Clip(codec="libx264").save(path)  # with B-frames: decoding order differs
    facts = read_facts(path)
    times = [frame.stamp * facts.time_base for frame in FrameReader(facts)]
    expected = [Fraction(stamp, 90000) for stamp in VARIABLE]
    largest = max(abs(time - one) for time, one in zip(times, expected, strict=True))
    assert largest <= (Fraction(1, 2000) if suffix == ".mkv" else 0)
    assert facts.is_variable
    assert [facts.start + 0, *facts.stamps[1:]] == [round(time / facts.time_base) for time in times]


@pytest.mark.parametrize(("start", "end"), [(1, 3), (2, None), (Fraction(1, 3), 2)])
def test_a_part_holds_the_same_frames_as_the_whole(
    tmp_path: Path, start: Fraction | int, end: int | None
) -> None:
    """Although decoding begins at a key frame."""
    path = tmp_path / "clip.mp4"
    Clip(stamps=range(0, 96 * 3750, 3750), codec="libx264", options={"g": "20"}).save(path)
    facts = read_facts(path)
    part = FrameReader(facts, start=Fraction(start), end=None if end is None else Fraction(end))
    found = [(frame.stamp, frame.planes[0].copy()) for frame in part]
    expected = [
        (frame.stamp, frame.planes[0].copy())
        for frame in FrameReader(facts)
        if start <= facts.seconds(frame.stamp) and (end is None or facts.seconds(frame.stamp) < end)
    ]
    assert len(found) == len(expected) == part.expected > 0
    for (stamp, plane), (other, values) in zip(found, expected, strict=True):
        assert stamp == other
        assert np.array_equal(plane, values)


def test_what_the_file_says_of_its_pixels(tmp_path: Path) -> None:
    Clip(codec="libx264", rotation=90, aspect=Fraction(16, 15)).save(tmp_path / "clip.mp4")
    facts = read_facts(tmp_path / "clip.mp4")
    assert (facts.height, facts.width, facts.rotation) == (32, 48, 90)
    assert facts.pixel_aspect == Fraction(16, 15)
    assert (facts.colors.range, facts.colors.matrix) == (1, 5)


def test_luma_means_black_and_white_by_its_range() -> None:
    def ends(name: str, color_range: int) -> list[float]:
        layout = layout_of(name, color_range)
        low, high = (0, layout.largest) if layout.is_full else (16, 235)
        scale = 1 if layout.is_full else 2 ** (layout.bits - 8)
        stored = np.array([low * scale, high * scale], layout.dtype)
        return layout.values.to_working(stored[:, None]).ravel().tolist()

    for name in ("yuv420p", "yuv420p10le", "gray12le"):
        for color_range in (1, 2):
            assert ends(name, color_range) == pytest.approx([0, 1])
    assert ends("yuvj420p", 0) == pytest.approx([0, 1])


def test_interlaced_films_are_refused_with_a_reason(tmp_path: Path) -> None:
    Clip(codec="libx264", options={"x264-params": "tff=1"}).save(tmp_path / "clip.mkv")
    with pytest.raises(BadImage, match="interlaced"):
        read_facts(tmp_path / "clip.mkv")


@pytest.mark.parametrize("content", [b"", b"no film at all" * 100])
def test_what_is_no_film_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "it's $HOME.mp4").write_bytes(content)
    with pytest.raises(BadImage):
        read_facts(tmp_path / "it's $HOME.mp4")


def test_sound_alone_and_a_cover_image_are_no_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        sound = out.add_stream("aac", rate=48000, layout="mono")
        cover = out.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
        out.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        out.mux(cover.encode(None))
    with pytest.raises(BadImage, match="only a cover image"):
        read_facts(tmp_path / "sound.mp4")
