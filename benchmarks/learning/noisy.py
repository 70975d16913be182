"""Sections `noisy` and `w2s` of the part `learning`: what is learned from noisy images alone, of photos and of micrographs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from settings import Bench
from writing import table

from learning.data import (
    CHANNELS,
    FIELDS,
    place_of,
    save_field,
    save_noisy,
    test_photos,
    test_set_from,
    training_photos,
)
from learning.targets import MICROGRAPHS, NOISY, NOISY_ONLY
from learning.training import train, working_folder
from restorae.data import match, open_noisy
from restorae.evaluating import TestSet, evaluate
from restorae.evaluating.baselines import all_baselines
from restorae.model import load
from restorae.restoring.classical import Classical

MINUTES, MINUTES_OF_A_FIELD, SIGMA = 10.0, 5.0, 25
RECIPE: Mapping[str, object] = {"validation": 0.02}
"""How noisy photos are learned from, in settings of a recipe: as `restorae train` does by itself, fewer of many being kept aside."""
RECIPE_OF_A_FIELD: Mapping[str, object] = {**RECIPE, "augment": True, "validation": 0}
"""How micrographs are: there are six, and none is kept aside."""
STRENGTHS, WEIGHTS = (0.4, 0.6, 0.8, 1.0, 1.3), (0.02, 0.04, 0.08, 0.12, 0.2)
"""Settings of nlm and tv that are tried beside the defaults."""


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Train on noisy photos whose clean version nobody sees; score noisy test photos."""
    photos = training_photos(place_of(bench, "photos-train"))[: bench.noisy_photos]
    noisy = save_noisy(photos, working_folder(bench) / "noisy-photos", SIGMA, bench.seed)
    images = test_photos(bench, "BSD68")
    trained = train(bench, "noisy", RECIPE, MINUTES, {"noisy": noisy})
    found = evaluate(
        trained.model.restore_images,
        test_set_from(images, SIGMA, bench.seed),
        with_ssim=False,
        fit_gain=True,
    )
    assert found.gain_fitted is not None
    fitted = found.gain_fitted
    say(
        f"{len(photos)} noisy photos in {trained.model.card.seconds:.0f} s: {found.restored.psnr or 0:.2f} dB"
    )
    return {
        "train": len(photos),
        "test": found.count,
        "trained": {
            **trained.facts,
            "loss": str(trained.model.card.recipe["loss"]["kind"])
            if trained.model.card.recipe
            else "",
        },
        "noisy": {"psnr": found.degraded.psnr, "fitted": fitted.degraded.psnr_gain_fitted},
        "restored": {"psnr": found.restored.psnr, "fitted": fitted.restored.psnr_gain_fitted},
    }


def goals(found: Mapping[str, Any]) -> list[list[str]]:
    """The plain PSNR."""
    return [
        NOISY.row(
            f"BSD68, σ {SIGMA}, from noisy images only: PSNR, dB", found["restored"]["psnr"], 2
        )
    ]


def report(found: Mapping[str, Any]) -> list[str]:
    """Plain scores, and those after a fit of gain and offset."""
    trained = found["trained"]
    rows = [
        [what, *(f"{found[key][score]:.2f}" for score in ("psnr", "fitted"))]
        for what, key in (("degraded", "noisy"), ("restored", "restored"))
    ]
    for method, psnr in NOISY_ONLY.items():
        rows.append(
            [
                f"{method.partition(',')[0]}, published",
                *(["", f"{psnr:.1f}"] if "," in method else [f"{psnr:.2f}", ""]),
            ]
        )
    return [
        table(
            [
                f"BSD68 ({found['test']}), σ {SIGMA}",
                "PSNR, dB",
                "after a fit of gain and offset, dB",
            ],
            rows,
        ),
        f"Learned from {found['train']:,} grey photos of photos-train, each with noise that was generated once and stored; no clean "
        f"image was used: loss `{trained['loss']}`, `{trained['network']}`, {trained['parameters']:,} parameters, "
        f"{trained['steps']:,} steps in "
        f"{trained['seconds'] / 60:.3g} minutes; the weights at the end are scored, not the best during training. Both scores use a "
        "peak of 1; the fit is by least squares for each image (scale-invariant PSNR). References: Krull et al., 2019; Höck et al., "
        "2022.",
    ]


# micrographs


def measure_w2s(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Leave one field out, learn from the others' noisy images, and score the field that was left out.

    As the command does by itself: it goes on from a bundled model, which saw clean photographs and no micrograph.
    """
    source = place_of(bench, "microscopy", "w2s")
    fields = []
    for field in FIELDS[: bench.fields]:
        folder = working_folder(bench) / "w2s"
        noisy = save_field(source, (other for other in FIELDS if other != field), folder / "train")
        test_set = _exam(bench, field)
        trained = train(
            bench,
            f"w2s-without-{field}",
            RECIPE_OF_A_FIELD,
            MINUTES_OF_A_FIELD,
            {"noisy": noisy},
            bench.start,
        )
        learned = evaluate(
            trained.model.restore_images, test_set, with_ssim=False, fit_gain=True
        ).gain_fitted
        assert learned is not None
        start = trained.model.card.started_from.partition(":")[0]
        begun = (
            evaluate(
                load(bench.start or start).restore_images, test_set, with_ssim=False, fit_gain=True
            ).gain_fitted
            if start
            else None
        )
        others = {}
        for method in classical_methods(quick=bench.quick):
            scores = evaluate(method.apply, test_set, with_ssim=False, fit_gain=True).gain_fitted
            assert scores is not None
            others[str(method)] = scores.restored.si_psnr
        classical = {method: psnr for method, psnr in others.items() if psnr is not None}
        fields.append(
            {
                "field": field,
                "trained": trained.facts,
                "noisy": learned.degraded.si_psnr,
                "start": begun.restored.si_psnr if begun else None,
                "learned": learned.restored.si_psnr,
                "classical": classical,
            }
        )
        best, psnr = best_of(classical)
        say(f"field {field}: {learned.restored.si_psnr or 0:.2f} dB, {best} {psnr:.2f} dB")
    return {"fields": fields}


def classical_methods(quick: bool = False) -> list[Classical]:
    """Every method that needs no mask with its defaults, and nlm and tv with a small grid of settings; each once."""
    tried = (
        []
        if quick
        else [
            *(f"nlm(strength={strength})" for strength in STRENGTHS),
            *(f"tv(weight={weight})" for weight in WEIGHTS),
        ]
    )
    methods = [*all_baselines(), *map(Classical.of, tried)]
    return list({str(method): method for method in methods}.values())


def best_of(scores: Mapping[str, float]) -> tuple[str, float]:
    """The method with the highest score, and its score."""
    return max(scores.items(), key=lambda each: each[1])


def _exam(bench: Bench, field: str) -> TestSet:
    source, folder = place_of(bench, "microscopy", "w2s"), working_folder(bench) / "w2s"
    noisy, clean = (
        open_noisy(save_field(source, [field], folder / which, which))
        for which in ("noisy-avg1", "clean-avg400")
    )
    pairs, _ = match(noisy, clean)
    return TestSet(pairs.clean, degraded=pairs.degraded)


def goals_of_w2s(found: Mapping[str, Any]) -> list[list[str]]:
    """The mean gain over the best classical method of each field."""
    gains = [field["learned"] - best_of(field["classical"])[1] for field in found["fields"]]
    mean, of = sum(gains) / len(gains), f"{len(gains)} field{'s' if len(gains) > 1 else ''}"
    return [
        MICROGRAPHS.row(
            f"W2S, {of} not seen in training: gain in scale-invariant PSNR over the best classical method, dB",
            mean,
            2,
            f"{mean:+.2f}",
        )
    ]


def report_w2s(found: Mapping[str, Any]) -> list[str]:
    """A line for each field."""
    rows = []
    for field in found["fields"]:
        best, psnr = best_of(field["classical"])
        figures = [field["noisy"], field["start"], field["learned"], psnr]
        rows.append(
            [
                field["field"],
                *("–" if figure is None else f"{figure:.2f}" for figure in figures),
                f"`{best}`",
                f"{field['learned'] - psnr:+.2f}",
            ]
        )
    first = found["fields"][0]["trained"]
    return [
        table(
            [
                "field",
                "noisy, dB",
                "start model, dB",
                "learned, dB",
                "best classical, dB",
                "method",
                "difference, dB",
            ],
            rows,
        ),
        f"Single exposures of W2S (Zhou et al., 2020) against means of 400, {len(CHANNELS)} channels a field, each an image. The "
        "score is scale-invariant PSNR, since the exposures differ: gain and offset are fitted for each image, and the peak is the "
        f"clean image's range. Trained on the noisy images of the other fields only: `{first['network']}`, {first['parameters']:,} "
        "parameters, "
        f"{first['steps']:,} steps in {first['seconds'] / 60:.3g} minutes each{_begun(first)}. The best classical method is chosen on "
        "the test field itself, among all methods with default settings and `nlm` and `tv` with several settings; this favours the "
        "classical methods.",
    ]


def _begun(facts: Mapping[str, Any]) -> str:
    start = facts.get("started_from")
    return (
        f", from the weights of `{start}`, which was trained on clean photographs with noise and no micrographs"
        if start
        else ", from random weights"
    )
