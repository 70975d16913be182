"""Colours that are painted on a still with a few strokes, spread over what lies within the same edges.

Strokes set chroma and leave luma alone. Between strokes chroma changes least where luma changes least: the weights are those of
colourisation by optimisation (Levin, Lischinski and Weiss, 2004), here between neighbours alone and with a pull towards
"unknown", so that what no stroke reaches stays grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from pydantic import Field

from restorae.colouring.opponent import LumaWeights
from restorae.colouring.sizes import resize, working_size
from restorae.web.mask_strokes import Stroke, paint

_EDGE = 0.04
"""Difference of luma between neighbours that counts as an edge."""
_LEAST = 1e-6
"""How much neighbours across an edge are bound to each other."""
_UNKNOWN = 1e-4
"""How much a pixel is pulled towards being unknown: colours reach about 1 / sqrt of it, 100 pixels, on an even area."""
_PAINTED = 100.0
"""How much a painted pixel is bound to its colour."""
_WHOLE = 0.1
"""Trust from which a colour has its whole strength."""
_FINER = 2
"""Pixels of the working size along a side of those that are solved for."""


class ColourStroke(Stroke):
    """One movement of a brush with a colour, in pixels of the upright frame as it is shown."""

    colour: str = Field("#000000", pattern="^#[0-9a-fA-F]{6}$")
    """Red, green and blue; only its chroma is used."""


def painted_chroma(
    strokes: Sequence[ColourStroke], height: int, width: int, weights: LumaWeights
) -> tuple[np.ndarray, np.ndarray]:
    """Chroma (height, width, 2) of what is painted, and which pixels those are, (height, width) bool."""
    chroma, known = np.zeros((height, width, 2), np.float32), np.zeros((height, width), bool)
    for (colour, erase), group in groupby(strokes, lambda each: (each.colour, each.erase)):
        pressed = paint([each.model_copy(update={"erase": False}) for each in group], height, width)
        where = pressed > 0
        known[where] = not erase
        rgb = np.array([[[int(colour[at : at + 2], 16) for at in (1, 3, 5)]]], np.float32)
        chroma[where] = weights.to_opponent(rgb / np.float32(255))[1][0, 0]
    return chroma, known


def spread(
    luma: np.ndarray, chroma: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Chroma for all of a still, and how far it is known, both at about half the working size.

    Args:
        luma: (height, width), 0 to 1.
        chroma: (height, width, 2), where it is known.
        known: (height, width) bool.

    Returns:
        (rows, columns, 2) float32 and (rows, columns) float32, 0 to 1.
    """
    from scipy.sparse import csc_matrix, diags
    from scipy.sparse.linalg import splu

    size = tuple(side // _FINER for side in working_size(*luma.shape))
    rows, columns = size
    small = resize(luma, (rows, columns))
    share = resize(known.astype(np.float32), (rows, columns))
    colours = resize(chroma * known[..., None], (rows, columns))
    index = np.arange(rows * columns).reshape(size)
    pairs = [(index[:, :-1], index[:, 1:]), (index[:-1], index[1:])]
    one = np.concatenate([each.ravel() for each, _ in pairs])
    other = np.concatenate([each.ravel() for _, each in pairs])
    flat = small.ravel().astype(np.float64)
    steps = flat[one] - flat[other]
    bonds = np.exp(-(steps**2) / (2 * _EDGE**2)) + _LEAST
    matrix = csc_matrix((-bonds, (one, other)), shape=(index.size, index.size))
    matrix = matrix + matrix.T
    own = -np.asarray(matrix.sum(1), np.float64).ravel() + _UNKNOWN + _PAINTED * share.ravel()
    solved = splu((matrix + diags(own)).tocsc(), permc_spec="MMD_AT_PLUS_A")
    wanted = _PAINTED * np.dstack([colours, share]).reshape(-1, 3)
    found = solved.solve(wanted.astype(np.float64)).reshape(rows, columns, 3)
    trust = found[..., 2].clip(0, 1)
    strength = np.minimum(1, trust / _WHOLE) / np.maximum(trust, 1e-9)
    return (
        (found[..., :2] * strength[..., None]).astype(np.float32),
        trust.astype(np.float32),
    )
