"""What changes while training: the weights, the optimiser, and how far it has come."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from restorae.model import Model, make_card
from restorae.networks import Network
from restorae.training.recipe import ResolvedRecipe

_FLOOR = 0.005
"""Smallest learning rate as a share of the largest."""


@dataclass
class State:
    """How far a training has come, besides its tensors."""

    recipe: dict[str, Any]
    """The resolved recipe, as plain JSON."""
    fingerprint: str
    """Of the training data: a change between runs is reported."""
    _: KW_ONLY
    step: int = 0
    """Updates of the weights."""
    seconds: float = 0.0
    """Time spent training."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry for each validation."""
    running: dict[str, float] = field(default_factory=dict)
    """Sums of the losses since the last validation, and their number, `steps`."""
    best: dict[str, float] = field(default_factory=dict)
    """`step` and `error` of the best validation so far."""
    waited: int = 0
    """Validations since then."""


class Learner:
    """The weights that are trained, with everything that is needed to go on.

    Args:
        recipe: how to train.
        module: the network's module with its first weights, which are changed in place.
        fingerprint: of the training data.
    """

    def __init__(self, recipe: ResolvedRecipe, module: nn.Module, *, fingerprint: str) -> None:
        self.recipe, self.network = recipe, recipe.network
        self.module = module
        self.optimiser = make_optimiser(recipe, module)
        self.average: list[Tensor] = (
            [weights.detach().clone() for weights in module.parameters()] if recipe.ema else []
        )
        self.best: dict[str, Tensor] = {}
        self.state = State(recipe.model_dump(mode="json"), fingerprint)

    @property
    def share(self) -> float:
        """How much of the training is done, 0 to 1."""
        if self.recipe.minutes:
            return self.state.seconds / (60 * self.recipe.minutes)
        assert self.recipe.steps is not None
        return self.state.step / self.recipe.steps

    @property
    def is_done(self) -> bool:
        """Whether the training has come to its end, or its patience has."""
        return self.share >= 1 or (
            self.recipe.patience is not None and self.state.waited >= self.recipe.patience
        )

    @property
    def best_is_earlier(self) -> bool:
        """Whether the weights to keep are those of an earlier step."""
        return bool(self.best) and self.state.best["step"] != self.state.step

    def set_learning_rate(self) -> None:
        """Set the next step's learning rate: warm-up, then the schedule."""
        recipe, step = self.recipe, self.state.step
        rise = min(1.0, (step + 1) / recipe.warmup) if recipe.warmup else 1.0
        fall = (
            0.5 * (1 + math.cos(math.pi * min(1.0, self.share)))
            if recipe.schedule == "cosine"
            else 1.0
        )
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * rise * max(fall, _FLOOR)

    def update(self, loss: Tensor) -> None:
        """One update of the weights and of their moving average."""
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip_gradients:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip_gradients)
        self.optimiser.step()
        self._update_average()
        self.state.step += 1

    @torch.no_grad()
    def _update_average(self) -> None:
        if self.average:
            # early on the average follows faster, so that the first weights are soon forgotten
            decay = min(self.recipe.ema, (1 + self.state.step) / (10 + self.state.step))
            torch._foreach_lerp_(
                self.average, [weights.detach() for weights in self.module.parameters()], 1 - decay
            )

    def remember_best(self, error: float, keep: bool) -> None:
        """Note a validation's error; with `keep` also the weights, if no validation found better ones."""
        if error < self.state.best.get("error", math.inf):
            self.state.best, self.state.waited = {"step": self.state.step, "error": error}, 0
            if keep:
                weights = self.model().module.state_dict()
                self.best = {name: tensor.detach().clone() for name, tensor in weights.items()}
        else:
            self.state.waited += 1

    def model(self, final: bool = False, half: bool = False) -> Model:
        """The network as it is now, averaged if the recipe says so.

        Args:
            final: as it will be kept: with the best weights, and in half precision if that holds them.
            half: rounded to half precision if that holds it.
        """
        module = copy.deepcopy(self.module)
        with torch.no_grad():
            for weights, mean in zip(
                module.parameters(), self.average or module.parameters(), strict=True
            ):
                weights.copy_(mean)
            if final and self.best_is_earlier:
                module.load_state_dict(self.best)
            if (final or half) and fits_half(module):
                for tensor in _floats(module):
                    tensor.copy_(tensor.half())
        return Model(self.network, module, card=make_card(self.network, module))


def make_optimiser(recipe: ResolvedRecipe, module: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser over the module's parameters."""
    options: Mapping[str, Any] = {
        "lr": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "foreach": True,
    }
    weights = module.parameters()
    match recipe.optimiser:
        case "nadam":
            return torch.optim.NAdam(weights, decoupled_weight_decay=True, **options)
        case "adamw":
            return torch.optim.AdamW(weights, **options)
        case "adam":
            return torch.optim.Adam(weights, **options)
        case "sgd":
            return torch.optim.SGD(weights, momentum=0.9, nesterov=True, **options)


def first_weights(network: Network, seed: int) -> nn.Module:
    """A new module of the network; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network.build().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def fits_half(module: nn.Module) -> bool:
    """Whether half precision can hold everything that a module has learned."""
    return all(bool(tensor.half().isfinite().all()) for tensor in _floats(module))


def _floats(module: nn.Module) -> list[Tensor]:
    return [tensor for tensor in module.state_dict().values() if tensor.is_floating_point()]
