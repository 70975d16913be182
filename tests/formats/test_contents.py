"""What a result lacks of its original is told, whatever writes it; colours of HDR stay what they are."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from restorae.formats.contents import read_contents
from restorae.formats.heif_boxes import ColourCode, colour_code, with_colour_code
from restorae.formats.table import format_rows
from tests.command import run
from tests.known_restorer import identity, restore_file

VALUES = np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)


def jpeg(**options: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(VALUES).save(content, "jpeg", **options)
    return content.getvalue()


def test_a_jpeg_keeps_all_and_another_format_tells_what_it_lacks(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "somebody"
    whole = jpeg(exif=exif.tobytes(), comment=b"hello") + b"\0\0\0\x18ftypmp42" + bytes(90)
    (tmp_path / "in.jpg").write_bytes(whole + jpeg(quality=30))
    assert restore_file(tmp_path / "in.jpg", tmp_path / "out.jpg", identity())[1] == []
    held = read_contents(tmp_path / "in.jpg", "jpeg")
    assert {"EXIF", "comment"} < set(held)
    _, said = restore_file(tmp_path / "in.jpg", tmp_path / "out.png", identity(), kind="png")
    assert len(said) == 1
    assert "left out: " in said[0]
    assert "further image" in said[0]
    assert "EXIF" not in said[0]


def hdr(path: Path, code: ColourCode) -> None:
    image = pyvips.Image.new_from_array(VALUES.astype(np.uint16) * 257)
    image.copy(interpretation="rgb16").heifsave(str(path), compression="av1", bitdepth=10, Q=95)
    content = with_colour_code(path.read_bytes(), code)
    assert content is not None
    path.write_bytes(content)


@pytest.mark.parametrize("transfer", [16, 18])
def test_an_avif_says_the_same_of_its_colours(tmp_path, transfer):
    hdr(tmp_path / "in.avif", ColourCode(9, transfer, 6))
    before = pyvips.Image.heifload(str(tmp_path / "in.avif")).numpy()
    _, said = restore_file(tmp_path / "in.avif", tmp_path / "out.avif", identity(), quality=95)
    assert colour_code((tmp_path / "out.avif").read_bytes()) == (9, transfer, 6)
    assert said == []
    after = pyvips.Image.heifload(str(tmp_path / "out.avif")).numpy()
    assert np.abs(before.astype(float) - after).mean() < 0.05 * 65535
    _, said = restore_file(tmp_path / "in.avif", tmp_path / "out.tif", identity(), kind="tiff")
    assert said == [f"left out: colours of 9/{transfer} (H.273)"]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_another_program_reads_these_colours(tmp_path):
    hdr(tmp_path / "in.avif", ColourCode(9, 16, 6))
    done = subprocess.run(
        ["exiftool", "-j", "-n", "-ColorPrimaries", "-TransferCharacteristics", "-ImageWidth",
         tmp_path / "in.avif"], capture_output=True, check=True,
    )  # fmt: skip
    (found,) = json.loads(done.stdout)
    assert (found["ColorPrimaries"], found["TransferCharacteristics"]) == (9, 16)
    assert found["ImageWidth"] == 56


def test_a_folder_of_many_kinds_is_restored_and_the_rest_is_counted(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    image = Image.fromarray(VALUES)
    for name in ("a.jpg", "b.bmp", "c.gif", "d.jp2", "e.ppm"):
        image.save(folder / name)
    (folder / "f.dcm").write_bytes(bytes(128) + b"DICM" + bytes(40))
    (folder / "notes.txt").write_text("hello")
    words = ("restore", "in", "--model", "classical:median(radius=0)", "--out")
    done = run(*words, "out", cwd=tmp_path)
    assert done.status == 0
    assert "passed over 1 file (1 DICOM): not read. Convert it to TIFF or NumPy" in done.err
    assert "passed over 4 files (1 BMP, 1 GIF, 1 JPEG 2000, 1 PNM)" in done.err
    logged = (tmp_path / "out" / "restored.jsonl").read_text()
    assert logged.count('"passed over"') == 2
    assert "notes" not in done.err + logged
    assert run(*words, "all", "--format", "tiff", cwd=tmp_path).status == 0
    names = sorted(path.name for path in (tmp_path / "all").glob("*.tif"))
    assert names == [f"{letter}.tif" for letter in "abcde"]


def test_the_table_names_every_format_with_its_decoder(tmp_path):
    done = run("doctor", "--formats", "--json", cwd=tmp_path)
    told = {row["format"]: row for row in json.loads(done.out)["formats"]}
    assert told.keys() == {row.title for row in format_rows()}
    assert told["PNG"]["here"] == "yes"
    assert told["camera raw"]["read"].startswith("no. Develop")
    assert told["GIF"]["written"].startswith("no")
