"""`restorae serve`: where it listens, and what it says when it cannot."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from restorae.web import Options
from restorae.web.serving import _listen
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
