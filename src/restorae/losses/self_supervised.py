"""Self-supervised losses: learn from noisy images alone, because independent noise cannot be predicted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from restorae.errors import BadSpec
from restorae.losses.contract import Batch, Loss
from restorae.networks import VAE, Network, send_through
from restorae.shapes import Images

_PAIRS = ((0, 1), (1, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 3), (3, 2))
"""Neighbours in a cell of 2 × 2 pixels, counted along its rows."""


class SelfSupervised(Loss, family="loss"):
    """A loss that uses noisy images only (`batch.degraded`)."""

    def check(self, network: Network) -> None:
        super().check(network)
        if isinstance(network, VAE):
            raise BadSpec(
                f"The loss {self.kind} needs a network that restores images of any size, such as unet; {network.kind} takes "
                "images of one size"
            )


class Neighbours(SelfSupervised, kind="neighbours"):
    """Neighbor2Neighbor: predict one half-size image from another, taken from neighbouring pixels (Huang et al., 2021, arXiv 2101.02824).

    Neighbouring pixels are nearly equal and their noise is independent, so the best prediction is the clean image. The
    consistency term corrects for the true difference of neighbours, estimated by the network on the whole image.

    >>> from restorae.networks import UNet
    >>> network, noisy = UNet(), torch.rand(2, 1, 32, 32)
    >>> batch = Batch(network, network.build(), degraded=noisy, clean=noisy, step=0, generator=torch.Generator().manual_seed(0))
    >>> sorted(Neighbours().measure(batch))
    ['consistency', 'loss', 'prediction']
    """

    consistency: float = Field(default=1.0, ge=0)
    """Weight of the term that corrects for the true difference of neighbours."""
    warmup: int = Field(default=2000, ge=0)
    """Steps over which that weight rises from 0, because the estimate of a new network is poor."""

    def measure(self, batch: Batch) -> Mapping[str, Tensor]:
        noisy = batch.degraded
        height, width = (length // 2 * 2 for length in noisy.shape[-2:])
        noisy = noisy[..., :height, :width]
        choice = torch.randint(
            len(_PAIRS),
            (len(noisy), height // 2, width // 2),
            generator=batch.generator,
            device=noisy.device,
        )
        given, wanted = halves(noisy, choice)
        predicted = send_through(batch.module, given, batch.network.multiple_of)
        with torch.no_grad():
            whole = send_through(batch.module, noisy, batch.network.multiple_of)
            one, other = halves(whole, choice)
        error = predicted - wanted
        prediction, consistency = error.square().mean(), (error - (one - other)).square().mean()
        weight = self.consistency * (
            min(1.0, (batch.step + 1) / self.warmup) if self.warmup else 1.0
        )
        return {
            "loss": prediction + weight * consistency,
            "prediction": prediction.detach(),
            "consistency": consistency.detach(),
        }


def halves(images: Images, choice: Tensor) -> tuple[Images, Images]:
    """Two half-size images: of each 2 × 2 cell one pixel, and a neighbour of it.

    Args:
        images: (batch, channel, height, width), height and width even.
        choice: (batch, height/2, width/2), indices of the eight ordered pairs of neighbours.
    """
    batch, channels, height, width = images.shape
    cells = functional.pixel_unshuffle(images, 2).view(batch, channels, 4, height // 2, width // 2)
    pairs = torch.tensor(_PAIRS, device=images.device)[choice]  # (batch, height/2, width/2, 2)
    both = []
    for which in range(2):
        taken = pairs[..., which][:, None, None].expand(-1, channels, 1, -1, -1)
        both.append(cells.gather(2, taken)[:, :, 0])
    return both[0], both[1]


class BlindSpot(SelfSupervised, kind="blind-spot"):
    """Noise2Void: hide some pixels and predict them from their surroundings (Krull et al., 2019, arXiv 1811.10980).

    A hidden pixel is replaced by the median of its neighbours (Höck et al., 2022, arXiv 2211.08512). Where noise runs
    along rows or columns, as in scanned and line-read images, the pixels that share it are hidden too (Broaddus et al.,
    2020): the network cannot learn to copy the noise.

    >>> from restorae.networks import UNet
    >>> network, noisy = UNet(), torch.rand(2, 1, 32, 32)
    >>> batch = Batch(network, network.build(), degraded=noisy, clean=noisy, step=0, generator=torch.Generator().manual_seed(0))
    >>> list(BlindSpot(along="rows").measure(batch))
    ['loss']
    """

    gradient_limit: ClassVar[float] = 1.0

    cell: int = Field(default=4, ge=2)
    """Side of the cells in pixels; one pixel is hidden in each cell, and more where noise is correlated."""
    along: Literal["neither", "rows", "columns"] = "neither"
    """Whether noise runs along rows or columns."""
    reach: int = Field(default=5, ge=1)
    """Number of pixels on each side that are hidden along that direction."""

    def measure(self, batch: Batch) -> Mapping[str, Tensor]:
        noisy = batch.degraded
        centres = self.centres(noisy, batch.generator)
        shown = torch.where(self.hidden(centres), self.substitute(noisy, batch.generator), noisy)
        predicted = send_through(batch.module, shown, batch.network.multiple_of)
        error = (predicted - noisy).square() * centres
        return {"loss": error.sum() / (centres.sum() * noisy.shape[1])}

    def centres(self, noisy: Images, generator: torch.Generator) -> Tensor:
        """The pixels to be predicted, one in each cell: (batch, 1, height, width) bool."""
        batch, _, height, width = noisy.shape
        # cells are as long as the hidden run around their pixel, so that predicted pixels do not hide each other
        long = max(self.cell, 2 * self.reach + 1)
        tall, wide = {
            "neither": (self.cell, self.cell),
            "rows": (self.cell, long),
            "columns": (long, self.cell),
        }[self.along]
        rows, columns = -(-height // tall), -(-width // wide)
        hidden = torch.randint(
            tall * wide, (batch, rows, columns), generator=generator, device=noisy.device
        )
        cells = functional.one_hot(hidden, tall * wide).view(batch, rows, columns, tall, wide)
        spread = cells.permute(0, 1, 3, 2, 4).reshape(batch, 1, rows * tall, columns * wide)
        return spread[..., :height, :width].bool()

    def hidden(self, centres: Tensor) -> Tensor:
        """The pixels that the network does not see: the centres, and the pixels that share their noise."""
        if self.along == "neither":
            return centres
        window = (1, 2 * self.reach + 1) if self.along == "rows" else (2 * self.reach + 1, 1)
        padding = (0, self.reach) if self.along == "rows" else (self.reach, 0)
        return functional.max_pool2d(centres.float(), window, stride=1, padding=padding).bool()

    def substitute(self, noisy: Images, generator: torch.Generator) -> Images:
        """Replacement of hidden pixels: the median of the neighbours that do not share their noise."""
        around = functional.pad(noisy, (1, 1, 1, 1), mode="replicate")
        height, width = noisy.shape[-2:]
        seen = [
            around[..., 1 + down : 1 + down + height, 1 + across : 1 + across + width]
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
            if (down or across)
            and not (self.along == "rows" and down == 0)
            and not (self.along == "columns" and across == 0)
        ]
        return torch.stack(seen).median(0).values
