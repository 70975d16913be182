"""`restorae restore` on what goes wrong in real archives: each file is named, with what to do, and none stops the others."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import median_filter

from tests.command import Outcome, pixels, run, run_apart, surroundings

AS_IT_IS = "classical:median(radius=0)"
"""A restorer that changes nothing."""


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(path: Path, *shape: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:  # Pillow does not take names that are no text
        Image.fromarray(noise(*(shape or (20, 30)))).save(handle, "png")
    return path


def restore(folder: Path, *words: str | Path, out: str | Path = "out") -> Outcome:
    return run("restore", *words, "--model", AS_IT_IS, "--out", out, cwd=folder)


# --------------------------------------------------------------------------------------------------- broken content


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def bomb(path: Path) -> None:
    """A few bytes that declare 60,000 × 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def cut_short(path: Path) -> None:
    Image.fromarray(noise(200, 200, 3)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def wrong_checksum(path: Path) -> None:
    content = bytearray(png(path).read_bytes())
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    content[start + 4 + length] ^= 1
    path.write_bytes(content)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.png": (lambda path: path.touch(), "is empty (0 bytes)"),
    "words.png": (
        lambda path: path.write_text("hello"),
        "is not in a format that is read, whatever its name says",
    ),
    "checksum.png": (wrong_checksum, "cannot be read as an image"),
    "cut.jpg": (cut_short, "cut short"),
    "cut.png": (cut_short, "cut short"),
    "cut.tif": (cut_short, "cannot be read as an image"),
    "cut.webp": (cut_short, "cut short"),
    "bomb.png": (
        bomb,
        "declares 3,600 megapixels; files of more than 1,074 are read only on request",
    ),
    "nowhere.png": (
        lambda path: path.symlink_to("nothing"),
        "is a broken or circular symbolic link",
    ),
    "itself.png": (
        lambda path: path.symlink_to("itself.png"),
        "is a broken or circular symbolic link",
    ),
    "pipe.png": (os.mkfifo, "a pipe or a device"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_stops_nothing_and_is_named_with_its_trouble(
    tmp_path: Path, name: str
) -> None:
    make, hint = BROKEN[name]
    png(tmp_path / "in" / "a.png")
    png(tmp_path / "in" / "z.png")
    make(tmp_path / "in" / name)
    done = restore(tmp_path, "in")
    assert done.status == 1
    told = [line for line in done.complaint.splitlines() if line.startswith("Not restored: ")]
    assert len(told) == 1
    assert f"in/{name}" in told[0]
    assert hint in told[0]
    assert "2 of 3 restored, in out." in done.complaint
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.png",
        "restored.jsonl",
        "z.png",
    ]
    alone = restore(tmp_path, f"in/{name}", out="alone.png")
    assert alone.status == 1
    assert hint in alone.complaint


def test_all_that_is_broken_is_reported_at_once(tmp_path: Path) -> None:
    png(tmp_path / "in" / "good.png")
    for name, (make, _) in BROKEN.items():
        make(tmp_path / "in" / name)
    done = restore(tmp_path, "in")
    assert done.status == 1
    assert {name for name in BROKEN if f"Not restored: in/{name}" in done.complaint} == set(BROKEN)
    assert f"1 of {len(BROKEN) + 1} restored" in done.complaint


def test_a_limit_can_be_lowered_and_raised(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 20, 30)
    refused = restore(tmp_path, "a.png", "--max-pixels", "599", out="b.png")
    assert refused.status == 1
    assert "Use --max-pixels 600" in refused.complaint
    assert restore(tmp_path, "a.png", "--max-pixels", "600", out="b.png").status == 0


AS_NOBODY = f"""
import os, sys
from restorae.cli.main import main

def restore(source, out):
    sys.argv = ["restorae", "restore", source, "--model", {AS_IT_IS!r}, "--out", out]
    try:
        main()
    except SystemExit as left:
        return left.code

restore("in/good.png", "warm/")  # so that all libraries are in memory: nobody may not read them
os.setuid(65534)
sys.exit(restore("in", "out"))
"""


def test_files_that_may_not_be_read_are_named() -> None:
    """Root may read everything, so the run is handed to nobody, in a place where nobody may be."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        png(folder / "in" / "good.png")
        png(folder / "in" / "private.png").chmod(0)
        png(folder / "in" / "closed" / "hidden.png")
        (folder / "in" / "closed").chmod(0)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY],
            cwd=folder,
            env={**os.environ, **surroundings(folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    assert f"in/private.png: cannot be read: {os.strerror(errno.EACCES)}" in done.stderr
    assert "Not restored: in/closed" in done.stderr
    assert "is a directory that cannot be read" in done.stderr
    assert "1 of 3 restored" in done.stderr


# ------------------------------------------------------------------------------------------------------------- names

NAMES = [
    b"a name with spaces.png",
    b"two\nlines.png",
    b"scan[1].png",
    b"[bold]loud[bold].png",
    b"caf\xe9.png",
    b"-dash.png",
    b"--out.png",
    b"cost $5, or $x_1$.png",
    b"100%d.png",
    "Größe ☃.png".encode(),
    b"double.suffix.tar.png",
    b"UPPER.PNG",
    b"n" * 250 + b".png",
]


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A folder of images whose names are a trial."""
    for name in NAMES:
        try:
            png(tmp_path / "in" / os.fsdecode(name))
        except OSError:  # a file system that takes names in UTF-8 only
            pytest.skip(f"no file can be called {name!r} here")
    return tmp_path / "in"


def test_any_name_goes_in_and_comes_out(tmp_path: Path, named: Path) -> None:
    done = restore(tmp_path, "in")
    assert done.status == 0, done.err
    assert sorted(os.fsencode(path.name) for path in (tmp_path / "out").iterdir()) == sorted(
        [*NAMES, b"restored.jsonl"]
    )
    for name in NAMES:
        with (tmp_path / "out" / os.fsdecode(name)).open("rb") as handle:
            assert np.array_equal(np.asarray(Image.open(handle)), noise(20, 30))


def test_any_name_can_be_previewed(tmp_path: Path, named: Path) -> None:
    done = restore(tmp_path, "in", "--preview", "20", out="sheet.png")
    assert done.status == 0, done.err
    assert f"{len(NAMES)} of {len(NAMES)} previewed" in done.err


def test_any_name_can_be_printed(tmp_path: Path, named: Path) -> None:
    for name in NAMES:
        (named / os.fsdecode(name)).write_bytes(b"hello")
    done = run_apart("restore", "in", "--model", AS_IT_IS, "--out", "out", cwd=tmp_path)
    assert done.status == 1
    assert done.complaint.count("Not restored: ") == len(NAMES)
    assert "caf\\udce9.png" in done.complaint


def test_a_name_that_begins_with_a_dash_follows_two_dashes(tmp_path: Path) -> None:
    png(tmp_path / "-dash.png")
    assert (
        run(
            "restore", "--model", AS_IT_IS, "--out", "out.png", "--", "-dash.png", cwd=tmp_path
        ).status
        == 0
    )
    assert (tmp_path / "out.png").is_file()


def test_names_that_no_file_can_have_are_reported(tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    too_long = f"{'n' * 300}.png"
    for words, out in (((too_long,), "out.png"), (("a.png",), too_long)):
        done = restore(tmp_path, *words, out=out)
        assert done.status == 1
        assert os.strerror(errno.ENAMETOOLONG) in done.complaint


def test_a_folder_that_holds_itself_is_walked_once(tmp_path: Path) -> None:
    png(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "circle.png").symlink_to(tmp_path / "in")
    done = restore(tmp_path, "in")
    assert done.status == 0, done.err
    assert "1 of 1 restored" in done.err


# --------------------------------------------------------------------------------------------- images of odd kinds


def test_one_bit_images_become_eight_bit_ones_with_a_notice(tmp_path: Path) -> None:
    Image.fromarray(noise(33, 57) > 99).save(tmp_path / "a.png")
    done = restore(tmp_path, "a.png", out="b.png")
    assert done.status == 0, done.err
    assert "a.png: its 1-bit values become 8-bit ones" in done.err
    assert np.array_equal(pixels(tmp_path / "b.png"), (noise(33, 57) > 99) * np.uint8(255))


@pytest.mark.parametrize("shape", [(1, 100_000), (100_000, 1), (1, 1)], ids=str)
def test_strips_are_images_too(tmp_path: Path, small_model: Path, shape: tuple[int, int]) -> None:
    Image.fromarray(noise(*shape)).save(tmp_path / "a.png")
    done = run(
        "restore",
        "a.png",
        "--model",
        "classical:median(radius=2)",
        "--tile",
        "64",
        "--out",
        "b.png",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert np.array_equal(
        pixels(tmp_path / "b.png"), median_filter(noise(*shape), size=5, mode="mirror")
    )


def test_values_that_are_no_numbers_come_back_where_they_were(
    tmp_path: Path, small_model: Path
) -> None:
    values = np.random.default_rng(0).random((60, 70), dtype=np.float32)
    values[3, 4], values[10:20, 50], values[59, 69] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "a.tif", values)
    for model in (str(small_model), "classical:median"):
        done = run(
            "restore", "a.tif", "--model", model, "--out", "b.tif", "--overwrite", cwd=tmp_path
        )
        assert done.status == 0, done.err
        told = "12 NaN, infinite or no-data values kept out of the restoration and put back"
        assert told in done.err
        restored = tifffile.imread(tmp_path / "b.tif")
        bad = ~np.isfinite(values)
        np.testing.assert_array_equal(restored[bad], values[bad])
        assert np.isfinite(restored[~bad]).all()
        assert not np.array_equal(restored[~bad], values[~bad])


def test_a_mask_of_another_size_is_reported_with_both_sizes(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 20, 30)
    png(tmp_path / "mask.png", 40, 50)
    done = restore(tmp_path, "a.png", "--mask", "mask.png", out="b.png")
    assert done.status == 1
    assert (
        "a.png: is 30 × 20 pixels, its mask 50 × 40 (width × height). Paint the mask on a copy of the image"
        in done.complaint
    )
    (tmp_path / "mask.png").write_bytes(b"hello")
    done = restore(tmp_path, "a.png", "--mask", "mask.png", out="b.png")
    assert done.status == 1
    assert "mask.png: is not in a format that is read" in done.complaint


def test_an_image_under_another_formats_name_keeps_its_own_with_a_notice(
    tmp_path: Path,
) -> None:
    png(tmp_path / "in" / "a.png").rename(tmp_path / "in" / "a.jpg")
    done = restore(tmp_path, "in")
    assert done.status == 0, done.err
    assert "in/a.jpg: it is a PNG file by its content, and so is its result (a.jpg)" in done.err
    with Image.open(tmp_path / "out" / "a.jpg") as image:
        assert image.format == "PNG"


def test_only_the_missing_are_reported_where_an_input_is_wrong(tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    for given, hint in (
        ("nowhere", "nowhere: no such file or folder"),
        ("empty", "empty: holds no images. Expected PNG, JPEG, TIFF, WebP"),
        ("notes.txt", "notes.txt: is of no format that is read. Expected .avif"),
    ):
        done = restore(tmp_path, "a.png", given)
        assert done.status == 1
        assert hint in done.complaint
        assert not (tmp_path / "out").exists()
