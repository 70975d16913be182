"""Films over the API: sent, looked at, previewed, restored as the command line does, cancelled and gone on with."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from restorae.film.plan import piece_path
from tests.clips import Clip
from tests.command import run
from tests.web.conftest import Opener, TestClient, finished, refused

SETTINGS: dict[str, Any] = {"model": "classical:median(radius=1)", "deflicker": 0.0}


def film(tmp_path: Path, **shape: Any) -> bytes:
    Clip(**shape).save(tmp_path / "film.mkv")
    return (tmp_path / "film.mkv").read_bytes()


def sent(server: TestClient, content: bytes, name: str = "film.mkv") -> dict[str, Any]:
    answer = server.post("/api/films", params={"name": name}, content=content)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def seen(server: TestClient, address: str) -> np.ndarray:
    answer = server.get(address)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)


def test_a_film_is_restored_as_by_the_command_line_and_its_preview_is_that_film(
    server: TestClient, tmp_path: Path
) -> None:
    content = film(tmp_path)
    told = sent(server, content)
    address = f"/api/films/{told['id']}"
    assert (told["name"], told["frames"] > 5) == ("film.mkv", True)
    job = server.post(f"{address}/restore", json={**SETTINGS, "lossless": True}).json()
    assert finished(server, job)["state"] == "done"
    run(
        *("restore", "film.mkv", "--model", SETTINGS["model"], "--deflicker", "0", "--lossless"),
        *("--out", "out.mkv"),
        cwd=tmp_path,
    )
    restored = server.get(f"{address}/restored")
    assert restored.content == (tmp_path / "out.mkv").read_bytes()
    assert "film-restored.mkv" in restored.headers["content-disposition"]
    again = sent(server, restored.content)["id"]  # to look at its frames
    previewed = server.post(f"{address}/preview", params={"number": 4}, json=SETTINGS).json()
    assert [each["number"] for each in previewed["frames"]] == [2, 3, 4, 5, 6]
    for each in previewed["frames"]:
        before = seen(server, f"{address}/frames/{each['number']}.png")
        assert np.array_equal(seen(server, each["before"]), before)
        whole = seen(server, f"/api/films/{again}/frames/{each['number']}.png")
        assert np.array_equal(seen(server, each["after"]), whole)
        assert not np.array_equal(whole, before)
    for name in (told["id"], again):
        assert server.delete(f"/api/films/{name}").status_code == 204
    assert server.get("/api/about").json()["stored"] == 0


@pytest.mark.slow
def test_a_film_that_was_stopped_goes_on_when_the_server_is_started_anew(
    open_server: Opener, tmp_path: Path
) -> None:
    count, keep = 400, tmp_path / "kept-films"
    shade = [20 + 7 * number % 200 for number in range(count)]
    content = film(tmp_path, stamps=range(0, 3000 * count, 3000), shade=shade)
    first = open_server(keep=keep)
    told = sent(first, content)
    address, pieces = f"/api/films/{told['id']}", keep / told["id"] / "restored.mkv.pieces"
    assert not told["is_stopped"]
    refused(first.post(f"{address}/resume"), 409)
    assert first.post(f"{address}/restore", json={**SETTINGS, "lossless": True}).status_code == 202
    piece = piece_path(pieces, 0)
    while not piece.exists():
        time.sleep(0.01)
    first.__exit__(None, None, None)
    made = piece.stat().st_mtime_ns
    second = open_server(keep=keep)
    (there,) = second.get("/api/films").json()["films"]
    assert (there["is_stopped"], there["result"]) == (True, None)
    job, times = second.post(f"{address}/resume").json(), set()
    while second.get(f"/api/jobs/{job['id']}").json()["state"] in ("waiting", "running"):
        with contextlib.suppress(FileNotFoundError):  # when all are joined
            times.add(piece.stat().st_mtime_ns)
    assert finished(second, job)["result"]["frames"] == count
    assert times == {made}
    run(
        *("restore", "film.mkv", "--model", SETTINGS["model"], "--deflicker", "0", "--lossless"),
        *("--out", "out.mkv"),
        cwd=tmp_path,
    )
    assert second.get(f"{address}/restored").content == (tmp_path / "out.mkv").read_bytes()
    assert not second.get(address).json()["is_stopped"]
    assert second.delete(address).status_code == 204


def test_a_part_of_a_film_is_restored(server: TestClient, tmp_path: Path) -> None:
    told = sent(server, film(tmp_path))
    address = f"/api/films/{told['id']}"
    part = {"from_time": "0.2", "to_time": "0.4"}
    job = server.post(f"{address}/restore", json={**SETTINGS, **part}).json()
    frames = finished(server, job)["result"]["frames"]
    assert 0 < frames < told["frames"]
    refused(server.post(f"{address}/restore", json={"from_time": "1", "to_time": "0.5"}), 422)
    refused(server.post(f"{address}/restore", json={"from_time": "soon"}), 422)
    refused(server.post(f"{address}/preview?number=100000", json=SETTINGS), 404)


def test_what_is_no_film_is_refused_and_leaves_nothing(server: TestClient, tmp_path: Path) -> None:
    for content in (b"", b"not a film", film(tmp_path)[:300]):
        told = refused(server.post("/api/films?name=aunt.mp4", content=content), 415)
        assert "aunt.mp4" in told
        assert str(tmp_path) not in told
    assert server.get("/api/about").json()["stored"] == 0


def test_without_the_extra_it_is_said_in_a_sentence(
    open_server: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    server = open_server()
    assert "pip install 'restorae[film]'" in server.get("/api/films").json()["missing"]
    assert "restorae[film]" in refused(server.post("/api/films", content=b"film"), 501)
