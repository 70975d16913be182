"""What all routes share: the studio that stands behind them, and how images are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import Depends, Request, Response
from starlette.requests import ClientDisconnect

from restorae.errors import RestoraeError
from restorae.web.http_errors import HttpError, status_of
from restorae.web.names import plain_name
from restorae.web.pyramid import png_bytes
from restorae.web.store import Workspace
from restorae.web.studio import Studio

R = TypeVar("R")


def _studio(request: Request) -> Studio:
    found = request.app.state.studio
    assert isinstance(found, Studio)
    return found


StudioDep = Annotated[Studio, Depends(_studio)]
"""The studio of the server that is asked."""

SAYS_NO: dict[int | str, dict[str, Any]] = {
    status: {
        "description": told,
        "content": {"application/json": {"example": {"error": "A sentence that says what to do."}}},
    }
    for status, told in {404: "There is no such thing.", 422: "The request cannot be used."}.items()
}
PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "A PNG."},
    **SAYS_NO,
}


BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""For the description of a route whose body is a file."""


async def stored_body(request: Request, workspace: Workspace) -> Path:
    """The body of a request as a file in the workspace; its size is reserved as it arrives."""
    path = workspace.folder / "incoming"
    try:
        with path.open("wb") as handle:
            async for chunk in request.stream():
                workspace.claim(len(chunk))
                handle.write(chunk)
    except ClientDisconnect:
        raise HttpError(
            400, "The connection ended before the file had arrived. Send it again."
        ) from None
    except OSError as error:
        raise workspace.failed(error) from None
    return path


async def received(
    request: Request, studio: Studio, workspace: Workspace, name: str, take: Callable[[Path], R]
) -> R:
    """What the body of a request is taken for; nothing of it is kept where it cannot be.

    Args:
        request: with the file as its body.
        studio: reads it and words errors.
        workspace: where the body is stored.
        name: how the person calls the file.
        take: reads the stored file.
    """
    try:
        file = await stored_body(request, workspace)
        return await asyncio.wrap_future(studio.read(take, file))
    except RestoraeError as error:
        text = studio.error_text(error, workspace, plain_name(name))
        workspace.remove()
        raise HttpError(status_of(error), text) from None
    except BaseException:
        workspace.remove()
        raise


def png(pixels: np.ndarray, kept: bool = False) -> Response:
    """Pixels as an answer; `kept` where the address says exactly which pixels, so that a browser need not ask again."""
    return Response(
        png_bytes(pixels),
        media_type="image/png",
        headers={"cache-control": "private, max-age=3600" if kept else "no-store"},
    )


def raw(images: np.ndarray) -> Response:
    """Images (n, height, width[, bands]) uint8 as bare bytes, to be put on a canvas: a hand moves and no time is lost."""
    shape = ",".join(map(str, images.shape))
    headers = {"x-shape": shape, "cache-control": "no-store"}
    return Response(
        np.ascontiguousarray(images).tobytes(),
        media_type="application/octet-stream",
        headers=headers,
    )
