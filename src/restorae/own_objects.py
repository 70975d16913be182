"""Objects of a person's own inside settings: functions and modules that are compared and recorded by their content.

A recipe is a value: equal recipes train equal models. A function or a `torch.nn.Module` has no text form, so settings hold its
name and a hash of its content, and the object itself beside them. A file stores name and hash only: no code.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import types
import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Self

import torch
from pydantic import PrivateAttr
from torch import nn

from restorae.parts import Settings


class Held:
    """An object that settings carry along; all are equal, since the settings compare its content."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held)

    def __hash__(self) -> int:
        return 0


class OwnObject(Settings):
    """Settings that stand for a function or a module of a person's own, which they carry along."""

    is_listed: ClassVar[bool] = False
    name: str
    """Where it is defined, or its class, `module:name`."""
    content: str
    """A hash of what it does, of a module its layers and weights: two are equal where this is."""
    _held: Held | None = PrivateAttr(default=None)

    @classmethod
    def wrapping(cls, thing: Any) -> Self:
        """The settings that carry `thing`."""
        return cls(name=name_of(thing), content=content_of(thing)).carrying(thing)

    def carrying(self, thing: Any) -> Self:
        """The same settings with `thing`, also after they were read from a file."""
        again = self.model_copy()
        again._held = Held(thing)
        return again


def name_of(thing: object) -> str:
    """Where a function, a class or an object's class is defined: `module:name`."""
    named: Any = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}:{named.__qualname__}"


def content_of(thing: object) -> str:
    """16 hexadecimal digits that stand for what a function or an object does.

    Of a function the compiled code, its defaults and what it closes over; of a module its layers and weights; of other
    objects their pickled state. What cannot be read is given a new number each time, so that it equals nothing else.
    """
    digest = hashlib.sha256()
    try:
        _add(digest.update, thing, ())
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError):
        digest.update(uuid.uuid4().bytes)
    return digest.hexdigest()[:16]


def _add(update: Callable[[bytes], object], thing: object, inside: tuple[object, ...]) -> None:
    """Add a thing that lies `inside` others; one that lies inside itself, such as a method's class, is added once."""
    update(f"{len(inside)}{type(thing).__qualname__}".encode())
    if any(thing is outer for outer in inside):
        return
    inside = (*inside, thing)
    match thing:
        case types.FunctionType():
            _add_code(update, thing.__code__)
            for held in (thing.__defaults__, thing.__kwdefaults__):
                _add(update, held, inside)
            for cell in thing.__closure__ or ():
                _add(update, cell.cell_contents, inside)
        case types.MethodType():
            _add(update, thing.__func__, inside)
            _add(update, thing.__self__, inside)
        case nn.Module():
            update(f"{name_of(thing)}{thing!r}".encode())
            for name, tensor in thing.state_dict().items():
                update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
                update(
                    tensor.detach().cpu().reshape(-1).clone().view(torch.uint8).numpy().tobytes()
                )
        case tuple() | list():
            for each in thing:
                _add(update, each, inside)
        case type():
            update(name_of(thing).encode())
            for name, member in vars(thing).items():
                if isinstance(member, types.FunctionType):
                    update(name.encode())
                    _add(update, member, inside)
        case _:
            buffer = io.BytesIO()
            pickle.Pickler(buffer, protocol=4).dump(thing)
            update(buffer.getvalue())


def _add_code(update: Callable[[bytes], object], code: types.CodeType) -> None:
    update(code.co_code)
    update(repr((code.co_names, code.co_varnames[: code.co_argcount])).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _add_code(update, constant)
        else:
            update(repr(constant).encode())
