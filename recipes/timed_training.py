"""Training for some minutes on examples that a thread draws; used by `page_cleaner.py`.

Nadam (Dozat, 2016), a short warm-up, a learning rate that falls along half a cosine of the time (Loshchilov and Hutter, 2017),
clipped gradients and a moving average of the weights. The checkpoint is rewritten every two minutes, whole or not at all, and the
same command goes on from it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

Example = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Degraded, clean, and the weight of each pixel in the loss: (height, width) or (height, width, 3), and (height, width)."""
WARMUP, WAITING, SAVE_EVERY = 100, 80, 120.0


@dataclass(frozen=True)
class Schedule:
    """How long, how fast, and in which portions."""

    minutes: float
    rate: float
    batch: int
    seed: int = 1
    decay: float = 0.998

    def rate_at(self, step: int, seconds: float) -> float:
        """The learning rate of a step."""
        share = min(1.0, seconds / (60 * self.minutes))
        cosine = 0.03 + 0.97 * (0.5 + 0.5 * math.cos(math.pi * share))
        return self.rate * min(1.0, (step + 1) / WARMUP) * cosine


class Examples:
    """Examples drawn ahead by a thread, handed out in a random order."""

    def __init__(self, draw: Callable[[], Example], seed: int) -> None:
        self._draw, self._random = draw, np.random.default_rng(seed)
        self._waiting: list[Example] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._fill, daemon=True).start()

    def _fill(self) -> None:
        torch.set_num_threads(1)
        while True:
            if len(self._waiting) >= WAITING:
                time.sleep(0.05)
                continue
            drawn = self._draw()
            with self._lock:
                self._waiting.append(drawn)

    def batch(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Degraded and clean images, (count, channel, height, width), and weights with one channel."""
        while len(self._waiting) < max(count, WAITING // 2):
            time.sleep(0.02)
        with self._lock:
            chosen = self._random.choice(len(self._waiting), count, replace=False)
            drawn = [self._waiting.pop(at) for at in sorted(map(int, chosen), reverse=True)]
        degraded, clean, weights = (_stacked(each) for each in zip(*drawn, strict=True))
        return degraded, clean, weights


def _stacked(images: Sequence[np.ndarray]) -> Tensor:
    stack = torch.from_numpy(np.stack(images).astype(np.float32))
    return stack[:, None] if stack.ndim == 3 else stack.permute(0, 3, 1, 2).contiguous()


def train(
    module: nn.Module,
    examples: Examples,
    schedule: Schedule,
    out: Path,
    change: Callable[[int, Tensor], Tensor] = lambda step, images: images,
) -> None:
    """Train, and leave `out` with the average of the weights.

    Args:
        module: begins with these weights, or with the checkpoint's.
        examples: what is learned from.
        schedule: how long and how fast.
        out: the checkpoint.
        change: applied to degraded and clean images of a step.
    """
    module.train().requires_grad_(True)
    optimiser = torch.optim.NAdam(module.parameters(), lr=schedule.rate)
    step, seconds = 0, 0.0
    average = {name: each.clone() for name, each in module.state_dict().items()}
    if out.exists():
        kept = torch.load(out, weights_only=True)
        module.load_state_dict(kept["module"])
        optimiser.load_state_dict(kept["optimiser"])
        average, step, seconds = kept["average"], kept["step"], kept["seconds"]
    saved, losses = time.monotonic(), 0.0
    while seconds < 60 * schedule.minutes:
        begun = time.monotonic()
        degraded, clean, weights = examples.batch(schedule.batch)
        degraded, clean = change(step, degraded), change(step, clean)
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate_at(step, seconds)
        distance = ((module(degraded) - clean).square() + 1e-5).sqrt()
        loss = (weights * distance).sum() / (weights.sum() * clean.shape[1])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 0.5)
        optimiser.step()
        keep = min(schedule.decay, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, each in module.state_dict().items():
                average[name].lerp_(each, 1 - keep)
        step, losses = step + 1, losses + loss.item()
        seconds += time.monotonic() - begun
        if step % 50 == 0:
            print(f"{step} steps, {seconds:.0f} s, loss {losses / 50:.4f}", flush=True)
            losses = 0.0
        if time.monotonic() - saved > SAVE_EVERY or seconds >= 60 * schedule.minutes:
            saved = time.monotonic()
            state = {"module": module.state_dict(), "optimiser": optimiser.state_dict()}
            state |= {"average": average, "step": step, "seconds": seconds}
            torch.save(state, f"{out}.part")
            Path(f"{out}.part").replace(out)
