"""Which axis of an array of images is which, from its shape alone or as the caller says."""

from __future__ import annotations

from collections.abc import Sequence

from restorae.errors import Fix, ShapeMismatch

_SYNONYMS = str.maketrans("YX", "HW")
_WITH_ALPHA = (2, 4)


def axes_of(
    shape: tuple[int, ...],
    axes: str | None = None,
    takes: Sequence[int] = (1, 3),
    channels_first: bool = False,
) -> tuple[str, bool]:
    """The letters of the axes (`HW`, `HWC`, `NHW`, `NCHW`), and whether the last channel is alpha.

    >>> axes_of((10, 3, 64, 64)), axes_of((64, 64, 4))
    (('NCHW', False), ('HWC', True))

    Args:
        shape: of the array.
        axes: letters that the caller gave; H and Y, W and X mean the same, S is C whose last of 2 or 4 is alpha.
        takes: numbers of channels that are processed together.
        channels_first: whether channels come first where both orders are possible, as in PyTorch.

    Raises:
        ShapeMismatch: the shape fits no image, or fits several layouts; the message names them.
    """
    if 0 in shape or len(shape) < 2:
        raise ShapeMismatch(
            f"expected images as (height, width), (height, width, channels) or several of these, got shape {shape}"
        )
    if axes is not None:
        return _checked(shape, axes, takes)
    letters = _guess(shape, {1, 3, 4, *takes}, takes, channels_first)
    count = shape[letters.index("C")] if "C" in letters else 1
    return letters, count == 4 and 4 not in takes


def _checked(shape: tuple[int, ...], axes: str, takes: Sequence[int]) -> tuple[str, bool]:
    letters = axes.upper().translate(_SYNONYMS)
    fits = len(letters) == len(shape) and len(set(letters)) == len(letters) and letters.isalpha()
    if not fits or not {"H", "W"} <= set(letters) or {"C", "S"} <= set(letters):
        raise ShapeMismatch(
            f"{{}} {axes!r} does not fit shape {shape}: expected one letter for each axis, H and W among them, C for channels",
            settings=("axes",),
            fix=Fix("axes", ("N" * 9 + "CHW")[-len(shape) :] if len(shape) < 5 else "TZCHW"),
        )
    count = shape[letters.index("S")] if "S" in letters else 1
    return letters.replace("S", "C"), count in _WITH_ALPHA and count not in takes


def _guess(
    shape: tuple[int, ...], known: set[int], takes: Sequence[int], channels_first: bool
) -> str:
    if len(shape) == 2:
        return "HW"
    if len(shape) == 3:
        return _guess_three(shape, known, takes, channels_first)
    if len(shape) == 4:
        first, last = shape[1] in known, shape[3] in known
        if channels_first and (first or shape[1] == 2):
            return "NCHW"
        if first != last:
            return "NCHW" if first else "NHWC"
        raise _unclear(shape, "NHWC", "NCHW")
    raise _unclear(shape, "TZHWC"[-len(shape) :] if len(shape) == 5 else "")


def _guess_three(
    shape: tuple[int, ...], known: set[int], takes: Sequence[int], channels_first: bool
) -> str:
    first, last = shape[0] in known, shape[2] in known
    if channels_first and first:
        return "CHW"
    if first and last:
        raise _unclear(shape, "HWC", "CHW", "NHW")
    if last:
        return "HWC"
    if channels_first:
        raise _unclear(shape, "NHW", "CHW")
    # one channel is one grey image; a network for grey alone treats channels as images
    if first and shape[0] != 1 and {*takes} != {1}:
        raise _unclear(shape, "CHW", "NHW")
    if shape[2] == 2:
        raise _unclear(shape, "HWC", "NHW")
    return "NHW"


def _unclear(shape: tuple[int, ...], *candidates: str) -> ShapeMismatch:
    meanings = {
        "HWC": "(height, width, channels)",
        "CHW": "(channels, height, width)",
        "NHW": "(n, height, width)",
        "NHWC": "(n, height, width, channels)",
        "NCHW": "(n, channels, height, width)",
    }
    named = [meanings[each] for each in candidates if each in meanings]
    could = f" could be {' or '.join(named)}" if len(named) > 1 else " has axes of no usual meaning"
    return ShapeMismatch(
        f"an array of shape {shape}{could}",
        fix=[Fix("axes", each) for each in candidates if each] or Fix("axes", action="change"),
    )
