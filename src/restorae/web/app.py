"""The application: the page, which is there at once, and the API, whose libraries are imported meanwhile."""

from __future__ import annotations

import asyncio
import functools
import gzip
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from restorae.web.guard import Guard
from restorae.web.options import Options

if TYPE_CHECKING:
    from fastapi import FastAPI

_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_PARTS = ("restore", "film", "lab", "latent", "train")
"""Parts of the page, in case a person types them as addresses."""


def make_app(
    options: Options = Options(),
    *,
    prepare: Callable[[], None] = lambda: None,
    failed: Callable[[Exception], None] | None = None,
) -> ASGIApp:
    """The whole server as an ASGI application, guard included.

    Args:
        options: what it may read, where it writes, what it puts up with.
        prepare: called before the API is made, in the thread that imports its libraries.
        failed: called where the API cannot be started; the page is then served while it starts. None: the server starts when
            the API is there, and fails with it.
    """
    return Guard(_Site(options, prepare=prepare, failed=failed), options)


def page_files() -> dict[str, Path]:
    """What the page consists of: the path after the server's address, and the file."""
    folder = Path(str(resources.files("restorae.web") / "static"))
    found = {
        f"{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.suffix in _KINDS
    }
    return {"": folder / "index.html", **found}


class _Site:
    """Answers with the page's files itself and passes everything else to the API, once that is there.

    The API needs PyTorch, whose import takes seconds: a thread imports it while the browser loads the page.
    """

    def __init__(
        self,
        options: Options,
        *,
        prepare: Callable[[], None],
        failed: Callable[[Exception], None] | None,
    ) -> None:
        self.options, self._prepare, self._failed = options, prepare, failed
        self._files = page_files()
        self._api: asyncio.Future[ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"].startswith("/api/"):
            api = await asyncio.shield(self._api)
            await api(scope, receive, send)
        else:
            await self._page(scope)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start the API beside the first answers, and end it with the server."""
        await receive()
        async with AsyncExitStack() as opened:
            self._api = asyncio.ensure_future(self._open(opened))
            if self._failed is None:
                await self._api
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await asyncio.wait([self._api])
            if not self._api.cancelled():
                self._api.exception()  # it was told by `failed`
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self, opened: AsyncExitStack) -> ASGIApp:
        try:
            api = await asyncio.to_thread(self._make_api)
            await opened.enter_async_context(api.router.lifespan_context(api))
        except Exception as error:
            if self._failed is not None:
                self._failed(error)
            raise
        return api

    def _make_api(self) -> FastAPI:
        self._prepare()
        from restorae.web.api import make_api

        return make_api(self.options)

    def _page(self, scope: Scope) -> ASGIApp:
        """A file of the page; names are looked up, never followed."""
        if scope["method"] not in ("GET", "HEAD"):
            return JSONResponse({"error": "Method Not Allowed"}, 405)
        path = scope["path"].removeprefix("/")
        if path in _PARTS:
            return Response(status_code=307, headers={"location": f"/#{path}"})
        file = self._files.get(path)
        if file is None:
            return JSONResponse({"error": "There is nothing at this address."}, 404)
        kind = _KINDS[file.suffix]
        headers = {"cache-control": "no-cache", "vary": "accept-encoding"}
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"")
        if b"gzip" in accepted:
            headers["content-encoding"] = "gzip"
            content = _compressed(file, file.stat().st_mtime_ns)
            return Response(content, media_type=kind, headers=headers)
        return FileResponse(file, media_type=kind, headers=headers)


@functools.cache
def _compressed(file: Path, modified_ns: int) -> bytes:
    return gzip.compress(file.read_bytes(), mtime=0)
