"""All that stands behind the page: the store, the pictures, the models, the queue, and who works on what."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from restorae.errors import RestoraeError
from restorae.machine import give_back_memory
from restorae.web.catalogue import Catalogue
from restorae.web.data_sets import DataSets
from restorae.web.gallery import Gallery
from restorae.web.jobs import Queue
from restorae.web.lab import Lab
from restorae.web.options import Options
from restorae.web.store import Store, Workspace
from restorae.web.wording import PAGE

P = ParamSpec("P")
R = TypeVar("R")

_READERS = 2


class Studio:
    """What a server has; one for each.

    Heavy work waits in the queue. What a hand waits for (a preview, a place in latent space) is done by one thread beside
    it: PyTorch keeps a crew of threads for every thread that calls it, and many crews would fight for the same cores.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.store = Store(options.limits.stored)
        self.gallery = Gallery(self.store, options.limits)
        self.catalogue = Catalogue(options.models, options.device)
        self.data = DataSets(options.data)
        self.lab = Lab()
        self.queue = Queue(options.limits.waiting, self.in_words)
        self._quick = ThreadPoolExecutor(1, "restorae-quick")
        self._readers = ThreadPoolExecutor(_READERS, "restorae-reader")

    def quickly(self, work: Callable[P, R], *given: P.args, **named: P.kwargs) -> Future[R]:
        """Do what a hand waits for, after what others wait for."""
        return self._quick.submit(work, *given, **named)

    def read(self, work: Callable[P, R], *given: P.args, **named: P.kwargs) -> Future[R]:
        """Decode a picture; few at once, so that memory does not grow with the number of clients."""

        def done() -> R:
            try:
                return work(*given, **named)
            finally:
                give_back_memory()

        return self._readers.submit(done)

    def in_words(self, error: BaseException, incoming: tuple[Workspace, str] | None = None) -> str:
        """What a person on the page is told of an error: their own names for pictures, and no path of this machine.

        Args:
            error: what went wrong.
            incoming: the workspace of a picture that is not in the gallery yet, and what the person calls it.
        """
        if not isinstance(error, RestoraeError):
            return "Something went wrong that should not have. What it was is written where the server was started."
        told = error.render(PAGE)
        named = [(picture.workspace, picture.name) for picture in self.gallery.all()]
        for workspace, name in [*named, incoming] if incoming is not None else named:
            told = re.sub(
                rf"{re.escape(str(workspace.folder))}/[\w.-]+", name.replace("\\", r"\\"), told
            )
        told = re.sub(rf"{re.escape(str(self.store.folder))}/\w+/[\w.-]+", "The picture", told)
        for folder in (self.options.models, self.options.data):
            if folder is not None:
                told = told.replace(f"{folder}/", "").replace(
                    str(folder), folder.name or "the folder"
                )
        return told

    def close(self) -> None:
        """Stop all work and remove all that was kept."""
        self.queue.close()
        self._quick.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)
        self.store.close()
