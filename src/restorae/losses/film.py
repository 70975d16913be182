"""The loss of film cleaners: the clean frame, and where the film is damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from restorae.errors import BadSpec
from restorae.losses.contract import Batch, Loss
from restorae.networks import Network, send_through

_SMOOTH, _FLOOR = 1e-6, 1e-5
_POSITIVE = 3.0
"""Weight of damaged pixels in the map: they are few."""


class FilmRepair(Loss, kind="film-repair"):
    """Charbonnier, logarithm of each frame's error, gradients, and cross-entropy of the map of damage.

    The second channel of the clean images is 1 where damage can be seen, and 0 elsewhere.

    >>> from restorae.networks import FilmUNet
    >>> network = FilmUNet()
    >>> stacks, clean = torch.full((1, 11, 16, 16), 0.5), torch.zeros(1, 2, 16, 16)
    >>> batch = Batch(
    ...     network, network.build(), degraded=stacks, clean=clean, step=0, generator=torch.Generator()
    ... )
    >>> round(FilmRepair().measure(batch)["frame"].item(), 1)  # it begins as the median, here 0.5 everywhere
    0.5
    """

    gradient_limit: ClassVar[float] = 0.3

    logarithm: float = Field(default=0.01, ge=0)
    """Weight of the logarithm of the mean squared error, by which slightly damaged frames count as much as others."""
    edges: float = Field(default=0.3, ge=0)
    """Weight of errors in the differences of neighbouring pixels."""
    damage: float = Field(default=0.03, ge=0)
    """Weight of the map of damage."""

    def measure(self, batch: Batch) -> Mapping[str, Tensor]:
        given = send_through(batch.module, batch.degraded, batch.network.multiple_of)
        error = given[:, 0] - batch.clean[:, 0]
        squares = error.square()
        frame = (squares + _SMOOTH).sqrt().mean()
        logarithm = (squares.mean((1, 2)) + _FLOOR).log().mean()
        edges = error.diff(dim=1).abs().mean() + error.diff(dim=2).abs().mean()
        positive = torch.tensor(_POSITIVE, device=error.device)
        damage = functional.binary_cross_entropy_with_logits(
            given[:, 1], batch.clean[:, 1], pos_weight=positive
        )
        loss = frame + self.logarithm * logarithm + self.edges * edges + self.damage * damage
        return {"loss": loss, "frame": frame.detach(), "damage": damage.detach()}

    def check(self, network: Network) -> None:
        if not network.neighbours:
            raise BadSpec(f"film-repair is for networks that clean films, not for {network.kind}")
