"""What is being written is told apart from what a killed process left, and work that only one process may do."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest

from restorae import file_locks
from restorae.errors import InputError
from restorae.file_locks import one_process, remove_left_over
from restorae.files import written_whole
from tests.command import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
LEFT = [".0123456789ab.partial.png", ".0123456789ab.partial.encoded", ".abcdef012345.partial"]


def _hold(folder: Path, begun: Event, end: Event) -> None:
    with written_whole(folder / "new.bin") as partial, one_process(folder / "lock", "works"):
        partial.write_bytes(b"new")
        begun.set()
        end.wait()


@pytest.mark.parametrize("is_killed", [False, True])
def test_another_process(tmp_path, monkeypatch, is_killed):
    monkeypatch.setattr(file_locks, "_AGE_S", 0)
    context = multiprocessing.get_context("fork")
    begun, end = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path, begun, end))
    process.start()
    assert begun.wait(60)
    assert remove_left_over(tmp_path) == 0
    with (
        pytest.raises(InputError, match="another process works"),
        one_process(tmp_path / "lock", "works"),
    ):
        pass
    if is_killed:
        process.kill()
    else:
        end.set()
    process.join()
    assert remove_left_over(tmp_path) == is_killed
    with one_process(tmp_path / "lock", "works"):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ([] if is_killed else ["new.bin"])


def test_a_run_removes_what_a_killed_one_left_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(file_locks, "_AGE_S", 0)
    Path("out").mkdir()
    kept = [".a.partial", "0123456789ab.partial", ".0123456789ab.png"]
    for name in [*LEFT, *kept]:
        Path("out", name).write_bytes(b"half")
    np.save("a.npy", np.zeros((8, 8), np.uint8))
    done = run("restore", "a.npy", "--model", "classical:median", "--out", "out/", cwd=tmp_path)
    assert done.status == 0
    assert "removed 3 temporary files of a run that was stopped" in done.err
    found = {each.name for each in Path("out").iterdir()}
    assert found >= {*kept, "a.npy"}
    assert not set(LEFT) & found
