"""The log of a run: a line of JSON for each file, with what it was restored by and what became of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from restorae.errors import InputError, Message, UsageError
from restorae.files import file_digest, write_failure
from restorae.restoring.model_choice import Choice
from restorae.restoring.request import RestoreRequest
from restorae.restoring.tasks import FileTask


class HasChoice(Protocol):
    """A file that was opened."""

    choice: Choice
    """What restores it."""
    digest: str
    """Its SHA-256; empty where it is not known."""


class RunLog:
    """A file to which lines are added.

    Args:
        path: the file; None keeps no log.
        request: what was asked for, which each line says.
    """

    def __init__(self, path: Path | None, request: RestoreRequest) -> None:
        self.path, self.request = path, request
        self._model_digests: dict[str, str] = {}

    def digest(self, source: Path) -> str:
        """The SHA-256 of a file that was just opened; empty where it is not needed or has vanished."""
        return "" if self.path is None else digest_if_readable(source) or ""

    def add(self, task: FileTask, opened: HasChoice | None, **facts: Any) -> None:
        """Add a line; names that are no text keep their bytes as escapes.

        Raises:
            OutputError: it cannot be written.
        """
        if self.path is None:
            return
        line = {
            "input": str(task.source),
            "sha256": (opened.digest if opened else "") or digest_if_readable(task.source),
            "output": str(task.target),
            **(self._model_facts(opened) if opened else {"model": self.request.model}),
            **_settings_said(self.request),
            **facts,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._write(line)

    def add_passed_over(self, notices: Sequence[Message]) -> None:
        """Add a line for each folder in which files were passed over.

        Raises:
            OutputError: it cannot be written.
        """
        for notice in notices:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            folder = str(notice.subject)
            said = notice.render()
            self._write({"folder": folder, "status": "passed over", "reason": said, "at": at})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="ascii") as handle:
                handle.write(json.dumps(line) + "\n")
        except OSError as error:
            raise write_failure(self.path, error) from error

    def _model_facts(self, opened: HasChoice) -> dict[str, Any]:
        choice = opened.choice
        facts: dict[str, Any] = {"model": choice.name}
        if choice.reason:
            facts["chosen_because"] = choice.reason
        if choice.name not in self._model_digests:
            self._model_digests[choice.name] = model_digest(choice.name)
        if self._model_digests[choice.name]:
            facts["model_sha256"] = self._model_digests[choice.name]
        return facts


def _settings_said(request: RestoreRequest) -> dict[str, Any]:
    """All settings but the model, and those that are reported as they turned out."""
    settings = request.to_dict()
    return {
        name: value
        for name, value in settings.items()
        if name not in ("model", "values", "tile", "max_pixels")
    }


def model_digest(name: str) -> str:
    """The checksum of a model's file; empty where there is none, as of classical methods and models in memory."""
    from restorae.model import find

    with contextlib.suppress(InputError, UsageError, OSError):
        return file_digest(find(name))
    return ""


def digest_if_readable(path: Path) -> str | None:
    """A broken file has a hash too; a pipe or a link that leads nowhere has none."""
    with contextlib.suppress(OSError):
        return file_digest(path) if path.is_file() else None
    return None
