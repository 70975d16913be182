"""Errors of the Hugging Face Hub's library in plain words, without anything that a request held."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from restorae.errors import DataUnavailable, MissingExtra, OutputError, RestoraeError, UnknownKind


def import_hub() -> ModuleType:
    """The module `huggingface_hub`.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtra(
            "Models on the hub need huggingface_hub: pip install 'restorae[hub]'"
        ) from error
    return huggingface_hub


@contextlib.contextmanager
def in_words_of_hub(address: object, writing: bool = False) -> Iterator[None]:
    """The library's errors as restorae's, without what requests contained, and without its bars and notices."""
    from huggingface_hub import errors
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    logger, had_bars = logging.getLogger("huggingface_hub"), not are_progress_bars_disabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    disable_progress_bars()
    try:
        yield
    except RestoraeError:
        raise
    except errors.RevisionNotFoundError:
        raise UnknownKind("there is no such revision", subject=str(address)) from None
    except errors.RepositoryNotFoundError as error:
        status = _status(error)
        if writing and status in (401, 403):
            raise OutputError(_refusal(status), subject=str(address)) from None
        raise UnknownKind(
            "there is no such repository, or it is private and you are not logged in (`hf auth login`, or HF_TOKEN)",
            subject=str(address),
        ) from None
    except errors.HfHubHTTPError as error:
        kind = OutputError if writing else DataUnavailable
        raise kind(_refusal(_status(error)), subject=str(address)) from None
    except (OSError, _connection_error()) as error:
        raise DataUnavailable(
            f"the hub cannot be reached ({type(error).__name__}). A commit that was fetched before needs no network: name it "
            "after @",
            subject=str(address),
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataUnavailable(
            f"the hub's answer cannot be used ({type(error).__name__})", subject=str(address)
        ) from None
    finally:
        logger.setLevel(level)
        if had_bars:
            enable_progress_bars()


def _status(error: Any) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"the hub refused it (status {status}): log in with `hf auth login`, or set HF_TOKEN to a token with the right to do it"
    return f"the hub could not do it (status {status})"


def _connection_error() -> type[Exception]:
    """The class of errors of the library's connections, whatever it connects with."""
    from huggingface_hub.errors import HfHubHTTPError

    return next(base for base in HfHubHTTPError.__mro__ if base.__name__ in _CONNECTION_ERRORS)


_CONNECTION_ERRORS = ("HTTPError", "RequestException")
"""Names of the base class in httpx and in requests."""
