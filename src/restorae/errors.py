"""Everything that can go wrong, as one tree.

    RestoraeError                   what every room of restorae raises
    ├── UsageError                  the request itself is wrong                      (exit status 2)
    │   ├── UnknownKind             no degradation, network, loss, data set or model has that name
    │   ├── BadSpec                 a text such as "gaussian-noise(sigma=0.1)" or a setting cannot be used
    │   ├── UnknownAttribute        a model of another library has such a method; the message names ours
    │   ├── SettingsConflict        settings that exclude each other, or one that needs another
    │   └── TileTooSmall            a tile leaves nothing to keep beside the context that the network needs
    ├── InputError                  something that was read cannot be used           (exit status 1)
    │   ├── DataUnavailable         a data set is not on this machine and cannot be downloaded
    │   ├── BadImage              an image is broken, empty or of a kind that is not read
    │   ├── BadModelFile            a model or checkpoint is broken, too new or not one
    │   └── ShapeMismatch           images whose sizes, channels or counts do not fit together
    ├── OutputError                 something could not be written; what was there before is untouched
    ├── ExportFailed                a model cannot be exported, or what was exported computes something else
    ├── MissingExtra                an optional library is absent; the message names the extra
    ├── ClusterError                a cluster does not answer, or its workers do not suit
    ├── TrainingFailed              training ended without a model worth saving
    │   ├── TrainingDiverged        the loss became NaN or infinite
    │   ├── TrainingCollapsed       the network learned one answer for everything
    │   └── ProcessLost             one of several processes that trained together has ended
    └── Interrupted                 Ctrl-C or SIGTERM; what was promised to be kept was kept

An error carries facts, not sentences for one face: the subject, the problem, and fixes as a setting and a value. Each face
(command line, Python, page) renders them with its own `Wording`: `--tile 68`, `tile=68`, "Tile size: 68".
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, Protocol, Self


@dataclass(frozen=True)
class Fix:
    """One way to make a request work: a setting, and what to do with it."""

    setting: str
    """Name of the setting as in Python: `tile`, `max_pixels`, `out`."""
    value: object = None
    """The value to give it, for the action `set`; None or True where naming the setting is enough."""
    _: KW_ONLY
    action: Literal["set", "omit", "change"] = "set"
    """Give it this value, leave it out, or give it another value than now."""


class Wording(Protocol):
    """How a face names settings and suggests fixes."""

    def setting(self, name: str) -> str:
        """The name of a setting on this face."""

    def fix(self, fix: Fix) -> str:
        """An instruction without a full stop, such as `use --tile 68`."""


class PythonWording:
    """Settings as Python arguments; what `str(error)` shows."""

    def setting(self, name: str) -> str:
        return f"`{name}`"

    def fix(self, fix: Fix) -> str:
        match fix.action:
            case "omit":
                return f"omit {fix.setting}"
            case "change":
                return f"choose another {fix.setting}"
            case _:
                return f"use {fix.setting}={fix.value if fix.value is not None else True!r}"


PYTHON = PythonWording()


@dataclass(frozen=True)
class Message:
    """The facts of an error, a warning or a notice, before an interface renders them."""

    problem: str
    """What is wrong, without a full stop. Where `settings` are given, a format string with one `{}` for each."""
    _: KW_ONLY
    subject: str | os.PathLike[str] | None = None
    """The file or field that it is about."""
    settings: tuple[str, ...] = ()
    """Settings that the problem mentions, by their Python names."""
    fixes: tuple[Fix, ...] = ()
    """What would help, the best first; they are alternatives."""

    def render(self, wording: Wording = PYTHON) -> str:
        """The message in a face's words: `subject: problem. Fix, or fix.`

        >>> Message("a tile of {} leaves nothing to keep", settings=("tile",), fixes=(Fix("tile", 68),)).render()
        'a tile of `tile` leaves nothing to keep. Use tile=68.'
        """
        problem = (
            self.problem.format(*map(wording.setting, self.settings))
            if self.settings
            else self.problem
        )
        text = problem if self.subject is None else f"{os.fspath(self.subject)}: {problem}"
        if not self.fixes:
            return text
        fixes = ", or ".join(wording.fix(fix) for fix in self.fixes)
        return f"{text.removesuffix('.')}. {fixes[:1].upper()}{fixes[1:]}."


def in_words(message: str | Message, wording: Wording = PYTHON) -> str:
    """A message for a person: plain text as it is, facts in a face's words."""
    return message if isinstance(message, str) else message.render(wording)


class RestoraeError(Exception):
    """Base of all errors that restorae raises on purpose.

    Args:
        problem: what is wrong; where `settings` are given, a format string with one `{}` for each.
        subject: the file or field that it is about.
        settings: settings that the problem mentions, by their Python names.
        fix: what would help, as a setting and a value; several are alternatives.
    """

    exit_status = 1

    def __init__(
        self,
        problem: str,
        *,
        subject: str | os.PathLike[str] | None = None,
        settings: Sequence[str] = (),
        fix: Fix | Sequence[Fix] = (),
    ) -> None:
        super().__init__(problem)
        self.message = Message(
            problem,
            subject=subject,
            settings=tuple(settings),
            fixes=(fix,) if isinstance(fix, Fix) else tuple(fix),
        )

    @classmethod
    def of(cls, message: Message) -> Self:
        """The error that a message tells of."""
        return cls(
            message.problem, subject=message.subject, settings=message.settings, fix=message.fixes
        )

    def render(self, wording: Wording = PYTHON) -> str:
        """The error in a face's words."""
        return self.message.render(wording)

    def __str__(self) -> str:
        return self.render()


class UsageError(RestoraeError):
    """The request itself is wrong: a name, an option or a combination of them."""

    exit_status = 2


class UnknownKind(UsageError):
    """No piece, data set or model of that name; the message offers the nearest."""


class BadSpec(UsageError):
    """A specification or a setting that cannot be used."""


class UnknownAttribute(UsageError, AttributeError):
    """An attribute that objects of other libraries have; the message says what to use."""


class SettingsConflict(UsageError):
    """Settings that exclude each other, or one that needs another."""


class TileTooSmall(UsageError):
    """A tile that leaves nothing to keep beside the context that the network needs."""


class InputError(RestoraeError):
    """Something that was read cannot be used."""


class DataUnavailable(InputError):
    """A named data set was found nowhere and could not be downloaded."""


class BadImage(InputError):
    """An image file is broken, empty, or of a kind that restorae does not read."""


class BadModelFile(InputError):
    """A model or checkpoint file is broken, too new, or something else altogether."""


class ShapeMismatch(InputError):
    """Images whose sizes, channels or counts do not fit together."""


class OutputError(RestoraeError):
    """Something could not be written. Nothing half-written is left behind."""


class ExportFailed(RestoraeError):
    """A model that another program's format cannot express, or an exported one that computes something else."""


class MissingExtra(RestoraeError):
    """An optional library is not installed."""


class ClusterError(RestoraeError):
    """A cluster does not answer, or its workers have another version."""


class TrainingFailed(RestoraeError):
    """Training ended without a model worth saving."""

    model: object = None
    """The `Model` as it was at the end, where there is one."""


class TrainingDiverged(TrainingFailed):
    """The loss became NaN or infinite."""


class TrainingCollapsed(TrainingFailed):
    """The network gives (nearly) the same answer whatever it is shown."""


class ProcessLost(TrainingFailed):
    """One of several processes that train together has ended, so the others cannot go on."""


class Interrupted(RestoraeError):
    """The work was stopped from outside."""


_ALIKE = 0.65
"""Similarity (`difflib`) from which a name is suggested: below it, `noisy` would be taken for `mnist`."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The tail of an "unknown name" message: the nearest known name, then all of them.

    >>> nearest("gausian-noise", ["blur", "gaussian-noise"])
    "Did you mean 'gaussian-noise'? Known: blur, gaussian-noise."
    """
    names = sorted(known)
    if not names:
        return "There are none."
    close = difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(names)}."
