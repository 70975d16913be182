"""Scores as tables, CSV and JSON: means of a model and its baselines side by side, and scores of each image."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from restorae.evaluating.scores import Evaluation, ImageScores

Table: TypeAlias = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Column headings, and rows."""

_PLAIN = ("psnr", "psnr_pooled", "ssim", "mse", "rmse")
_FITTED = {
    "si_psnr": "si_psnr (gain fitted)",
    "si_ssim": "si_ssim (gain fitted)",
    "psnr_gain_fitted": "psnr (gain fitted)",
}


def means_table(found: Evaluation, others: Mapping[str, Evaluation]) -> Table:
    """A row for each score: degraded, restored, and restored by each baseline. Fitted scores are marked in their names."""
    every = (found, *others.values())
    plain = [found.degraded, *(each.restored for each in every)]
    rows = [(name, *(_number(getattr(scores, name)) for scores in plain)) for name in _PLAIN]
    if found.gain_fitted is not None:
        fitted = [
            found.gain_fitted.degraded,
            *(each.gain_fitted.restored for each in every if each.gain_fitted),
        ]
        rows += [
            (label, *(_number(getattr(scores, name)) for scores in fitted))
            for name, label in _FITTED.items()
        ]
    if others:
        rows.append(("s per image", "–", *(_number(each.seconds / each.count) for each in every)))
    return ("score", "degraded", "restored", *others), rows


def images_table(found: Evaluation, others: Mapping[str, Evaluation], most: int) -> Table:
    """A row for each image with its main scores: the worst first, at most `most`."""
    shown = [
        (found.images[index].name, _figures(found, others, index, ("psnr", "ssim"), ("si_psnr",)))
        for index in worst_first(found)[:most]
    ]
    return ("image", *shown[0][1]), [
        (name, *map(_number, figures.values())) for name, figures in shown
    ]


def images_csv(found: Evaluation, others: Mapping[str, Evaluation]) -> str:
    """All scores of all images, in the order of the set; a field is empty where an image has no such score."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for index, image in enumerate(found.images):
        figures = _figures(found, others, index, ("psnr", "ssim", "mse", "rmse"), tuple(_FITTED))
        if not index:
            writer.writerow(("image", *figures))
        writer.writerow((image.name, *figures.values()))
    return text.getvalue()


def as_plain(
    found: Evaluation, others: Mapping[str, Evaluation], one_by_one: bool
) -> dict[str, Any]:
    """All results as plain values for JSON; scores that were not requested have no key."""
    plain = found.model_dump() | (
        {"gain_fitted": found.gain_fitted.model_dump()} if found.gain_fitted else {}
    )
    if others:
        plain["baselines"] = {name: _baseline(other) for name, other in others.items()}
    if one_by_one:
        plain["images"] = [
            _image(
                found.images[index],
                {name: other.images[index] for name, other in others.items()},
            )
            for index in range(found.count)
        ]
    return plain


def worst_first(found: Evaluation) -> list[int]:
    """Indices of all images, worst first, by PSNR (scale-invariant PSNR where it was fitted).

    Images without a PSNR, such as those without error, come last.
    """

    def worth(index: int) -> float:
        image = found.images[index]
        psnr = image.gain_fitted.restored.si_psnr if image.gain_fitted else image.restored.psnr
        return math.inf if psnr is None else psnr

    return sorted(range(found.count), key=worth)


def _figures(
    found: Evaluation,
    others: Mapping[str, Evaluation],
    index: int,
    plain: Sequence[str],
    fitted: Sequence[str],
) -> dict[str, float | None]:
    """An image's scores by column heading."""
    image = found.images[index]
    row = {
        f"{name} {which}": getattr(getattr(image, which), name)
        for name in plain
        for which in ("degraded", "restored")
    }
    if image.gain_fitted is not None:
        row |= {
            f"{name} {which}": getattr(getattr(image.gain_fitted, which), name)
            for name in fitted
            for which in ("degraded", "restored")
        }
    for name, other in others.items():
        row |= {f"{score} {name}": value for score, value in _psnrs(other.images[index]).items()}
    return row


def _psnrs(image: ImageScores) -> dict[str, float | None]:
    fitted = {"si_psnr": image.gain_fitted.restored.si_psnr} if image.gain_fitted else {}
    return {"psnr": image.restored.psnr, **fitted}


def _baseline(other: Evaluation) -> dict[str, Any]:
    """Results of a baseline; the degraded input is the same for all."""
    fitted = (
        {"gain_fitted": {"restored": other.gain_fitted.restored.model_dump()}}
        if other.gain_fitted
        else {}
    )
    times = {"seconds": other.seconds, "seconds_per_image": other.seconds / other.count}
    return {"restored": other.restored.model_dump(), **fitted, **times}


def _image(image: ImageScores, others: Mapping[str, ImageScores]) -> dict[str, Any]:
    plain = image.model_dump()
    if image.gain_fitted is None:
        del plain["gain_fitted"]
    return plain | (
        {"baselines": {name: _psnrs(other) for name, other in others.items()}} if others else {}
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
