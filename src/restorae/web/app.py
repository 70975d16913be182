"""The application: the API, the page, and how errors become sentences."""

from __future__ import annotations

import functools
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from restorae.errors import RestoraeError
from restorae.version import VERSION
from restorae.web import routes
from restorae.web.guard import Guard
from restorae.web.http_errors import status_of
from restorae.web.options import Options
from restorae.web.studio import Studio

_log = logging.getLogger("restorae.web")
_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def make_app(options: Options = Options()) -> ASGIApp:
    """The whole server as an ASGI application, guard included.

    Args:
        options: what it may read, where it writes, what it puts up with.
    """
    return Guard(make_api(options), options)


def make_api(options: Options = Options()) -> FastAPI:
    """The application without the guard before it."""

    @asynccontextmanager
    async def open_studio(app: FastAPI) -> AsyncIterator[None]:
        app.state.studio = Studio(options)
        try:
            yield
        finally:
            app.state.studio.close()

    app = FastAPI(
        title="restorae",
        version=VERSION,
        summary="Restore images, try out damage, explore latent space, train models.",
        description='What the page of `restorae serve` does, for programs. Errors are `{"error": "a sentence"}`.',
        lifespan=open_studio,
        openapi_url="/api/openapi.json",
        docs_url=None,  # their scripts are fetched from elsewhere
        redoc_url=None,
    )
    for router in (
        routes.models,
        routes.images,
        routes.batches,
        routes.jobs,
        routes.lab,
        routes.latents,
        routes.trainings,
    ):
        app.include_router(router)
    app.add_exception_handler(RestoraeError, _say)
    app.add_exception_handler(RequestValidationError, _say_what_is_wrong)
    app.add_exception_handler(HTTPException, _say_no)
    app.add_exception_handler(Exception, _say_sorry)
    app.add_api_route("/{path:path}", _page, methods=["GET", "HEAD"], include_in_schema=False)
    return app


def page_files() -> dict[str, Path]:
    """What the page consists of: the path after the server's address, and the file."""
    folder = Path(str(resources.files("restorae.web") / "static"))
    found = {
        f"{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.suffix in _KINDS
    }
    return {"": folder / "index.html", **found}


_PAGE = page_files()
_PARTS = ("restore", "lab", "latent", "train")
"""Parts of the page, in case a person types them as addresses."""


async def _page(path: str, request: Request) -> Response:
    """A file of the page; names are looked up, never followed."""
    file = _PAGE.get(path)
    if file is None and path in _PARTS:
        return Response(status_code=307, headers={"location": f"/#{path}"})
    if file is None:
        raise HTTPException(404, "There is nothing at this address.")
    headers = {"cache-control": "no-cache", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        content = _compressed(file, file.stat().st_mtime_ns)
        headers["content-encoding"] = "gzip"
        return Response(content, media_type=_KINDS[file.suffix], headers=headers)
    return FileResponse(file, media_type=_KINDS[file.suffix], headers=headers)


@functools.cache
def _compressed(file: Path, modified_ns: int) -> bytes:
    return gzip.compress(file.read_bytes(), mtime=0)


async def _say(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RestoraeError)
    studio: Studio = request.app.state.studio
    return JSONResponse({"error": studio.error_text(error)}, status_of(error))


async def _say_what_is_wrong(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(
        f"{'.'.join(map(str, problem['loc'][1:])) or 'the request'}: {problem['msg']}"
        for problem in error.errors()[:5]
    )
    return JSONResponse({"error": f"The request cannot be used: {told}."}, 422)


async def _say_no(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _say_sorry(request: Request, error: Exception) -> JSONResponse:
    studio: Studio = request.app.state.studio
    return JSONResponse({"error": studio.error_text(error)}, 500)
