"""The API, and how errors become sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from restorae.errors import RestoraeError
from restorae.version import VERSION
from restorae.web import routes
from restorae.web.http_errors import status_of
from restorae.web.options import Options
from restorae.web.studio import Studio


def make_api(options: Options = Options()) -> FastAPI:
    """The API of a server, without the page and the guard before it.

    Args:
        options: what it may read, where it writes, what it puts up with.
    """

    @asynccontextmanager
    async def open_studio(app: FastAPI) -> AsyncIterator[None]:
        app.state.studio = await asyncio.to_thread(Studio, options)
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
        routes.films,
        routes.film_colour,
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
    return app


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
    detail = "There is nothing at this address." if error.detail == "Not Found" else error.detail
    return JSONResponse({"error": detail}, error.status_code, headers=error.headers)


async def _say_sorry(request: Request, error: Exception) -> JSONResponse:
    studio: Studio = request.app.state.studio
    return JSONResponse({"error": studio.error_text(error)}, 500)
