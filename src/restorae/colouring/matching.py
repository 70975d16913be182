"""Cells of a grey image matched to those of all references together; their chroma is copied, never made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restorae.colouring.features import describe
from restorae.colouring.references import Reference
from restorae.colouring.sizes import CELL

NEAREST = 12
"""Cells of references that a cell takes its chroma from: with more, conflicting colours average to grey."""
AT_ONCE = 16
"""References that an image is matched to; of more, those that look most like it."""
_SHARPNESS = 16.0
"""How fast the weight of a match falls with its squared distance."""
_USUAL = 0.35
"""Squared distance at which a match counts as half sure."""
_ALIKE = 0.05
"""Standard deviation of the chroma of the nearest cells at which a match counts as half sure."""
_KEPT, _MOST_GAIN = 0.7, 2.0
"""Share of the strength of colours that is kept where a mean of several is greyer than each, and by how much it may grow."""
_WHOLE = 0.5
"""How much a reference that looks less like the whole image stands behind the one that looks most like it."""
_LEAST_KNOWN, _LEAST_SHOWN = 0.1, 0.5
"""Shares of a cell whose colour must be known, as strokes are thinner than cells, and which must show the image."""
_ROWS = 512
"""Cells of the image compared at a time."""
_SIGNATURE = 4
"""Rows and columns of the description of a whole image."""


@dataclass(frozen=True, kw_only=True)
class ReferenceCells:
    """The cells of a reference: what they look like, and their colours. About 0.4 MiB."""

    vectors: Tensor
    """(cells, numbers) float32."""
    chroma: Tensor
    """(cells, 2) float32."""
    signature: Tensor
    """What the image looks like as a whole."""
    known: Tensor | None = None
    """1 where a cell's colours are known, else 0, (cells,): what looks like an unknown cell is unknown. None where all are."""

    @classmethod
    def of(cls, reference: Reference) -> ReferenceCells:
        """The cells that lie within the reference's content, as far as they show something."""
        top, bottom, left, right = reference.content
        rows = slice(-(-top // CELL), max(bottom // CELL, -(-top // CELL) + 1))
        columns = slice(-(-left // CELL), max(right // CELL, -(-left // CELL) + 1))
        found = describe(reference.luma)[rows, columns]
        signature = signature_of(found)
        vectors = found.reshape(-1, found.shape[-1])
        if reference.known is None:
            means = _cell_means(reference.chroma)[rows, columns].reshape(-1, 2)
            return cls(vectors=vectors.clone(), chroma=torch.from_numpy(means), signature=signature)
        known = reference.known[..., None]
        share = _cell_means(known)[rows, columns].reshape(-1, 1)
        means = _cell_means(known * reference.chroma)[rows, columns].reshape(-1, 2)
        means /= np.maximum(share, np.float32(1e-4))
        votes = np.ones(len(share), bool)
        if reference.shown is not None:
            shown = _cell_means(reference.shown[..., None].astype(np.float32))
            votes = shown[rows, columns].reshape(-1) >= min(_LEAST_SHOWN, float(shown.max()))
        return cls(
            vectors=vectors[torch.from_numpy(votes)],
            chroma=torch.from_numpy(means[votes]),
            signature=signature,
            known=torch.from_numpy((share[votes, 0] >= _LEAST_KNOWN).astype(np.float32)),
        )


@dataclass(frozen=True, kw_only=True)
class Match:
    """What the references say of the colours of an image, cell by cell."""

    chroma: np.ndarray
    """(rows, columns, 2) float32."""
    sureness: np.ndarray
    """(rows, columns) float32, 0 to 1."""
    used: np.ndarray
    """Of each reference: share of the image that takes its colours, weighted by sureness."""


class Matcher:
    """Matches images to references.

    Args:
        references: at least one, of any sizes.
    """

    def __init__(self, references: Sequence[ReferenceCells]) -> None:
        self._references = references
        self._signatures = torch.stack([each.signature for each in references])
        self._chosen: tuple[int, ...] = ()

    def match(self, luma: np.ndarray) -> Match:
        """Match an image, luma (height, width) of a working size."""
        found = describe(luma)
        rows, columns, numbers = found.shape
        self._choose(signature_of(found))
        parts = [self._nearest(each) for each in torch.split(found.reshape(-1, numbers), _ROWS)]
        chroma, sureness, used = (list(each) for each in zip(*parts, strict=True))
        return Match(
            chroma=torch.cat(chroma).reshape(rows, columns, 2).numpy(),
            sureness=torch.cat(sureness).reshape(rows, columns).numpy(),
            used=(torch.stack(used).sum(0) / (rows * columns)).numpy(),
        )

    def _choose(self, signature: Tensor) -> None:
        """Put together the cells of the references that look most like an image."""
        distances = (self._signatures - signature).square().sum(1) / _SIGNATURE**2
        self._penalties = _WHOLE * (distances - distances.min())
        count = min(AT_ONCE, len(self._references))
        chosen = tuple(sorted(distances.topk(count, largest=False).indices.tolist()))
        if chosen == self._chosen:
            return
        self._chosen, cells = chosen, [self._references[each] for each in chosen]
        self._vectors = torch.cat([each.vectors for each in cells])
        self._chroma = torch.cat([each.chroma for each in cells])
        self._squares = self._vectors.square().sum(1)
        self._known = None
        if any(each.known is not None for each in cells):
            parts = [torch.ones(len(of.chroma)) if of.known is None else of.known for of in cells]
            self._known = torch.cat(parts)
        lengths = torch.tensor([len(each.chroma) for each in cells])
        self._of = torch.tensor(chosen).repeat_interleave(lengths)

    def _nearest(self, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        products = wanted @ self._vectors.T
        distances = wanted.square().sum(1, keepdim=True) + self._squares - 2 * products
        distances = distances.clamp_min(0) + self._penalties[self._of]
        count = min(NEAREST, distances.shape[1])
        nearest, index = distances.topk(count, largest=False)
        weights = torch.softmax(-_SHARPNESS * nearest, 1)
        values = self._chroma[index]
        sure = torch.ones(())
        if self._known is not None:
            weights = weights * self._known[index]
            sure = weights.sum(1)
            weights = weights / sure.clamp_min(1e-6)[:, None]
        chroma = (weights[..., None] * values).sum(1)
        spread = (weights * (values - chroma[:, None]).square().sum(-1)).sum(1)
        strength = (weights * values.norm(dim=-1)).sum(1)
        gain = (strength / chroma.norm(dim=-1).clamp_min(1e-4)).clamp(1, _MOST_GAIN)
        chroma = chroma * (1 + _KEPT * (gain - 1))[:, None]
        likeness = 1 / (1 + (nearest[:, 0] / _USUAL).square())
        sureness = sure * likeness / (1 + spread / _ALIKE**2)
        used = torch.zeros(len(self._references)).index_add_(
            0, self._of[index].reshape(-1), (weights * sureness[:, None]).reshape(-1)
        )
        return chroma, sureness, used


def signature_of(found: Tensor) -> Tensor:
    """What an image looks like as a whole, from what `describe` returns."""
    maps = found.permute(2, 0, 1)[None]
    return functional.adaptive_avg_pool2d(maps, _SIGNATURE).flatten()


def _cell_means(planes: np.ndarray) -> np.ndarray:
    """Means of cells: (height, width, channels) to (height / CELL, width / CELL, channels)."""
    height, width, channels = planes.shape
    cells = planes.reshape(height // CELL, CELL, width // CELL, CELL, channels)
    return np.asarray(cells.mean((1, 3)), np.float32)
