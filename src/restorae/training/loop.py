"""The training loop: everything is decided before it, so it can be read from top to bottom."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from restorae.errors import (
    Fix,
    Interrupted,
    Message,
    OutputError,
    ProcessLost,
    RestoraeError,
    TrainingDiverged,
)
from restorae.model import Model
from restorae.progress import SILENT, Progress
from restorae.training import checkpoint
from restorae.training.callbacks import TrainingCallback
from restorae.training.finish import finish
from restorae.training.learner import Learner
from restorae.training.measured_loss import MeasuredLoss
from restorae.training.processes import WHILE_TRAINING, Team, joined, noticing_losses
from restorae.training.setup import TrainingSetup
from restorae.training.stopping import stop_requests
from restorae.training.validation import Validation, ValidationResult, validation_of

_STEPS_BETWEEN_REPORTS = 10
_SECONDS_BETWEEN_CHECKPOINTS = 60.0
_SHARE_BETWEEN_VALIDATIONS = 0.05
"""Epochs shorter than this share of the training are not validated one by one."""


def run(
    setup: TrainingSetup,
    *,
    resume: bool = False,
    progress: Progress = SILENT,
    callbacks: Sequence[TrainingCallback] = (),
) -> Model:
    """Train what was prepared; arguments and errors as for `restorae.train`."""
    with joined() as team:
        if team.is_first:
            return _run(setup, team, resume, progress, callbacks)
        try:
            return _run(setup, team, resume, SILENT, ())
        except RestoraeError as error:
            error.add_note(WHILE_TRAINING)
            raise


def _run(
    setup: TrainingSetup,
    team: Team,
    resume: bool,
    progress: Progress,
    callbacks: Sequence[TrainingCallback],
) -> Model:
    recipe, examples, device = setup.recipe, setup.data.examples, setup.device
    learner = Learner(recipe, copy.deepcopy(setup.module), fingerprint=setup.data.fingerprint)
    validation = validation_of(setup.data, recipe.loss) if team.is_first else None
    result: ValidationResult | None = None
    if resume:
        _resume(setup, learner, progress)
    state, module = learner.state, learner.module
    loss = MeasuredLoss(setup, module, team=team)
    for callback in callbacks:
        callback.on_start(setup)

    validated = _share_validated(learner)
    losses: list[dict[str, Tensor]] = []
    last_save = last_report = time.perf_counter()
    parameters = sum(weights.numel() for weights in module.parameters())
    progress.begin(
        f"Training {recipe.network.kind} ({parameters:,} parameters)", recipe.steps or 0, "steps"
    )
    progress.skip(state.step)
    with (
        stop_requests(patient=not team.is_alone) as stop_requested,
        _ending(progress),
        _kept(setup, learner, team),
    ):
        while not learner.is_done:
            module.train()
            epoch, index = divmod(state.step, recipe.steps_per_epoch)
            if index == 0:
                state.running = {}  # what is reported after an epoch is that epoch's alone
            started = time.perf_counter()
            for degraded, clean in examples.batches(
                epoch, recipe.batch_size, index, setup.workers, device, share=team.share
            ):
                learner.set_learning_rate()
                terms = loss.terms(degraded, clean, state.step)
                with noticing_losses():
                    learner.update(loss.to_minimise(terms))
                losses.append({name: term.detach() for name, term in terms.items()})
                now = time.perf_counter()
                state.seconds = team.of_first(state.seconds + now - started)
                started = now

                epoch_ends = state.step % recipe.steps_per_epoch == 0 or learner.is_done
                if epoch_ends or len(losses) == _STEPS_BETWEEN_REPORTS:
                    _report(losses, now - last_report, setup, learner, loss, progress)
                    losses, last_report = [], now
                    if now - last_save > _SECONDS_BETWEEN_CHECKPOINTS:
                        _save_if_possible(setup, learner, team, progress)
                        last_save = time.perf_counter()
                if epoch_ends and (
                    learner.is_done or learner.share - validated >= _SHARE_BETWEEN_VALIDATIONS
                ):
                    result = _validate(validation, setup, learner, team, progress, callbacks)
                    validated = learner.share
                    _save_if_possible(setup, learner, team, progress)
                    started = last_report = time.perf_counter()
                if team.total({"stop": float(bool(stop_requested))})["stop"]:
                    _save(setup, learner, team)
                    raise _interrupted(setup, learner)
                if epoch_ends:
                    break

    if validation is None:
        return learner.model(final=True)
    model = finish(setup, learner, validation, result, progress)
    for callback in callbacks:
        callback.on_end(model)
    return model


@contextlib.contextmanager
def _kept(setup: TrainingSetup, learner: Learner, team: Team) -> Iterator[None]:
    """Keep what was learned if another process ends: the weights are those of a whole step."""
    try:
        yield
    except ProcessLost as error:
        _save(setup, learner, team)
        kept = setup.target is not None and checkpoint.path_for(setup.target).is_file()
        raise ProcessLost(
            f"Another process of this training has ended, so it stops at step {learner.state.step:,}. "
            + (
                "A checkpoint is kept. To go on, repeat this training"
                if kept
                else "Nothing was saved"
            ),
            fix=Fix("resume") if kept else (),
        ) from error


@contextlib.contextmanager
def _ending(progress: Progress) -> Iterator[None]:
    try:
        yield
    finally:
        progress.end()


def _report(
    losses: list[dict[str, Tensor]],
    seconds: float,
    setup: TrainingSetup,
    learner: Learner,
    measured: MeasuredLoss,
    progress: Progress,
) -> None:
    """Report the mean losses of some steps, in all processes.

    Raises:
        TrainingDiverged: they are not finite.
    """
    sums = {
        name: torch.stack([each[name] for each in losses]).double().sum().item()
        for name in losses[0]
    }
    sums = measured.whole(sums)
    loss = sums["loss"] / len(losses)
    if not math.isfinite(loss):
        raise _diverged(loss, setup, learner)
    for name, total in {**sums, "steps": len(losses)}.items():
        learner.state.running[name] = learner.state.running.get(name, 0.0) + total
    figures = {name: total / len(losses) for name, total in sums.items()}
    figures["images_per_second"] = len(losses) * setup.recipe.batch_size / max(seconds, 1e-9)
    progress.advance(len(losses), figures)


def _validate(
    validation: Validation | None,
    setup: TrainingSetup,
    learner: Learner,
    team: Team,
    progress: Progress,
    callbacks: Sequence[TrainingCallback],
) -> ValidationResult | None:
    """Validate in the first process; the others hear what decides how training goes on."""
    state, is_last = learner.state, learner.is_done
    if validation is None:
        learner.remember_best(team.of_first(0.0), setup.recipe.keep == "best")
        return None
    model = learner.model(half=is_last)
    result = validation.evaluate(model, is_last)
    steps = state.running.pop("steps", 1)
    running = {name: total / steps for name, total in state.running.items()}
    state.running = {}
    epoch = state.step / setup.recipe.steps_per_epoch
    state.history.append({"step": state.step, "epoch": epoch, **running, **result.figures})
    terms = (
        f"loss {running['loss']:.2f} = {running['reconstruction']:.2f} + KL {running['kl']:.2f}; "
        if "kl" in running
        else ""
    )
    progress.say(f"epoch {epoch:.3g}: {terms}{result.sentence}, after {state.seconds:.0f} s")
    error = team.of_first(result.figures[validation.error])
    learner.remember_best(error, setup.recipe.keep == "best")
    if state.waited and state.waited == setup.recipe.patience:
        progress.say(
            f"No improvement in {state.waited} validations: training ends at step {state.step:,}."
        )
    for callback in callbacks:
        callback.on_validation(state.step, model, result)
    return result


def _resume(setup: TrainingSetup, learner: Learner, progress: Progress) -> None:
    assert setup.target is not None
    path = checkpoint.path_for(setup.target)
    before = checkpoint.peek(path)
    same_data = before.fingerprint == setup.data.fingerprint
    checkpoint.require_same(path, before, setup.recipe, same_data)
    if not same_data:
        progress.warn(
            "The training images have changed since the checkpoint was written; continuing with the new ones."
        )
    checkpoint.read(path, learner)
    progress.say(f"Going on from step {learner.state.step:,}.")


def _share_validated(learner: Learner) -> float:
    """The share of the training at its last validation; where time counts, the next epoch's end is validated."""
    steps, history = learner.recipe.steps, learner.state.history
    return history[-1]["step"] / steps if steps and history else 0.0


def _save(setup: TrainingSetup, learner: Learner, team: Team) -> None:
    if not team.is_first:
        return
    finite = all(weights.isfinite().all() for weights in learner.module.parameters())
    if setup.target is not None and finite:
        checkpoint.write(checkpoint.path_for(setup.target), learner)


def _save_if_possible(
    setup: TrainingSetup, learner: Learner, team: Team, progress: Progress
) -> None:
    """Write a checkpoint on the way; a disk that is full meanwhile does not end the training."""
    try:
        _save(setup, learner, team)
    except OutputError as error:
        progress.warn(Message("No checkpoint was written this time: " + error.render()))


def _diverged(loss: float, setup: TrainingSetup, learner: Learner) -> TrainingDiverged:
    kept = setup.target is not None and checkpoint.path_for(setup.target).is_file()
    fixes = [
        Fix("learning_rate", float(f"{setup.recipe.learning_rate / 3:.1g}")),
        Fix("warmup", 2 * max(100, setup.recipe.warmup)),
    ]
    return TrainingDiverged(
        f"The loss became {loss} at step {learner.state.step:,}. "
        + ("The last good checkpoint is kept and can be resumed" if kept else "Nothing was saved"),
        fix=[*fixes, Fix("resume")] if kept else fixes,
    )


def _interrupted(setup: TrainingSetup, learner: Learner) -> Interrupted:
    step = learner.state.step
    if setup.target is None:
        return Interrupted(f"Stopped at step {step:,}. Nothing was saved, since no file was named.")
    return Interrupted(
        f"Stopped at step {step:,}; the checkpoint {checkpoint.path_for(setup.target)} is kept. To go on, repeat this training",
        fix=Fix("resume"),
    )
