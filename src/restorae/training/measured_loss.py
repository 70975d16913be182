"""The loss of a step as one module, which PyTorch can run in several processes that share the batch."""

from __future__ import annotations

import contextlib

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from restorae.losses import Batch
from restorae.randomness import generator
from restorae.shapes import Images
from restorae.training.precision import in_precision
from restorae.training.processes import Team, noticing_losses
from restorae.training.setup import TrainingSetup
from restorae.training.shared_draws import SharedDraws

_LATENTS = 3


class _Loss(nn.Module):
    """A recipe's loss of a network's module. It has a `forward`, which is where PyTorch begins to exchange gradients."""

    def __init__(self, setup: TrainingSetup, module: nn.Module) -> None:
        super().__init__()
        self.recipe = setup.recipe
        self.shown = in_precision(module, setup.precision, setup.device)

    def forward(self, degraded: Images, clean: Images, step: int) -> dict[str, Tensor]:
        batch = Batch(
            network=self.recipe.network,
            module=self.shown,
            degraded=degraded,
            clean=clean,
            step=step,
            generator=generator(self.recipe.seed, _LATENTS, step, device=degraded.device),
        )
        return dict(self.recipe.loss.measure(batch))


class MeasuredLoss:
    """What a step minimises: the loss of this process's share of a batch.

    Args:
        setup: the training.
        module: the network's module that is trained.
        team: the processes; all start with the weights of the first.
    """

    def __init__(self, setup: TrainingSetup, module: nn.Module, *, team: Team) -> None:
        self.team, self.batch_size = team, min(setup.recipe.batch_size, len(setup.data.examples))
        team.require_images(self.batch_size)
        self.weight = team.share.weight(self.batch_size)
        loss: nn.Module = _Loss(setup, module)
        if not team.is_alone:
            with noticing_losses():
                # static: the same weights take part in every step, and some of a person's own network may never do
                loss = DistributedDataParallel(loss, static_graph=True)
        self.loss = loss

    def terms(self, degraded: Images, clean: Images, step: int) -> dict[str, Tensor]:
        """The loss and its terms for this process's images, each a mean over them."""
        draws = (
            contextlib.nullcontext()
            if self.team.is_alone
            else SharedDraws(self.team.share, self.batch_size)
        )
        with draws, noticing_losses():
            terms: dict[str, Tensor] = self.loss(degraded, clean, step)
        return terms

    def to_minimise(self, terms: dict[str, Tensor]) -> Tensor:
        """The loss whose gradients, averaged over the processes by PyTorch, are those of the whole batch's mean."""
        scale = self.weight * self.team.share.count
        return terms["loss"] if scale == 1 else terms["loss"] * scale

    def whole(self, sums: dict[str, float]) -> dict[str, float]:
        """Means over this process's images, or sums of such, made those over the whole batch."""
        return self.team.total({name: value * self.weight for name, value in sums.items()})
