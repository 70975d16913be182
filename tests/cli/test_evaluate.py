"""`evaluate`: exposures, image by image, the worst as a sheet, and requests that cannot be."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from tests.command import pixels, run


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[str, ...]:
    """24 small pieces of a photograph and the same ones noisy and underexposed; the words that name them."""
    camera = data.camera()
    clean = np.stack([camera[100 + 4 * place :, 200:][:24, :24] for place in range(24)]) / 255
    dim = (
        0.4 * clean
        + 0.05
        + np.random.default_rng(0).normal(0, 0.02, clean.shape)
        * np.linspace(1, 3, 24)[:, None, None]
    )
    np.save(tmp_path / "clean.npy", clean.astype(np.float32))
    np.save(tmp_path / "dim.npy", dim.astype(np.float32))
    return (
        "evaluate",
        "--model",
        "classical:median",
        "--clean",
        "clean.npy",
        "--degraded",
        "dim.npy",
    )


def test_scores_after_the_fit_stand_beside_the_plain_ones_under_other_names(
    tmp_path: Path, pairs: tuple[str, ...]
) -> None:
    alone, both = (
        json.loads(run(*pairs, *words, "--json", cwd=tmp_path).out)
        for words in ((), ("--fit-gain",))
    )
    fitted = both.pop("gain_fitted")
    assert {**both, "seconds": 0} == {**alone, "seconds": 0}
    expected = []
    for seen, clean in zip(
        *(np.load(tmp_path / name).astype(np.float64) for name in ("dim.npy", "clean.npy")),
        strict=True,
    ):
        gain, offset = np.polyfit(seen.ravel(), clean.ravel(), 1)
        expected.append(
            peak_signal_noise_ratio(clean, gain * seen + offset, data_range=np.ptp(clean))
        )
    assert fitted["degraded"]["si_psnr"] == pytest.approx(np.mean(expected), abs=1e-3)
    assert fitted["degraded"]["psnr_gain_fitted"] > both["degraded"]["psnr"] + 5, (
        "the exposure was most of the error"
    )
    lines = run(*pairs, "--fit-gain", "--baseline", "tv", cwd=tmp_path).out.splitlines()
    assert [line.split("  ")[0] for line in lines[6:9]] == [
        "si_psnr (gain fitted)",
        "si_ssim (gain fitted)",
        "psnr (gain fitted)",
    ]
    assert len(lines[6].removeprefix("si_psnr (gain fitted)").split()) == 3


def test_images_are_printed_worst_first_and_all_of_them_go_to_the_file(
    tmp_path: Path, pairs: tuple[str, ...]
) -> None:
    done = run(*pairs, "--per-image", "--table", "scores.csv", "--baseline", "tv", cwd=tmp_path)
    assert done.status == 0, done.err
    printed = done.out.split("\n\n")[1].splitlines()
    assert printed[0].split("  ") == [
        "image",
        "psnr degraded",
        "psnr restored",
        "ssim degraded",
        "ssim restored",
        "psnr tv",
    ]
    restored = [float(line.split()[2]) for line in printed[1:]]
    assert len(restored) == 20
    assert restored == sorted(restored)
    assert "4 better ones are not shown" in done.err
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert [row["image"] for row in rows] == [str(place) for place in range(24)]
    assert min(float(row["psnr restored"]) for row in rows) == pytest.approx(restored[0], abs=1e-4)


def test_in_json_the_images_come_only_when_asked_for(
    tmp_path: Path, pairs: tuple[str, ...]
) -> None:
    assert "images" not in json.loads(run(*pairs, "--json", cwd=tmp_path).out)
    told = json.loads(run(*pairs, "--json", "--per-image", "--baseline", "tv", cwd=tmp_path).out)
    assert [image["name"] for image in told["images"]] == [str(place) for place in range(24)]
    mean = np.mean([image["baselines"]["tv"]["psnr"] for image in told["images"]])
    assert told["baselines"]["tv"]["restored"]["psnr"] == pytest.approx(mean)


def test_the_sheet_shows_as_many_of_the_worst_as_asked_for(
    tmp_path: Path, pairs: tuple[str, ...]
) -> None:
    done = run(*pairs, "--sheet", "few.png", "--worst", "2", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "few.png: the worst 2 of 24 images" in done.err
    assert run(*pairs, "--sheet", "more.png", cwd=tmp_path).status == 0
    few, more = pixels(tmp_path / "few.png"), pixels(tmp_path / "more.png")
    assert few.shape[1] == more.shape[1]
    assert more.shape[0] > 2 * few.shape[0], "without --worst there are five"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--worst", "3"), "--worst needs --sheet. Use --sheet FILE.png."),
        (
            ("--sheet", "sheet.jpg"),
            "sheet.jpg: expected a name that ends in .png. Choose another --sheet.",
        ),
        (
            ("--table", "scores.txt"),
            "scores.txt: expected a name that ends in .csv. Choose another --table.",
        ),
        (
            ("--table", "there.csv"),
            "there.csv: already exists. Use --overwrite, or choose another --table.",
        ),
        (
            ("--sheet", "there.png"),
            "there.png: already exists. Use --overwrite, or choose another --sheet.",
        ),
        (("--sheet", "folder.png"), "folder.png: is a folder."),
    ],
)
def test_a_result_that_cannot_be_written_is_refused_before_the_model_is_looked_for(
    tmp_path: Path, words: tuple[str, ...], hint: str
) -> None:
    for name in ("there.csv", "there.png"):
        (tmp_path / name).write_text("precious")
    (tmp_path / "folder.png").mkdir()
    done = run(
        "evaluate",
        "--model",
        "nowhere",
        "--clean",
        "digits",
        "--with",
        "blur",
        *words,
        cwd=tmp_path,
    )
    assert done.status == 2
    assert hint in done.complaint
    assert (tmp_path / "there.csv").read_text() == "precious"


def test_what_is_there_is_replaced_when_that_is_wanted(
    tmp_path: Path, pairs: tuple[str, ...]
) -> None:
    (tmp_path / "there.csv").write_text("old")
    assert run(*pairs, "--table", "there.csv", "--overwrite", cwd=tmp_path).status == 0
    assert (tmp_path / "there.csv").read_text().startswith("image,psnr degraded,")


def test_images_without_a_partner_are_left_out_of_the_scores_and_named(
    tmp_path: Path, images: Path
) -> None:
    alone = tmp_path / "alone"
    (alone / "inner folder").mkdir(parents=True)
    (alone / "inner folder" / "colour.jpg").write_bytes(
        (images / "inner folder" / "colour.jpg").read_bytes()
    )
    (alone / "stranger.jpg").write_bytes((images / "inner folder" / "colour.jpg").read_bytes())
    done = run(
        "evaluate",
        "--model",
        "classical:median",
        "--clean",
        images,
        "--degraded",
        alone,
        "--json",
        "--per-image",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "Left out, without a partner: grey, stranger" in done.err
    assert [image["name"] for image in json.loads(done.out)["images"]] == [
        "inner folder/colour.jpg"
    ]
