"""The numbers of `restorae.film.real_changes`, found on clips that settings may be chosen on.

    python benchmarks/film/real_changes.py

Each clip is damaged as old film and cleaned. A logistic regression learns which changes were wrong, weighted by how much closer to
the truth, or farther from it, they brought a pixel, as a share of the frame's error; repairs that are undone count more. Printed
are the gain on each clip by the weights of the others, precision and recall of the repair map without and with them, and the
weights of all.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch
from learning.data import place_of
from settings import Bench
from torch.nn import functional

import restorae.film.windows as windows
from film.cleaning import DEFECT, cleaner_of, grown, psnr
from film.colouring import CHOOSE
from restorae.data import open_material
from restorae.degradations.old_film import FilmDamager, OldFilm, Window
from restorae.film.real_changes import Evidence
from restorae.film.repairs import REPAIRED, repair_map
from restorae.formats.video import Frame
from restorae.randomness import derive_seed
from restorae.restoring import RestorerPool

AGES, FIRST, FRAMES = (0.5, 0.25), 10, 18
REPAIRS_COUNT = 4.0
"""How much more it counts to undo a repair of a mark."""


@dataclass
class Cleaned:
    """A frame, cleaned."""

    clip: str
    centre: np.ndarray
    cleaned: np.ndarray
    suspected: np.ndarray
    evidence: Evidence
    truth: np.ndarray
    is_marked: np.ndarray

    @property
    def change(self) -> np.ndarray:
        return self.cleaned - self.centre

    def claims(self, result: np.ndarray) -> np.ndarray:
        """Repairs that are claimed, those that are right, marks, and those that are found."""
        change = torch.from_numpy(result - self.centre)
        said = repair_map(change, torch.from_numpy(self.suspected)).numpy() >= REPAIRED
        mark = self.is_marked
        return np.array(
            [said.sum(), (said & grown(mark)).sum(), mark.sum(), (mark & grown(said)).sum()]
        )


def cleaned_frames(name: str, folder: Path, age: float, pool: RestorerPool) -> Iterator[Cleaned]:
    (footage,) = open_material([str(folder)]).clips
    clean = footage.read(FIRST, FRAMES)
    film = OldFilm(age=age, grey=True, weave=False, fading=False)
    damager = FilmDamager(
        film, derive_seed(7, zlib.crc32(name.encode())), window=Window(*footage.size)
    )
    made, seen = damager.damage(clean), []

    def keep(centre, cleaned, suspected, neighbours):
        seen.append((centre, cleaned, suspected, neighbours))
        return cleaned

    windows.without_real_changes = keep
    frames = [np.rint(each * 255).astype(np.uint8) for each in made.frames[:, 0].numpy()]
    given = [Frame(stamp=i, duration=1, planes=(each,)) for i, each in enumerate(frames)]
    list(cleaner_of(pool, "film-cleaner", *frames[0].shape).restore(given))
    for at, (centre, cleaned, suspected, neighbours) in enumerate(seen):
        yield Cleaned(
            clip=name,
            centre=centre,
            cleaned=cleaned,
            suspected=suspected,
            evidence=Evidence.of(cleaned - centre, suspected, neighbours),
            truth=made.toned[at, 0].numpy(),
            is_marked=made.change[at, 0].abs().numpy() > DEFECT,
        )


def fitted(frames: list[Cleaned]) -> tuple[float, ...]:
    """The weights that tell wrong changes from right ones."""
    inputs, wrong, weights = [], [], []
    for each in frames:
        strong = each.evidence.strength > 0.5
        gain = np.square(each.centre - each.truth) - np.square(each.cleaned - each.truth)
        gain = cv2.blur(gain, (3, 3))[strong]
        repairs = each.is_marked[strong] & (gain > 0)
        inputs.append(np.stack(each.evidence.planes, -1)[strong])
        wrong.append(gain < 0)
        error = np.square(each.cleaned - each.truth).mean()
        weights.append(np.abs(gain) / error * np.where(repairs, REPAIRS_COUNT, 1))
    given, target, weight = (
        torch.tensor(np.concatenate(each), dtype=torch.float64) for each in (inputs, wrong, weights)
    )
    weight = weight / weight.mean()
    found = torch.zeros(given.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([found], max_iter=200)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        losses = functional.binary_cross_entropy_with_logits(
            given @ found, target, reduction="none"
        )
        total = (weight * losses).mean() + 1e-3 * found[:-1].square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    return tuple(round(value, 2) for value in found.tolist())


def main() -> None:
    video, pool = place_of(Bench(), "video") / "davis-train", RestorerPool()
    frames = {
        (name, age): list(cleaned_frames(name, video / name, age, pool))
        for name in CHOOSE
        for age in AGES
    }
    everything = [each for clip in frames.values() for each in clip]
    before, after = np.zeros(4), np.zeros(4)
    for (name, age), clip in frames.items():
        weights = fitted([each for each in everything if each.clip != name])
        gains = []
        for each in clip:
            result = each.cleaned - each.evidence.undone(weights) * each.change
            gains.append(psnr(result, each.truth) - psnr(each.cleaned, each.truth))
            before += each.claims(each.cleaned)
            after += each.claims(result)
        print(f"{name}, age {age}: {np.mean(gains):+.3f} dB, worst frame {min(gains):+.3f} dB")
    for said, (claims, right, marks, found) in (("without", before), ("with", after)):
        print(f"{said}: precision {right / claims:.3f}, recall {found / marks:.3f}")
    print("weights", fitted(everything))


if __name__ == "__main__":
    main()
