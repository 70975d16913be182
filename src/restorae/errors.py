"""Everything that can go wrong, as one tree.

    RestoraeError                   what every room of restorae raises
    ├── UsageError                  the request itself is wrong                      (exit status 2)
    │   ├── UnknownKind             no degradation, network, loss, data set or model has that name
    │   ├── BadSpec                 a text such as "gaussian-noise(sigma=0.1)" or a setting cannot be used
    │   └── TileTooSmall            a tile leaves nothing to keep beside the context that the network needs
    ├── InputError                  something that was read cannot be used           (exit status 1)
    │   ├── DataUnavailable         a data set is neither here nor to be had
    │   ├── BadPicture              a picture is broken, empty or of a kind that is not read
    │   ├── BadModelFile            a model or checkpoint is broken, too new or not one
    │   └── ShapeMismatch           pictures whose sizes, channels or counts do not fit together
    ├── OutputError                 something could not be written; what was there before is untouched
    ├── MissingExtra                an optional library is absent; the message names the extra
    ├── TrainingFailed              training ended without a model worth saving
    │   ├── TrainingDiverged        the loss became NaN or infinite
    │   └── TrainingCollapsed       the network learned one answer for everything
    └── Interrupted                 Ctrl-C or SIGTERM; what was promised to be kept was kept

Each message says what came, what was expected and what to do now. Only the faces (`cli`) print them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RestoraeError(Exception):
    """Base of all errors that restorae raises on purpose."""

    exit_status = 1


class UsageError(RestoraeError):
    """The request itself is wrong: a name, an option or a combination of them."""

    exit_status = 2


class UnknownKind(UsageError):
    """No piece, data set or model of that name; the message offers the nearest."""


class BadSpec(UsageError):
    """A specification or a setting that cannot be used."""


class TileTooSmall(UsageError):
    """A tile that leaves nothing to keep beside the context that the network needs."""


class InputError(RestoraeError):
    """Something that was read cannot be used."""


class DataUnavailable(InputError):
    """A named data set was found nowhere and could not be downloaded."""


class BadPicture(InputError):
    """A picture file is broken, empty, or of a kind that restorae does not read."""


class BadModelFile(InputError):
    """A model or checkpoint file is broken, too new, or something else altogether."""


class ShapeMismatch(InputError):
    """Pictures whose sizes, channels or counts do not fit together."""


class OutputError(RestoraeError):
    """Something could not be written. Nothing half-written is left behind."""


class MissingExtra(RestoraeError):
    """An optional library is not installed."""


class TrainingFailed(RestoraeError):
    """Training ended without a model worth saving."""


class TrainingDiverged(TrainingFailed):
    """The loss became NaN or infinite."""


class TrainingCollapsed(TrainingFailed):
    """The network gives (nearly) the same answer whatever it is shown."""


class Interrupted(RestoraeError):
    """The work was stopped from outside."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The tail of an "unknown name" message: the nearest known name, then all of them.

    >>> nearest("gausian-noise", ["blur", "gaussian-noise"])
    "Did you mean 'gaussian-noise'? Known: blur, gaussian-noise."
    """
    names = sorted(known)
    if not names:
        return "There are none."
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(names)}."
