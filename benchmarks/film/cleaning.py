"""Cleaning of films: the cleaner against FFmpeg's filters, the aligned median, and the photograph model frame by frame.

    python benchmarks/film/cleaning.py [frames per clip] [model]

Every method gets the same damaged frames. Scores compare with the clean frames of the same tone: flicker is another stage's.
Of a filter the best of several settings is taken for each clip.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from settings import Bench

from film.data import AGE, seed_of, test_clips
from film.filters import SETTINGS, available, filtered
from film.remaster import BLOCK, RemasterR
from restorae.degradations.old_film import FilmDamager, OldFilm, Window
from restorae.film.stack import stack_planes
from restorae.film.windows import WindowRestorer
from restorae.formats.video import Frame
from restorae.formats.video.layout import layout_of
from restorae.restoring import RestoreRequest, RestorerPool

EDGE = 2
"""Frames at each end that are not scored: filters and cleaner look that far."""
DEFECT = 0.03
"""Change of brightness from which a mark counts as a defect that can be seen."""


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(np.clip(one, 0, 1) - other).mean()))


def cleaner_of(pool: RestorerPool, model: str, height: int, width: int) -> WindowRestorer:
    """The film cleaner over grey frames of 8 bits."""
    return WindowRestorer(
        pool.get(model), RestoreRequest(), layout=layout_of("gray", 2), size=(height, width)
    )


def grown(mask: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def gradients(image: np.ndarray, where: np.ndarray) -> float:
    down, right = np.diff(image, axis=0)[:, :-1], np.diff(image, axis=1)[:-1]
    return float((down**2 + right**2)[where[:-1, :-1]].sum())


def measure_clip(clip, count: int, model: str, pool: RestorerPool) -> dict[str, float]:
    clean = clip.footage.read(0, min(count, len(clip.footage)))
    film = OldFilm(age=AGE, grey=True, weave=False, fading=False)
    made = FilmDamager(film, seed_of(clip.name), window=Window(*clip.footage.size)).damage(clean)
    frames = [np.rint(each * 255).astype(np.uint8) for each in made.frames[:, 0].numpy()]
    truth = made.toned[:, 0].numpy()
    scored = range(EDGE, len(frames) - EDGE)

    def score(results) -> float:
        return float(np.mean([psnr(results[i] / np.float32(255), truth[i]) for i in scored]))

    found = {"damaged": score(frames)}
    for name in available():
        trials = [filtered(frames, name, setting) for setting in SETTINGS[name]]
        found[name] = max(score(each) for each in trials if len(each) == len(frames))
    windows = cleaner_of(pool, model, *frames[0].shape)
    medians, stacks = [], []

    def keep(centre, neighbours):
        stack = stack_planes(centre, neighbours)
        stacks.append(stack)
        return original(centre, neighbours)

    original = windows._clean
    windows._clean = keep
    given = [Frame(stamp=i, duration=1, planes=(each,)) for i, each in enumerate(frames)]
    restored = list(windows.restore(given))
    medians = [stack[0] * 255 for stack in stacks]
    found["aligned median"] = score(medians)
    found["film-cleaner"] = score([each.planes[0] for each in restored])
    photo = pool.get("photo-denoiser")
    found["photo-denoiser"] = score(
        [
            photo.restore_images(torch.from_numpy(each[None, None] / np.float32(255)))[0, 0].numpy()
            * 255
            if i in scored
            else each
            for i, each in enumerate(frames)
        ]
    )
    hits = claims = right = marks = 0
    kept = []
    for i in scored:
        mark, said = made.change[i, 0].abs().numpy() > DEFECT, restored[i].repairs > 127
        claims, hits = claims + said.sum(), hits + (said & grown(mark)).sum()
        marks, right = marks + mark.sum(), right + (mark & grown(said)).sum()
        still = ~grown(mark) & (np.abs(truth[i] - truth[i - 1]) < 0.02)
        out = restored[i].planes[0] / np.float32(255)
        kept.append(gradients(out, still) / max(gradients(truth[i], still), 1e-9))
    found |= {"precision": hits / max(claims, 1), "recall": right / max(marks, 1)}
    found["detail"] = float(np.mean(kept))
    return found


def seconds_per_megapixel(pool: RestorerPool, model: str, height: int = 240, width: int = 428):
    """CPU seconds per megapixel and frame: the cleaner with its flow, and DeepRemaster's network."""
    source = np.random.default_rng(0).integers(0, 256, (9, height, width), np.uint8)
    windows = cleaner_of(pool, model, height, width)
    given = [Frame(stamp=i, duration=1, planes=(each,)) for i, each in enumerate(source)]
    list(windows.restore(given[:3]))
    begun = time.process_time()
    list(windows.restore(given))
    ours = (time.process_time() - begun) / len(given) / (height * width / 1e6)
    network, block = RemasterR().eval(), torch.rand(1, 1, BLOCK, height // 2, width // 2 // 4 * 4)
    with torch.no_grad():
        begun = time.process_time()
        network(block)
    return ours, (time.process_time() - begun) / BLOCK / (block[0, 0, 0].numel() / 1e6)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    model = sys.argv[2] if len(sys.argv) > 2 else "film-cleaner"
    pool, rows = RestorerPool(), []
    for clip in test_clips(Bench()):
        rows.append((clip.name, measure_clip(clip, count, model, pool)))
        print(
            rows[-1][0],
            {name: round(float(value), 3) for name, value in rows[-1][1].items()},
            flush=True,
        )
    means = {name: np.mean([found[name] for _, found in rows]) for name in rows[0][1]}
    print("mean", {name: round(float(value), 3) for name, value in means.items()})
    ours, theirs = seconds_per_megapixel(pool, model)
    print(
        f"CPU s per megapixel-frame: {ours:.3f}, DeepRemaster's R {theirs:.2f}, ratio {ours / theirs:.4f}"
    )


if __name__ == "__main__":
    main()
