"""A `Recipe`: what a person says about a training; a `ResolvedRecipe`: what will be trained."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from pydantic import Field, model_validator

from restorae.degradations import Degradation
from restorae.errors import BadSpec, Fix, SettingsConflict, UsageError
from restorae.losses import Loss, SelfSupervised
from restorae.networks import VAE, AutoEncoder, Network, UNet
from restorae.parts import Settings, kinds
from restorae.training.keywords import RecipeKeywords
from restorae.training.recipe_files import about_file, read_checked, toml_line

_SMALLEST_PATCH = 8
_CHOICES = ("optimiser", "schedule", "split", "keep")
_NAMED = ("clean", "degraded", "noisy", "start_from")
NOTHING = "nothing"
"""What `start_from` says to train a new network."""


class TrainingSettings(Settings):
    """The settings that a recipe and a resolved recipe have in common."""

    name: str = "model"
    """Short name, stored on the model's card. Like `about` and `licence` it does not change what is trained."""
    about: str = ""
    """One sentence on what the model is for."""
    licence: str = "not stated"
    """Terms under which the weights may be used."""
    repairs: Literal["all", "defects"] = "all"
    """What `restore` changes unless asked otherwise: all, or only defects that stand out. Stored on the card; it does not
    change what is trained."""

    clean: str | None = None
    """Clean images: a data set's name, a folder, a .npy, .npz or idx file. For a film cleaner films, folders of numbered frames and
    folders of still images, separated by " | "; film.mp4#0-136 takes a part."""
    degraded: str | None = None
    """Degraded partners of the clean images, with the same names."""
    noisy: str | None = None
    """Noisy images to learn from alone, instead of clean ones."""
    degradation: Degradation | None = None
    """Degradation that is drawn anew for every example, where there are no degraded images."""
    autoencode: bool = False
    """Learn the clean images themselves, the same image in and out, through the code of an auto-encoder."""
    split: Literal["train", "test", "all"] = "train"
    """Which part of a named data set."""
    validation: float = Field(default=0.1, ge=0, lt=1)
    """Share of the images that is held out for validation, chosen by their content; MNIST's sets keep their last 5,000. 0 holds
    out none."""
    binarise: bool = False
    """Draw each pixel of the clean images black or white, its value the probability, anew each time."""
    augment: bool = False
    """Bend whole images a little, or rotate and flip patches, so that no two epochs show the same."""

    optimiser: Literal["nadam", "adamw", "adam", "sgd"] = "nadam"
    """Nadam (Dozat, 2016), AdamW (Loshchilov and Hutter, 2019), Adam (Kingma and Ba, 2015), or stochastic gradient descent
    with Nesterov momentum 0.9."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Whether the learning rate falls along half a cosine to nearly 0 at the end, or stays."""
    warmup: int = Field(default=100, ge=0)
    """Steps over which the learning rate rises from 0; at most a tenth of the steps."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Weight decay: decoupled as in AdamW; for adam and sgd added to the gradient."""
    patience: int | None = Field(default=None, ge=1)
    """End after this many validations in a row without improvement; without it, train to the end."""
    seed: int = Field(default=0, ge=0)
    """Seed of all randomness: first weights, order, damage."""

    def to_toml(self) -> str:
        """These settings as TOML, without those that are at their defaults; reading it back gives an equal recipe."""
        lines = []
        for key, value in self.model_dump(mode="json").items():
            field = type(self).model_fields[key]
            if value is None or (not field.is_required() and getattr(self, key) == field.default):
                continue
            lines.append(toml_line(key, value, getattr(self, key)))
        return "\n".join(lines) + "\n"


class Recipe(TrainingSettings):
    """What to train, on what, for how long, as a person says it. Fields that are None are chosen when the data are known.

    `restorae.training.resolve` makes the choices. Resolved recipes that are equal (but for name, about, licence and repairs) train
    equal weights from the same data, bit for bit on the same machine and number of threads.
    """

    start_from: str | None = None
    """A model whose weights to start from, a file or a bundled model's name; "nothing" trains a new network. By default a
    suitable bundled model for pairs of photographs or pages and for noisy images, where no network is named; else nothing."""
    patch: int | None = Field(default=None, ge=0)
    """Side of the square patches to train on, in pixels, at least 8; 0 takes whole images. By default images of one size up to
    64 pixels are taken whole, others by patches of 96."""
    draws: int | None = Field(default=None, ge=1)
    """Examples in an epoch; by default every image once, or as many patches as cover it."""

    network: Network | None = None
    """The architecture; by default a `unet`, deeper for patches than for whole small images, or that of `start_from`; with
    `autoencode` a `conv-autoencoder`."""
    loss: Loss | None = None
    """What training minimises; by default MSE for whole images, L1 for patches, the negative ELBO for a network with a latent,
    `neighbours` or `blind-spot` for noisy images."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Largest learning rate; by default 2e-3, for patches 1e-3, for sgd ten times as much."""
    clip_gradients: float | None = Field(default=None, ge=0)
    """Largest norm of the gradient, to which longer ones are clipped; 0 for no limit. By default what suits the loss."""
    ema: float | None = Field(default=None, ge=0, lt=1)
    """Decay per step of an exponential moving average of the weights, which is then kept; 0 for none. By default 0, for patches
    0.995."""
    batch_size: int | None = Field(default=None, ge=1)
    """Examples per step; by default 128, of patches 8. Never more than an epoch has."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the training data. Give one of epochs, steps, minutes; without any, 3 epochs of whole images or 2,000 steps of
    patches."""
    steps: int | None = Field(default=None, ge=1)
    """Updates of the weights."""
    minutes: float | None = Field(default=None, gt=0)
    """Time for training; the result then depends on the machine's speed."""
    keep: Literal["best", "last"] | None = None
    """Which weights to keep: the last, or those with the best validation; by default the best for pairs and with `patience`, else
    the last."""

    if TYPE_CHECKING:  # parts are also given as text, and paths as paths

        def __init__(self, **settings: Unpack[RecipeKeywords]) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _paths_as_text(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {key: _as_text(key, value) for key, value in values.items()}

    def model_post_init(self, _context: Any) -> None:
        lengths = [name for name in ("epochs", "steps", "minutes") if getattr(self, name)]
        if len(lengths) > 1:
            raise SettingsConflict(
                "give only one of {}, {} and {}: each says how long to train",
                settings=("epochs", "steps", "minutes"),
                fix=[Fix(name, action="omit") for name in lengths],
            )
        if self.degraded is not None and self.degradation is not None:
            raise SettingsConflict(
                "{} and {} cannot be combined: give degraded images or a degradation to draw",
                settings=("degraded", "degradation"),
            )
        if self.autoencode and (self.noisy or self.degraded or self.degradation):
            raise SettingsConflict(
                "{} cannot be combined with {}, {} or {}: an auto-encoder learns clean images",
                settings=("autoencode", "noisy", "degraded", "degradation"),
                fix=Fix("autoencode", action="omit"),
            )
        if self.noisy is not None and (
            self.clean is not None or self.degraded is not None or self.degradation is not None
        ):
            raise SettingsConflict(
                "{} cannot be combined with {}, {} or {}: noisy images are learned from alone",
                settings=("noisy", "clean", "degraded", "degradation"),
            )
        self._check_loss()
        if self.patch is not None and 0 < self.patch < _SMALLEST_PATCH:
            raise BadSpec(
                f"patch={self.patch} is too small: at least {_SMALLEST_PATCH} px, or 0 for whole images"
            )
        if self.patch and isinstance(self.network, VAE | AutoEncoder):
            raise SettingsConflict(
                f"{{}} cannot be combined with {self.network.kind}: it takes whole images",
                settings=("patch",),
                fix=(Fix("patch", action="omit"), Fix("network", action="change")),
            )
        if self.binarise and self.degraded is not None:
            raise SettingsConflict(
                "{} cannot be combined with {}: the degraded images would no longer belong to the clean ones",
                settings=("binarise", "degraded"),
            )
        if self.keep == "best" and self.validation == 0:
            raise SettingsConflict(
                "{} best needs held-out images to compare on, and {} is 0",
                settings=("keep", "validation"),
                fix=(Fix("keep", "last"), Fix("validation", 0.1)),
            )

    def _check_loss(self) -> None:
        if self.loss is None:
            return
        if (self.noisy is not None) != isinstance(self.loss, SelfSupervised):
            known = ", ".join(
                sorted(kind.kind for kind in kinds(Loss) if issubclass(kind, SelfSupervised))
            )
            raise BadSpec(
                f"The loss {self.loss.kind} compares with clean images, and noisy images alone have none. Choose {known}"
                if self.noisy is not None
                else f"The loss {self.loss.kind} learns from noisy images alone, but none were given as noisy",
                fix=() if self.noisy is not None else Fix("loss", action="change"),
            )
        if self.network is not None or self.start_from in (None, NOTHING):
            self.loss.check(self.network or UNet())

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Self:
        """Read a recipe from a TOML file; parts are written as text, `network = "unet(patch=2)"`, or as tables.

        Raises:
            InputError: the file cannot be read as TOML; the message names the line.
            BadSpec, UnknownKind: a key or value cannot be used; the message names the line and offers the nearest.
        """
        values = read_toml(path)
        try:
            return cls(**values)
        except UsageError as error:  # of keys that do not go together: each by itself is fine
            raise about_file(path, error) from None


class ResolvedRecipe(TrainingSettings):
    """A recipe in which everything is decided: what is trained, what `--print-recipe` prints and what the card stores.

    It can be used as a `Recipe` again: on the same data it resolves to itself.
    """

    start_from: str
    """The model whose weights training starts from; "nothing" for a new network."""
    patch: int
    """Side of the square patches, in pixels; 0 for whole images."""
    draws: int
    """Examples in an epoch."""
    network: Network
    """The architecture, fitted to the images' channels and size."""
    loss: Loss
    """What training minimises."""
    learning_rate: float
    """Largest learning rate."""
    clip_gradients: float
    """Largest norm of the gradient; 0 for no limit."""
    ema: float
    """Decay per step of the moving average of the weights; 0 for none."""
    batch_size: int
    """Examples per step."""
    steps: int | None = None
    """Updates of the weights; None where `minutes` says how long."""
    minutes: float | None = None
    """Time for training; None where `steps` says how long."""
    keep: Literal["best", "last"]
    """Which weights to keep."""

    @property
    def steps_per_epoch(self) -> int:
        """Updates of the weights in an epoch."""
        return max(1, self.draws // self.batch_size)

    @property
    def differences(self) -> dict[str, Any]:
        """What changes the weights, as plain JSON: everything but name, about, licence and repairs."""
        return self.model_dump(mode="json", exclude={"name", "about", "licence", "repairs"})

    def to_recipe(self) -> Recipe:
        """A recipe that says all of this."""
        return Recipe(**self.model_dump())

    def to_toml(self) -> str:
        """All settings as TOML; `Recipe.from_toml` reads it back without loss."""
        return "".join(
            toml_line(key, value, getattr(self, key)) + "\n"
            for key, value in self.model_dump(mode="json").items()
            if value is not None
        )


def _as_text(key: str, value: Any) -> Any:
    """Paths as text, and closed choices in any case.

    Raises:
        BadSpec: images or a model in memory, which a recipe, being text, does not hold.
    """
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if key in _CHOICES and isinstance(value, str):
        return value.lower()
    if key in _NAMED and not isinstance(value, str | None):
        raise BadSpec(
            f"a recipe names its data, so {{}} is a name or a path, got a value of type {type(value).__name__}. Pass what is in "
            f"memory to train, as in train(recipe, {key}=...)",
            settings=(key,),
        )
    return value


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The keys and values of a recipe file, each of which can be used by itself.

    Raises:
        InputError: it cannot be read as TOML; the message names the line.
        BadSpec, UnknownKind: a key or value cannot be used; the message names the line and offers the nearest.
    """
    return read_checked(path, Recipe.model_fields)
