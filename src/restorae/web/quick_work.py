"""One thread for what people wait for; the newest request is answered first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class NewestFirst:
    """Does work in one thread, the newest first: what a hand just moved is not behind previews that nobody looks at any more.

    Each page has only a few requests under way, so that older ones are not left waiting for ever.

    Args:
        name: name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._waiting: list[tuple[Callable[[], None], Callable[[], bool]]] = []
        """What does each piece of work, and what cancels it."""
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[P, R], *given: P.args, **named: P.kwargs) -> Future[R]:
        """Do work before everything that waits; its result is that of the future."""
        future: Future[R] = Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*given, **named))
            except BaseException as error:
                future.set_exception(error)

        with self._changed:
            if self._closed:
                future.cancel()
            else:
                self._waiting.append((do, future.cancel))
                self._changed.notify()
        return future

    def close(self) -> None:
        """Cancel what waits and wait for what is being done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        for _, cancel in self._waiting:
            cancel()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                do, _ = self._waiting.pop()
            do()
