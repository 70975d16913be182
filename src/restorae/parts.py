"""Settings with a name: the base of degradations, networks, losses and recipes.

A `Part` is a frozen pydantic model that can be named, printed, saved as plain JSON and rebuilt. A *family*
(`Degradation`, `Network`, `Loss`) is an abstract part; every class below it is one *kind* of that family and joins by
being defined: there is no registry to keep. The same text names a part on the command line, in recipes and in files:

    gaussian-noise(mean=0.5,sigma=0.0..0.2)
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import core_schema

from restorae.display import html_facts
from restorae.errors import BadSpec, Fix, UnknownKind, nearest
from restorae.setting_errors import explain
from restorae.specs import parse_spec, to_text

P = TypeVar("P", bound="Part")


class Settings(BaseModel):
    """A frozen pydantic model that refuses unknown keys and explains errors in plain words."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
    )

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise BadSpec(explain(error, self.title(), type(self).model_fields)) from None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Only the settings that differ from their defaults are shown."""
        fields = type(self).model_fields
        for name, value in super().__repr_args__():
            if name not in fields or value != fields[name].get_default(call_default_factory=True):
                yield name, value

    def _repr_html_(self) -> str:
        return html_facts(
            self.title(), [(str(name), value) for name, value in self.__repr_args__()]
        )

    def __dir__(self) -> list[str]:
        """Without pydantic's own methods, but for copying."""
        hidden = {name for name in dir(BaseModel) if not name.startswith("_")} - {"model_copy"}
        return sorted({*super().__dir__()} - hidden)

    @classmethod
    def title(cls) -> str:
        """Its name in messages: the kind, or the class name."""
        return cls.__name__


class Part(Settings):
    """Settings with a kind, in a family."""

    kind: ClassVar[str] = ""
    """The name on the command line and in files: hyphenated, unique in its family."""
    family: ClassVar[str] = ""
    """Name of the family in messages."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that `of` understands, hyphenated."""
    is_listed: ClassVar[bool] = True
    """Whether it is offered by name. Parts that wrap a person's own object are not: they cannot be made from text."""

    def __init_subclass__(
        cls, *, kind: str | None = None, family: str | None = None, **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        if family is not None:
            cls.family, cls.kind = family, ""
            return
        cls.kind = ""  # a class that is refused below stays unnamed
        if "aliases" not in cls.__dict__:
            cls.aliases = ()  # belong to one kind, not to those derived from it
        name = kind or _hyphenated(cls.__name__)
        taken = next((other for other in kinds(cls, listed_only=False) if other.kind == name), None)
        if taken is not None and not _redefines(cls, taken):
            raise BadSpec(
                f"{cls.__qualname__} has the kind {name!r}, but that {cls.family} exists already "
                f"({taken.__module__}.{taken.__qualname__}). Choose another kind."
            )
        cls.kind = name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """As a field's type a family takes an instance, a text or a dictionary, and is written as a dictionary."""
        if cls.kind or not cls.family:
            return handler(source)  # type: ignore[no-any-return]
        return core_schema.no_info_plain_validator_function(
            cls.of,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda part: part.to_dict()
            ),
        )

    @classmethod
    def title(cls) -> str:
        return cls.kind or cls.__name__

    @classmethod
    def of(cls, value: object) -> Self:
        """The part that `value` describes: a part, its class, its text or its dictionary.

        Raises:
            UnknownKind: no kind of this family has that name.
            BadSpec: the text cannot be read or a setting is wrong.
        """
        if isinstance(value, type) and issubclass(value, cls):
            return value()
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls._from_text(value)
        if isinstance(value, Mapping):
            return cls.from_dict(value)
        raise BadSpec(
            f"{value!r} is not a {cls.family}. Expected a subclass of restorae.{cls.__name__}, an instance of one, or its text."
        )

    @classmethod
    def _from_text(cls, text: str) -> Self:
        try:
            name, settings = parse_spec(text)
        except BadSpec as error:
            if "(" not in text:
                raise
            kind = cls.named(text.partition("(")[0].strip())
            known = ", ".join(kind.model_fields) or "none"
            raise BadSpec(
                f"{error.message.problem} {kind.kind} has the settings {known}."
            ) from None
        return cls.named(name)(**settings)

    @classmethod
    def named(cls, name: str) -> type[Self]:
        """The newest class of this family whose kind is `name`.

        Raises:
            UnknownKind: there is none; the message offers the nearest.
        """
        known = list(kinds(cls, listed_only=False))
        wanted = _hyphenated(name)
        for fits in (
            lambda part: part.kind == name,
            lambda part: part.kind == wanted,
            lambda part: wanted in part.aliases,
        ):
            if found := next((part for part in known if fits(part)), None):
                return found
        names = {
            word: part.kind
            for part in known
            if part.is_listed
            for word in (*part.aliases, part.kind)
        }
        close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
        meant = names[close[0]] if close else wanted
        raise UnknownKind(
            f"There is no {cls.family} {name!r}. {nearest(meant, set(names.values()))}"
        )

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` wrote.

        Raises:
            UnknownKind: the kind is unknown; for a user's own class the message names the module to import.
        """
        settings = dict(saved)
        name = settings.pop("kind", None)
        module = settings.pop("defined_in", None)
        if not isinstance(name, str):
            raise BadSpec(f"A {cls.family} needs a 'kind', got {saved!r}")
        if module is not None and all(part.kind != name for part in kinds(cls, listed_only=False)):
            file = str(module).partition(":")[0].replace(".", "/") + ".py"
            raise UnknownKind(
                f"The {cls.family} {name!r} is not part of restorae: it was defined in {module}, which has not been imported",
                fix=Fix("import", file),
            )
        return cls.named(name)(**settings)

    def to_dict(self) -> dict[str, Any]:
        """Kind and settings as plain JSON values; for a user's own class also where it was defined."""
        saved = {"kind": self.kind, **self.model_dump(mode="json")}
        if not self.is_built_in:
            saved["defined_in"] = f"{type(self).__module__}:{type(self).__qualname__}"
        return saved

    @property
    def is_built_in(self) -> bool:
        """Whether its class is part of restorae, not a user's own."""
        return type(self).__module__.partition(".")[0] == "restorae"

    def __str__(self) -> str:
        """The shortest text that `of` reads back: settings that differ from their defaults."""
        fields = type(self).model_fields
        said = {
            name: value for name in fields if (value := getattr(self, name)) != fields[name].default
        }
        return (
            f"{self.kind}({','.join(f'{name}={to_text(value)}' for name, value in said.items())})"
            if said
            else self.kind
        )


def kinds(family: type[P], listed_only: bool = True) -> Iterator[type[P]]:
    """Every concrete class of the family that `family` belongs to, newest definition first, each kind once.

    Those that wrap a person's own object are left out unless `listed_only` is False.
    """
    root = next(
        base
        for base in reversed(family.__mro__)
        if issubclass(base, Part) and base.__dict__.get("family")
    )
    found: list[type[P]] = []
    waiting: list[type[Any]] = [root]
    while waiting:
        part = waiting.pop()
        waiting.extend(part.__subclasses__())
        if part.kind and not inspect.isabstract(part) and (part.is_listed or not listed_only):
            found.append(part)
    seen: set[str] = set()
    for part in found:
        if part.kind not in seen:
            seen.add(part.kind)
            yield part


def _hyphenated(name: str) -> str:
    """A name as kinds are written: `GaussianNoise`, `gaussian_noise` and `Gaussian noise` are gaussian-noise.

    >>> _hyphenated("GaussianNoise"), _hyphenated("MSE")
    ('gaussian-noise', 'mse')
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[\s_-]+", "-", apart).strip("-").lower()


def _redefines(new: type[Part], old: type[Part]) -> bool:
    """Whether `new` is the same class run again (a notebook cell), not a second class that claims the name."""
    return new.__qualname__ == old.__qualname__ and (
        new.__module__ == old.__module__ or old.__module__ == "__main__"
    )
