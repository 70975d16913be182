"""The page and the API as a whole."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from restorae.model import bundled
from restorae.networks import Conv
from restorae.web.app import page_files
from tests.cli.conftest import untrained
from tests.web.conftest import Opener, TestClient, encoded, noise, refused

MOST = 300_000


def test_the_page_is_small_and_all_of_it_is_here(server: TestClient) -> None:
    page = server.get("/")
    assert page.headers["content-type"].startswith("text/html")
    files = {name: server.get(f"/{name}") for name in page_files() if name}
    assert all(answer.status_code == 200 for answer in files.values())
    assert files["app.js"].headers["content-type"].startswith("text/javascript")
    total = len(page.content) + sum(len(answer.content) for answer in files.values())
    assert total <= MOST, f"the page is {total:,} bytes; at most {MOST:,} are to be loaded"


def test_nothing_is_fetched_from_elsewhere_and_nothing_runs_that_the_policy_forbids() -> None:
    for name, path in page_files().items():
        text = path.read_text(encoding="utf-8")
        elsewhere = [
            found
            for found in re.findall(r"https?://[^\s\"'`)]+", text)
            if not found.startswith("http://www.w3.org/")
        ]
        assert not elsewhere, f"{name} names {elsewhere}"
        for forbidden in (
            r"\seval\(",
            r"innerHTML",
            r"<style",
            r"\sstyle=",
            r"\son\w+=\"",
            r"javascript:",
        ):
            assert not re.search(forbidden, text), f"{name} holds {forbidden}"
        for module in re.findall(r'from "\./([\w.]+)"', text):
            assert (path.parent / module).is_file(), f"{name} imports {module}"


def test_every_route_is_documented(server: TestClient) -> None:
    told = server.get("/api/openapi.json").json()
    for path, methods in told["paths"].items():
        for method, route in methods.items():
            assert route.get("description", "").endswith("."), f"{method} {path} has no sentence"
            assert route["tags"], path
    assert server.get("/docs").status_code == 404, "its scripts would come from elsewhere"


def test_models_are_listed_with_what_they_learned(open_server: Opener, tmp_path: Path) -> None:
    untrained(Conv(features=4), tmp_path / "models" / "own", licence="CC0")
    (tmp_path / "models" / "broken.safetensors").write_bytes(b"hello")
    server = open_server()
    listed = {model["name"]: model for model in server.get("/api/models").json()}
    assert set(bundled()) <= set(listed)
    assert listed["own"]["licence"] == "CC0"
    assert "cannot be read" in listed["broken"]["broken"]
    assert listed["digits-denoiser"]["scores"]["restored"]["psnr"] > 20
    assert listed["digits-vae"]["latent_dim"] == 2
    assert listed["classical:inpaint"]["needs_mask"]
    restoring = {name for name, model in listed.items() if model["restores"]}
    assert "photo-denoiser" in restoring
    assert "film-cleaner" not in restoring, "it needs the neighbours of a frame"
    assert server.get("/api/models/own").json()["network"]["kind"] == "conv"
    refused(server.get("/api/models/broken"), 422)
    refused(server.get("/api/models/nobody"), 422)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff\xfe", b'{"links": {"a": 1}}', b"null", b'{"seed": 1e999}']
)
def test_an_invalid_request_is_reported(server: TestClient, body: bytes) -> None:
    refused(
        server.post("/api/experiments", content=body, headers={"content-type": "application/json"}),
        422,
    )


def test_many_at_once_are_all_answered_and_nothing_stays(server: TestClient) -> None:
    content = encoded(noise(64, 64))

    def visit(number: int) -> int:
        answer = server.post(
            "/api/images",
            params={"name": f"{number}.png"},
            content=content if number % 3 else content[:50],
        )
        if answer.status_code == 201:
            return server.delete(f"/api/images/{answer.json()['id']}").status_code
        return answer.status_code

    with ThreadPoolExecutor(10) as clients:
        found = list(clients.map(visit, range(60)))
    assert found.count(204) == 40
    assert found.count(415) == 20
    assert server.get("/api/about").json()["stored"] == 0
