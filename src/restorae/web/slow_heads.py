"""Connections whose request does not arrive: they are closed, so that they do not hold what others need.

uvicorn has a time limit for the pause between two requests, and none for the head of a request: a client that sends it byte by
byte ("slow loris") keeps its connection for ever. Slow bodies are up to the `Guard`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 20.0
"""How long the head of a request may take to arrive, from the connection's beginning or from the head's first byte on."""
MOST = 200
"""Connections that may wait for a head at once; of more, the oldest are closed."""


class PromptProtocol(H11Protocol):
    """HTTP/1.1 with a time limit for the heads of requests."""

    seconds = SECONDS
    most = MOST
    _too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()
        waiting = [each for each in self.connections if _waits_for_head(each)]
        if len(waiting) > self.most:
            oldest = min(cast("list[PromptProtocol]", waiting), key=lambda each: each._due)
            oldest.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_answering:
            self._stop_waiting()
        elif self._too_late is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        """Whether a head has arrived whose request is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _due(self) -> float:
        return self._too_late.when() if self._too_late is not None else float("inf")

    def _expect_head(self) -> None:
        close: Callable[[], Any] = self.transport.abort
        self._too_late = self.loop.call_later(self.seconds, close)

    def _stop_waiting(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None


def _waits_for_head(connection: object) -> bool:
    return isinstance(connection, PromptProtocol) and connection._too_late is not None
