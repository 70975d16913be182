"""The training loop: readable in one sitting."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from restorae import machine
from restorae.data import ArrayPictures, Pictures, noise_correlation
from restorae.error_bound import ErrorBound
from restorae.errors import BadModelFile, Interrupted, OutputError, TrainingDiverged, UsageError
from restorae.evaluating import calibrate
from restorae.files import require_writable
from restorae.losses import Batch, BlindSpot
from restorae.model import Model, load, make_card, with_suffix
from restorae.networks import LatentModule, Network
from restorae.progress import SILENT, Progress
from restorae.randomness import derive_seed, generator
from restorae.training import checkpoint
from restorae.training.material import Material, gather
from restorae.training.recipe import Recipe
from restorae.training.starting import SUITABLE, suitable_start
from restorae.training.stopping import stop_requests
from restorae.training.validation import Verdict, validation_of
from restorae.version import VERSION

_FIRST_WEIGHTS, _LATENTS = 2, 3
_STEPS_BETWEEN_LOOKS = 10
_SECONDS_BETWEEN_CHECKPOINTS = 60.0
_SHARE_BETWEEN_VALIDATIONS = 0.05
"""Epochs shorter than this share of the training are not validated one by one."""
_FLOOR = 0.005
"""Smallest step size as a share of the largest."""


@dataclass(frozen=True)
class Machinery:
    """Where and how to compute; changes nothing about what is trained, only its speed and last digits."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, …"""
    precision: machine.Precision = "auto"
    """`auto` takes bfloat16 where the device is fast at it."""
    workers: int | None = None
    """Threads that read pictures; by default cores - 1, and none where the pictures are in memory."""
    data_dir: Path | None = None
    """Where named data sets are looked for first."""


def train(
    recipe: Recipe,
    out: str | Path | None = None,
    *,
    clean: Pictures | np.ndarray | None = None,
    degraded: Pictures | np.ndarray | None = None,
    start_from: str | Path | None = None,
    resume: bool = False,
    machinery: Machinery = Machinery(),
    progress: Progress = SILENT,
) -> Model:
    """Train the recipe's network and return the model; with `out`, also write it there and checkpoints beside it.

    Args:
        recipe: what to train, on what and for how long.
        out: the model's file; the checkpoint lies beside it as `.checkpoint` until the model is written.
        clean: pictures in place of the recipe's `clean`: an array (n, height, width[, channels]).
        degraded: their degraded partners, likewise.
        start_from: a model (file or bundled name) whose weights to start from; `SUITABLE` takes a bundled one for pairs of
            photographs or pages, where the recipe names no network.
        resume: go on from the checkpoint beside `out`.
        machinery: device, precision, workers, data folder.
        progress: hears of every step.

    Raises:
        TrainingDiverged: the loss became NaN or infinite; the last good checkpoint is kept.
        TrainingCollapsed: the network gives the same answer to everything; nothing is saved as a model.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was saved where `out` says.
        UsageError, InputError, OutputError: as their messages say.
    """
    return Training(
        recipe, _where(out, resume), clean, degraded, start_from, machinery, progress
    ).run(resume)


def _where(out: str | Path | None, resume: bool) -> Path | None:
    if out is None:
        if resume:
            raise UsageError("To resume, say which model was being trained: --out FILE.")
        return None
    target = with_suffix(out)
    if target.is_dir():
        raise UsageError(f"{target} is a folder. Name the model's file with --out.")
    require_writable(target.parent)
    if resume and target.is_file() and not checkpoint.path_for(target).is_file():
        raise BadModelFile(
            f"There is nothing to resume: {target} is finished. To train it further use --from {target} with another --out."
        )
    return target


class Training:
    """One training from its material to its model."""

    def __init__(
        self,
        recipe: Recipe,
        target: Path | None,
        clean: Pictures | np.ndarray | None,
        degraded: Pictures | np.ndarray | None,
        start_from: str | Path | None,
        machinery: Machinery,
        progress: Progress,
    ) -> None:
        self.recipe, self.target, self.machinery, self.progress = (
            recipe,
            target,
            machinery,
            progress,
        )
        self.material: Material = gather(
            recipe, machinery.data_dir, _as_pictures(clean), _as_pictures(degraded), progress
        )
        examples = self.material.examples
        if self.material.from_noise:
            self.recipe = recipe = fitted_to_noise(recipe, examples.clean, progress)
        if start_from == SUITABLE:
            start_from = suitable_start(recipe, self.material, progress)
        if examples.patch:
            self.recipe = recipe = recipe.for_patches().model_copy(update={"patch": examples.patch})
        self.device = machine.choose_device(machinery.device)
        self.precision = machine.choose_precision(machinery.precision, self.device)
        self.fabric = Fabric(
            accelerator=self.device.type,
            devices=1 if self.device.index is None else [self.device.index],
            precision="bf16-mixed" if self.precision == "bfloat16" else "32-true",
        )
        size = (examples.patch, examples.patch) if examples.patch else examples.clean.common_size
        self.started_from = ""
        self.network: Network = recipe.network.fitted(examples.clean.channels, size)
        if examples.patch:
            self.network = self.network.for_patches()
        self.module = self._first_module(start_from).to(self.device)
        if len(self.network.takes) > 1 and examples.clean.channels == max(self.network.takes):
            self.material = self.material.with_grey()
        self.optimiser = make_optimiser(recipe, self.module)
        self.average: list[Tensor] = (
            [weights.detach().clone() for weights in self.module.parameters()] if recipe.ema else []
        )
        self.per_epoch = max(1, len(examples) // recipe.batch_size)
        self.total = recipe.steps or (
            None if recipe.minutes else max(1, round((recipe.epochs or 3) * self.per_epoch))
        )
        # small sets: a batch larger than an epoch would see some pictures twice per step, so it is made smaller
        self.batch_size = min(recipe.batch_size, len(examples))
        self.state = checkpoint.State(
            self.recipe.model_dump(mode="json"), self.material.fingerprint
        )
        self.validation = validation_of(self.material, recipe.loss)
        self.keeps_best = self.material.held_out and (
            recipe.keep == "best"
            or (
                recipe.keep == "auto"
                and (examples.degraded is not None or recipe.patience is not None)
            )
        )
        self.best: dict[str, Tensor] = {}
        self.latest: Verdict | None = None
        self.validated = 0.0

    def _first_module(self, start_from: str | Path | None) -> nn.Module:
        if start_from is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derive_seed(self.recipe.seed, _FIRST_WEIGHTS))
                return self.network.build().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
        model = load(start_from)
        if self.network.channels not in model.network.takes:
            raise UsageError(
                f"{start_from} restores pictures of {' or '.join(map(str, model.network.takes))} channel(s), these have "
                f"{self.network.channels}. "
                "Convert the pictures or start from another model."
            )
        size = self.material.examples.clean.common_size
        if size is not None:
            model.network.check_size(*size)
        card = model.card
        self.started_from = f"{card.name}: {card.steps:,} steps, {card.epochs:g} epochs, {card.seconds:,.0f} s on {card.data}"
        if card.started_from:
            self.started_from += f"; which started from {card.started_from}"
        if "network" in self.recipe.model_fields_set and fits(self.network, model):
            # settings that shape no weight, such as a likelihood's, are the recipe's to choose
            module = self.network.build().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            module.load_state_dict(model.module.state_dict())
            return module  # type: ignore[no-any-return]
        self.network = model.network
        said = {name: getattr(self.recipe, name) for name in self.recipe.model_fields_set}
        self.recipe = Recipe(
            **{**said, "network": model.network}
        )  # made anew: a loss that was not said follows the network
        return model.module.requires_grad_(True)

    def run(self, resume: bool) -> Model:
        """Train to the end and return the model."""
        if resume:
            self._take_up()
        task = f"Training {self.network.kind} ({sum(weights.numel() for weights in self.module.parameters()):,} parameters)"
        self.progress.begin(task, self.total or 0, "steps")
        self.progress.skip(self.state.step)
        try:
            with stop_requests() as stop:
                for _ in self._steps():
                    if stop:
                        self._save_checkpoint()
                        raise Interrupted(self._how_to_go_on())
        finally:
            self.progress.end()
        return self._finish()

    def _steps(self) -> Iterator[None]:
        """One update of the weights at a time, with what belongs between them."""
        module, optimiser = self.fabric.setup(self.module, self.optimiser)
        if isinstance(self.module, LatentModule):
            module.mark_forward_method("explain")
        losses: list[dict[str, Tensor]] = []
        last_save = last_look = time.perf_counter()
        limit = self.recipe.gradient_limit
        while not self._done():
            module.train()
            epoch, place = divmod(self.state.step, self.per_epoch)
            if place == 0:
                self.state.running = {}  # what is told after an epoch is that epoch's, also where the one before was not validated
            batches = self.material.examples.batches(
                epoch, self.batch_size, place, self._workers(), self.device
            )
            started = time.perf_counter()
            for degraded, clean in batches:
                self._set_step_size()
                rng = generator(self.recipe.seed, _LATENTS, self.state.step, device=self.device)
                terms = self.recipe.loss.measure(
                    Batch(self.network, module, degraded, clean, self.state.step, rng)
                )
                optimiser.zero_grad()
                self.fabric.backward(terms["loss"])
                if limit:
                    self.fabric.clip_gradients(
                        module, optimiser, max_norm=limit, error_if_nonfinite=False
                    )
                optimiser.step()
                self._update_average()
                self.state.step += 1
                losses.append({name: term.detach() for name, term in terms.items()})
                now = time.perf_counter()
                self.state.seconds, started = self.state.seconds + now - started, now
                over = self.state.step % self.per_epoch == 0 or self._done()
                if over or len(losses) == _STEPS_BETWEEN_LOOKS:
                    self._look(losses, now - last_look)
                    losses, last_look = [], now
                    if now - last_save > _SECONDS_BETWEEN_CHECKPOINTS:
                        self._keep()
                        last_save = time.perf_counter()
                if over and (
                    self._done() or self._share() - self.validated >= _SHARE_BETWEEN_VALIDATIONS
                ):
                    self._validate()
                    started = last_look = time.perf_counter()
                yield
                if over:
                    break

    def _look(self, losses: list[dict[str, Tensor]], seconds: float) -> None:
        sums = {
            name: torch.stack([each[name] for each in losses]).double().sum().item()
            for name in losses[0]
        }
        loss = sums["loss"] / len(losses)
        if not math.isfinite(loss):
            kept = self.target is not None and checkpoint.path_for(self.target).is_file()
            raise TrainingDiverged(
                f"The loss became {loss} at step {self.state.step:,}. Try a smaller step size (--learning-rate "
                f"{self.recipe.learning_rate / 3:.1g}) or a longer --warmup. "
                + (
                    "The last good checkpoint is kept: --resume starts from there."
                    if kept
                    else "Nothing was saved."
                )
            )
        for name, total in {**sums, "steps": len(losses)}.items():
            self.state.running[name] = self.state.running.get(name, 0.0) + total
        figures = {name: total / len(losses) for name, total in sums.items()}
        self.progress.advance(
            len(losses),
            {**figures, "images_per_second": len(losses) * self.batch_size / max(seconds, 1e-9)},
        )

    def _done(self) -> bool:
        return self._share() >= 1 or (
            self.recipe.patience is not None and self.state.waited >= self.recipe.patience
        )

    def _share(self) -> float:
        """How much of the training is behind, 0 to 1."""
        if self.recipe.minutes:
            return self.state.seconds / (60 * self.recipe.minutes)
        assert self.total is not None
        return self.state.step / self.total

    def _set_step_size(self) -> None:
        # a short training warms up shortly: never longer than its first tenth
        warmup = min(self.recipe.warmup, self.total // 10) if self.total else self.recipe.warmup
        rise = min(1.0, (self.state.step + 1) / warmup) if warmup else 1.0
        fall = (
            0.5 * (1 + math.cos(math.pi * min(1.0, self._share())))
            if self.recipe.schedule == "cosine"
            else 1.0
        )
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * rise * max(fall, _FLOOR)

    @torch.no_grad()
    def _update_average(self) -> None:
        if self.average:
            # early on the average follows faster, so that the first weights are soon forgotten
            decay = min(self.recipe.ema, (1 + self.state.step) / (10 + self.state.step))
            torch._foreach_lerp_(
                self.average, [weights.detach() for weights in self.module.parameters()], 1 - decay
            )

    def _workers(self) -> int:
        return (
            max(0, machine.usable_cores() - 1)
            if self.machinery.workers is None
            else self.machinery.workers
        )

    def _validate(self) -> None:
        found = self.validation.judge(self._model(halved=self._done()), self._done())
        self.latest, self.validated = found, self._share()
        epoch, steps = self.state.step / self.per_epoch, self.state.running.pop("steps", 1)
        running = {name: total / steps for name, total in self.state.running.items()}
        self.state.running = {}
        self.state.history.append(
            {"step": self.state.step, "epoch": epoch, **running, **found.figures}
        )
        told = (
            f"loss {running['loss']:.2f} = {running['reconstruction']:.2f} + KL {running['kl']:.2f}; "
            if "kl" in running
            else ""
        )
        self.progress.say(
            f"epoch {epoch:.3g}: {told}{found.sentence}, after {self.state.seconds:.0f} s"
        )
        self._compare(found.figures[self.validation.error])
        self._keep()

    def _compare(self, error: float) -> None:
        """Remember the weights if no validation found better ones."""
        if error < self.state.best.get("error", math.inf):
            self.state.best, self.state.waited = {"step": self.state.step, "error": error}, 0
            if self.keeps_best:
                self.best = {
                    name: tensor.detach().clone()
                    for name, tensor in self._model().module.state_dict().items()
                }
            return
        self.state.waited += 1
        if self.state.waited == self.recipe.patience:
            self.progress.say(
                f"Nothing better was found in {self.state.waited} validations: training ends at step {self.state.step:,}."
            )

    def _model(self, final: bool = False, halved: bool = False) -> Model:
        """The network as it is now, averaged if so wished; `halved` in half precision if that holds it; `final` as it will be kept."""
        module = copy.deepcopy(self.module)
        with torch.no_grad():
            for weights, mean in zip(
                module.parameters(), self.average or module.parameters(), strict=True
            ):
                weights.copy_(mean)
            if final and self._best_is_earlier():
                module.load_state_dict(self.best)
            if (final or halved) and fits_half(module):
                for tensor in _floats(module):
                    tensor.copy_(tensor.half())
        return Model(self.network, module, make_card(self.network, module))

    def _best_is_earlier(self) -> bool:
        return bool(self.best) and self.state.best["step"] != self.state.step

    def _finish(self) -> Model:
        recipe = self.recipe
        model = self._model(final=True)
        if self._best_is_earlier():
            self.progress.say(
                f"The weights of step {self.state.best['step']:,.0f} are kept: they did best on held-out pictures."
            )
        # resumed after its last step, or ended before it, a training's kept weights have not been validated in full
        ended = self.latest is not None and self._share() >= 1 and not self._best_is_earlier()
        final = (
            self.latest if ended and self.latest is not None else self.validation.judge(model, True)
        )
        self.validation.accept(final, self.progress)
        card = make_card(
            self.network,
            model.module,
            name=self.target.stem if self.target and recipe.name == "model" else recipe.name,
            about=recipe.about,
            licence=recipe.licence,
            values=self.material.values,
            restores=not self.material.explains,
            undoes=recipe.degradation.to_dict() if recipe.degradation else None,
            recipe=recipe.model_dump(mode="json"),
            started_from=self.started_from,
            data=f"{self.material.source} ({len(self.material.examples.clean):,} pictures, {self._held_out():,} held out)",
            steps=self.state.step,
            epochs=round(self.state.step / self.per_epoch, 3),
            seconds=round(self.state.seconds, 1),
            trained_on=_machine_in_words(self.device, self.precision),
            scores={
                "validation": final.scores
                | ({"kept_step": int(self.state.best["step"])} if self.best else {})
            },
            error_bounds=self._error_bounds(model),
            history=self.state.history,
            made_with=VERSION,
            created=date.today().isoformat(),
        )
        finished = Model(self.network, model.module, card)
        if self.target is not None:
            finished.save(self.target, half=fits_half(finished.module))
            checkpoint.path_for(self.target).unlink(missing_ok=True)
        return finished

    def _error_bounds(self, model: Model) -> dict[int, ErrorBound]:
        """How far off the model may be, where that can be seen: on clean pictures that were kept from it, in colour and in grey."""
        material = self.material
        if material.explains or material.from_noise or not material.held_out:
            return {}
        test_sets = [
            test_set
            for test_set in (material.test_set, material.grey_test_set)
            if test_set is not None
        ]
        return {
            model.shown(test_set.clean.channels): calibrate(
                model.restore_images, test_set, on=material.source
            )
            for test_set in test_sets
        }

    def _held_out(self) -> int:
        return len(self.material.test_set) if self.material.held_out else 0

    def _take_up(self) -> None:
        assert self.target is not None
        path = checkpoint.path_for(self.target)
        before = checkpoint.peek(path)
        # a key that an older version did not know had its default
        known = {key: field.default for key, field in Recipe.model_fields.items()} | before.recipe
        changed = [key for key, value in self.state.recipe.items() if known.get(key) != value]
        if changed:
            told = "; ".join(
                f"{key}: {before.recipe.get(key)!r} is now {self.state.recipe[key]!r}"
                for key in changed
            )
            raise UsageError(
                f"{path} belongs to another recipe ({told}). Give the same settings, or leave --resume away to start anew."
            )
        if before.fingerprint != self.state.fingerprint:
            self.progress.warn(
                "The training pictures have changed since the checkpoint was written; going on with the new ones."
            )
        self.state = checkpoint.read(path, self.module, self.optimiser, self.average, self.best)
        if (
            self.total and self.state.history
        ):  # where time counts instead, the next epoch's end is validated
            self.validated = self.state.history[-1]["step"] / self.total
        self.progress.say(f"Going on from step {self.state.step:,}.")

    def _keep(self) -> None:
        """Write a checkpoint on the way; a disk that is full meanwhile does not end the training."""
        try:
            self._save_checkpoint()
        except OutputError as error:
            self.progress.warn(f"No checkpoint this time: {error}")

    def _save_checkpoint(self) -> None:
        if self.target is not None and all(
            weights.isfinite().all() for weights in self.module.parameters()
        ):
            checkpoint.write(
                checkpoint.path_for(self.target),
                self.state,
                self.module,
                self.optimiser,
                self.average,
                self.best,
            )

    def _how_to_go_on(self) -> str:
        if self.target is None:
            return (
                f"Stopped at step {self.state.step:,}. Nothing was saved, since no file was named."
            )
        kept = checkpoint.path_for(self.target)
        return f"Stopped at step {self.state.step:,}. Go on with the same command and --resume; the checkpoint is {kept}."


def fitted_to_noise(recipe: Recipe, noisy: Pictures, progress: Progress) -> Recipe:
    """The recipe, its loss changed where it takes noise for independent that is not; the person is told."""
    found = noise_correlation(noisy)
    if found.along == "neither":
        return recipe
    told = f"rows {found.along_rows:.2f}, columns {found.along_columns:.2f}"
    along: Literal["rows", "columns"] = (
        "rows" if found.along_rows >= found.along_columns else "columns"
    )
    if isinstance(recipe.loss, BlindSpot):
        if recipe.loss.along != along or found.along == "both":
            progress.warn(
                f"The noise of neighbouring pixels is alike (correlation along {told}): some of it will be taken for picture."
            )
        return recipe
    fitting = BlindSpot(along=along)
    progress.warn(
        f"The noise of neighbouring pixels is alike (correlation along {told}), and a network would learn to copy it. Training with "
        f"--loss {fitting}, which hides the pixels that share noise along {along}"
        + ("; what is shared the other way will partly stay." if found.along == "both" else ".")
    )
    return recipe.model_copy(update={"loss": fitting})


def make_optimiser(recipe: Recipe, module: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser over the module's parameters."""
    options: Mapping[str, Any] = {
        "lr": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "foreach": True,
    }
    if recipe.optimiser == "nadam":
        return torch.optim.NAdam(module.parameters(), decoupled_weight_decay=True, **options)
    return torch.optim.AdamW(module.parameters(), **options)


def fits(network: Network, model: Model) -> bool:
    """Whether a model's weights are those of this network too."""
    if network.kind != model.network.kind:
        return False
    with torch.device("meta"):
        wanted = network.build().state_dict()
    return {name: tensor.shape for name, tensor in wanted.items()} == {
        name: tensor.shape for name, tensor in model.module.state_dict().items()
    }


def fits_half(module: nn.Module) -> bool:
    """Whether half precision can hold everything that a module has learned."""
    return all(bool(tensor.half().isfinite().all()) for tensor in _floats(module))


def _floats(module: nn.Module) -> list[Tensor]:
    return [tensor for tensor in module.state_dict().values() if tensor.is_floating_point()]


def _as_pictures(pictures: Pictures | np.ndarray | None) -> Pictures | None:
    return ArrayPictures(pictures) if isinstance(pictures, np.ndarray) else pictures


def _machine_in_words(device: torch.device, precision: str) -> str:
    facts = machine.describe()
    where = (
        facts["device"]
        if device.type == "cuda"
        else f"{facts['processor']}, {facts['threads']} threads, {facts['capability']}"
    )
    return f"{where}, {precision}, torch {facts['torch']}"
