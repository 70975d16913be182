"""Checks every request before the application sees it: Host, Origin, token, size and duration.

Other web sites must not reach this server through the user's browser. The Host header must therefore be a name of this
server (against DNS rebinding), and the Origin header, if there is one, must be this server's own. If the server listens
on more than the loopback interface, a token is required as well.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import ipaddress
import json
import re
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from restorae.web.http_errors import in_size
from restorae.web.options import Options, is_loopback

OPEN_FILES = ("/style.css", "/theme.js", "/icon.svg")
"""Files of the page that need no token: the page that asks for it looks like the others."""
UPLOADS = re.compile(r"/api/(images|films)(/\w+/(mask|references))?")
"""Addresses that take files."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

_ASKING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>restorae: token needed</title>
<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/style.css"><script src="/theme.js"></script>
<main class="token">
<h1>A token, please</h1>
<p>{sentence}</p>
<form><label>Token <input name="token" type="password" autocomplete="off" required></label> <button class="main">Open</button></form>
</main>
</html>
"""


class Guard:
    """ASGI middleware that passes a request to the application, or refuses it.

    Args:
        app: the application behind it.
        options: the server's options.
    """

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self.app, self.limits, self.token = app, options.limits, options.token
        self.loopback = is_loopback(options.host)
        self.names = (
            {"localhost"}
            if self.loopback
            else {"localhost", options.host.lower(), *_names_of_this_machine()}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                added = [
                    (name.encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.encode() not in there
                ]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        refusal = self._foreign(headers)
        if refusal is not None:
            await _answer(sealed, 403, refusal)
            return
        public = scope["path"] in OPEN_FILES
        if not public and self.token and not await self._knows_token(scope, headers, sealed):
            return
        takes_file = scope["method"] == "POST" and UPLOADS.fullmatch(scope["path"])
        most = self.limits.upload if takes_file else self.limits.request
        declared = headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > most:
            await _answer(sealed, 413, _too_much(most))
            return
        await self.app(scope, self._watched(receive, most), sealed)

    def _foreign(self, headers: dict[str, str]) -> str | None:
        """Why a request is refused as coming from another site; None if it is accepted."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return f"The address {host!r} is not one of this server's. Open it by the address that it printed when it was started."
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (
            f"http://{host.lower()}",
            f"https://{host.lower()}",
        ):
            return (
                f"A page of {origin} asked for this; only this server's own page may send requests."
            )
        if (
            headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
            and headers.get("sec-fetch-mode") != "navigate"
        ):
            return "A page of another site asked for this; only this server's own page may send requests."
        return None

    def _is_ours(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.loopback  # an IP address cannot be rebound by DNS

    async def _knows_token(self, scope: Scope, headers: dict[str, str], send: Send) -> bool:
        assert self.token is not None
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = query.get("token", [""])[0]
        if given and scope["method"] == "GET" and not scope["path"].startswith("/api"):
            if _same(given, self.token):
                rest = urlencode(
                    {name: values[0] for name, values in query.items() if name != "token"}
                )
                name, value = cookie_name(headers.get("host", "")), cookie_value(self.token)
                cookie = f"{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000"
                await _redirect(send, scope["path"] + (f"?{rest}" if rest else ""), cookie)
            else:
                await _answer(
                    send,
                    401,
                    "That is not the token that the server printed when it was started.",
                    page=True,
                )
            return False
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if (scheme.lower() == "bearer" and _same(bearer, self.token)) or _same(
            _cookie(headers), cookie_value(self.token)
        ):
            return True
        sentence = "This server requires the token that it printed when it was started."
        await _answer(send, 401, sentence, page=not scope["path"].startswith("/api"))
        return False

    def _watched(self, receive: Receive, most: int) -> Receive:
        """`receive` with limits on the size of the body and on the time that it takes."""
        taken = 0
        ends = asyncio.get_running_loop().time() + self.limits.seconds_to_send
        over = False

        async def watched() -> Message:
            nonlocal taken, over
            if over:
                return await receive()  # the body is complete: this only waits for a disconnect
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408,
                    f"The request took more than {self.limits.seconds_to_send:g} s to arrive. Send it again, or over a faster "
                    "connection.",
                ) from None
            taken += len(message.get("body", b""))
            over = not message.get("more_body", False)
            if taken > most:
                raise HTTPException(413, _too_much(most))
            return message

        return watched


def _too_much(most: int) -> str:
    return (
        f"The request is larger than {in_size(most)}. Send less at once; "
        "restorae restore on the command line has no such limit."
    )


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def cookie_name(host: str) -> str:
    """The cookie of a server: browsers send cookies to every port of a host, so that its port is part of the name.

    >>> cookie_name("127.0.0.1:8765"), cookie_name("[::1]")
    ('restorae-token-8765', 'restorae-token-80')
    """
    port = host.rpartition(":")[2]
    return f"restorae-token-{port if port.isdigit() else 80}"


def cookie_value(token: str) -> str:
    """What the cookie holds: not the token itself, which opens the API."""
    return hashlib.sha256(f"restorae page {token}".encode()).hexdigest()


def _cookie(headers: dict[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(headers.get("host", "")))
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _names_of_this_machine() -> set[str]:
    return {socket.gethostname().lower(), socket.getfqdn().lower()}


async def _answer(send: Send, status: int, sentence: str, page: bool = False) -> None:
    body = (
        _ASKING.format(sentence=html.escape(sentence))
        if page
        else json.dumps({"error": sentence}, ensure_ascii=False)
    )
    kind = "text/html; charset=utf-8" if page else "application/json"
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body.encode())).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


async def _redirect(send: Send, path: str, cookie: str) -> None:
    path = "/" + path.lstrip("/")  # "//host" would redirect to another site
    headers = [
        (b"location", path.encode()),
        (b"set-cookie", cookie.encode()),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
