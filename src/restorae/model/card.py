"""What is known of a model: the JSON header of its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field
from torch import nn

from restorae.display import html_facts, number
from restorae.error_bound import ErrorBound
from restorae.networks import LatentNetwork, Network
from restorae.parts import Settings

FORMAT_VERSION = 1
"""Version of the file's format."""
HEADER = "restorae"
"""Key of a file's metadata under which the card stands."""


class Card(Settings):
    """What a user, and the code that calls the network, must know of a model."""

    format_version: int = FORMAT_VERSION
    """Version of the file's format."""
    name: str = "model"
    """Short name."""
    about: str = ""
    """One sentence on what it is for."""
    network: dict[str, Any]
    """Kind and settings of the network."""
    parameters: int
    """How many numbers were learned."""
    values: Literal["full-range", "auto", "own-range"] = "auto"
    """How stored values map to [0, 1]: by their type's full range (floats as they are), by the image's own range, or as
    `restorae.value_range.choose_range` finds fit."""
    halo: int | None = None
    """Pixels of context on each side; none when a pixel depends on the whole image."""
    multiple_of: tuple[int, int] = (1, 1)
    """Height and width are padded to multiples of these."""
    restores: bool = True
    """Whether it learned to remove damage; a variational auto-encoder that learned from clean images alone did not."""
    repairs: Literal["all", "defects"] = "all"
    """What `restore` changes unless asked otherwise: all, or only defects that stand out."""
    latent: dict[str, Any] | None = None
    """Of a network with a latent: `shape` without the batch, `prior`, `likelihood`."""
    undoes: dict[str, Any] | None = None
    """The degradation that it learned to undo; none where it is not known, or is a mixture that no one degradation describes."""
    recipe: dict[str, Any] | None = None
    """The resolved recipe it was trained by, as plain JSON."""
    started_from: str = ""
    """The model whose weights it started from, and what that one had cost."""
    source: str = ""
    """Address on the hub that it was loaded from, with the commit and the file's checksum; empty for other files."""
    data: str = ""
    """What it was trained on."""
    held_out_share: float = 0.0
    """Share of the images that was held out, chosen by `restorae.data.hold_out`."""
    held_out_hashes: list[str] = Field(default_factory=list)
    """Content hashes of the images that it was not trained on, nor the models it started from; empty for MNIST's sets, whose last
    5,000 training images are held out."""
    learned_hashes: list[str] = Field(default_factory=list)
    """Content hashes of the images that it, or a model it started from, was trained on; empty where they are more than 2,000."""
    steps: int = 0
    """Updates of the weights."""
    epochs: float = 0.0
    """Passes over the training data."""
    seconds: float = 0.0
    """Time spent training."""
    trained_on: str = ""
    """The machine it was trained on."""
    scores: dict[str, Any] = Field(default_factory=dict)
    """Scores, each with what they were measured on."""
    error_bounds: dict[int, ErrorBound] = Field(default_factory=dict)
    """How far off restored pixels may be, by how many channels the network was shown; empty where nothing was held out to measure
    it on."""
    history: list[dict[str, float]] = Field(default_factory=list)
    """What was measured on the way: step, epoch, the running losses of the epoch, and the validation's figures."""
    licence: str = "not stated"
    """Terms under which the weights may be used."""
    made_with: str = ""
    """Version of restorae that wrote it."""
    created: str = ""
    """Date, ISO 8601."""

    def __repr__(self) -> str:
        kind, undoes = self.network.get("kind"), (self.undoes or {}).get("kind", "")
        return (
            f"Card({self.name!r}, {kind}, {self.parameters:,} parameters"
            f"{f', undoes {undoes}' if undoes else ''})"
        )

    def __str__(self) -> str:
        return "\n".join(f"{name:>12}  {number(fact)}" for name, fact in self._facts() if fact)

    def _repr_html_(self) -> str:
        return html_facts(self.name, self._facts()[1:])

    def _facts(self) -> list[tuple[str, object]]:
        """What a person wants to know first."""
        figures = self.scores.get("validation", {})
        return [
            ("name", self.name),
            ("about", self.about),
            ("network", self.network.get("kind", "")),
            ("parameters", self.parameters),
            ("undoes", (self.undoes or {}).get("kind", "")),
            ("trained on", self.data),
            (
                "length",
                f"{self.steps:,} steps, {number(self.epochs)} epochs, {number(self.seconds)} s",
            ),
            ("scores", ", ".join(_scores_in_words(figures))),
            ("error bounds", ", ".join(str(bound) for bound in self.error_bounds.values())),
            ("licence", self.licence),
            ("created", self.created),
        ]

    @property
    def learned_turned(self) -> bool:
        """Whether it was trained on rotated and flipped patches, so that a self-ensemble improves its results."""
        return self.recipe is not None and bool(
            self.recipe.get("augment") and self.recipe.get("patch")
        )


def _scores_in_words(figures: Mapping[str, Any]) -> Iterator[str]:
    """Numbers as they are; of scores before and after, the PSNR."""
    for name, figure in figures.items():
        if isinstance(figure, Mapping):
            if figure.get("psnr") is not None:
                yield f"{name} {figure['psnr']:.2f} dB"
        elif name not in ("count", "seconds"):
            yield f"{name} {number(figure)}"


def make_card(network: Network, module: nn.Module, **facts: Any) -> Card:
    """A card with the facts that the network declares, and further ones."""
    return Card(
        network=network.to_dict(),
        parameters=sum(weights.numel() for weights in module.parameters()),
        halo=network.halo,
        multiple_of=network.multiple_of,
        latent=_latent(network),
        **facts,
    )


def _latent(network: Network) -> dict[str, Any] | None:
    if not isinstance(network, LatentNetwork):
        return None
    if network.generates:
        return {
            "shape": [network.latent_dim],
            "prior": "standard normal",
            "likelihood": network.likelihood,
        }
    return {
        "shape": [network.latent_dim, None, None],
        "prior": "learned, given the degraded image",
        "likelihood": network.likelihood,
    }
