"""Room for a result: in memory or in a file without a name, the same bytes."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restorae.errors import OutputError
from restorae.formats import spool
from restorae.formats.spool import Spool

Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture(params=[2**20, 0], ids=["in memory", "in a file"])
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """What is held in memory at most."""
    monkeypatch.setattr(spool, "IN_MEMORY", request.param)
    return request.param


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 90), st.binary(min_size=1, max_size=10)), max_size=20))
def test_it_holds_what_was_written_wherever_and_in_whatever_order(tmp_path, limit, pieces):
    room, expected = Spool(tmp_path, 100), bytearray(100)
    for place, content in pieces:
        room.write(place, content)
        expected[place : place + len(content)] = content
    assert bytes(room.buffer()) == expected
    assert len(room.buffer()) == 100
    room.close()


def test_it_has_no_name_and_leaves_nothing(tmp_path, limit):
    room = Spool(tmp_path / "new", 1000)
    room.write(0, b"x")
    assert not list(tmp_path.rglob("*.partial"))
    room.close()
    room.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_view_stays_valid_after_close(tmp_path, limit):
    room = Spool(tmp_path, 8)
    room.write(0, b"restored")
    view = memoryview(room.buffer())
    room.close()
    assert bytes(view) == b"restored"


def test_a_disk_without_room_is_noticed_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "IN_MEMORY", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 10**12 - 10**8, 10**8))
    with pytest.raises(
        OutputError,
        match=r"has not enough free space: 1\.1 GB are needed .* 0\.1 GB are free",
    ):
        Spool(tmp_path, 10**9)
    with pytest.raises(OutputError, match="not enough free space"):
        Spool(tmp_path, 10**6, encoded=10**9)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "IN_MEMORY", 0)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError):
        Spool(Path(tmp_path / "file" / "below"), 100)
