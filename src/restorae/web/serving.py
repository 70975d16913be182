"""Running the server: its address, its token, its end."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace

import uvicorn

from restorae.errors import Interrupted, UsageError
from restorae.web.app import make_app
from restorae.web.options import Options, is_loopback
from restorae.web.slow_heads import PromptProtocol

_SECONDS_TO_END = 3


def serve(options: Options, say: Callable[[str], None], open_page: bool = False) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Args:
        options: where and what.
        say: called with the address once it can be opened.
        open_page: open it in the person's browser.

    Raises:
        UsageError: the address cannot be used, or a folder.
    """
    if not is_loopback(options.host) and options.token is None:
        options = replace(options, token=secrets.token_urlsafe(18))
    listening = _listen(options)
    port = listening.getsockname()[1]
    address = f"http://{_in_address(options.host)}:{port}/" + (
        f"?token={options.token}" if options.token else ""
    )
    errors: list[Exception] = []

    def end(error: Exception) -> None:
        errors.append(error)
        server.should_exit = True

    config = uvicorn.Config(
        make_app(options, prepare=_prepare, failed=end),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_TO_END,
        timeout_keep_alive=20,
        http=PromptProtocol,
        ws="none",
        lifespan="on",
    )
    server = uvicorn.Server(config)

    def tell() -> None:
        while not server.started and not server.should_exit:
            threading.Event().wait(0.02)
        if server.started:
            say(f"restorae is at {address}  (Ctrl-C ends it)")
            if options.token is not None:
                reach = "" if is_loopback(options.host) else "Other machines can reach it. "
                say(
                    f"{reach}A token is required, which is part of this address. The connection is not encrypted."
                )
            if open_page:
                webbrowser.open(address)

    threading.Thread(target=tell, daemon=True).start()
    # being stopped is how a server ends well; by then it has closed what it had open
    with listening, contextlib.suppress(KeyboardInterrupt, Interrupted):
        server.run(sockets=[listening])
    if errors:
        raise errors[0]


def _prepare() -> None:
    from restorae.process import prepare_process

    prepare_process()


def _listen(options: Options) -> socket.socket:
    listening: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM
        )[0]
        # its protocol said: else answers wait for acknowledgements, 40 ms each, and no image follows a pointer
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        if listening is not None:
            listening.close()
        raise UsageError(
            f"The server cannot listen at {options.host}, port {options.port}: {error.strerror or error}. Choose another --port (0 "
            "takes a "
            "free one) or --host."
        ) from None
    return listening


def _in_address(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
