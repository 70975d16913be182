"""`train` as it is called from Python: images in memory or by name, settings as keywords or as a recipe."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from restorae.data import ImageSet, is_named, open_images
from restorae.data.in_memory import FromMemory, ImagesLike, read_images
from restorae.errors import BadSpec, Fix, SettingsConflict, UsageError
from restorae.files import require_absent
from restorae.live_progress import progress_for
from restorae.model import Model, with_suffix
from restorae.networks import AutoEncoder, Dense, LatentNetwork, ModuleNetwork, Network
from restorae.progress import Progress
from restorae.setting_errors import nearest_setting
from restorae.training.callbacks import TrainingCallback
from restorae.training.given import FROM_MEMORY, Given
from restorae.training.keywords import TrainKeywords
from restorae.training.loop import run
from restorae.training.recipe import Recipe
from restorae.training.setup import Machinery, check_resume, prepare

_LENGTHS = ("epochs", "steps", "minutes")
_SOURCES = ("clean", "degraded", "noisy")
_COMPUTING = tuple(field.name for field in dataclasses.fields(Machinery))


def train(
    images: Recipe | ImagesLike | str | Path | None = None,
    partners: ImagesLike | str | Path | None = None,
    /,
    out: str | Path | None = None,
    *,
    clean: ImagesLike | str | Path | None = None,
    degraded: ImagesLike | str | Path | None = None,
    noisy: ImagesLike | str | Path | None = None,
    validation_data: ImagesLike | tuple[ImagesLike, ImagesLike] | str | Path | None = None,
    start_from: Model | str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    machinery: Machinery | None = None,
    progress: Progress | bool | None = None,
    callbacks: TrainingCallback | Sequence[TrainingCallback] = (),
    **settings: Unpack[TrainKeywords],
) -> Model:
    """Train a network and return the model; with `out`, also write it there and checkpoints beside it.

        train(x_noisy, x_clean)                         # pairs: degraded images and their clean partners
        train(x, degradation="gaussian-noise")          # clean images, and damage that is drawn for every example
        train(noisy=x)                                  # noisy images alone
        train(x)                                        # a plain auto-encoder: the same image in and out
        train(x, network="conv-vae")                    # a variational auto-encoder
        train(Recipe(clean="mnist", degradation="blur"), "model.safetensors")

    Args:
        images: degraded images where `partners` are given, else clean ones; or a recipe. Images are an array, a tensor, a list
            of images (also of several sizes), a PyTorch `Dataset` or `DataLoader`, a path or the name of a data set.
        partners: the clean partners of `images`, in the same order. After a recipe: the model's file.
        out: the model's file; the checkpoint lies beside it as `.checkpoint` until the model is written.
        clean: clean images, by name.
        degraded: their degraded partners, by name.
        noisy: noisy images to learn from alone.
        validation_data: images of your own to validate on, in place of a share that is held out: of pairs a tuple
            (degraded, clean), else images like those to learn from.
        start_from: a model in memory, a file or a bundled model's name, whose weights training starts from.
        resume: go on from the checkpoint beside `out`.
        overwrite: replace a model that is there already.
        machinery: device, precision, workers and data folder as one value; or give them as keywords.
        progress: True or False, by default a bar on a terminal and in a notebook; or an object that hears of every step.
        callbacks: observers of validations and of the end: one, or several.
        **settings: the fields of `Recipe`, such as epochs, network, loss, seed, batch_size or learning_rate; and of
            `Machinery`. They win over those of a recipe.

    Raises:
        TrainingDiverged: the loss became NaN or infinite; the last good checkpoint is kept.
        TrainingCollapsed: after a training that was long enough, the network gives the same answer to everything; nothing is
            saved, and `error.model` is the model.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was saved beside `out`.
        UsageError, InputError, OutputError: as their messages say.
    """
    recipe, images, out = _recipe_and_out(images, partners, out)
    partners = None if recipe is not None else partners
    _check_keywords(settings, callbacks)
    if resume:
        check_resume(out)
    elif out is not None:
        require_absent(with_suffix(out), overwrite)
    heard = progress_for(progress)
    sources = _sources(images, partners, {"clean": clean, "degraded": degraded, "noisy": noisy})
    values = _recipe_values(recipe, settings)
    if start_from is not None and not isinstance(start_from, Model):
        values["start_from"] = start_from
    network = Network.of(values["network"]) if values.get("network") is not None else None
    if network is not None:
        values["network"] = network
    found = _read(sources, values, network, heard)
    if _is_plain(recipe, found, values, network):
        values["autoencode"] = True
        heard.say("Learning an auto-encoder, the same image in and out, since no damage is named.")
    computing = _machinery(machinery, settings)
    setup = prepare(
        Recipe(**values),
        out,
        given=Given(
            clean=found.get("noisy", found.get("clean")),
            degraded=found.get("degraded"),
            **_validation(validation_data, network, computing.data_dir, heard),
            start=start_from if isinstance(start_from, Model) else None,
        ),
        machinery=computing,
        progress=heard,
    )
    observers = [callbacks] if isinstance(callbacks, TrainingCallback) else list(callbacks)
    return run(setup, resume=resume, progress=heard, callbacks=observers)


def _recipe_and_out(images: Any, partners: Any, out: Any) -> tuple[Recipe | None, Any, Any]:
    """The recipe that came first, or the images; and the model's file, which comes second after a recipe."""
    if isinstance(images, Recipe):
        if partners is not None and not isinstance(partners, str | os.PathLike):
            raise UsageError(
                "after a recipe comes the model's file. Pass images by name: train(recipe, clean=..., degraded=...)"
            )
        return images, None, partners if partners is not None else out
    if isinstance(partners, str | os.PathLike) and not (
        is_named(os.fspath(partners)) or Path(partners).exists()
    ):
        raise UsageError(
            f"there are no images {os.fspath(partners)!r}; the second argument is the clean partners of the first, not the "
            "model's file",
            fix=Fix("out", os.fspath(partners)),
        )
    return None, images, out


def _sources(images: Any, partners: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """What each kind of images comes from: `clean`, `degraded`, `noisy`."""
    found = {name: value for name, value in named.items() if value is not None}
    if images is None:
        if partners is not None:
            raise UsageError("the first argument is None; expected degraded images")
        return found
    if partners is not None or ("clean" in found and "degraded" not in found):
        first = (
            {"degraded": images} if partners is None else {"degraded": images, "clean": partners}
        )
    else:
        first = {"clean": images}
    twice = sorted(set(first) & set(found))
    if twice:
        raise SettingsConflict("{} was given twice, by position and by name", settings=twice[:1])
    found |= first
    if found.get("degraded") is not None and found.get("degraded") is found.get("clean"):
        del found["degraded"]  # the same object in and out: a plain auto-encoder
    return found


def _recipe_values(recipe: Recipe | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the recipe to train: those that were said, keywords before the recipe's."""
    said = (
        {} if recipe is None else {name: getattr(recipe, name) for name in recipe.model_fields_set}
    )
    given = {name: value for name, value in settings.items() if name not in _COMPUTING}
    if given.keys() & set(_LENGTHS):
        said = {name: value for name, value in said.items() if name not in _LENGTHS}
    return {**said, **given}


def _read(
    sources: Mapping[str, Any], values: dict[str, Any], network: Network | None, progress: Progress
) -> dict[str, ImageSet]:
    """The images that are in memory; names and paths go into the recipe's `values`."""
    found: dict[str, ImageSet] = {}
    for name, source in sources.items():
        if isinstance(source, str | os.PathLike):
            values[name] = source
            continue
        read = read_images(source, name, _takes_flat(network))
        for notice in read.notices:
            progress.say(notice)
        found[name] = read.images
        if read.partners is not None:
            found |= _as_pairs(read, name, sources)
        if name == "noisy":
            values["noisy"] = FROM_MEMORY
    if "noisy" in found and len(found) > 1:
        raise SettingsConflict(
            "{} cannot be combined with {} or {}: noisy images are learned from alone",
            settings=("noisy", "clean", "degraded"),
        )
    if "degraded" in found and values.get("degradation") is not None:
        raise SettingsConflict(
            "{} and {} cannot be combined: give degraded images or a degradation to draw",
            settings=("degraded", "degradation"),
        )
    return found


def _as_pairs(read: FromMemory, name: str, sources: Mapping[str, Any]) -> dict[str, ImageSet]:
    assert read.partners is not None
    if len(sources) > 1 or name == "noisy":
        raise UsageError(
            "holds pairs of images, (degraded, clean), and further images were given. Pass it alone, train(dataset)",
            subject=name,
        )
    return {"degraded": read.images, "clean": read.partners}


def _takes_flat(network: Network | None) -> bool:
    """Whether a network is one of dense layers, or a person's own, so that rows of a table are images."""
    return isinstance(network, Dense | AutoEncoder | ModuleNetwork)


def _is_plain(
    recipe: Recipe | None,
    found: Mapping[str, ImageSet],
    values: Mapping[str, Any],
    network: Network | None,
) -> bool:
    """Whether keywords name clean images, and neither damage nor a variational network."""
    names = {*found, *(name for name in _SOURCES if values.get(name) is not None)}
    return (
        recipe is None
        and names == {"clean"}
        and values.get("degradation") is None
        and not isinstance(network, LatentNetwork)
    )


def _validation(
    given: Any, network: Network | None, data_dir: Path | None, progress: Progress
) -> dict[str, Any]:
    """The images to validate on, as fields of `Given`."""
    if given is None:
        return {}
    pair = given if isinstance(given, tuple) and len(given) == 2 else None
    if pair is not None and pair[0] is pair[1]:
        given, pair = pair[0], None
    flat = _takes_flat(network)

    def read(source: Any) -> FromMemory:
        if isinstance(source, str | os.PathLike):
            return FromMemory(open_images(os.fspath(source), data_dir=data_dir, progress=progress))
        return read_images(source, "validation_data", flat)

    if pair is not None:
        return {"validation_degraded": read(pair[0]).images, "validation": read(pair[1]).images}
    found = read(given)
    if found.partners is not None:
        return {"validation_degraded": found.images, "validation": found.partners}
    return {"validation": found.images}


def _machinery(machinery: Machinery | None, settings: Mapping[str, Any]) -> Machinery:
    given = {name: value for name, value in settings.items() if name in _COMPUTING}
    return dataclasses.replace(machinery or Machinery(), **given)


def _check_keywords(settings: Mapping[str, Any], callbacks: object) -> None:
    several = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    if not all(isinstance(each, TrainingCallback) for each in several):
        raise BadSpec("callbacks are objects of subclasses of restorae.TrainingCallback")
    known = [
        each.name
        for each in _SIGNATURE.parameters.values()
        if each.kind is each.KEYWORD_ONLY or each.name == "out"
    ]
    for name in settings:
        if name not in known:
            raise BadSpec(f"train has no setting {name!r}. {nearest_setting(name, known)}")


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """The function's signature with the fields of `Recipe` and `Machinery` in place of `**settings`, for help and completion."""
    own = inspect.signature(function)
    first = [each for each in own.parameters.values() if each.name != "settings"]
    recipe = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.annotation
        )
        for name, field in Recipe.model_fields.items()
        if name not in own.parameters
    ]
    machinery = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in dataclasses.fields(Machinery)
    ]
    return own.replace(parameters=[*first, *recipe, *machinery])


_SIGNATURE = _signature(train)
train.__signature__ = _SIGNATURE  # type: ignore[attr-defined]
