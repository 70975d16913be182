"""What a worker does with one file: fetch it, restore it as the plain command does, and put the results in place."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import torch

from restorae import machine
from restorae.cluster.storage import Store
from restorae.cluster.tasks import ClusterTask
from restorae.errors import Fix, InputError, Message, OutputError, RestoraeError
from restorae.process import prepare_process
from restorae.progress import Progress
from restorae.restoring import RestoreRequest, RestorerPool, restore_files
from restorae.restoring.sources import remote_uri
from restorae.restoring.tasks import LOG
from restorae.version import VERSION

if TYPE_CHECKING:
    from restorae.film.request import FilmRequest

THREADS = 1
"""Threads of a worker: as many workers as cores keep them busy, and results do not depend on the machine."""


@dataclass(frozen=True, kw_only=True)
class WorkPlan:
    """Everything that results depend on, the same for all workers."""

    request: RestoreRequest
    device: str = "cpu"
    threads: int | None = None
    """Threads of a worker; None leaves them as they are."""
    memory: int | None = None
    """Bytes by which tiles are chosen; None asks each time what is free."""
    film: FilmRequest | None = None
    """How films are read; None where images are restored."""
    version: str = VERSION
    """Of restorae, where this was decided; workers that join later are checked by it."""

    @classmethod
    def of_workers(
        cls, request: RestoreRequest, device: str, memory: int | None = None
    ) -> WorkPlan:
        """The plan of workers that are processes of one thread: as many as cores keep them busy."""
        device = "cpu" if device == "auto" else device
        return cls(request=request, device=device, threads=THREADS, memory=memory)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one file."""

    index: int
    """Which task."""
    restored: bool = False
    unchanged: bool = False
    measurement: bool = False
    chosen: tuple[str, str] | None = None
    """The model that was chosen for it, and why."""
    failure: Message | None = None
    stop: Message | None = None
    """Why the run has to end as a whole."""
    said: tuple[Message, ...] = ()
    log: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> str:
        """As text, to be sent."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """What `to_json` wrote."""
        fields = json.loads(text)
        for name in ("failure", "stop"):
            fields[name] = None if fields[name] is None else _message(fields[name])
        fields["said"] = tuple(map(_message, fields["said"]))
        fields["chosen"] = None if fields["chosen"] is None else tuple(fields["chosen"])
        return cls(**{**fields, "log": tuple(fields["log"])})


def _message(fields: dict[str, Any]) -> Message:
    fixes = tuple(Fix(**fix) for fix in fields["fixes"])
    return Message(**{**fields, "settings": tuple(fields["settings"]), "fixes": fixes})


class _Heard(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def say(self, message: str | Message) -> None:
        self.messages.append(message if isinstance(message, Message) else Message(message))

    warn = say


class FileWorker:
    """Restores files one after the other; models are loaded once.

    Args:
        plan: how.
        is_own_process: whether threads and memory of the whole process may be set.
    """

    def __init__(self, plan: WorkPlan, *, is_own_process: bool = True) -> None:
        self.plan = plan
        if is_own_process:
            prepare_process()
            if plan.threads is not None:
                torch.set_num_threads(plan.threads)
            machine.assume_free_memory(plan.memory)
        self.restorers = RestorerPool(device=plan.device)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """As Ray Data calls it: columns `index` and `task` (JSON) in, a column `outcome` (JSON) out."""
        found = [
            self.restore(int(index), ClusterTask(**json.loads(text))).to_json()
            for index, text in zip(batch["index"], batch["task"], strict=True)
        ]
        return {"outcome": found}

    def restore(self, index: int, task: ClusterTask) -> Outcome:
        """Restore one file. Nothing is raised: what went wrong is in the outcome."""
        if self.plan.version != VERSION:
            other = f"a worker has restorae {VERSION}, and this is {self.plan.version}"
            return Outcome(index=index, stop=Message(other))
        try:
            if task.pieces is not None:
                return self._make_pieces(index, task)
            with tempfile.TemporaryDirectory(prefix="restorae-") as folder:
                return self._restore(index, task, Path(folder))
        except InputError as error:
            return Outcome(index=index, failure=_about(error, task.source))
        except RestoraeError as error:
            return Outcome(index=index, stop=error.message)
        except OSError as error:
            refused = OutputError(f"failed: {error.strerror}", subject=task.target)
            return Outcome(index=index, stop=refused.message)

    def _make_pieces(self, index: int, task: ClusterTask) -> Outcome:
        from restorae.film.piece_work import make_pieces

        assert self.plan.film is not None
        assert task.pieces is not None
        film = task.on_this_machine(Path(task.source), Path(task.target))
        make_pieces(film, range(*task.pieces), self.plan.request, self.plan.film, self.restorers)
        return Outcome(index=index, restored=True)

    def _restore(self, index: int, task: ClusterTask, folder: Path) -> Outcome:
        uri, place = remote_uri(Path(task.source)), remote_uri(Path(task.target))
        source, target = Path(task.source), Path(task.target)
        # a worker that was killed after its file was written has left a whole one
        if place is not None and not task.may_replace and Store.of(place).exists():
            return Outcome(index=index, restored=True)
        if uri is not None:
            source = folder / "source" / PurePosixPath(task.name).name
            source.parent.mkdir()
            Store.of(uri).fetch(source)
        if place is not None:
            target = folder / "results" / PurePosixPath(place).name
        files = task.on_this_machine(source, target)
        heard, log = _Heard(), folder / LOG
        report = restore_files(
            [files], self.plan.request, self.restorers, log=log, progress=heard, sweep=False
        )
        renamed = {str(source): task.source, str(target): task.target}
        if place is not None and report.restored:
            _put(target, place)
        chosen = next(((name, why[0]) for name, why in report.chosen.items()), None)
        lines = log.read_text("ascii").splitlines() if log.exists() else []
        return Outcome(
            index=index,
            restored=bool(report.restored or report.skipped),
            unchanged=bool(report.unchanged),
            measurement=bool(report.measurements),
            chosen=chosen,
            failure=_renamed(report.failures[0].reason, renamed) if report.failures else None,
            said=tuple(_renamed(each, renamed) for each in heard.messages),
            log=tuple(_renamed_values(json.loads(line), renamed) for line in lines),
        )


def _put(target: Path, place: str) -> None:
    """Send all results of an image; the restored file last, because by it a run sees that an image is done."""
    base = place.rpartition("/")[0]
    for path in sorted(target.parent.rglob("*")):
        if path.is_file() and path != target:
            Store.of(f"{base}/{path.relative_to(target.parent).as_posix()}").put(path)
    Store.of(place).put(target)


def _about(error: InputError, source: str) -> Message:
    message = error.message
    return message if message.subject is not None else replace(message, subject=source)


def _renamed(message: Message, names: dict[str, str]) -> Message:
    """A message about a temporary file, about the one that it stands for."""
    return _message(_renamed_values(json.loads(json.dumps(asdict(message), default=str)), names))


def _renamed_values(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, stands_for in names.items():
            value = value.replace(name, stands_for)
        return value
    if isinstance(value, list):
        return [_renamed_values(each, names) for each in value]
    if isinstance(value, dict):
        return {key: _renamed_values(each, names) for key, each in value.items()}
    return value
