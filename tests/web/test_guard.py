"""Who may ask: pages of this server, by its own names, and beyond this machine only who knows the token."""

from __future__ import annotations

import asyncio
import re

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from restorae.web import Limits, Options
from restorae.web.guard import Guard
from restorae.web.options import is_loopback
from tests.web.conftest import Opener, TestClient, refused


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "127.0.0.1", "LOCALHOST"]
)
def test_its_own_names_are_answered(server: TestClient, host: str) -> None:
    assert server.get("/api/about", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "192.168.1.5", ""]
)
def test_a_foreign_name_that_leads_here_is_refused(server: TestClient, host: str) -> None:
    assert "not one of this server's" in refused(
        server.get("/api/about", headers={"host": host}), 403
    )


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "file://"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_others_are_refused(server: TestClient, origin: str, method: str) -> None:
    answer = server.request(method, "/api/images", headers={"origin": origin})
    assert "only this server" in refused(answer, 403)


def test_its_own_page_is_answered(server: TestClient) -> None:
    assert (
        server.get(
            "/api/about",
            headers={"origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin"},
        ).status_code
        == 200
    )


def test_images_cannot_be_built_into_pages_of_others(server: TestClient) -> None:
    embedding = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert "another site" in refused(server.get("/api/images", headers=embedding), 403)
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert server.get("/", headers=followed).status_code == 200, (
        "a link from elsewhere may be followed"
    )


@pytest.mark.parametrize(
    "path", ["/", "/app.js", "/api/about", "/nothing-there", "/api/images/none"]
)
def test_every_answer_says_what_a_browser_may_do_with_it(server: TestClient, path: str) -> None:
    headers = server.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"


# ------------------------------------------------------------------------------------------------------- the token


@pytest.fixture
def guarded(open_server: Opener) -> TestClient:
    return open_server(host="0.0.0.0", token="a-secret")


def test_without_the_token_nothing_is_shown(guarded: TestClient) -> None:
    assert "token" in refused(guarded.get("/api/about"), 401)
    page = guarded.get("/", follow_redirects=False)
    assert page.status_code == 401
    assert '<input name="token"' in page.text
    assert guarded.get("/app.js").status_code == 401
    for looks in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert guarded.get(looks).status_code == 200
    told = guarded.get("/api/about", headers={"authorization": "Bearer a-secret"})
    assert told.headers["cache-control"] == "no-store"


def test_the_token_opens_the_page_once_and_is_then_known(guarded: TestClient) -> None:
    answer = guarded.get("/?token=a-secret", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    # browsers send it to every server of this host: it opens this one alone, and does not tell the token
    assert cookie.startswith("restorae-token-8765=")
    assert "a-secret" not in cookie
    assert guarded.get("/api/about").status_code == 200


def test_programs_send_the_token_with_each_request(guarded: TestClient) -> None:
    assert (
        guarded.get("/api/about", headers={"authorization": "Bearer a-secret"}).status_code == 200
    )
    refused(guarded.get("/api/about", headers={"authorization": "Bearer another"}), 401)
    refused(guarded.get("/api/about", headers={"cookie": "restorae-token-8765=a-secret"}), 401)
    refused(guarded.get("/api/about?token=a-secret"), 401)


def test_a_wrong_token_leads_nowhere(guarded: TestClient) -> None:
    assert guarded.get("/?token=guess", follow_redirects=False).status_code == 401
    assert (
        guarded.get("http://127.0.0.1:8765//evil.example/?token=a-secret", follow_redirects=False)
        .headers["location"]
        .startswith("/evil")
    )


def test_beyond_this_machine_foreign_names_are_refused_still(guarded: TestClient) -> None:
    known = {"authorization": "Bearer a-secret"}
    assert (
        guarded.get("/api/about", headers={"host": "192.168.1.5:8765", **known}).status_code == 200
    )
    refused(guarded.get("/api/about", headers={"host": "evil.example", **known}), 403)


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("box", False)],
)
def test_what_only_this_machine_reaches(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


# ------------------------------------------------------------------------------------------------ too much, too slow


def test_what_is_too_large_is_refused_before_it_is_read(open_server: Opener) -> None:
    server = open_server(Limits(upload=1000, request=100))
    for path in ("/api/images", "/api/films/0/references", "/api/images/0/mask"):
        assert "larger than 1000 B" in refused(server.post(path, content=bytes(1001)), 413)
    assert "larger than 100 B" in refused(server.put("/api/images/0/mask", content=bytes(200)), 413)
    assert "larger than 100 B" in refused(
        server.post("/api/experiments", content=b"{" + bytes(200)), 413
    )


def test_what_is_too_large_and_does_not_say_so_is_refused_as_it_comes(open_server: Opener) -> None:
    server = open_server(Limits(upload=1000))
    answer = server.post("/api/images", content=(bytes(400) for _ in range(4)))
    assert "larger than 1000 B" in refused(answer, 413)
    assert server.get("/api/about").json()["stored"] == 0


def test_what_comes_too_slowly_is_refused() -> None:
    caught: list[HTTPException] = []

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
        except HTTPException as error:
            caught.append(error)

    async def never() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def nothing(message: Message) -> None:
        pass

    guard = Guard(reads, Options(limits=Limits(seconds_to_send=0.05)))
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/images",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    asyncio.run(guard(scope, never, nothing))
    assert [error.status_code for error in caught] == [408]
    assert "more than 0.05 s to arrive" in caught[0].detail
