"""`restorae serve`: where it listens, and what it says when it cannot."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from restorae.web import Options
from restorae.web.serving import _listen
from restorae.web.store import Store
from tests.command import run


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """asyncio sends small answers at once only where the socket says that it is TCP."""
    with _listen(Options(port=0)) as listening:
        assert listening.proto == socket.IPPROTO_TCP
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--no-open", "--port", str(port), cwd=tmp_path)
    assert done.status == 2
    assert f"port {port}" in done.complaint
    assert "--port" in done.complaint


def test_the_page_is_there_before_the_libraries_of_the_api() -> None:
    """Their import takes seconds."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, restorae.web; print([name for name in ('torch', 'numpy', 'fastapi') if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


def test_a_folder_in_use_is_reported_by_the_server_that_comes_second(tmp_path: Path) -> None:
    store = Store(2**20, keep=tmp_path / "kept")
    done = run("serve", "--no-open", "--port", "0", "--keep", "kept", cwd=tmp_path)
    store.close()
    assert done.status == 2
    assert "another server uses this folder" in done.complaint
    assert "Traceback" not in done.complaint


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    done = run("serve", "--no-open", "--data", "nowhere", cwd=tmp_path)
    assert done.status == 2
    assert "nowhere: no such folder" in done.complaint


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    done = run("serve", "--no-open", cwd=tmp_path)
    assert done.status == 1
    assert "pip install 'restorae[web]'" in done.complaint
