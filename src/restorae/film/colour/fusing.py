"""The colours of a frame from several sources: carried from both sides, matched, and spread from pixels that are known.

A first rule weighs each source by its trust. The network `film-colouriser` corrects these weights from what all sources look
like together. Weights are found at half the working size: they are smoother than colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from restorae.colouring.means import box_means
from restorae.film.colour.carrying import Colours, difference_of_luma
from restorae.model import load

SOURCES = 4
"""Carried from before, carried from after, matched, spread."""
PLANES = 18
MODEL = "film-colouriser"
_OTHER_LUMA = 0.06
"""Difference of luma at which colours are trusted half."""
_LEAST = 1e-4
"""Trust of what is trusted least."""
_SPREAD = 0.01
"""Weight of colours that are spread from pixels around, before the network changes it."""
_KEPT, _MOST_GAIN = 0.7, 2.0
"""Share of the strength of colours that is kept where a mean of several is greyer than each, and by how much it may grow."""
_WINDOW = 25
"""Side of the squares from which colours are spread, in pixels of half the working size."""
_RIDGE = 1e-3
"""Variance of luma below which colours do not follow it."""
_CHROMA_SCALE, _LUMA_SCALE, _PRIOR_SCALE = 4.0, 8.0, 0.15


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What is known of the colours of frames, at their working size."""

    luma: Tensor
    """(batch, 1, height, width), 0 to 1."""
    carried: Tensor
    """(batch, 2, 4, height, width): from before and from after; chroma, trust, and the difference of luma to where it comes from."""
    shares: Tensor
    """(batch, 2): weight of each of the two; 0 where there is none."""
    matched: Tensor
    """(batch, 3, height, width): chroma and trust."""
    weight: Tensor
    """(batch,): weight of what is matched."""

    @property
    def chroma(self) -> Tensor:
        """(batch, 3, 2, height, width)."""
        return torch.cat([self.carried[:, :, :2], self.matched[:, None, :2]], 1)


class Fuser:
    """Finds the colours of a frame.

    Args:
        network: the module of `film-colouriser`; without one the first rule alone holds.
    """

    def __init__(self, network: nn.Module | None = None) -> None:
        self._network = network

    def __call__(
        self,
        luma: np.ndarray,
        carried: tuple[Colours | None, Colours | None],
        shares: tuple[float, float] = (1.0, 1.0),
        *,
        matched: Colours | None = None,
        weight: float = 0.0,
    ) -> Colours:
        """The colours of a frame.

        Args:
            luma: of the frame, (height, width).
            carried: colours from before and after.
            shares: weights of these.
            matched: colours that references show in similar places.
            weight: of these.
        """
        given = tuple(
            share if each is not None else 0.0 for each, share in zip(carried, shares, strict=True)
        )
        sources = Sources(
            luma=_tensor(luma)[:, None],
            carried=torch.stack([_planes(luma, each) for each in carried])[None],
            shares=torch.tensor([given]),
            matched=_planes(luma, matched)[None, :3],
            weight=torch.tensor([weight if matched is not None else 0.0]),
        )
        with torch.inference_mode():
            chroma, trust = self.fuse(sources)
        return Colours(
            chroma=np.ascontiguousarray(chroma[0].permute(1, 2, 0).numpy()),
            trust=trust[0, 0].numpy(),
            luma=luma,
        )

    def fuse(self, sources: Sources) -> tuple[Tensor, Tensor]:
        """What a call finds; apart from it, so that it can be recorded."""
        return fuse(sources, self._network)


def bundled_fuser() -> Fuser:
    """What weighs colours by the bundled `film-colouriser`."""
    return Fuser(load(MODEL).module.eval())


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))[None]


def _planes(luma: np.ndarray, colours: Colours | None) -> Tensor:
    """Chroma, trust and difference of luma, (4, height, width); all 0 where there is nothing."""
    if colours is None:
        return torch.zeros(4, *luma.shape)
    difference = difference_of_luma(luma, colours.luma)
    parts = [colours.chroma[..., 0], colours.chroma[..., 1], colours.trust, difference]
    return torch.cat([_tensor(each) for each in parts])


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is weighed, at half the working size."""

    luma: Tensor
    """(batch, 1, rows, columns)."""
    chroma: Tensor
    """(batch, 4, 2, rows, columns)."""
    weights: Tensor
    """(batch, 4, rows, columns): by the first rule."""
    trusts: Tensor
    """(batch, 3, rows, columns): of what is carried and matched."""
    differences: Tensor
    """(batch, 2, rows, columns): of luma."""
    known: Tensor
    """(batch, 1, rows, columns): trust of all together, by the first rule."""

    @classmethod
    def of(cls, sources: Sources) -> Choices:
        """What there is to choose from."""
        carried = sources.carried
        agreement = 1 / (1 + (carried[:, :, 3] / _OTHER_LUMA).square())
        trusts = torch.cat([carried[:, :, 2] * agreement, sources.matched[:, 2:]], 1)
        shares = torch.cat([sources.shares, sources.weight[:, None]], 1)[..., None, None]
        weights = shares * (trusts + _LEAST)
        known = (weights / weights.sum(1, keepdim=True) * trusts).sum(1, keepdim=True)
        luma, weights = _halved(sources.luma), _halved(weights)
        chroma = _halved(sources.chroma.flatten(1, 2))
        chroma = chroma.view(-1, 3, 2, *chroma.shape[-2:])
        spread, density = _spread(luma, chroma, weights)
        return cls(
            luma=luma,
            chroma=torch.cat([chroma, spread[:, None]], 1),
            weights=torch.cat([weights, _SPREAD * density], 1),
            trusts=_halved(trusts),
            differences=_halved(carried[:, :, 3]),
            known=_halved(known),
        )

    def weigh(self, network: nn.Module | None) -> tuple[Tensor, Tensor]:
        """Shares of the sources, (batch, 4, rows, columns), and trust (batch, 1, rows, columns)."""
        prior = (self.weights + 1e-9).log()
        known = self.known.clamp(1e-3, 1 - 1e-3).logit()
        if network is not None:
            planes = [
                self.luma - 0.5,
                _CHROMA_SCALE * self.chroma.flatten(1, 2),
                self.trusts,
                (_LUMA_SCALE * self.differences).clamp(-2, 2),
                _PRIOR_SCALE * prior,
            ]
            change = network(torch.cat(planes, 1))
            prior, known = prior + change[:, :SOURCES], known + change[:, SOURCES:]
        return prior.softmax(1), known.sigmoid()


def fuse(sources: Sources, network: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Chroma (batch, 2, height, width) and trust (batch, 1, height, width).

    Args:
        sources: the colours to take.
        network: corrects their weights; without one the first rule alone holds.
    """
    choices = Choices.of(sources)
    shares, trust = choices.weigh(network)
    spread = _doubled(choices.chroma[:, 3])
    return _mixed(torch.cat([sources.chroma, spread[:, None]], 1), _doubled(shares)), _doubled(
        trust
    )


def _mixed(chroma: Tensor, shares: Tensor) -> Tensor:
    """A mean of colours (batch, sources, 2, height, width) that is nearly as strong as each."""
    mean = (shares[:, :, None] * chroma).sum(1)
    strength = (shares * chroma.square().sum(2).sqrt()).sum(1, keepdim=True)
    gain = (strength / (mean.square().sum(1, keepdim=True).sqrt() + 1e-4)).clamp(1, _MOST_GAIN)
    return mean * (1 + _KEPT * (gain - 1))


def _halved(planes: Tensor) -> Tensor:
    return functional.avg_pool2d(planes, 2)


def _doubled(planes: Tensor) -> Tensor:
    return functional.interpolate(planes, scale_factor=2.0, mode="bilinear", align_corners=False)


def _spread(luma: Tensor, chroma: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Colours as they follow luma in the pixels around that are trusted, and how many these are.

    A regression in windows (He, Sun, Tang, *Guided Image Filtering*, ECCV 2010), weighted by trust.
    """
    weight = weights.sum(1, keepdim=True)
    mean = (weights[:, :, None] * chroma).sum(1)  # (batch, 2, height, width), times weight
    products = [weight, weight * luma, weight * luma * luma, mean, mean * luma]
    sums = box_means(torch.cat(products, 1), _WINDOW)
    density = sums[:, :1]
    tone, square, colour, both = (
        each / (density + 1e-9) for each in torch.split(sums[:, 1:], [1, 1, 2, 2], 1)
    )
    slope = (both - tone * colour) / ((square - tone * tone).clamp_min(0) + _RIDGE)
    return (colour + slope * (luma - tone)).clamp(-0.5, 0.5), density
