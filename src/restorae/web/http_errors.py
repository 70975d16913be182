"""How the server says no: a status for machines, a sentence for people."""

from __future__ import annotations

from restorae.errors import (
    BadPicture,
    InputError,
    MissingExtra,
    OutputError,
    RestoraeError,
    UsageError,
)


class HttpError(RestoraeError):
    """A request that is not served, whatever restorae itself would say to it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def not_found(what: str) -> HttpError:
    """What was named does not exist, or does no longer."""
    return HttpError(
        404, f"There is no {what} here. It may have been removed, or the server was started anew."
    )


def in_size(count: float) -> str:
    """Bytes as people say them.

    >>> in_size(1536), in_size(512 * 2**20)
    ('2 kB', '512 MB')
    """
    for unit in ("B", "kB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"


def status_of(error: RestoraeError) -> int:
    """The HTTP status that an error of restorae's answers with.

    >>> status_of(BadPicture("cut short")), status_of(UsageError("no such setting"))
    (415, 422)
    """
    match error:
        case HttpError():
            return error.status
        case BadPicture():
            return 415
        case UsageError() | InputError():
            return 422
        case OutputError():
            return 507
        case MissingExtra():
            return 501
        case _:
            return 500
