"""Options with a closed set of values, which help texts and shell completion show."""

from __future__ import annotations

import os
from typing import Annotated, Literal, TypeAlias

import typer

SplitName: TypeAlias = Literal["train", "test", "all"]
Split = Annotated[
    SplitName,
    typer.Option(help="Part of a named data set; files have no parts."),
]
Precision = Annotated[
    Literal["auto", "float32", "bfloat16"],
    typer.Option(
        help="Number format to compute in; auto is bfloat16 where the device computes it natively."
    ),
]
Spacing = Annotated[
    Literal["linear", "quantile"],
    typer.Option(
        help="Steps of equal length, or of equal probability under the standard normal prior."
    ),
]


def use_precision(precision: Literal["auto", "float32", "bfloat16"]) -> None:
    """Compute in that precision for the rest of this process, wherever the library says `auto`."""
    from restorae.machine import PRECISION_VARIABLE

    if precision != "auto":
        os.environ[PRECISION_VARIABLE] = precision
