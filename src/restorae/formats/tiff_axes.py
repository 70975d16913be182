"""Which channel each page of a TIFF shows, from the axes that its series or the person names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from restorae.errors import BadImage, Fix


def axes_of(opened: Any) -> tuple[str, tuple[int, ...]]:
    """Letters and sizes of the axes that a file names; none if it does not."""
    if not opened.series or len(opened.series) > 1:
        return "", ()
    return opened.series[0].axes, tuple(opened.series[0].shape)


def channels_of(
    path: Path, known: str, shape: Sequence[int], count: int, axes: str | None
) -> tuple[int, ...]:
    """Which channel each page shows, from the axes that the file or the person names.

    Raises:
        BadImage: the axes that the person names do not fit.
    """
    letters, sizes = known.upper(), tuple(shape)
    if axes is not None:
        said = axes.upper()
        outer = said.replace("Y", "").replace("X", "").replace("S", "")
        if not {"Y", "X"} <= set(said) or len(set(said)) != len(said) or not said.isalpha():
            raise BadImage(
                f"{{}} {axes!r}: expected one letter for each axis, "
                "Y and X among them, such as ZYX or TCYX",
                subject=path,
                settings=("axes",),
                fix=Fix("axes", action="change"),
            )
        if len(outer) == 1:
            letters, sizes = outer, (count,)
        elif len(outer) == sum(letter not in "YXS" for letter in letters):
            sizes = tuple(
                size for letter, size in zip(letters, sizes, strict=True) if letter not in "YXS"
            )
            letters = outer
        elif outer:
            raise BadImage(
                f"holds {count} pages and does not say how they are arranged; {{}} {axes!r} names {len(outer)} axes for them. "
                "Expected one, such as ZYX or CYX",
                subject=path,
                settings=("axes",),
                fix=Fix("axes", action="change"),
            )
    else:
        pairs = [
            (letter, size)
            for letter, size in zip(letters, sizes, strict=False)
            if letter not in "YXS"
        ]
        letters, sizes = "".join(letter for letter, _ in pairs), tuple(size for _, size in pairs)
    if "C" not in letters or math.prod(sizes) != count:
        return (0,) * count
    places = np.indices(sizes).reshape(len(sizes), -1)[letters.index("C")]
    return tuple(int(each) for each in places)
