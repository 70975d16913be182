"""From what a person says to what will be trained: every choice that depends on the data, in one pure function."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

import torch

from restorae.data import Correlation
from restorae.display import counted
from restorae.errors import Fix, Message, SettingsConflict, UsageError
from restorae.losses import L1, MSE, BlindSpot, FilmRepair, Loss, NegativeELBO, Neighbours
from restorae.model import Card
from restorae.networks import VAE, AutoEncoder, ConvAutoEncoder, LatentNetwork, Network, UNet
from restorae.training.recipe import NOTHING, Recipe, ResolvedRecipe

LARGEST_WHOLE = 64
"""Images of one size up to this side are trained on whole, in pixels."""
PATCH = 96
"""Side of patches where the recipe says nothing, in pixels."""
PATCH_NETWORK = UNet(
    widths=(32, 64, 128), encoder_blocks=(1, 2, 2), decoder_blocks=(1, 1), residual=True
)
"""The network for patches: a page's stains need context and depth, small images are learned by a small network."""
_LEAST_DRAWN = 1024
"""Clips in an epoch of a film cleaner, at least."""
_EPOCHS, _STEPS_ON_PATCHES = 3, 2000

Kind: TypeAlias = Literal["pairs", "drawn", "noisy", "clean", "autoencode", "film"]
"""What is learned from: pairs; clean images and a drawn degradation; noisy images alone; clean images for their own sake, by a
variational auto-encoder or by a plain one; clips and stills, by a film cleaner."""


@dataclass(frozen=True)
class StartModel:
    """A model that training starts from."""

    name: str
    """Its file or bundled name, as the recipe names it; of a model in memory a hash of its content."""
    _: KW_ONLY
    network: Network
    """Its architecture."""
    card: Card
    """Its card."""


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What the choices depend on: everything measured on the training images, once."""

    kind: Kind
    """What is learned from."""
    channels: int
    """Channels of the clean (or noisy) images."""
    common_size: tuple[int, int] | None
    """Height and width of all images; None where they differ."""
    sizes: tuple[tuple[int, int, int], ...]
    """Height, width and count of the images to learn from, without those held out."""
    held_out: int
    """How many images are held out."""
    noise: Correlation | None = None
    """How alike neighbouring noise is, for noisy images."""
    start: StartModel | None = None
    """The model to start from; None for a new network."""

    def examples(self, patch: int) -> int:
        """Images, or patches that cover them: the length of an epoch."""
        if not patch:
            return sum(count for _, _, count in self.sizes)
        return sum(
            count * max(1, round(height * width / patch**2)) for height, width, count in self.sizes
        )


def resolve(recipe: Recipe, facts: DataFacts) -> ResolvedRecipe:
    """The recipe with every field decided. Pure: equal arguments give equal recipes.

    Raises:
        SettingsConflict, UsageError: settings do not go together, or the model to start from does not suit the images.
        BadSpec, ShapeMismatch: the network cannot be used for such images or with such a loss.
    """
    network = recipe.network or (facts.start.network if facts.start else None)
    if network is None and facts.kind == "autoencode":
        network = ConvAutoEncoder()
    patch = choose_patch(recipe, network, facts.common_size)
    network = _network(recipe, network, facts, patch)
    if facts.kind == "autoencode" and isinstance(network, UNet):
        raise SettingsConflict(
            f"{{}} cannot be combined with {network.kind}, which passes the image by its bottleneck and would copy it. "
            "conv-autoencoder and dense-autoencoder have a code; to learn to restore, name {} or {}",
            settings=("autoencode", "degradation", "degraded"),
            fix=Fix("network", "conv-autoencoder"),
        )
    loss = recipe.loss or default_loss(facts, network, patch)
    loss.check(network)
    draws = recipe.draws or facts.examples(patch)
    if facts.kind == "film" and recipe.draws is None:
        # each is a new clip, however little there is to make it of
        draws = max(draws, _LEAST_DRAWN)
    wished = recipe.batch_size or (8 if patch else 128)
    # a batch larger than an epoch would hold some images twice
    batch_size = min(wished, draws)
    steps = recipe.steps
    if steps is None and recipe.minutes is None:
        if patch and recipe.epochs is None:
            steps = _STEPS_ON_PATCHES
        else:
            steps = max(1, round((recipe.epochs or _EPOCHS) * max(1, draws // wished)))
    warmup = min(recipe.warmup, steps // 10) if steps else recipe.warmup
    clip = loss.gradient_limit if recipe.clip_gradients is None else recipe.clip_gradients
    keep = recipe.keep or (
        "best" if facts.held_out and (facts.kind == "pairs" or recipe.patience) else "last"
    )
    said = {name: getattr(recipe, name) for name in set(type(recipe).model_fields) - {"epochs"}}
    return ResolvedRecipe(
        **{
            **said,
            "start_from": facts.start.name if facts.start else NOTHING,
            "patch": patch,
            "draws": draws,
            "network": network,
            "loss": loss,
            "learning_rate": recipe.learning_rate
            or (1e-3 if patch else 2e-3) * (10 if recipe.optimiser == "sgd" else 1),
            "autoencode": facts.kind == "autoencode",
            "clip_gradients": clip,
            "ema": (0.995 if patch else 0.0) if recipe.ema is None else recipe.ema,
            "batch_size": batch_size,
            "steps": steps,
            # a short training warms up shortly
            "warmup": warmup if warmup > 1 else 0,  # one step of warm-up is none
            "keep": keep,
        }
    )


def choose_patch(
    recipe: Recipe, network: Network | None, common_size: tuple[int, int] | None
) -> int:
    """Side of the patches to train on; 0 takes whole images."""
    if recipe.patch is not None:
        return recipe.patch
    if common_size is None:
        return 0 if isinstance(network, AutoEncoder) else PATCH
    return (
        0 if isinstance(network, VAE | AutoEncoder) or max(common_size) <= LARGEST_WHOLE else PATCH
    )


def default_loss(facts: DataFacts, network: Network | None, patch: int) -> Loss:
    """What training minimises where the recipe says nothing."""
    if facts.kind == "noisy":
        along = correlated_along(facts.noise)
        return BlindSpot(along=along) if along else Neighbours()
    if isinstance(network, LatentNetwork):
        return NegativeELBO()
    if facts.kind == "film":
        return FilmRepair()
    return L1() if patch else MSE()


def correlated_along(noise: Correlation | None) -> Literal["rows", "columns"] | None:
    """The direction in which neighbouring noise is most alike; None where it is independent."""
    if noise is None or noise.along == "neither":
        return None
    return "rows" if noise.along_rows >= noise.along_columns else "columns"


def noise_warning(recipe: ResolvedRecipe, facts: DataFacts) -> Message | None:
    """What a person should know of noise that is not independent from pixel to pixel."""
    along = correlated_along(facts.noise)
    if along is None or facts.noise is None:
        return None
    found = (
        f"The noise of neighbouring pixels is correlated (along rows {facts.noise.along_rows:.2f}, "
        f"along columns {facts.noise.along_columns:.2f})"
    )
    if isinstance(recipe.loss, BlindSpot) and recipe.loss.along == along:
        rest = (
            "; what is shared the other way will partly stay" if facts.noise.along == "both" else ""
        )
        return Message(
            f"{found}, and a network would learn to copy it. The loss {recipe.loss} hides the pixels that share noise along "
            f"{along}{rest}"
        )
    return Message(
        f"{found}: with the loss {recipe.loss} some of it will be taken for image content",
        fixes=(Fix("loss", str(BlindSpot(along=along))),),
    )


def _network(recipe: Recipe, wished: Network | None, facts: DataFacts, patch: int) -> Network:
    size = (patch, patch) if patch else facts.common_size
    start = facts.start
    if start is not None and recipe.network in (None, start.network):
        if facts.channels not in start.network.takes:
            raise UsageError(
                f"the model restores images of {counted(start.network.takes, 'channel')}, these have "
                f"{facts.channels}",
                subject=start.name,
                fix=Fix("start_from", action="change"),
            )
        if facts.common_size is not None:
            start.network.check_size(*facts.common_size)
        return start.network
    network = wished or (PATCH_NETWORK if patch else UNet())
    network = network.fitted(facts.channels, size)
    if patch:
        network = network.for_patches()
    # settings that shape no weight, such as a likelihood's, are the recipe's to choose
    if start is not None and _outline(network) != _outline(start.network):
        raise SettingsConflict(
            f"{{}} {network} cannot be combined with {{}} {start.name}: its weights are those of another network, "
            f"{start.network}",
            settings=("network", "start_from"),
            fix=(Fix("network", action="omit"), Fix("start_from", NOTHING)),
        )
    return network


def _outline(network: Network) -> tuple[str, dict[str, torch.Size]]:
    """The kind of a network, and the names and shapes of its weights."""
    with torch.device("meta"):
        return network.kind, {
            name: weights.shape for name, weights in network.build().state_dict().items()
        }
