"""What restores images: one contract for trained models and classical methods."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from restorae.separation import REACH, Repair

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from restorae.error_bound import ErrorBound
    from restorae.model import Card
    from restorae.networks import Network
    from restorae.restoring.request import RestoreRequest
    from restorae.shapes import Images
    from restorae.value_range import Values


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a restorer can do and what it needs, known before its weights are loaded."""

    name: str
    """What the person calls it."""
    halo: int | None
    """Pixels of context on each side; None where a pixel depends on the whole image."""
    multiple_of: tuple[int, int] = (1, 1)
    """Tiles start on multiples of these."""
    values: Values = "auto"
    """How stored values map to [0, 1] by default."""
    is_network: bool = False
    """Whether rotations and flips may give other results, so that averaging over them is of use."""
    repairs: Repair = "all"
    """What is changed where nobody says: all, or only defects that stand out."""
    learned_flips: bool = False
    """Whether it was trained on rotated and flipped patches, so that averaging is expected to help."""
    needs_mask: bool = False
    """Whether it fills what a mask marks."""
    can_sample: bool = False
    """Whether it can draw several plausible restorations."""
    has_error_bounds: bool = False
    """Whether it was calibrated."""
    error_reach: int = 0
    """Pixels of further context that its error bounds need."""
    separates_grey: bool = False
    """Whether it restores colour images whose three channels are equal as grey ones."""
    neighbours: int = 0
    """Frames on each side that it compares, for films alone; 0 restores images one by one."""
    measures_noise: bool = False
    """Whether it measures something on a sample of the image before the first tile."""

    def halo_for(self, request: RestoreRequest) -> int | None:
        """Pixels of context for what is asked."""
        if self.halo is None:
            return None
        return (
            self.halo
            + (self.error_reach if request.error_map else 0)
            + (request.GRAIN_REACH if request.grain else 0)
            + (REACH if request.separates(self) else 0)
        )

    def multiple_for(self, request: RestoreRequest) -> tuple[int, int]:
        """What tiles start on for what is asked: rotated images must fit the network's grid too."""
        return (
            self.multiple_of if request.self_ensemble == 1 else (math.lcm(*self.multiple_of),) * 2
        )


def capabilities_of(
    card: Card, name: str | None = None, network: Network | None = None
) -> Capabilities:
    """The capabilities of a model, from its card alone, or also from its network where that is at hand."""
    if network is None:
        from restorae.networks import Network

        network = Network.from_dict(card.network)
    return Capabilities(
        name=name or card.name,
        halo=network.halo,
        multiple_of=network.multiple_of,
        values=card.values,
        is_network=True,
        repairs=card.repairs,
        neighbours=network.neighbours,
        learned_flips=card.learned_turned,
        can_sample=card.restores and card.latent is not None,
        has_error_bounds=bool(card.error_bounds),
        error_reach=max((bound.reach for bound in card.error_bounds.values()), default=0),
        separates_grey={1, 3} <= {*network.takes},
    )


@dataclass(frozen=True)
class Restored:
    """What a restorer makes of images."""

    mean: Images
    """The restored images, (batch, channel, height, width)."""
    _: KW_ONLY
    samples: Tensor | None = None
    """Plausible restorations, (count, batch, channel, height, width); `mean` is their mean."""
    defects: Images | None = None
    """Where defects were found, 0 to 1, (batch, 1, height, width)."""
    bound: Images | None = None
    """How large the error of each value may be, [0, 1] scale, shaped like `mean`."""


@dataclass(frozen=True, kw_only=True)
class FrameFacts:
    """What was measured before the first tile of frames of one size."""

    height: int
    width: int
    channels: int
    sample: Images | None = None
    """A part at full resolution, (1, channel, height, width), for restorers that measure noise."""
    is_grey: Mapping[int, bool] = field(default_factory=dict)
    """By frame: whether its three channels are equal everywhere. Frames that are not listed are always given whole."""


RestoreTiles: TypeAlias = "Callable[[Images, Sequence[int]], Restored]"
"""Degraded tiles (batch, channel[, and the mask as a last one], height, width) and the frame that each belongs to."""


class Restorer(abc.ABC):
    """Something that restores images by tiles."""

    capabilities: Capabilities
    """What it can do."""
    device: torch.device | None = None
    """Where it computes; None is this machine's processor."""

    @property
    def name(self) -> str:
        """What the person calls it."""
        return self.capabilities.name

    @abc.abstractmethod
    def bytes_per_pixel(self, channels: int) -> float:
        """About how much memory a pixel of a tile takes while it is restored."""

    @abc.abstractmethod
    def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
        """What restores the tiles of frames of one size, all of them alike.

        Raises:
            ShapeMismatch: frames of that size or number of channels cannot be restored.
        """

    def error_bound_for(self, channels: int) -> ErrorBound | None:
        """The calibrated error bound of images of so many channels, where there is one."""
        return None

    @abc.abstractmethod
    def restore_images(self, images: Images, self_ensemble: int = 1) -> Images:
        """Restored images for a batch of whole images in memory, (batch, channel, height, width), as by default.

        Raises:
            UsageError: it needs a mask.
        """
