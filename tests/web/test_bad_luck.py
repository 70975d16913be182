"""What goes wrong beside the server: a full disk, a lost connection, a model that is deleted."""

from __future__ import annotations

import errno
import json
import logging
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from restorae.networks import Conv
from restorae.web import gallery_image
from tests.cli.conftest import untrained
from tests.web.browser import serving
from tests.web.conftest import AS_IT_IS, Opener, TestClient, encoded, finished, noise, refused, send


def test_a_full_disk_fails_one_image_of_a_batch_and_leaves_nothing_of_it(
    server: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images = [send(server, noise(60, 80, seed=number), f"{number}.png") for number in range(3)]
    write, full = gallery_image.write_pyramid, Path(images[1]["id"])

    def written(*given: Any, **named: Any) -> Any:
        made = write(*given, **named)
        if made.name == "after-1" and made.folder.name == full.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return made

    monkeypatch.setattr(gallery_image, "write_pyramid", written)
    before = server.get("/api/about").json()["stored"]
    body = {"images": [each["id"] for each in images], "settings": {"model": AS_IT_IS}}
    queued = server.post("/api/restorations", json=body).json()["jobs"]
    with caplog.at_level(logging.CRITICAL):
        over = [finished(server, {"id": each["job"]}) for each in queued]
    assert [each["state"] for each in over] == ["done", "failed", "done"]
    assert "No space left on device" in over[1]["error"]
    for each in (images[0], images[2]):
        assert server.delete(f"/api/images/{each['id']}").status_code == 204
    taken = server.get("/api/about").json()["stored"]
    assert 0 < taken < before, "nothing is left of the result that failed"
    monkeypatch.undo()
    again = server.post(f"/api/images/{images[1]['id']}/restore", json={"model": AS_IT_IS}).json()
    assert finished(server, again)["state"] == "done"


def test_a_model_that_is_deleted_fails_its_jobs_with_a_sentence(
    open_server: Opener, tmp_path: Path
) -> None:
    path = untrained(Conv(features=4), tmp_path / "models" / "own")
    server = open_server()
    image = send(server, noise(60, 80))["id"]
    job = server.post(f"/api/images/{image}/restore", json={"model": "own"}).json()
    assert finished(server, job)["state"] == "done"
    path.unlink()
    assert "no model 'own'" in refused(
        server.post(f"/api/images/{image}/restore", json={"model": "own"}), 422
    )
    assert "own" not in {model["name"] for model in server.get("/api/models").json()}
    assert server.get(f"/api/images/{image}/restored").status_code == 200


@pytest.mark.slow
def test_a_connection_that_is_lost_leaves_nothing_and_no_word_in_the_log(tmp_path: Path) -> None:
    content = encoded(noise(400, 400))
    with serving(tmp_path) as running:
        host, _, port = running.address.removeprefix("http://").rstrip("/").partition(":")
        head = f"POST /api/images?name=a.png HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-length: {len(content)}\r\n\r\n"
        for part in (0, 1000, len(content) // 2):
            with socket.create_connection((host, int(port))) as lost:
                lost.sendall(head.encode() + content[:part])
        with socket.create_connection((host, int(port))) as whole:
            whole.sendall(head.encode() + content)
            assert b" 201 " in whole.recv(1000)
        with urllib.request.urlopen(f"{running.address}api/images") as answer:
            assert len(json.load(answer)) == 1
        assert running.stop() == 0
    assert "".join(running.said) == ""
