"""The temporary store: it has an end, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from restorae.web.http_errors import HttpError
from restorae.web.store import Store


def test_it_holds_so_much_and_no_more(tmp_path: Path) -> None:
    store = Store(1000, tmp_path)
    workspace = store.workspace()
    workspace.claim(700)
    with pytest.raises(HttpError, match="There is not enough space") as error:
        store.workspace().claim(301)
    assert error.value.status == 507
    workspace.remove()
    store.workspace().claim(1000)
    store.close()


def test_a_shelf_that_is_removed_takes_its_files_along(tmp_path: Path) -> None:
    store = Store(1000, tmp_path)
    workspace = store.workspace()
    (workspace.folder / "image").write_bytes(b"x")
    workspace.remove()
    assert not workspace.folder.exists()
    store.close()
    assert not list(tmp_path.iterdir())


def test_others_cannot_read_the_folder(tmp_path: Path) -> None:
    store = Store(1000, tmp_path)
    assert store.folder.stat().st_mode & 0o077 == 0
    store.close()


def test_what_a_killed_server_left_is_removed_by_the_next_and_a_living_one_is_left_alone(
    tmp_path: Path,
) -> None:
    code = f"from pathlib import Path; from restorae.web.store import Store; s = Store(9, Path({str(tmp_path)!r}))"
    code += "; print(s.folder, flush=True); input()"
    left = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert left.stdout is not None
    folder = Path(left.stdout.readline().strip())
    first = Store(9, tmp_path)
    assert folder.is_dir(), "its server lives"
    os.kill(left.pid, signal.SIGKILL)
    left.communicate()
    second = Store(9, tmp_path)
    assert not folder.exists()
    assert first.folder.is_dir()
    first.close()
    second.close()
