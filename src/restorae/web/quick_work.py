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
        self._waiting: list[tuple[Future[object], Callable[[], object]]] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[P, R], *given: P.args, **named: P.kwargs) -> Future[R]:
        """Do work before everything that waits; its result is that of the future."""
        future: Future[R] = Future()
        with self._changed:
            if self._closed:
                future.cancel()
            else:
                self._waiting.append((future, lambda: work(*given, **named)))  # type: ignore[arg-type]
                self._changed.notify()
        return future

    def close(self) -> None:
        """Cancel what waits and wait for what is being done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        for future, _ in self._waiting:
            future.cancel()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                future, work = self._waiting.pop()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
