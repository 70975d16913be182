"""Which models there are, by name; those that were used last are kept loaded.

A client says a name, never a path: only what this list holds is opened.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from restorae.degradations import Degradation
from restorae.errors import BadModelFile, RestoraeError, UnknownKind, UsageError, nearest
from restorae.files import file_digest
from restorae.model import SUFFIX, Card, Model, bundled, load, read_card
from restorae.networks import Network
from restorae.parts import Part
from restorae.restoring import PREFIX, Classical, RestorerPool
from restorae.restoring.classical import all_methods
from restorae.restoring.restorer import capabilities_of
from restorae.web.model_titles import described

_LOADED = 4
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a new model may be called: nothing that could lead out of its folder."""


class Catalogue:
    """The bundled models and those in a folder.

    Args:
        folder: models that the person keeps; trained ones go there. It need not exist.
        device: where models work.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        self.folder, self.device = folder, device
        self._loaded: OrderedDict[tuple[Path, int], Model] = OrderedDict()
        self._loading = threading.Lock()
        self._cards: dict[tuple[Path, int, int], Card | str] = {}

    def paths(self) -> dict[str, Path]:
        """Name and file of every model; one of the folder wins over a bundled one of its name."""
        own = (
            {
                path.name.removesuffix(SUFFIX): path
                for path in sorted(self.folder.glob(f"*{SUFFIX}"))
            }
            if self.folder.is_dir()
            else {}
        )
        return {**bundled(), **own}

    def path(self, name: str) -> Path:
        """The file of a model.

        Raises:
            UnknownKind: there is none of that name; the message offers the nearest.
        """
        paths = self.paths()
        if name not in paths:
            raise UnknownKind(f"There is no model {name!r} here. {nearest(name, paths)}")
        return paths[name]

    def listed(self) -> list[dict[str, Any]]:
        """The facts of every model and classical method; of a model file that cannot be read, why."""
        own = set(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else set()
        models = [self._facts_of(name, path, path in own) for name, path in self.paths().items()]
        classical = [_classical_facts(kind) for kind in all_methods()]
        return [described(each) for each in (*models, *classical)]

    def card(self, name: str) -> Card:
        """A model's card; errors as `path` and `read_card`."""
        card = self._card(self.path(name))
        if isinstance(card, str):
            raise BadModelFile(card)
        return card

    def model(self, name: str) -> Model:
        """A model, ready to work; errors as `path` and `load`."""
        path = self.path(name)
        try:
            key = (path, path.stat().st_mtime_ns)
        except OSError:  # it was removed this moment
            raise UnknownKind(f"There is no model {name!r} here any more.") from None
        with self._loading:
            if key not in self._loaded:
                self._loaded[key] = load(path).to(self.device)
                while len(self._loaded) > _LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def restorers(self) -> RestorerPool:
        """Where restorers come from: models of the list, and classical methods such as `classical:nlm(sigma=0.1)`."""
        return RestorerPool(self.model)

    def digest(self, name: str) -> str:
        """The SHA-256 of a model's file."""
        return file_digest(self.path(name))

    def path_for_new(self, name: str) -> Path:
        """The file that a new model of that name is written to.

        Raises:
            UsageError: the name cannot be used.
        """
        if not NAME.fullmatch(name) or name in bundled():
            raise UsageError(
                f"A model cannot be called {name!r} here. Take up to 64 letters, digits, dots, hyphens and underscores, the first a letter "
                "or digit, and no bundled model's name."
            )
        return self.folder / f"{name}{SUFFIX}"

    def _card(self, path: Path) -> Card | str:
        """A card, read once for each state of its file; or why it cannot be read."""
        try:
            state = path.stat()
        except OSError as error:  # it was removed this moment
            return f"{path.name} cannot be read: {error.strerror}"
        key = (path, state.st_mtime_ns, state.st_size)
        if key not in self._cards:
            try:
                self._cards[key] = read_card(path)
            except BadModelFile as error:
                self._cards[key] = str(error)
        return self._cards[key]

    def _facts_of(self, name: str, path: Path, own: bool) -> dict[str, Any]:
        card = self._card(path)
        found: dict[str, Any] = {"name": name, "origin": "folder" if own else "bundled"}
        if isinstance(card, str):
            return {
                **found,
                "broken": card,
                **dict.fromkeys(
                    ("restores", "films", "generates", "samples", "tells_bounds", "takes_views"),
                    False,
                ),
            }
        return {**found, **facts(card)}


def facts(card: Card) -> dict[str, Any]:
    """What a page shows of a model's card."""
    size = [
        card.network[side]
        for side in ("height", "width")
        if isinstance(card.network.get(side), int)
    ]
    latent_dim = (card.latent or {}).get("shape", [None])[0]
    restores = (
        card.restores and not capabilities_of(card).neighbours
    )  # films have no place here yet
    generates = card.latent is not None and len(card.latent["shape"]) == 1
    return {
        "about": card.about,
        "network": _spec(Network, card.network),
        "parameters": card.parameters,
        "restores": restores,
        "films": card.restores and not generates,
        "generates": generates,
        "samples": restores and card.latent is not None and not generates,
        "tells_bounds": bool(card.error_bounds),
        "takes_views": restores and card.learned_turned,
        "needs_mask": False,
        "latent_dim": latent_dim if generates else None,
        "size": size if generates and len(size) == 2 else None,
        "channels": card.network.get("channels"),
        "undoes": _spec(Degradation, card.undoes) if card.undoes else "",
        "data": card.data,
        "steps": card.steps,
        "epochs": card.epochs,
        "seconds": card.seconds,
        "trained_on": card.trained_on,
        "started_from": card.started_from,
        "halo": card.halo,
        "licence": card.licence,
        "created": card.created,
        "scores": _headline(card.scores),
    }


def _classical_facts(kind: type[Classical]) -> dict[str, Any]:
    method = kind()
    return {
        "name": f"{PREFIX}{kind.kind}",
        "origin": "classical",
        "about": (kind.__doc__ or "").strip().splitlines()[0],
        "restores": True,
        "films": not method.needs_mask,
        "generates": False,
        "samples": False,
        "tells_bounds": False,
        "takes_views": False,
        "needs_mask": method.needs_mask,
        "licence": "",
    }


def _headline(scores: dict[str, Any]) -> dict[str, Any]:
    """The few numbers that a person looks for first."""
    name, found = next(iter(scores.items()), ("", {}))
    if not isinstance(found, dict):
        return {}
    headline: dict[str, Any] = {
        side: {key: found[side].get(key) for key in ("psnr", "ssim")}
        for side in ("degraded", "restored")
        if isinstance(found.get(side), dict)
    }
    for figure in ("elbo", "taken_off"):
        if isinstance(found.get(figure), float):
            headline[figure] = found[figure]
    if isinstance(found.get("grey"), dict) and "elbo" in found["grey"]:
        headline["elbo"] = found["grey"]["elbo"]
    return {"name": name, "on": found.get("on", ""), **headline}


def _spec(family: type[Part], saved: dict[str, Any]) -> str:
    try:
        return str(family.of(saved))
    except RestoraeError:
        return str(saved.get("kind", "unknown"))
