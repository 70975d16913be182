"""Tables of scores: what stands where, and in which order."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from restorae.data import ArrayImages
from restorae.evaluating import Evaluation, TestSet, evaluate
from restorae.evaluating.tables import (
    as_plain,
    images_csv,
    images_table,
    means_table,
    worst_first,
)

NAMES = ["fair.png", "best.png", "worst, of all.png", "perfect.png"]
STEPS = np.array([0.1, 0.01, 0.3, 0.0], np.float32)


def scored(factor: float = 1.0, fit_gain: bool = False) -> Evaluation:
    """Images whose errors are `STEPS` times the factor everywhere, with a sign that takes turns."""
    clean = np.random.default_rng(0).uniform(0.4, 0.6, (4, 12, 12)).astype(np.float32)
    signs = np.where(np.indices((12, 12)).sum(0) % 2, 1, -1).astype(np.float32)
    degraded = clean + STEPS[:, None, None] * signs
    test_set = TestSet(
        ArrayImages(clean, names=NAMES), degraded=ArrayImages(degraded.astype(np.float32))
    )
    truth = test_set.clean.batch(range(4))
    return evaluate(lambda images: truth + factor * (images - truth), test_set, fit_gain=fit_gain)


def test_the_worst_image_comes_first_and_one_without_error_last() -> None:
    found = scored()
    assert [NAMES[place] for place in worst_first(found)] == [
        "worst, of all.png",
        "fair.png",
        "best.png",
        "perfect.png",
    ]
    assert worst_first(scored(fit_gain=True))[0] == 2


def test_the_table_of_images_shows_before_and_after_and_each_baseline() -> None:
    columns, rows = images_table(scored(0.1), {"half": scored(0.5)}, most=3)
    assert columns == (
        "image",
        "psnr degraded",
        "psnr restored",
        "ssim degraded",
        "ssim restored",
        "psnr half",
    )
    assert [row[0] for row in rows] == ["worst, of all.png", "fair.png", "best.png"]
    worst = rows[0]
    expected = [-20 * np.log10(0.3 * factor) for factor in (1, 0.1, 0.5)]
    assert [float(worst[place]) for place in (1, 2, 5)] == pytest.approx(expected, abs=1e-3)
    assert "si_psnr restored" in images_table(scored(fit_gain=True), {}, most=1)[0]


def test_a_score_that_an_image_has_not_is_a_dash_in_the_table_and_empty_in_the_file() -> None:
    found = scored()
    assert images_table(found, {}, most=9)[1][-1][:3] == ("perfect.png", "–", "–")
    assert images_csv(found, {}).splitlines()[-1].startswith("perfect.png,,,")


def test_the_file_holds_every_image_in_the_order_of_the_set() -> None:
    found, other = scored(0.1, fit_gain=True), scored(0.5, fit_gain=True)
    rows = list(csv.DictReader(io.StringIO(images_csv(found, {"nlm(sigma=0.1,patch=3)": other}))))
    assert [row["image"] for row in rows] == NAMES
    fitted = found.images[2].gain_fitted
    assert fitted is not None
    assert float(rows[2]["psnr restored"]) == found.images[2].restored.psnr
    assert float(rows[2]["psnr_gain_fitted degraded"]) == fitted.degraded.psnr_gain_fitted
    assert float(rows[2]["psnr nlm(sigma=0.1,patch=3)"]) == other.images[2].restored.psnr
    assert "si_psnr nlm(sigma=0.1,patch=3)" in rows[0]


def test_rows_after_a_fit_say_so_in_their_names() -> None:
    columns, rows = means_table(scored(0.1, fit_gain=True), {"half": scored(0.5, fit_gain=True)})
    assert columns == ("score", "degraded", "restored", "half")
    assert all(len(row) == 4 for row in rows)
    plain = [row[0] for row in means_table(scored(), {})[1]]
    assert plain == ["psnr", "psnr_pooled", "ssim", "mse", "rmse"]
    assert [row[0] for row in rows[5:]] == [
        "si_psnr (gain fitted)",
        "si_ssim (gain fitted)",
        "psnr (gain fitted)",
        "s per image",
    ]


def test_plain_values_have_no_key_that_was_not_asked_for() -> None:
    assert list(as_plain(scored(), {}, one_by_one=False)) == [
        "count",
        "degraded",
        "restored",
        "seconds",
    ]
    told = as_plain(scored(fit_gain=True), {"half": scored(0.5, fit_gain=True)}, one_by_one=True)
    json.dumps(told, allow_nan=False)
    assert list(told) == [
        "count",
        "degraded",
        "restored",
        "seconds",
        "gain_fitted",
        "baselines",
        "images",
    ]
    assert [image["name"] for image in told["images"]] == NAMES
    shared = {"psnr", "psnr_pooled", "ssim"} & set(told["gain_fitted"]["restored"])
    assert not shared, f"{shared} would be taken for the plain scores"
    assert set(told["images"][0]) == {"name", "degraded", "restored", "gain_fitted", "baselines"}
    assert "gain_fitted" not in as_plain(scored(), {}, one_by_one=True)["images"][0]
