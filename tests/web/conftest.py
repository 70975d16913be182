"""A server to ask: within the test's process for what is quick, as a person starts it for a real browser."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from restorae.web import Limits, Options, make_app

AS_IT_IS = "classical:median(radius=0)"
"""A restorer that changes nothing."""
Opener = Callable[..., TestClient]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(pixels: np.ndarray, kind: str = "png", **options: Any) -> bytes:
    """An image file, written by another library than ours."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(content: bytes) -> np.ndarray:
    """Its pixels."""
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture
def open_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    """Opens servers with given limits and options; their models lie in `models`, what they may train on in `data`."""
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "kept"))
    opened: list[TestClient] = []

    def open_one(limits: Limits | None = None, **settings: Any) -> TestClient:
        options = Options(
            **{"models": tmp_path / "models", "limits": limits or Limits(), **settings}
        )
        client = TestClient(
            make_app(options), base_url="http://127.0.0.1:8765", raise_server_exceptions=False
        )
        client.__enter__()
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        client.__exit__(None, None, None)
    assert not list((tmp_path / "kept").iterdir()), "the temporary folder is still there"


@pytest.fixture
def server(open_server: Opener) -> TestClient:
    """A server as it is when nothing is said."""
    return open_server()


def send(
    server: TestClient, content: bytes | np.ndarray, name: str = "image.png"
) -> dict[str, Any]:
    """Send an image and return what is told of it."""
    answer = server.post(
        "/api/images",
        params={"name": name},
        content=encoded(content) if isinstance(content, np.ndarray) else content,
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def finished(server: TestClient, job: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
    """What is told of a job when it is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found: dict[str, Any] = server.get(f"/api/jobs/{job['id']}").json()
        if found["state"] not in ("waiting", "running"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"the job is not over after {seconds} s: {found}")


def refused(answer: Any, status: int) -> str:
    """The sentence with which a request was refused."""
    assert answer.status_code == status, answer.text
    sentence: str = answer.json()["error"]
    assert sentence.endswith((".", "?")), sentence
    assert "Traceback" not in sentence
    return sentence
