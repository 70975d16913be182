"""Files in object stores (s3, gs) and on web servers (http, to read only), through fsspec.

An object appears whole or not at all: stores make it visible when its last byte has arrived. Messages never hold what a
library says about a refused request, because that may quote keys.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restorae.cluster.libraries import import_fsspec
from restorae.errors import BadImage, Fix, InputError, OutputError, RestoraeError, UsageError

_SECONDS = 5
"""After this time without an answer a server is tried again, once."""
_ABSENT = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError")
_SILENT = (
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ClientConnectorError",
)
_REFUSED = ("PermissionError", "TokenRetrievalError", "UnauthorizedSSOTokenError")


@dataclass(frozen=True, kw_only=True)
class Store:
    """The server that an address leads to."""

    uri: str
    """An address in it, as it was given."""
    _system: Any
    _path: str

    @classmethod
    def of(cls, uri: str) -> Store:
        """The store of an address; nothing is asked yet.

        Raises:
            MissingExtra: a library is not installed.
        """
        scheme = uri.partition("://")[0]
        fsspec = import_fsspec(scheme)
        settings: dict[str, Any] = {"use_listings_cache": False}
        if scheme == "s3":
            patience = {"connect_timeout": _SECONDS, "retries": {"max_attempts": 2}}
            settings["config_kwargs"] = patience
        system, path = fsspec.core.url_to_fs(uri, **settings)
        return cls(uri=uri, _system=system, _path=path)

    @property
    def can_write(self) -> bool:
        """Whether files can be written there."""
        return not self.uri.startswith("http")

    def files(self) -> list[str]:
        """The addresses of all files below this one, sorted; of a file itself.

        Raises:
            BadImage: there is none, or it cannot be listed.
        """
        if not self.can_write:
            return [self.uri]
        with _told(self.uri, BadImage):
            found = self._below()
        if not found:
            raise BadImage("no such file, folder or bucket", subject=self.uri)
        return sorted(found)

    def existing(self) -> set[str]:
        """The addresses of all files below this one; none where there is no such folder.

        Raises:
            OutputError: it cannot be listed.
        """
        with _told(self.uri, OutputError), contextlib.suppress(FileNotFoundError):
            return self._below()
        return set()

    def _below(self) -> set[str]:
        base = self._path.rstrip("/")
        found = map(str, self._system.find(self._path))
        return {self.uri.rstrip("/") + path[len(base) :] for path in found}

    def exists(self) -> bool:
        """Whether there is a file at this address.

        Raises:
            OutputError: nobody answers, or access is refused.
        """
        with _told(self.uri, OutputError):
            return bool(self._system.exists(self._path))

    def fetch(self, target: Path) -> None:
        """Copy the file at this address to a local one.

        Raises:
            BadImage: it cannot be read.
        """
        with _told(self.uri, BadImage):
            self._system.get_file(self._path, str(target))

    def put(self, source: Path) -> None:
        """Copy a local file to this address, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        with _told(self.uri, OutputError):
            self._system.put_file(str(source), self._path)

    def require_writable(self) -> None:
        """Write and remove an empty file below this address now, before long work whose results go there.

        Raises:
            UsageError: nothing can be written to addresses of this kind.
            OutputError: the bucket does not exist, or access is refused.
        """
        if not self.can_write:
            raise UsageError(
                "web servers are read only", subject=self.uri, fix=Fix("out", action="change")
            )
        probe = f"{self._path.rstrip('/')}/.{secrets.token_hex(6)}.partial"
        with _told(self.uri, OutputError):
            self._system.pipe_file(probe, b"\0")
            self._system.rm_file(probe)


@contextlib.contextmanager
def _told(uri: str, kind: type[InputError | OutputError]) -> Iterator[None]:
    """Turn a library's error into one of ours, in our own words."""
    try:
        yield
    except RestoraeError:
        raise
    except Exception as error:
        raise kind(_reason(error, uri), subject=uri) from None


def _reason(error: Exception, uri: str) -> str:
    names = {each.__name__ for each in type(error).__mro__}
    if isinstance(error, FileNotFoundError):
        return "no such file, folder or bucket"
    if names & set(_ABSENT):
        return "no credentials were found. They are read from the environment or the store's own files, such as ~/.aws"
    if names & set(_REFUSED):
        return "access was refused: the credentials are wrong, or do not allow this"
    if names & set(_SILENT):
        return "nobody answers there"
    if isinstance(error, OSError) and error.strerror:
        return f"failed: {error.strerror}"
    return f"failed with {type(error).__name__}"
