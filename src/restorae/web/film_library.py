"""Films that were sent: taken, found, removed, and read again where the store is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from restorae.errors import BadImage, MissingExtra, RestoraeError
from restorae.files import write_text
from restorae.formats.video import CONTAINERS, read_facts
from restorae.web.film_record import Film, FilmReference, film_of, record_of
from restorae.web.http_errors import HttpError, not_found
from restorae.web.names import plain_name
from restorae.web.records import FILM
from restorae.web.store import Store, Workspace

MOST = 20
"""Films that are kept at once."""
MOST_REFERENCES = 100
"""References of one film."""


class Films:
    """All films that were sent.

    Args:
        store: keeps their files; of one that is kept, those of an earlier server are there again.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._films: dict[str, Film] = {}
        if store.is_kept:
            for workspace in store.kept():
                if (workspace.folder / FILM).exists():
                    self._reopen(workspace)

    def changed(self, film: Film) -> None:
        """Record a film that has changed, if the store is kept."""
        if self.store.is_kept and film.id in self._films:
            write_text(film.workspace.folder / FILM, json.dumps(record_of(film)))

    def check_room(self) -> None:
        """Refuse one more film where there are too many.

        Raises:
            HttpError: there are.
        """
        if len(self._films) >= MOST:
            raise HttpError(507, f"{MOST} films are open already. Remove some of them.")

    def take(self, workspace: Workspace, file: Path, name: str) -> Film:
        """Add a film that was sent.

        Raises:
            BadImage: it is not a film that can be read.
        """
        name = plain_name(name)
        suffix = Path(name).suffix.lower()
        named = file.with_name(f"film{suffix if suffix in CONTAINERS else '.mkv'}")
        file.rename(named)
        facts = read_facts(named)
        if not facts.stamps:
            raise BadImage("has no time stamps", subject=named)
        film = Film(id=workspace.name, name=name, workspace=workspace, file=named, facts=facts)
        self._films[film.id] = film
        workspace.settle()
        self.changed(film)
        return film

    def get(self, name: str) -> Film:
        """A film by its id.

        Raises:
            HttpError: there is no such film.
        """
        film = self._films.get(name)
        if film is None:
            raise not_found("such film")
        return film

    def all(self) -> list[Film]:
        """All films, in the order in which they were sent."""
        return list(self._films.values())

    def remove(self, name: str) -> None:
        """Remove a film and its files.

        Raises:
            HttpError: there is no such film.
        """
        film = self.get(name)
        del self._films[name]
        film.workspace.remove()

    def add_reference(self, film: Film, reference: FilmReference) -> None:
        """Add a reference; one that was painted takes the place of that of the same frame.

        Raises:
            HttpError: there are too many.
        """
        former = None if reference.frame is None else film.painted(reference.frame)
        if former is not None:
            self.remove_reference(film, former)
        if len(film.references) >= MOST_REFERENCES:
            raise HttpError(507, f"{MOST_REFERENCES} references are the most. Remove some of them.")
        film.references.append(reference)
        film.workspace.settle()
        self.changed(film)

    def remove_reference(self, film: Film, reference: FilmReference) -> None:
        """Remove a reference. A job that runs may still need its file, which goes with `sweep`."""
        film.references.remove(reference)
        self.changed(film)

    def sweep(self, film: Film, used: Iterable[Path]) -> None:
        """Remove files of references that were removed and are not used by what begins."""
        used = {*used, *(each.path for each in film.references)}
        for path in film.workspace.folder.glob("reference-*"):
            if path not in used:
                path.unlink(missing_ok=True)
        film.workspace.settle()

    def next_number(self, film: Film) -> int:
        """The number of a further reference: none that was ever used."""
        known = (
            each.stem.removeprefix("reference-")
            for each in film.workspace.folder.glob("reference-*")
        )
        film.numbers = max([film.numbers, *(int(each) for each in known if each.isdigit())]) + 1
        return film.numbers

    def _reopen(self, workspace: Workspace) -> None:
        """Add a film that an earlier server left; one that cannot be used any more is removed."""
        try:
            film = film_of(
                json.loads((workspace.folder / FILM).read_text(encoding="utf-8")), workspace
            )
        except MissingExtra:
            return  # it may be there the next time
        except (OSError, ValueError, KeyError, TypeError, RestoraeError):
            workspace.remove()
            return
        self._films[film.id] = film
