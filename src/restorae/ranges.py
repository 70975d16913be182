"""Ranges to draw from, `low..high`, and bounds of numbers: types of settings' fields."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import core_schema

from restorae.errors import BadSpec
from restorae.parts import Settings
from restorae.specs import to_text


class Range(Settings):
    """Two bounds to draw from, written `low..high`."""

    low: float
    """Smallest value that is drawn."""
    high: float
    """Largest value that is drawn."""

    def model_post_init(self, _context: Any) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise BadSpec(f"the range {self} has a bound that is not a finite number")
        if self.low > self.high:
            raise BadSpec(
                f"the range {self} is reversed. Write {to_text(self.high)}..{to_text(self.low)}"
            )

    def __str__(self) -> str:
        return f"{to_text(self.low)}..{to_text(self.high)}"


def _read_range(value: object) -> object:
    if isinstance(value, str) and ".." in value:
        low, _, high = value.partition("..")
        try:
            return Range(low=float(low), high=float(high))
        except ValueError:
            raise BadSpec(
                f"{value!r} is not a range. Write two numbers as low..high, such as 0.0..0.2"
            ) from None
    return value


RangeField = Annotated[Range, BeforeValidator(_read_range), PlainSerializer(str)]
"""A `Range` as a field: reads and writes the text `low..high`."""


class Within:
    """Bounds for a number or for both ends of a `Range`; NaN and infinity are always refused."""

    def __init__(self, low: float = -math.inf, high: float = math.inf) -> None:
        self.low, self.high = low, high

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: Any
    ) -> dict[str, Any]:
        described: dict[str, Any] = handler(schema)
        described |= {"minimum": self.low} if math.isfinite(self.low) else {}
        described |= {"maximum": self.high} if math.isfinite(self.high) else {}
        return described

    def check(self, value: Any) -> Any:
        """Return `value` if it lies within the bounds.

        Raises:
            ValueError: it does not (pydantic reports it).
        """
        ends = (value.low, value.high) if isinstance(value, Range) else (value,)
        for end in ends:
            if not math.isfinite(end):
                raise ValueError(f"{end} is not a finite number")
            if math.isinf(self.high) and end < self.low:
                raise ValueError(f"{end:g} is below {self.low:g}")
            if not self.low <= end <= self.high:
                raise ValueError(f"{end:g} is outside {self.low:g} to {self.high:g}")
        return value
