"""The state of a server: images, models, data sets, the job queue, and the threads that work."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from restorae.errors import RestoraeError
from restorae.machine import give_back_memory
from restorae.web.catalogue import Catalogue
from restorae.web.data_sets import DataSets, DroppedImages
from restorae.web.film_library import Films
from restorae.web.gallery import Gallery
from restorae.web.jobs import Queue
from restorae.web.lab import Lab
from restorae.web.options import Options
from restorae.web.quick_work import NewestFirst
from restorae.web.store import Store, Workspace
from restorae.web.wording import PAGE

P = ParamSpec("P")
R = TypeVar("R")

INTERNAL_ERROR = "Internal error; see the server log."
"""What the page shows of an unexpected error."""
_READERS = 2
_log = logging.getLogger("restorae.web")


class Studio:
    """The state of a server; one for each.

    Long work waits in the queue. What a person waits for (a preview, a decoded latent) is done by one thread beside it:
    PyTorch keeps a pool of threads for every thread that calls it, and many pools would compete for the same cores.
    """

    def __init__(self, options: Options) -> None:
        self.name = secrets.token_hex(8)
        """A name that no other server has, not even the same one started anew."""
        self.options = options
        self.store = Store(options.limits.stored, keep=options.keep)
        self.queue = Queue(options.limits.waiting, self.error_text)
        self.gallery = Gallery(self.store, options.limits, changed=self.queue.touch)
        self.films = Films(self.store)
        self.catalogue = Catalogue(options.models, options.device)
        self.data = DataSets(options.data, DroppedImages(self.gallery, self.store))
        self.lab = Lab()
        self._quick = NewestFirst("restorae-quick")
        self._slow = ThreadPoolExecutor(1, "restorae-slow")
        self._readers = ThreadPoolExecutor(_READERS, "restorae-reader")

    def quickly(self, work: Callable[P, R], *given: P.args, **named: P.kwargs) -> Future[R]:
        """Do short work that a person waits for, the newest first."""
        return self._quick.submit(work, *given, **named)

    def slowly(self, work: Callable[P, R], *given: P.args, **named: P.kwargs) -> Future[R]:
        """Do work of some seconds, so that short work need not wait for it."""
        return self._slow.submit(work, *given, **named)

    def read(self, work: Callable[P, R], *given: P.args, **named: P.kwargs) -> Future[R]:
        """Decode an image; few at a time, so that memory does not grow with the number of clients."""

        def done() -> R:
            try:
                return work(*given, **named)
            finally:
                give_back_memory()

        return self._readers.submit(done)

    def error_text(
        self, error: BaseException, incoming: Workspace | None = None, name: str = ""
    ) -> str:
        """An error as the page shows it: images by the person's own file names, no path of this machine.

        Args:
            error: what went wrong.
            incoming: the workspace of an image that is not in the gallery yet.
            name: what the person calls that image.
        """
        if not isinstance(error, RestoraeError):
            return INTERNAL_ERROR
        message = error.message
        if message.subject is not None:
            message = replace(message, subject=self._public_name(message.subject, incoming, name))
        text = message.render(PAGE)
        if any(str(folder) in text for folder in self._private_folders()):
            _log.error("an error whose text names a path of this machine: %s", error)
            return f"{name or 'The file'} cannot be used; see the server log."
        return text if text.endswith((".", "?")) else f"{text}."

    def _public_name(
        self, subject: str | os.PathLike[str], incoming: Workspace | None, name: str
    ) -> str:
        """What a person calls the file or setting that an error is about."""
        path = Path(subject)
        if not path.is_absolute():
            return os.fspath(subject)
        if incoming is not None and path.is_relative_to(incoming.folder):
            return name
        for image in self.gallery.all():
            if path.is_relative_to(image.workspace.folder):
                return image.name
        for film in self.films.all():
            if path.is_relative_to(film.workspace.folder):
                return film.name
        return path.name

    def _private_folders(self) -> list[Path]:
        options = self.options
        folders = (self.store.folder, options.models, options.data, options.out)
        return [folder.absolute() for folder in folders if folder is not None]

    def close(self) -> None:
        """Stop all work and remove all files."""
        self.queue.close()
        self._quick.close()
        self._slow.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)
        self.store.close()
