"""From trained weights to a model: the last check, the card, error bounds, the file."""

from __future__ import annotations

from datetime import date

import torch

from restorae import machine
from restorae.display import counted
from restorae.error_bound import ErrorBound
from restorae.errors import Fix, Message, TrainingCollapsed
from restorae.evaluating import calibrate
from restorae.model import Card, Model, make_card
from restorae.model.checks import shown_at_once
from restorae.progress import Progress
from restorae.training import checkpoint
from restorae.training.data import TrainingData
from restorae.training.film_data import FilmTrainingData
from restorae.training.learner import Learner, fits_half
from restorae.training.processes import share_of_this_process
from restorae.training.setup import TrainingSetup
from restorae.training.validation import Validation, ValidationResult
from restorae.version import VERSION

_ENOUGH_STEPS = (50, 200)
"""A training is long enough to judge after so many steps at least; after the second number even within its first epoch."""


def finish(
    setup: TrainingSetup,
    learner: Learner,
    validation: Validation,
    result: ValidationResult | None,
    progress: Progress,
) -> Model:
    """Check the trained weights, make their card, and write the model where the setup says.

    Args:
        setup: what was prepared.
        learner: the weights at the end of training.
        validation: what they are checked by.
        result: the last validation, if there was one in this run.
        progress: hears which weights are kept, and warnings.

    Raises:
        TrainingCollapsed: there is nothing worth keeping.
        OutputError: the model could not be written.
    """
    recipe, data, state = setup.recipe, setup.data, learner.state
    model = learner.model(final=True)
    if learner.best_is_earlier:
        progress.say(
            f"The weights of step {state.best['step']:,.0f} are kept: they scored best on held-out images."
        )
    # resumed after its last step, or ended before it, a training's kept weights have not been validated in full
    if result is None or learner.share < 1 or learner.best_is_earlier:
        result = validation.evaluate(model, True)
    collapsed = _check(validation, result, learner, progress)
    kept = {"kept_step": int(state.best["step"])} if learner.best else {}
    target = setup.target
    card = make_card(
        recipe.network,
        model.module,
        name=target.stem if target and recipe.name == "model" else recipe.name,
        about=recipe.about,
        licence=recipe.licence,
        repairs=recipe.repairs,
        values=data.values,
        restores=data.restores,
        undoes=recipe.degradation.to_dict() if recipe.degradation else None,
        recipe=recipe.model_dump(mode="json"),
        started_from=_started_from(data.start),
        data=data.in_words,
        held_out_share=0.0 if data.own_validation else recipe.validation,
        held_out_hashes=list(data.held_out_hashes),
        learned_hashes=list(data.learned_hashes),
        steps=state.step,
        epochs=round(state.step / recipe.steps_per_epoch, 3),
        seconds=round(state.seconds, 1),
        trained_on=_machine_in_words(setup.device, setup.precision),
        scores={"validation": result.scores | kept},
        error_bounds=_error_bounds(model, data),
        history=state.history,
        made_with=VERSION,
        created=date.today().isoformat(),
    )
    finished = Model(recipe.network, model.module, card=card)
    if collapsed is not None:
        collapsed.model = finished
        raise collapsed
    if target is not None:
        finished.save(target, half=fits_half(finished.module), overwrite=True)
        checkpoint.path_for(target).unlink(missing_ok=True)
    return finished


def _check(
    validation: Validation, result: ValidationResult, learner: Learner, progress: Progress
) -> TrainingCollapsed | None:
    """Why the weights are not worth keeping; None where they are, or where the training was too short to tell."""
    try:
        validation.check(result, progress)
    except TrainingCollapsed as error:
        step = learner.state.step
        if step >= max(_ENOUGH_STEPS[0], min(learner.recipe.steps_per_epoch, _ENOUGH_STEPS[1])):
            return error
        progress.warn(
            Message(
                f"After {step:,} steps the model gives nearly the same answer to every image. That is too short a training to "
                "judge; for a result, train longer",
                fixes=(Fix("epochs", 3),),
            )
        )
    return None


def _error_bounds(model: Model, data: TrainingData | FilmTrainingData) -> dict[int, ErrorBound]:
    """How far off the model may be, measured on clean images that were held out, in colour and in grey; empty without them."""
    if isinstance(data, FilmTrainingData):
        return {}
    if not data.restores or data.from_noise or not data.held_out:
        return {}
    test_sets = (data.test_set, data.grey_test_set)
    return {
        shown_at_once(model, test_set.clean.channels): calibrate(
            model.restore_images, test_set, on=data.source
        )
        for test_set in test_sets
        if test_set is not None
    }


def _started_from(card: Card | None) -> str:
    if card is None:
        return ""
    known = [
        f"{card.steps:,} steps",
        *([f"{card.epochs:g} epochs"] if card.epochs else []),
        *([f"{card.seconds:,.0f} s"] if card.seconds else []),
    ]
    words = f"{card.name}: {', '.join(known)}{f' on {card.data}' if card.data else ''}"
    return f"{words}; which started from {card.started_from}" if card.started_from else words


def _machine_in_words(device: torch.device, precision: str) -> str:
    facts = machine.describe()
    where = (
        facts["device"]
        if device.type == "cuda"
        else f"{facts['processor']}, {counted(int(facts['threads']), 'thread')}, {facts['capability']}"
    )
    count = share_of_this_process().count
    together = f", {count} processes" if count > 1 else ""
    return f"{where}{together}, {precision}, torch {facts['torch']}"
