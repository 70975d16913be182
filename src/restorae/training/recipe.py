"""A `Recipe`: all that defines a training, as a value that prints, compares and travels."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from restorae.data import NAMES, is_named
from restorae.degradations import Degradation
from restorae.errors import BadSpec, DataUnavailable, InputError, UsageError, nearest
from restorae.losses import L1, MSE, Loss, NegativeELBO, Neighbours, SelfSupervised
from restorae.networks import VAE, LatentNetwork, Network, UNet
from restorae.parts import Settings, kinds

_FOR_PATCHES: dict[str, Any] = {
    "network": UNet(
        widths=(32, 64, 128), encoder_blocks=(1, 2, 2), decoder_blocks=(1, 1), residual=True
    ),
    "batch_size": 8,
    "learning_rate": 1e-3,
    "ema": 0.995,
}
"""What suits patches of photographs, pages and micrographs where nothing else is said. Small pictures are soon learned by a
small network, many at a time; a page's stains need context, depth and many steps."""
_STEPS_ON_PATCHES = 2000

_PICTURES = ("clean", "degraded", "noisy")


class Recipe(Settings):
    """What to train, on what, against what, how and for how long.

    Two recipes that are equal train the same network, bit for bit on the same machine and number of threads.
    """

    name: str = "model"
    """Short name, which the model's card carries."""
    about: str = ""
    """One sentence on what the model is for."""
    licence: str = "not stated"
    """Terms under which the weights may be used."""

    clean: str | None = None
    """Clean pictures: a data set's name, a folder, a .npy, .npz or idx file."""
    degraded: str | None = None
    """Degraded partners of the clean pictures, with the same names."""
    noisy: str | None = None
    """Noisy pictures to learn from alone, in place of clean ones."""
    degradation: Degradation | None = None
    """Damage that is drawn afresh for every example, where there are no partners."""
    split: Literal["train", "test", "all"] = "train"
    """Which part of a named data set."""
    validation: float = Field(0.1, ge=0, lt=1)
    """Share of the pictures that is kept from training to check on; MNIST's sets keep their last 5,000. 0 keeps none."""
    binarise: bool = False
    """Draw each pixel of the clean pictures black or white, its value the probability, anew each time."""
    patch: int | None = Field(None, ge=8)
    """Side in pixels of the regions that are trained on; by default small pictures are taken whole, others by 96."""
    augment: bool = False
    """Bend whole pictures a little, or turn and mirror patches, so that no two epochs show the same."""
    draws: int | None = Field(None, ge=1)
    """Examples in an epoch; by default every picture once, or as many patches as cover it."""

    network: Network = UNet()
    """The architecture; for patches by default a deeper `unet` than for whole small pictures."""
    loss: Loss = MSE()
    """What training makes smaller; for patches by default L1, of a network with a latent the negative ELBO."""
    optimiser: Literal["nadam", "adamw"] = "nadam"
    """Nadam (Dozat, 2016) or AdamW (Loshchilov and Hutter, 2019)."""
    learning_rate: float = Field(2e-3, gt=0)
    """Largest step size; it rises to this during the warm-up. For patches by default 1e-3."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Whether the step size falls along half a cosine to (nearly) nothing at the end, or stays."""
    warmup: int = Field(100, ge=0)
    """Steps over which the step size rises from nothing."""
    weight_decay: float = Field(0.0, ge=0)
    """Pull of the weights towards zero, in AdamW's sense."""
    clip_gradients: float | None = Field(None, ge=0)
    """Largest length of the gradient; longer ones are shortened to it. 0 for no limit; by default what suits the loss."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay per step of an exponential moving average of the weights, which is then what is kept; 0 for none. For patches by
    default 0.995."""
    batch_size: int = Field(128, ge=1)
    """Examples per step; of patches by default 8."""
    epochs: float | None = Field(None, gt=0)
    """Passes over the training data. Give one of epochs, steps, minutes; without any, 3 epochs of whole pictures or 2,000 steps
    of patches."""
    steps: int | None = Field(None, ge=1)
    """Updates of the weights."""
    minutes: float | None = Field(None, gt=0)
    """Time for training; the result then depends on the machine's speed."""
    keep: Literal["auto", "best", "last"] = "auto"
    """Weights that are kept: the last, or those that did best on the held-out pictures; by default the best of pairs, else the last."""
    patience: int | None = Field(None, ge=1)
    """Training ends after so many validations in a row that found nothing better; without it, it runs to its end."""
    seed: int = Field(0, ge=0)
    """Where all chance comes from: first weights, order, damage."""

    @model_validator(mode="before")
    @classmethod
    def _bound_for_latents(cls, values: Any) -> Any:
        if (
            isinstance(values, dict)
            and values.get("loss") is None
            and values.get("noisy") is not None
        ):
            return {**values, "loss": Neighbours()}
        if isinstance(values, dict) and values.get("loss") is None and "network" in values:
            values = {name: value for name, value in values.items() if name != "loss"}
            if isinstance(Network.of(values["network"]), LatentNetwork):
                values["loss"] = NegativeELBO()
        return values

    def model_post_init(self, _context: Any) -> None:
        if sum(length is not None for length in (self.epochs, self.steps, self.minutes)) > 1:
            raise BadSpec(
                "Give only one of epochs, steps and minutes: they are three ways to say how long to train."
            )
        if self.degraded is not None and self.degradation is not None:
            raise BadSpec("Give either degraded pictures or a degradation to draw, not both.")
        if self.noisy is not None and (
            self.clean is not None or self.degraded is not None or self.degradation is not None
        ):
            raise BadSpec(
                "Noisy pictures are learned from alone: leave clean, degraded and degradation away, or noisy."
            )
        if (self.noisy is not None) != isinstance(self.loss, SelfSupervised):
            known = ", ".join(
                sorted(kind.kind for kind in kinds(Loss) if issubclass(kind, SelfSupervised))  # type: ignore[type-abstract]
            )
            raise BadSpec(
                f"The loss {self.loss.kind} compares with clean pictures, and noisy ones alone have none. Choose {known}."
                if self.noisy is not None
                else f"The loss {self.loss.kind} learns from noisy pictures alone: give them as noisy."
            )
        if self.network.kind == "":
            raise BadSpec("A recipe needs a network.")
        self.loss.check(self.network)
        if isinstance(self.network, VAE) and self.patch is not None:
            raise BadSpec(
                f"A variational auto-encoder takes pictures whole: leave patch away, or choose another network than {self.network.kind}."
            )
        if self.binarise and self.degraded is not None:
            raise BadSpec(
                "Pairs cannot be binarised: the degraded pictures would no longer belong to the clean ones."
            )

    @property
    def gradient_limit(self) -> float:
        """Largest length of the gradient; 0 for no limit."""
        return self.loss.gradient_limit if self.clip_gradients is None else self.clip_gradients

    def for_patches(self) -> Self:
        """This recipe for pictures that are cut into patches: what was not said becomes what suits those."""
        unsaid: dict[str, Any] = {
            name: value for name, value in _FOR_PATCHES.items() if name not in self.model_fields_set
        }
        if self.epochs is self.steps is self.minutes is None:
            unsaid["steps"] = _STEPS_ON_PATCHES
        if "loss" not in self.model_fields_set and isinstance(self.loss, MSE):
            unsaid["loss"] = L1()
        return self.model_copy(update=unsaid)

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
            raise type(error)(f"{path}: {error}") from None

    def to_toml(self) -> str:
        """This recipe as TOML, settings that differ from their defaults only."""
        lines = []
        for key, value in self.model_dump(mode="json").items():
            # which loss goes without saying depends on the network
            unsaid = (
                type(self)(network=self.network, noisy=self.noisy).loss
                if key == "loss"
                else type(self).model_fields[key].default
            )
            if getattr(self, key) == unsaid:
                continue
            text = value if not isinstance(value, dict) else str(getattr(self, key))
            lines.append(f"{key} = {json.dumps(text, ensure_ascii=False)}")
        return "\n".join(lines) + "\n"


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The keys and values of a recipe file, each of which can be used by itself.

    Raises:
        InputError: it cannot be read as TOML; the message names the line.
        BadSpec, UnknownKind: a key or value cannot be used; the message names the line and offers the nearest.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"The recipe {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The recipe {path} is not TOML: {error}.") from None
    for key, value in values.items():
        try:
            _check_key(key, value)
        except UsageError as error:
            inside = (
                next((name for name in value if repr(name) in str(error)), "")
                if isinstance(value, dict)
                else ""
            )
            raise type(error)(f"{path}, line {_line_of(key, text, inside)}: {error}") from None
    return values


def require_data(path: str | os.PathLike[str], values: Mapping[str, Any]) -> None:
    """Say now that pictures which a recipe file names are gone, and on which line; `values` are those of its keys that count.

    Raises:
        DataUnavailable: with the line and the path.
    """
    for key in _PICTURES:
        source = values.get(key)
        if source is None or is_named(source) or Path(source).exists():
            continue
        beside = Path(path).parent / source
        raise DataUnavailable(
            f"{path}, line {_line_of(key, Path(path).read_text(encoding='utf-8'))}: {key} = {source!r} is no file or folder"
            + (
                f" seen from here ({Path.cwd()}); it is beside the recipe. Run the command in {beside.parent}, or give --{key} {beside}."
                if beside.exists()
                else f", and no data set. Mend the line, or give --{key} DATA. {nearest(source, (*NAMES, *_neighbours(source)))}"
            )
        )


def _check_key(key: str, value: Any) -> None:
    if key not in Recipe.model_fields:
        raise BadSpec(f"A recipe has no key {key!r}. {nearest(key, Recipe.model_fields)}")
    field = Recipe.model_fields[key]
    fits: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
    try:
        fits.validate_python(value)
    except ValidationError as error:
        expected = "; ".join(
            dict.fromkeys(
                problem["msg"].removeprefix("Value error, ") for problem in error.errors()
            )
        )
        raise BadSpec(f"{key}={value!r} cannot be used: {expected}.") from None


def _line_of(key: str, text: str, inside: str = "") -> int:
    """The line on which a recipe file says a key, as `key = value` or as the head of a table, or one of that table's keys."""
    lines = text.splitlines()

    def first(name: str, start: int) -> int | None:
        said = re.compile(rf"""\s*\[*\s*["']?{re.escape(name)}["']?\s*(=|\]|\.)""")
        return next(
            (number for number in range(start, len(lines)) if said.match(lines[number])), None
        )

    line = first(key, 0) or 0
    return 1 + ((first(inside, line + 1) if inside else None) or line)


def _neighbours(source: str) -> list[str]:
    """What lies where a path ends that is gone: one of them may be meant."""
    parent = Path(source).parent
    try:
        found = sorted(each.name for each in parent.iterdir() if not each.name.startswith("."))
    except OSError:
        return []
    close = difflib.get_close_matches(Path(source).name, found, n=1, cutoff=0.5)
    return [(parent / name).as_posix() for name in close]
