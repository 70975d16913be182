"""Files appear complete or not at all; failures say why; errors of sources stay what they are."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restorae.errors import Fix, OutputError, UsageError
from restorae.files import (
    require_absent,
    require_writable,
    write_bytes,
    write_failure,
    write_text,
    written_whole,
)


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_what_is_written_is_read_back(tmp_path, content):
    write_bytes(tmp_path / "out.bin", content)
    assert everything_in(tmp_path) == {"out.bin": content}


def test_text_is_utf8(tmp_path):
    write_text(tmp_path / "out.txt", "σ = 0,5 – größer")
    assert (tmp_path / "out.txt").read_bytes() == "σ = 0,5 – größer".encode()


def test_folders_on_the_way_are_made(tmp_path):
    write_text(tmp_path / "a" / "b" / "out.txt", "here")
    assert (tmp_path / "a" / "b" / "out.txt").read_text() == "here"


@pytest.mark.parametrize("name", ["out.png", "out", "archive.tar.gz", ".hidden"])
def test_the_temporary_name_lies_beside_and_keeps_the_suffix(tmp_path, name):
    with written_whole(tmp_path / name) as partial:
        assert partial.parent == tmp_path
        assert partial.suffix == (Path(name).suffix or ".partial")
        assert partial.name.startswith("."), (
            "a half-written file must not be found among the images of a folder"
        )
        partial.write_bytes(b"done")
    assert everything_in(tmp_path) == {name: b"done"}


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), KeyboardInterrupt(), OSError(errno.EIO, "I/O error"), SystemExit(1)],
    ids=repr,
)
def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path, error):
    (tmp_path / "out.txt").write_text("old")
    expected = OutputError if isinstance(error, OSError) else type(error)

    def fail_halfway() -> None:
        with written_whole(tmp_path / "out.txt") as partial:
            partial.write_text("half of the n")
            raise error

    with pytest.raises(expected):
        fail_halfway()
    assert everything_in(tmp_path) == {"out.txt": b"old"}


@pytest.mark.parametrize("full", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path, monkeypatch, full):
    (tmp_path / "out.txt").write_text("old")

    def fail(_handle: object) -> None:
        raise OSError(full, os.strerror(full))

    monkeypatch.setattr(os, "fsync", fail)  # where a file system that allocates late notices
    with pytest.raises(OutputError, match=r"the disk is full") as caught:
        write_text(tmp_path / "out.txt", "new")
    assert str(tmp_path / "out.txt") in str(caught.value)
    assert "Nothing that was there before has changed" in str(caught.value)
    assert everything_in(tmp_path) == {"out.txt": b"old"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_device_that_is_really_full_is_reported(tmp_path):
    with (
        pytest.raises(OutputError, match="the disk is full"),
        written_whole(tmp_path / "out.bin"),
        open("/dev/full", "wb") as handle,
    ):
        handle.write(b"0" * 100_000)
    assert everything_in(tmp_path) == {}


def test_a_block_that_writes_nothing_is_an_error_and_leaves_the_old_file(tmp_path):
    (tmp_path / "out.txt").write_text("old")
    with pytest.raises(OutputError), written_whole(tmp_path / "out.txt"):
        pass
    assert everything_in(tmp_path) == {"out.txt": b"old"}


def test_below_a_file_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="a file is where a folder is needed"):
        write_text(tmp_path / "file" / "out.txt", "new")
    with pytest.raises(OutputError, match="a file is where a folder is needed"):
        require_writable(tmp_path / "file" / "folder")
    with pytest.raises(OutputError, match="a file is where a folder is needed"):
        require_writable(tmp_path / "file")
    assert everything_in(tmp_path) == {"file": b"a file"}


def test_where_a_folder_stands_no_file_is_written(tmp_path):
    (tmp_path / "out.txt").mkdir()
    with pytest.raises(OutputError, match="a folder has that name"):
        write_text(tmp_path / "out.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc on this system")
def test_a_place_that_takes_no_files_is_reported_before_long_work():
    with pytest.raises(OutputError, match=r"/proc.* could not be written"):
        require_writable("/proc/restorae")


def test_a_writable_folder_is_made_and_left_empty(tmp_path):
    require_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["漢" * 80 + ".png", "a" * 251 + ".png", "b." + "c" * 250],
    ids=["multi-byte", "long", "long suffix"],
)
def test_every_name_that_the_file_system_takes_can_be_written(tmp_path, name):
    (tmp_path / name).write_bytes(b"the file system takes this name")
    write_bytes(tmp_path / name, b"so do we")
    assert everything_in(tmp_path) == {name: b"so do we"}


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path):
    contents = [bytes([65 + place]) * 50_000 for place in range(8)]
    threads = [
        threading.Thread(target=write_bytes, args=(tmp_path / "out.bin", content))
        for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(everything_in(tmp_path)) == ["out.bin"]
    assert (tmp_path / "out.bin").read_bytes() in contents


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EPERM, "permission denied"),
        (errno.EROFS, "permission denied"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_failure_names_the_file_the_reason_and_the_setting_to_change(number, reason):
    error = write_failure("out.png", OSError(number, os.strerror(number)))
    assert error.message.subject == "out.png"
    assert reason in error.message.problem
    assert error.message.fixes == (Fix("out", action="change"),)


@pytest.mark.parametrize("relative", [False, True])
def test_a_source_that_vanishes_while_it_is_copied_is_no_output_error(
    tmp_path, monkeypatch, relative
):
    monkeypatch.chdir(tmp_path)
    folder = Path() if relative else tmp_path
    (folder / "out.txt").write_text("old")
    with (
        pytest.raises(FileNotFoundError) as caught,
        written_whole(folder / "out.txt") as partial,
        open(folder / "vanished.txt") as source,
    ):
        partial.write_text(source.read())
    assert Path(caught.value.filename) == folder / "vanished.txt"
    assert everything_in(tmp_path) == {"out.txt": b"old"}


def test_an_error_about_the_partial_file_is_an_output_error(tmp_path):
    with pytest.raises(OutputError), written_whole(tmp_path / "out.txt") as partial:
        os.rename(partial, tmp_path / "elsewhere")  # noqa: PTH104
    assert list(everything_in(tmp_path)) == ["elsewhere"]


@pytest.mark.parametrize("kind", ["file", "folder", "broken link"])
def test_what_exists_is_replaced_only_on_request(tmp_path, kind):
    target = tmp_path / "out.png"
    require_absent(target)
    match kind:
        case "file":
            target.touch()
        case "folder":
            target.mkdir()
        case _:
            target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError) as caught:
        require_absent(target, setting="sheet")
    assert caught.value.message.fixes == (Fix("overwrite"), Fix("sheet", action="change"))
    require_absent(target, overwrite=True)
