"""Turns pydantic's validation errors into plain sentences: which setting, which value, what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from restorae.display import counted
from restorae.errors import nearest

_LONGEST_VALUE = 60
_SYNONYMS = {
    "lr": "learning_rate",
    "batch": "batch_size",
    "bs": "batch_size",
    "early_stopping": "patience",
    "validation_split": "validation",
    "criterion": "loss",
    "model": "network",
    "noise": "degradation",
    "damage": "degradation",
    "corruption": "degradation",
    "weights": "start_from",
    "pretrained": "start_from",
    "random_state": "seed",
    "verbose": "progress",
    "std": "sigma",
    "stddev": "sigma",
    "strength": "sigma",
}
"""What other libraries call settings that have another name here."""
_ELSEWHERE = ("device", "precision", "workers", "data_dir")
"""Settings of `Machinery`, which `train` takes beside a recipe."""


def _literal(context: Mapping[str, Any], value: object) -> str:
    choices = str(context["expected"])
    names = [name.strip().strip("'") for name in choices.replace(" or ", ", ").split(",")]
    close = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    return f"expected {choices}{f' (did you mean {close[0]!r}?)' if close else ''}"


_EXPECTED: Mapping[str, str | Callable[[Mapping[str, Any], object], str]] = {
    "literal_error": _literal,
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "string_type": "expected text",
    "tuple_type": "expected a list",
    "greater_than": lambda context, _: f"expected a number above {context['gt']:g}",
    "greater_than_equal": lambda context, _: f"expected a number of at least {context['ge']:g}",
    "less_than": lambda context, _: f"expected a number below {context['lt']:g}",
    "less_than_equal": lambda context, _: f"expected a number of at most {context['le']:g}",
    "too_short": lambda context, _: f"expected at least {counted(context['min_length'], 'value')}",
}


def explain(error: ValidationError, title: str, known: Iterable[str]) -> str:
    """A pydantic error as sentences.

    Args:
        error: what pydantic raised.
        title: what the settings are called in messages.
        known: names of the settings that exist.
    """
    sentences: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_context=True):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            sentences[name] = f"{title} has no setting {name!r}. {nearest_setting(name, known)}"
        elif problem["type"] == "missing":
            sentences[name] = f"{title} needs {name!r}."
        else:
            sentences.setdefault(
                name,
                f"{title}: {name}={_short(problem['input'])} cannot be used: {expected(problem)}.",
            )
    return " ".join(sentences.values())


def nearest_setting(name: str, known: Iterable[str]) -> str:
    """As `nearest`, and knows what other libraries call a setting.

    >>> nearest_setting("lr", ["learning_rate", "loss"])
    "Did you mean 'learning_rate'? Known: learning_rate, loss."
    """
    names = list(known)
    meant = _SYNONYMS.get(name.lower())
    if meant in names:
        return f"Did you mean {meant!r}? Known: {', '.join(sorted(names))}."
    if name in _ELSEWHERE:
        return f"{name} does not change what is trained, so a recipe has none: train(recipe, {name}=...)."
    return nearest(name, names)


def expected(problem: Mapping[str, Any]) -> str:
    """What one of pydantic's problems expected, without a full stop."""
    found = _EXPECTED.get(problem["type"])
    if found is None:
        return str(problem["msg"]).removeprefix("Value error, ").removesuffix(".")
    text = found if isinstance(found, str) else found(problem["ctx"], problem["input"])
    return text.removesuffix(".")


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
