"""Recipe files: TOML read, checked key by key, and written."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from restorae.data import NAMES, is_named
from restorae.errors import BadSpec, DataUnavailable, Fix, InputError, UsageError, nearest
from restorae.setting_errors import expected, nearest_setting

_SOURCES = ("clean", "degraded", "noisy")


def toml_line(key: str, value: Any, setting: Any) -> str:
    """`key = value`; `value` is plain JSON, and a part is written as the text of `setting`."""
    text = str(setting) if isinstance(value, dict) else value
    return f"{key} = {json.dumps(text, ensure_ascii=False)}"


def about_file(path: str | os.PathLike[str], error: UsageError) -> UsageError:
    """The same error, about a recipe file."""
    message = error.message
    return type(error)(message.problem, subject=path, settings=message.settings, fix=message.fixes)


def read_checked(path: str | os.PathLike[str], fields: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """The keys and values of a TOML file, each checked by itself against the field of its name.

    Raises:
        InputError: it cannot be read as TOML; the message names the line.
        BadSpec, UnknownKind: a key or value cannot be used; the message names the line and offers the nearest.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"the recipe cannot be read: {error.strerror}", subject=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the recipe is not valid TOML: {error}", subject=path) from None
    for key, value in values.items():
        try:
            _check_key(key, value, fields)
        except UsageError as error:
            inside = (
                next((name for name in value if repr(name) in str(error)), "")
                if isinstance(value, dict)
                else ""
            )
            raise about_file(f"{path}, line {_line_of(key, text, inside)}", error) from None
    return values


def require_data(path: str | os.PathLike[str], values: Mapping[str, Any]) -> None:
    """Refuse a recipe file that names images which do not exist; `values` are those of its keys that count.

    Raises:
        DataUnavailable: with the line and the path.
    """
    for key in _SOURCES:
        source = values.get(key)
        if source is None or is_named(source) or Path(source).exists():
            continue
        beside = Path(path).parent / source
        line = _line_of(key, Path(path).read_text(encoding="utf-8"))
        raise DataUnavailable(
            f"{key} = {source!r} is no file or folder"
            + (
                f" seen from here ({Path.cwd()}); it is beside the recipe"
                if beside.exists()
                else f", and no data set. {nearest(source, (*NAMES, *_neighbours(source)))}"
            ),
            subject=f"{path}, line {line}",
            fix=Fix(key, str(beside)) if beside.exists() else Fix(key, action="change"),
        )


def _check_key(key: str, value: Any, fields: Mapping[str, FieldInfo]) -> None:
    if key not in fields:
        raise BadSpec(f"A recipe has no key {key!r}. {nearest_setting(key, fields)}")
    field = fields[key]
    fits: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
    try:
        fits.validate_python(value)
    except ValidationError as error:
        wanted = "; ".join(dict.fromkeys(map(expected, error.errors())))
        raise BadSpec(f"{key}={value!r} cannot be used: {wanted}.") from None


def _line_of(key: str, text: str, inside: str = "") -> int:
    """The line on which a recipe file says a key, as `key = value` or as the head of a table, or one of that table's keys."""
    lines = text.splitlines()

    def first(name: str, start: int) -> int | None:
        said = re.compile(rf"""\s*\[*\s*["']?{re.escape(name)}["']?\s*(=|\]|\.)""")
        return next(
            (number for number in range(start, len(lines)) if said.match(lines[number])), None
        )

    line = first(key, 0) or 0
    return 1 + ((first(inside, line + 1) if inside else None) or line)


def _neighbours(source: str) -> list[str]:
    """What lies where a path ends that is gone: one of them may be meant."""
    parent = Path(source).parent
    try:
        found = sorted(each.name for each in parent.iterdir() if not each.name.startswith("."))
    except OSError:
        return []
    close = difflib.get_close_matches(Path(source).name, found, n=1, cutoff=0.5)
    return [(parent / name).as_posix() for name in close]
