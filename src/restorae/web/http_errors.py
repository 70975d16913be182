"""Errors as HTTP responses: a status for programs, a sentence for people."""

from __future__ import annotations

from typing import Any

from restorae.errors import (
    BadImage,
    InputError,
    MissingExtra,
    OutputError,
    RestoraeError,
    UsageError,
)


class HttpError(RestoraeError):
    """A request that the server refuses.

    Args:
        status: of the HTTP response.
        problem: as of every `RestoraeError`, and so are the other arguments.
    """

    def __init__(self, status: int, problem: str, **facts: Any) -> None:
        super().__init__(problem, **facts)
        self.status = status


def not_found(what: str) -> HttpError:
    """The error for something that does not exist, or does no longer."""
    return HttpError(
        404, f"There is no {what} here. It was removed, or the server has been restarted."
    )


def in_size(count: float) -> str:
    """Bytes with a unit.

    >>> in_size(1536), in_size(512 * 2**20)
    ('2 kB', '512 MB')
    """
    for unit in ("B", "kB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"


def status_of(error: RestoraeError) -> int:
    """The HTTP status for an error.

    >>> status_of(BadImage("cut short")), status_of(UsageError("no such setting"))
    (415, 422)
    """
    match error:
        case HttpError():
            return error.status
        case BadImage():
            return 415
        case UsageError() | InputError():
            return 422
        case OutputError():
            return 507
        case MissingExtra():
            return 501
        case _:
            return 500
