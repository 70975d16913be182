"""Reading and writing change nothing in the process that they run in, unless it asks for that."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile

from restorae.errors import BadImage
from restorae.formats import (
    begin_result,
    libraries,
    open_original,
    read_still,
    write_gif,
    write_still,
)
from restorae.formats.libraries import without_tifffile_log


def test_the_process_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        libraries, "_process_is_ours", False
    )  # a test may have called the command line
    logger = logging.getLogger("tifffile")
    pyvips.cache_set_max(100)

    def state() -> tuple[object, ...]:
        return logger.level, logger.disabled, tuple(logger.filters), pyvips.cache_get_max()

    before = state()
    assert pyvips.cache_get_max() > 0
    write_still(tmp_path / "a.tif", np.zeros((8, 8), np.uint8))
    read_still(tmp_path / "a.tif")
    write_gif(tmp_path / "a.gif", np.zeros((2, 8, 8), np.uint8))
    original = open_original(tmp_path / "a.tif")
    with begin_result(original, tmp_path / "b.tif") as writer:
        writer.put(0, 0, original.rows(0).read(8))
        writer.finish()
    assert state() == before


RECURSION = """
import gc, io, logging
from restorae.formats.libraries import import_pyvips
pyvips = import_pyvips()
from PIL import Image
held = []
class Frees(logging.Handler):
    def emit(self, record):
        held.clear()  # as the garbage collector may, at any time
logging.getLogger("pyvips").addHandler(Frees())
encoded = io.BytesIO()
Image.new("L", (64, 64)).save(encoded, "JPEG")
damaged = encoded.getvalue()[:20] + b"extra" + encoded.getvalue()[20:]
def opened():
    image = pyvips.Image.jpegload_source(pyvips.Source.new_from_memory(damaged), access="sequential", fail_on="none")
    region = pyvips.Region.new(image)
    region.fetch(0, 0, 64, 64)
    return image, region
pyvips.cache_set_max(0)
held.append(opened())
opened()
gc.collect()
"""


def test_a_damaged_image_that_is_freed_while_another_is_logged_does_not_end_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", RECURSION], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def broken(path: Path) -> Path:
    """A TIFF of which tifffile complains in its log: it names a second page where there is none."""
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), metadata=None)
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    end = start + 2 + 12 * int.from_bytes(content[start : start + 2], "little")
    content[end : end + 4] = (2**31).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def test_what_tifffile_says_of_our_files_is_not_heard_and_all_else_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(
        logging.WARNING, "tifffile"
    )  # the command line of another test may have raised it
    path = broken(tmp_path / "in.tif")
    with tifffile.TiffFile(path) as opened:
        assert len(opened.pages) == 1
    assert caplog.records, "tifffile says nothing of this file: the test would prove nothing"
    caplog.clear()
    with pytest.raises(BadImage, match=r"in\.tif"):
        open_original(path).rows(0).read(8)
    assert not [record for record in caplog.records if record.name == "tifffile"]
    caplog.clear()
    with without_tifffile_log():
        logging.getLogger("tifffile").error("ours")
    logging.getLogger("tifffile").error("theirs")
    assert [record.message for record in caplog.records] == ["theirs"]


def test_a_program_of_its_own_may_quiet_them() -> None:
    program = """
import logging, sys
from restorae.formats import quiet_libraries
quiet_libraries()
assert not {"pyvips", "tifffile"} & sys.modules.keys()
from restorae.formats import libraries
from restorae.formats.libraries import import_pyvips
assert import_pyvips().cache_get_max() == 0
assert logging.getLogger("tifffile").level == logging.getLogger("pyvips").level == logging.CRITICAL
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_errors_that_quote_bytes_are_read():
    complaint = libraries.import_pyvips().ffi.new("char[]", b"property i\x80\xe9")
    assert pyvips.error._to_string(complaint) == "property i\\x80\\xe9"
