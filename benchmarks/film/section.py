"""Part `film`: how well films are cleaned, on clips that nothing was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from settings import Bench
from writing import table

from film.cleaning import measure_clip, seconds_per_megapixel
from film.data import AGE, test_clips
from film.filters import available
from film.flicker import flicker_left
from restorae.restoring import RestorerPool

TITLE = "Cleaning films"
MODEL = "film-cleaner"
FRAMES = 6
"""Frames of a clip that are cleaned; the two in the middle are scored."""


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Damage each clip, clean it by every method, and measure flicker, repair map and speed."""
    pool, clips = RestorerPool(), {}
    for number, clip in enumerate(test_clips(bench)):
        if bench.quick and number:
            break
        found = measure_clip(clip, FRAMES, MODEL, pool) | flicker_left(clip, AGE)
        clips[clip.name] = {name: float(value) for name, value in found.items()}
        say(f"{clip.name}: {found['film-cleaner']:.2f} dB")
    ours, theirs = seconds_per_megapixel(pool, MODEL)
    return {"clips": clips, "seconds": {"ours": ours, "theirs": theirs}, "filters": available()}


def report(record: Mapping[str, Any]) -> str:
    """The section of the page."""
    measured = record["measured"]
    clips, filters, seconds = measured["clips"], measured["filters"], measured["seconds"]
    best = {name: max(filters, key=found.__getitem__) for name, found in clips.items()}
    gain = {name: found[MODEL] - found[best[name]] for name, found in clips.items()}
    over_median = {name: found[MODEL] - found["aligned median"] for name, found in clips.items()}
    rows = [
        [name, *_scores(found, f" ({best[name]})", found[best[name]])]
        for name, found in clips.items()
    ]
    mean = {key: float(np.mean([found[key] for found in clips.values()])) for key in _KEYS}
    of_best = float(np.mean([found[best[name]] for name, found in clips.items()]))
    soft = [name for name, found in clips.items() if found["detail"] < 0.9]
    lacking = [name for name in ("nlmeans", "bm3d", "atadenoise", "hqdn3d") if name not in filters]
    return "\n\n".join(
        [
            f"Damage `film(age={AGE})` without weave and fading, frozen by a seed; of the first {FRAMES} frames of each clip the two in "
            "the middle are scored against the clean frames of the same tone, since flicker is another stage's. Of each filter of "
            "FFmpeg the best of several settings is taken per clip. PSNR in dB.",
            table(_HEADER, [*rows, ["mean", *_scores(mean, "", of_best)]]),
            f"That is {np.mean(list(gain.values())):+.2f} dB over the best filter (worst: {_worst(gain)}) and "
            f"{np.mean(list(over_median.values())):+.2f} dB over the aligned median (worst: {_worst(over_median)}). Detail kept is the "
            "gradients' energy in still, undamaged places over that of the clean frames"
            + (f"; it is below 0.9 on {', '.join(soft)}. " if soft else ". ")
            + "Flicker left is that of the mean brightness against the clean film, of up to 40 frames; local flicker that of 24 "
            "blocks of the frame. The repair map's numbers were chosen on other frames; its rule was looked at on these twice."
            + (f" Not in this build of FFmpeg: {', '.join(lacking)}." if lacking else ""),
            f"Flow included, the cleaner takes {seconds['ours']:.2f} s of CPU time per megapixel and frame, DeepRemaster's restoration "
            f"network (built from its description, random weights, float32) {seconds['theirs']:.1f} s: a ratio of "
            f"{seconds['ours'] / seconds['theirs']:.3f}.",
        ]
    )


_HEADER = [
    "clip",
    "damaged",
    "best filter",
    "aligned median",
    "`photo-denoiser`",
    "`film-cleaner`",
    "detail kept",
    "map: precision",
    "recall",
    "flicker left",
    "local",
]
_KEYS = (
    "damaged",
    "aligned median",
    "photo-denoiser",
    MODEL,
    "detail",
    "precision",
    "recall",
    "flicker",
    "local flicker",
)


def _scores(found: Mapping[str, float], which: str, best: float) -> list[str]:
    damaged, *others = (f"{found[key]:.2f}" for key in _KEYS)
    return [damaged, f"{best:.2f}{which}", *others]


def _worst(gains: Mapping[str, float]) -> str:
    name = min(gains, key=gains.__getitem__)
    return f"{name}, {gains[name]:+.2f} dB"
