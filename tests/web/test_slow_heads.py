"""Requests whose head does not come: their connections are closed, all others stay."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from starlette.types import Receive, Scope, Send

from restorae.web.slow_heads import PromptProtocol

HEAD = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


class Impatient(PromptProtocol):
    seconds = 0.3


class Small(PromptProtocol):
    most = 3


async def answer_late(scope: Scope, receive: Receive, send: Send) -> None:
    """Longer after the head than a head may take."""
    await asyncio.sleep(2 * Impatient.seconds)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.contextmanager
def served(protocol: type[PromptProtocol]) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(answer_late, http=protocol, lifespan="off", log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def opened(address: tuple[str, int], begin: bytes) -> socket.socket:
    connection = socket.create_connection(address, timeout=30)
    connection.sendall(begin)
    return connection


def answer(connection: socket.socket) -> bytes:
    """Head and body of an answer, which may come in two pieces."""
    received = b""
    while not received.endswith(b"ok"):
        piece = connection.recv(1000)
        assert piece, "the connection was closed"
        received += piece
    return received


def is_closed(connection: socket.socket) -> bool:
    """Whether the server ends the connection, without a word, before the test's patience ends."""
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


def test_a_head_that_does_not_come_ends_the_connection_and_a_late_answer_does_not() -> None:
    with served(Impatient) as address:
        silent, begun, asking = (opened(address, sent) for sent in (b"", HEAD[:20], HEAD))
        for connection in (silent, begun):
            assert is_closed(connection)
        assert b" 200 " in answer(asking)
        asking.sendall(HEAD[:20])  # the next one on a connection that stays open
        assert is_closed(asking)
        for connection in (silent, begun, asking):
            connection.close()


def test_of_too_many_that_wait_the_oldest_is_closed() -> None:
    with served(Small) as address:
        waiting = [opened(address, HEAD[:9]) for _ in range(Small.most + 1)]
        assert is_closed(waiting[0])
        for connection in waiting[1:]:
            connection.sendall(HEAD[9:])
            assert b" 200 " in answer(connection)
        for connection in waiting:
            connection.close()
