"""Trains `film-cleaner`: `python recipes/film_cleaner.py DATA MINUTES OUT`.

DATA holds photographs and clips as named in `docs/data.md`: `photos-train`, `photos-more`, `video/davis-train` and
`video/clips/bikes.mp4`, of which frames 0 to 136 are used. Each step sees patches of stacks: five damaged frames, of which four
were moved onto the middle one by optical flow, as they are when a film is restored. The network starts from the weights of
`photo-denoiser-fast`, so that it begins as a denoiser of the aligned median. The target is the clean frame with the film's
own tone: exposure is another stage's work.

The bundled weights were trained by an earlier form of this script. It began with 243 steps on another, simpler recipe of
damage with stronger dust, hairs and scratches, from which later a quarter of the clips came, and it moved cut-outs of stills.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from restorae.data import ClipExamples, open_material
from restorae.degradations.old_film import OldFilm
from restorae.film.alignment import flow_between, motion_of, prepare_for_flow
from restorae.film.stack import OFFSETS, stack_planes
from restorae.model import load
from restorae.model.card import make_card
from restorae.model.saving import write_model
from restorae.networks import FilmUNet
from restorae.networks.film_unet import FilmUNetNetwork

CLIP_PX, PATCH_PX, BATCH = 208, 96, 8
RATE, FRAMES, VISIBLE = 4e-4, 5, 0.03
CENTRE = FRAMES // 2


def stack_of(frames: np.ndarray, source: np.random.Generator) -> np.ndarray:
    """The planes of the middle frame; now and then neighbours are missing, as at a cut."""
    there = np.ones(FRAMES, bool)
    draw = source.random()
    if draw < 0.06:
        there[:] = False
    elif draw < 0.2:
        there[: int(source.integers(1, 3))] = False
    elif draw < 0.34:
        there[FRAMES - int(source.integers(1, 3)) :] = False
    prepared = [prepare_for_flow(frame) for frame in frames]
    height, width = frames.shape[1:]

    def neighbour(index: int):
        if not there[index]:
            return None
        one, other = prepared[CENTRE], prepared[index]
        flows = flow_between(one, other), flow_between(other, one)
        return frames[index], motion_of(one, other, flows, height=height, width=width)

    return stack_planes(frames[CENTRE], [neighbour(CENTRE + offset) for offset in OFFSETS])


def patches(data: Path) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Stacks, clean frames and visible marks, patch by patch without end."""
    material = open_material(
        [
            str(data / "photos-train"),
            str(data / "photos-more"),
            str(data / "video" / "davis-train"),
            f"{data / 'video' / 'clips' / 'bikes.mp4'}#0-136",
        ]
    )
    examples = ClipExamples(
        material, OldFilm(age="0.05..1", grey=True), frames=FRAMES, patch=CLIP_PX, seed=11
    )
    source, epoch = np.random.default_rng(11), 0
    while True:
        for batch in examples.batches(epoch, 1):
            stack = stack_of(batch.degraded[0, :, 0].numpy(), source)
            clean = batch.toned[0, CENTRE, 0].numpy()
            marks = (batch.change[0, CENTRE, 0].abs() > VISIBLE).numpy()
            for _ in range(8):
                top, left = (int(source.integers(0, CLIP_PX - PATCH_PX + 1)) for _ in range(2))
                rows, columns = slice(top, top + PATCH_PX), slice(left, left + PATCH_PX)
                yield stack[:, rows, columns], clean[rows, columns], marks[rows, columns]
        epoch += 1


def initialised() -> tuple[FilmUNet, FilmUNetNetwork]:
    """The network, its body the grey path of `photo-denoiser-fast`."""
    network = FilmUNet()
    module = network.build()
    known = load("photo-denoiser-fast").module.state_dict()
    body = {name: known.get(f"grey_{name}", known[name]) for name in module.body.state_dict()}
    module.body.load_state_dict(body)
    return network, module


def loss_of(given: torch.Tensor, clean: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    """Charbonnier, logarithm of the error, gradients, and the repair map against the marks."""
    restored = given[:, 0]
    error = restored - clean
    edges = sum((error.diff(dim=axis)).abs().mean() for axis in (1, 2))
    of_map = functional.binary_cross_entropy_with_logits(
        given[:, 1], marks.float(), pos_weight=torch.tensor(3.0)
    )
    logarithm = (error.square().mean((1, 2)) + 1e-5).log().mean()
    return (error.square() + 1e-6).sqrt().mean() + 0.01 * logarithm + 0.3 * edges + 0.03 * of_map


def train(data: Path, minutes: float, out: Path) -> None:
    """Train for some minutes and write the model."""
    network, module = initialised()
    optimiser = torch.optim.NAdam(module.parameters(), lr=RATE)
    average = {name: each.clone() for name, each in module.state_dict().items()}
    pool, drawn = [], patches(data)
    source, begun, step = np.random.default_rng(5), time.monotonic(), 0
    while (share := (time.monotonic() - begun) / (60 * minutes)) < 1:
        while len(pool) < 200:
            pool.append(next(drawn))
        chosen = [pool.pop(int(source.integers(len(pool)))) for _ in range(BATCH)]
        stacks, clean, marks = (
            torch.from_numpy(np.stack(each)) for each in zip(*chosen, strict=True)
        )
        rate = RATE * min(1, (step + 1) / 100) * (0.05 + 0.475 * (1 + math.cos(math.pi * share)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        loss = loss_of(module(stacks), clean, marks)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 0.3)
        optimiser.step()
        step += 1
        with torch.no_grad():
            for name, each in module.state_dict().items():
                average[name].lerp_(each, 1 - min(0.999, step / (step + 9)))
    module.load_state_dict(average)
    card = make_card(network, module, name="film-cleaner", steps=step, seconds=round(60 * minutes))
    write_model(module, card, out, True)


if __name__ == "__main__":
    train(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
