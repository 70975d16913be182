"""The text form of settings: `name(key=value,...)`, as on the command line and in recipes."""

from __future__ import annotations

import re
from typing import Any

from restorae.errors import BadSpec

_SPEC = re.compile(r"\s*(?P<name>[A-Za-z][\w-]*)\s*(?:\((?P<settings>.*)\))?\s*", re.DOTALL)


def parse_spec(text: str) -> tuple[str, dict[str, Any]]:
    """Read `name(key=value,...)` into a name and its settings.

    Values are numbers, `true`/`false`, ranges `low..high`, lists `[1,2]`, or words.

    >>> parse_spec("gaussian-noise(mean=0.5,sigma=0.0..0.2)")
    ('gaussian-noise', {'mean': 0.5, 'sigma': '0.0..0.2'})

    Raises:
        BadSpec: the text has another form.
    """
    found = _SPEC.fullmatch(text)
    if found is None:
        raise BadSpec(
            f"{text!r} cannot be read. Write a name, or a name with settings: name(setting=value,setting=value)."
        )
    settings: dict[str, Any] = {}
    for item in split_outside_brackets(found["settings"] or "", ","):
        name, sign, value = item.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not name or not value.strip():
            raise BadSpec(
                f"{item.strip()!r} in {text!r} cannot be read. Write settings as name=value, separated by commas."
            )
        if name in settings:
            raise BadSpec(f"The setting {name!r} appears twice in {text!r}.")
        settings[name] = _read_value(value.strip())
    return found["name"], settings


def split_outside_brackets(text: str, separator: str) -> list[str]:
    """Split at `separator` where no bracket is open; empty text gives an empty list.

    >>> split_outside_brackets("a(b|c) | d", "|")
    ['a(b|c) ', ' d']
    """
    pieces, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == separator and depth == 0:
            pieces.append(text[start:index])
            start = index + 1
    pieces.append(text[start:])
    return pieces if text.strip() else []


def _read_value(text: str) -> object:
    if text.startswith("[") and text.endswith("]"):
        return [_read_value(item.strip()) for item in split_outside_brackets(text[1:-1], ",")]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text.strip("'\"")


def to_text(value: object) -> str:
    """A setting's value as `parse_spec` reads it, without loss."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{','.join(to_text(item) for item in value)}]"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
