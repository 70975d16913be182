"""Sections `denoise` and `speed` of the part `learning`: what the bundled denoiser is worth on test photos, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import dncnn
from contestants import open_image, start_whole
from interleaved_timing import Spread, in_turns, seconds_of
from settings import Bench
from test_images import save_array, side_of
from writing import table

from learning.data import test_photos, test_set_from
from learning.targets import DENOISING, PUBLISHED, SIGMAS, SPEED
from learning.training import working_folder
from restorae.evaluating import CoverageTally, TestSet, evaluate
from restorae.model import Model, find, load
from restorae.model.checks import shown_at_once

SETS = {"Set12": "grey", "BSD68": "grey", "CBSD68": "colour"}
_COLOURS = {1: "grey", 3: "colour"}
# quality


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Scores at each noise, on each set."""
    model = load(bench.denoiser)
    scores: dict[str, dict[str, Any]] = {}
    for name in SETS:
        images = test_photos(bench, name)
        scores[name] = {}
        for sigma in SIGMAS:
            bound = model.card.error_bounds.get(shown_at_once(model, images.channels))
            tally = CoverageTally(bound) if bound else None
            test_set = test_set_from(images, sigma, bench.seed)
            found = evaluate(
                model.restore_images, test_set, with_ssim=False, also=tally.add if tally else None
            )
            scores[name][str(sigma)] = {
                "count": found.count,
                "noisy": found.degraded.psnr,
                "restored": found.restored.psnr,
                "coverage": tally.coverage().model_dump() if tally else None,
                "views": {
                    str(views): _over_views(model, test_set, views) for views in bench.self_ensemble
                },
            }
            say(f"{name}, σ {sigma}: {found.restored.psnr or 0:.2f} dB in {found.seconds:.0f} s")
    card = model.card
    facts = {
        "parameters": card.parameters,
        "steps": card.steps,
        "seconds": card.seconds,
        "trained_on": card.trained_on,
        "started_from": card.started_from,
    }
    return {
        "model": {"name": card.name, "takes": list(model.network.takes), **facts},
        "scores": scores,
    }


def _over_views(model: Model, test_set: TestSet, views: int) -> float | None:
    return evaluate(
        lambda images: model.restore_images(images, self_ensemble=views), test_set, with_ssim=False
    ).restored.psnr


def goals(found: Mapping[str, Any]) -> list[list[str]]:
    """A line for each noise of each set that has a target."""
    return [
        target.row(
            f"{name} ({SETS[name]}), σ {sigma}, blind: PSNR, dB",
            found["scores"][name][str(sigma)]["restored"],
            2,
        )
        for name, targets in DENOISING.items()
        for sigma, target in zip(SIGMAS, targets, strict=True)
    ]


def report(found: Mapping[str, Any]) -> list[str]:
    """Our figures above published ones, grey sets in one table and the colour one in another."""
    model, counts = (
        found["model"],
        {name: scores[str(SIGMAS[0])]["count"] for name, scores in found["scores"].items()},
    )
    tables = []
    for colour in ("grey", "colour"):
        names = [name for name, kind in SETS.items() if kind == colour]
        header = [
            f"{colour}: PSNR, dB",
            *(f"{name} ({counts[name]}), σ {sigma}" for name in names for sigma in SIGMAS),
        ]
        rows = [
            [
                what,
                *(
                    f"{found['scores'][name][str(sigma)][key]:.2f}"
                    for name in names
                    for sigma in SIGMAS
                ),
            ]
            for what, key in (
                ("degraded", "noisy"),
                (f"`{model['name']}`, measured", "restored"),
            )
        ]
        rows += _self_ensemble_rows(
            [found["scores"][name][str(sigma)].get("views") for name in names for sigma in SIGMAS]
        )
        rows += [
            [
                f"{method}, published",
                *(f"{psnr:.2f}" for name in names for psnr in PUBLISHED[name][method]),
            ]
            for method in PUBLISHED[names[0]]
        ]
        rows += _coverage_rows(
            [
                found["scores"][name][str(sigma)].get("coverage")
                for name in names
                for sigma in SIGMAS
            ]
        )
        tables.append(table(header, rows))
    begun = f", from the weights of {model['started_from']}" if model.get("started_from") else ""
    return [
        *tables,
        "The noise is on the [0, 1] scale, with a separate seed for each image, and neither clipped nor rounded. Images are restored "
        "whole, and results are clipped to [0, 1]. Figures are means of the PSNRs of the images; their number is in parentheses. "
        "Published figures are those that the authors of DRUNet gathered (Zhang et al., 2021); they were not measured here. BM3D, "
        "FFDNet and DRUNet are given the noise level; DnCNN has one model for each level. "
        f"`{model['name']}` is not given the noise level and is "
        f"{'one file for grey and colour' if len(model['takes']) > 1 else 'one file'}: "
        f"{model['parameters']:,} parameters, {model['steps']:,} steps in {model['seconds'] / 3600:.2g} h on "
        f"{model['trained_on'] or 'a machine that its card does not name'}{begun}. Self-ensembles (`restore --self-ensemble`) take "
        "that many times as long; the goals are for a single pass.",
    ]


def _self_ensemble_rows(measured: Sequence[Mapping[str, float] | None]) -> list[list[str]]:
    """The rows of self-ensembles, where they were measured."""
    if not all(measured):
        return []
    known = [each for each in measured if each]
    return [
        [f"the same, self-ensemble of {views}", *(f"{each[views]:.2f}" for each in known)]
        for views in known[0]
    ]


def _coverage_rows(coverages: Sequence[Mapping[str, float] | None]) -> list[list[str]]:
    """How often the model's error bound held, where it has one."""
    if not all(coverages):
        return []
    known = [coverage for coverage in coverages if coverage]
    return [
        [
            f"pixels within the {known[0]['level']:.0%} bound of the error map",
            *(f"{each['share']:.1%}" for each in known),
        ]
    ]


# speed


def measure_speed(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """The denoiser and DnCNN in turns on a grey image and on a colour one."""
    model, found = find(bench.denoiser), {}
    for channels, colour in _COLOURS.items():
        with ExitStack() as stack:
            contestants = {
                "dncnn": stack.enter_context(
                    start_whole(bench, f"dncnn {colour}", "dncnn", channels=channels)
                ),
                "auto": stack.enter_context(
                    start_whole(bench, f"denoiser {colour}", "tiled", model)
                ),
            }
            precision = contestants["auto"].hello["machine"]["precision"]
            if precision != "float32":
                contestants["float32"] = stack.enter_context(
                    start_whole(bench, f"denoiser {colour} float32", "tiled", model, "float32")
                )
            megapixels = bench.speed_megapixels
            open_image(
                contestants,
                save_array(working_folder(bench) / "noisy.npy", megapixels, channels, bench.seed),
            )
            laps = in_turns(contestants, {"do": "restore"}, bench.rounds, say)
            idle = max(side.idle_share for side in contestants.values())
        found[str(channels)] = {
            "megapixels": side_of(megapixels) ** 2 / 1e6,
            "laps": laps,
            "idle": idle,
            "precision": precision,
        }
    return {"name": load(bench.denoiser).card.name, "channels": found}


def speed_goals(found: Mapping[str, Any]) -> list[list[str]]:
    """The ratio to DnCNN in grey and in colour, as `restore` would compute."""
    rows = []
    for channels, size in found["channels"].items():
        ratio = Spread.of_ratios(
            seconds_of(size["laps"], "auto"), seconds_of(size["laps"], "dncnn")
        )
        rows.append(
            SPEED.row(
                f"seconds per megapixel over DnCNN's, {_COLOURS[int(channels)]}",
                ratio.median,
                3,
                ratio.to_text(3),
            )
        )
    return rows


def report_speed(found: Mapping[str, Any]) -> list[str]:
    """Seconds per megapixel and ratios."""
    rows = []
    for channels, size in found["channels"].items():
        names = {
            "dncnn": "DnCNN, float32",
            "float32": f"`{found['name']}`, float32",
            "auto": f"`{found['name']}`, {size['precision']} (`auto`)",
        }
        for side, text in names.items():
            if side not in size["laps"][0]:
                continue
            per_megapixel = Spread.of(
                [seconds / size["megapixels"] for seconds in seconds_of(size["laps"], side)]
            )
            ratio = Spread.of_ratios(
                seconds_of(size["laps"], side), seconds_of(size["laps"], "dncnn")
            )
            rows.append(
                [
                    f"{_COLOURS[int(channels)]}: {text}",
                    per_megapixel.to_text(3),
                    "" if side == "dncnn" else ratio.to_text(3),
                ]
            )
    first = next(iter(found["channels"].values()))
    parameters = " and ".join(
        f"{dncnn.parameters(channels):,} parameters in {colour}"
        for channels, colour in _COLOURS.items()
    )
    return [
        table(["in memory, on the processor", "s per megapixel", "ratio to DnCNN"], rows),
        f"An image of {first['megapixels']:.3g} megapixels in {len(first['laps'])} rounds, one after the other in each, after one "
        "warm-up round: medians, with the smallest and the largest. Ratios compare the same round. DnCNN is built from its "
        f"description (Zhang et al., 2017; {parameters}, batch normalisation folded into biases) with random weights. While one was "
        f"running, no other used more than {100 * max(size['idle'] for size in found['channels'].values()):.1f} % of a core.",
    ]
