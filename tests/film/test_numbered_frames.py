"""Folders of numbered frames as films: in, out, to films and from films."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorae.errors import BadImage, Interrupted, SettingsConflict, UsageError
from restorae.film import FilmReport, FilmRequest, piece_writing, plan_films, restore_films
from restorae.formats.video import read_facts
from restorae.restoring import RestoreRequest, RestorerPool
from restorae.restoring.restorer import Restorer
from tests.clips import Clip, av
from tests.known_restorer import Known, identity, whole_range

COUNT = 11


def restore(
    source: Path,
    target: Path,
    restorer: Restorer | None = None,
    *,
    check: Callable[[], None] = lambda: None,
    overwrite: bool = False,
    **film: Any,
) -> FilmReport:
    asked = FilmRequest(**film)
    rated = asked.frame_rate is not None
    tasks = plan_films([source], target, overwrite, resume=asked.resume, frame_rate=rated)
    pool = RestorerPool.of(restorer or identity())
    return restore_films(tasks, RestoreRequest(model="known"), asked, pool, check=check)


def images(kind: type, *, bands: int, first: int = 0, count: int = COUNT) -> list[np.ndarray]:
    shape = (48, 64) if bands == 1 else (48, 64, bands)
    return [
        np.random.default_rng(first + number).integers(0, np.iinfo(kind).max, shape, kind, True)
        for number in range(count)
    ]


def save(folder: Path, kind: str, dtype: type, bands: int, first: int = 8) -> list[np.ndarray]:
    folder.mkdir()
    made = images(dtype, bands=bands)
    for number, values in enumerate(made, first):
        path = folder / f"shot{number:04}.{kind}"
        if kind == "png":
            Image.fromarray(values).save(path, dpi=(300, 300), pnginfo=None)
        else:
            tifffile.imwrite(path, values, description=f"frame {number}", metadata=None)
    return made


def read(path: Path) -> np.ndarray:
    """By another library than the one that wrote it."""
    if path.suffix == ".tif":
        return tifffile.imread(path)
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("kind", "dtype", "bands"),
    [("png", np.uint8, 3), ("png", np.uint16, 1), ("tif", np.uint16, 3), ("tif", np.uint8, 1)],
)
def test_frames_keep_their_names_bits_and_metadata(
    tmp_path: Path, kind: str, dtype: type, bands: int
) -> None:
    made = save(tmp_path / "100% $in", kind, dtype, bands)
    report = restore(tmp_path / "100% $in" / f"shot%04d.{kind}", tmp_path / "a" / "clean", Known())
    assert not report.failures
    written = sorted((tmp_path / "a" / "clean").iterdir())
    assert [path.name for path in written] == [f"shot{8 + n:04}.{kind}" for n in range(COUNT)]
    for path, before in zip(written, made, strict=True):
        after = read(path)
        assert after.dtype == dtype
        assert np.abs(after.astype(int) - whole_range(before)).max() <= 1
    if kind == "png":
        with Image.open(written[3]) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    else:
        with tifffile.TiffFile(written[3]) as file:
            assert file.pages[0].tags["ImageDescription"].value == "frame 11"
    assert not list(tmp_path.rglob("*.pieces"))


def test_a_folder_is_a_film_where_a_frame_rate_is_said(tmp_path: Path) -> None:
    made = save(tmp_path / "in", "png", np.uint8, 3)
    (tmp_path / "in" / "notes.txt").write_text("left alone")
    report = restore(tmp_path / "in", tmp_path / "out.mkv", codec="ffv1", frame_rate="23.976")
    assert not report.failures
    rate = Fraction(24000, 1001)
    with av.open(str(tmp_path / "out.mkv")) as film:
        for number, (frame, before) in enumerate(zip(film.decode(video=0), made, strict=True)):
            assert abs(frame.pts * frame.time_base - number / rate) <= Fraction(1, 2000)
            assert np.array_equal(frame.to_ndarray(format="rgb24"), before)


def test_a_film_becomes_frames_and_what_they_do_not_hold_is_said(tmp_path: Path) -> None:
    made = Clip(layout="gbrp10le", height=48, width=64, sound="aac").save(tmp_path / "clip.mkv")
    report = restore(tmp_path / "clip.mkv", tmp_path / "out" / "%d.tif")
    (film,) = report.films
    assert any("audio stream 1 (aac, fra)" in notice for notice in film.notices)
    assert any("different times" in notice for notice in film.notices)
    for number, (green, blue, red) in enumerate(made, 1):
        expected = np.rint(np.stack([red, green, blue], -1) / 1023 * 65535)
        assert np.array_equal(read(tmp_path / "out" / f"{number}.tif"), expected)


@pytest.mark.parametrize(("layout", "bits"), [("yuv444p", 8), ("yuv444p10le", 10)])
@pytest.mark.parametrize(("matrix", "red", "blue"), [(5, 0.299, 0.114), (1, 0.2126, 0.0722)])
def test_colours_of_a_film_are_those_of_its_matrix(
    tmp_path: Path, layout: str, bits: int, matrix: int, red: float, blue: float
) -> None:
    """BT.601 and BT.709 in the limited range, computed here from their definitions."""
    stored = 80, 105, 160
    frame = av.VideoFrame(64, 48, layout)
    for plane, value in zip(frame.planes, stored, strict=True):
        kind = np.uint8 if bits == 8 else np.uint16
        np.frombuffer(plane, kind)[:] = value << (bits - 8)
    with av.open(str(tmp_path / "clip.mkv"), "w") as out:
        video = out.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, layout
        video.codec_context.colorspace, video.codec_context.color_range = matrix, 1
        frame.pts, frame.colorspace, frame.color_range = 0, matrix, 1
        for each in (frame, None):
            out.mux(video.encode(each))
    restore(tmp_path / "clip.mkv", tmp_path / "out" / "%d.png")
    tone, cb, cr = (stored[0] - 16) / 219, (stored[1] - 128) / 224, (stored[2] - 128) / 224
    r, b = tone + 2 * (1 - red) * cr, tone + 2 * (1 - blue) * cb
    g = (tone - red * r - blue * b) / (1 - red - blue)
    after = read(tmp_path / "out" / "1.png")
    assert after.mean((0, 1)) / 255 == pytest.approx((r, g, b), abs=0.01)


def test_dpx_frames_keep_their_values_and_what_their_header_says(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    encoder = av.CodecContext.create("dpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "gbrp10be"
    encoder.time_base = Fraction(1, 24)
    for number in range(3):
        frame = av.VideoFrame(64, 48, "gbrp10be")
        for plane in frame.planes:
            values = np.random.default_rng(number).integers(0, 1024, plane.buffer_size // 2)
            np.frombuffer(plane, ">u2")[:] = values.astype(">u2")
        (packet,) = encoder.encode(frame)
        content = bytearray(bytes(packet))
        content[1920:1924] = bytes((1, 2, 3, number))  # time code
        content[801] = 1  # printing density
        (tmp_path / "in" / f"{number}.dpx").write_bytes(content)
    restore(tmp_path / "in" / "%d.dpx", tmp_path / "out")
    for number in range(3):
        before, after = (tmp_path / name / f"{number}.dpx" for name in ("in", "out"))
        assert before.read_bytes()[768:] == after.read_bytes()[768:]


class _StopAfter:
    def __init__(self, frames: int) -> None:
        self.left = frames

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Interrupted("stopped")


def test_a_stopped_run_goes_on_to_the_same_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece_writing, "FRAMES", 4)
    save(tmp_path / "in", "png", np.uint8, 3)
    pattern = tmp_path / "in" / "shot%04d.png"
    restore(pattern, tmp_path / "whole", Known())
    with pytest.raises(Interrupted):
        restore(pattern, tmp_path / "out", Known(), check=_StopAfter(COUNT + 9))
    assert not (tmp_path / "out").exists()
    again = Known()
    restore(pattern, tmp_path / "out", again, resume=True)
    assert len(again.shapes) == COUNT - 8
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        restore(pattern, tmp_path / "out")
    (tmp_path / "out" / "shot0099.png").write_bytes(b"")
    report = restore(pattern, tmp_path / "out", overwrite=True)
    assert any("still holds 1 other" in notice for notice in report.films[0].notices)


def test_gaps_sizes_and_broken_frames_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    save(folder, "png", np.uint8, 3)
    pattern, out = folder / "shot%04d.png", tmp_path / "out"
    ninth = (folder / "shot0009.png").read_bytes()
    (folder / "shot0009.png").write_bytes(ninth[:40])
    report = restore(pattern, out)
    assert report.films[0].is_damaged
    assert any("shot0009.png" in notice for notice in report.films[0].notices)
    assert sorted(path.name for path in out.iterdir())[:2] == ["shot0008.png", "shot0010.png"]
    Image.new("RGB", (32, 48)).save(folder / "shot0009.png")
    failure = restore(pattern, tmp_path / "b").failures[0]
    assert failure.reason.subject == folder / "shot0009.png"
    assert "is 48 × 32 px, the frames before are 48 × 64 px" in str(failure)
    (folder / "shot0009.png").unlink()
    (folder / "shot0014.png").unlink()
    (folder / "shot0015.png").unlink()
    assert "9, 14 to 15" in str(restore(pattern, tmp_path / "b").failures[0])
    (folder / "shot0009.png").write_bytes(b"")
    with pytest.raises(BadImage, match="no file has such a name"):
        read_facts(folder / "%d.png")
    assert not (tmp_path / "b").exists()


def test_places_and_settings_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "in", "png", np.uint8, 3)
    Clip().save(tmp_path / "clip.mkv")
    pattern = tmp_path / "in" / "shot%04d.png"
    for inside in ("in", "in/clean", "in/film.mkv"):
        with pytest.raises(UsageError, match="folder of the frames"):
            restore(pattern, tmp_path / inside, overwrite=True)
    with pytest.raises(SettingsConflict, match="without loss"):
        restore(pattern, tmp_path / "out", codec="h264")
    with pytest.raises(SettingsConflict, match="numbered frames"):
        restore(tmp_path / "clip.mkv", tmp_path / "out.mkv", frame_rate="24")
    (tmp_path / "in" / "other1.png").write_bytes(b"x")
    with pytest.raises(BadImage, match="several names"):
        restore(tmp_path / "in", tmp_path / "out", frame_rate="24")
