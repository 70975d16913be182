"""The part `learning` of the benchmark: which images are kept apart, the noise, the verdicts, its sections and its page."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import restorae
from restorae.data import ListedImages, open_images, open_noisy
from restorae.errors import DataUnavailable, UnknownKind
from restorae.evaluating import evaluate
from restorae.model import load

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import dncnn  # noqa: E402
import interleaved_timing  # noqa: E402
import run  # noqa: E402
import settings  # noqa: E402
from learning import data as learning_data  # noqa: E402
from learning import denoise as learning_denoise  # noqa: E402
from learning import noisy as learning_noisy  # noqa: E402
from learning import pages as learning_pages  # noqa: E402
from learning import section as learning  # noqa: E402
from learning import sheets as learning_sheets  # noqa: E402
from learning import targets as learning_targets  # noqa: E402
from learning import training as learning_training  # noqa: E402

DATA = Path(os.environ.get("RESTORAE_DATA") or "nowhere")  # before the tests are cut off from it
PARTS_OF_DATA = ("denoise-test", "photos-train", "dirty-documents", "microscopy", "old-photos")


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A bench whose results go to a folder of the test and whose trainings last a moment."""
    monkeypatch.setattr(settings.Bench, "folder", tmp_path / "results")
    return settings.Bench(
        quick=True, threads=1, rounds=1, minutes_scale=0.002, fields=1, data_dir=tmp_path / "data"
    )


@pytest.fixture
def real(bench, monkeypatch):
    """The real images, and a denoiser of a few steps."""
    absent = [part for part in PARTS_OF_DATA if not (DATA / part).is_dir()]
    if absent:
        pytest.skip(
            f"RESTORAE_DATA names no folder that holds {', '.join(absent)}: the real images are not tested."
        )
    recipe = restorae.Recipe(
        name="tiny",
        network="unet(widths=[4,8],residual=true,grey_too=true)",
        degradation="gaussian-noise(sigma=0.1)",
        patch=32,
        steps=2,
    )
    colours = np.random.default_rng(0).random((4, 40, 40, 3), np.float32)
    denoiser = restorae.train(recipe, clean=colours).save(bench.folder / "tiny.safetensors")
    return settings.Bench(
        **{**vars(bench), "data_dir": DATA, "denoiser": str(denoiser), "start": str(denoiser)}
    )


def grid_of_pages():
    """As in pairs.csv: 18 layouts, each over 4 backgrounds."""
    return [
        learning_data.Page(str(4 * layout + background), layout, background)
        for layout in range(18)
        for background in range(4)
    ]


# what is kept apart


def test_no_two_parts_of_the_pages_share_a_layout_or_a_background():
    split = learning_data.split_pages(grid_of_pages())
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    assert {name: len(pages) for name, pages in parts.items()} == {
        "train": 13 * 2,
        "validation": 2,
        "test": 3,
    }
    for kind in ("layout", "background"):
        seen = [{getattr(page, kind) for page in pages} for pages in parts.values()]
        assert sum(map(len, seen)) == len(set.union(*seen)), f"a {kind} is in two parts: {seen}"


def test_eight_pairs_are_training_pages_of_eight_layouts_over_both_backgrounds():
    split = learning_data.split_pages(grid_of_pages())
    eight = learning_pages.eight_of(split)
    assert len(eight) == len({page.layout for page in eight}) == 8
    assert set(eight) <= set(split.train)
    assert [page.background for page in eight].count(0) == 4


def test_pages_without_a_clean_version_are_not_among_the_pairs(tmp_path):
    table = tmp_path / "pairs.csv"
    table.write_text(
        "number,folder,has_clean,text,layout,background\n1,test,0,C,0,0\n2,train,1,A,0,3\n"
    )
    assert learning_data.read_pages(table) == [learning_data.Page("2", 0, 3)]


def test_the_photo_that_set12_shows_too_is_left_out(tmp_path):
    for name in ("a/2.jpg", "b/12003.jpg", "b/1.jpg", "b/1.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert learning_data.training_photos(tmp_path) == [tmp_path / "a/2.jpg", tmp_path / "b/1.jpg"]


@pytest.mark.skipif(
    not (DATA / "denoise-test").is_dir(),
    reason="RESTORAE_DATA names no folder that holds denoise-test/",
)
def test_no_test_photo_is_trained_on():
    trained = {path.stem for path in learning_data.training_photos(DATA / "photos-train")}
    assert len(trained) == 399
    with (DATA / "denoise-test" / "bsd68-ids.csv").open(newline="") as lines:
        tested = {row["bsds_id"] for row in csv.DictReader(lines)}
    assert len(tested) == 68
    assert {path.stem for path in (DATA / "denoise-test" / "CBSD68").iterdir()} == tested
    assert not trained & (tested | learning_data.LEFT_OUT)


def test_a_micrograph_s_field_is_copied_with_its_channels_alone(tmp_path):
    for field in learning_data.FIELDS:
        for channel in learning_data.CHANNELS:
            (tmp_path / "w2s" / "noisy-avg1").mkdir(parents=True, exist_ok=True)
            (tmp_path / "w2s" / "noisy-avg1" / f"{field}_{channel}.png").touch()
    folder = learning_data.save_field(tmp_path / "w2s", ["031"], tmp_path / "train")
    learning_data.save_field(tmp_path / "w2s", ["001"], folder)
    assert sorted(path.name for path in folder.iterdir()) == ["001_0.png", "001_1.png", "001_2.png"]


def test_images_that_are_not_there_are_named_and_no_folder_is(tmp_path, bench, monkeypatch):
    for told in (bench, settings.Bench()):
        with pytest.raises(DataUnavailable, match=r"denoise-test/Set12 is not below") as refusal:
            learning_data.place_of(told, "denoise-test", "Set12")
        assert str(tmp_path) not in str(refusal.value)
    (tmp_path / "denoise-test").mkdir()
    monkeypatch.setenv("RESTORAE_DATA", str(tmp_path))
    assert learning_data.place_of(settings.Bench(), "denoise-test") == tmp_path / "denoise-test"


# the noise


def test_noise_is_neither_clipped_nor_rounded_and_each_image_has_its_own():
    """On flat images, white, grey and black, the noise is what came less what was there."""
    flat = ListedImages(
        [np.full((64, 64), value, np.uint8) for value in (255, 128, 0)], ["white", "grey", "black"]
    )
    test_set = learning_data.test_set_from(flat, 25, seed=0)
    fields, again = (
        torch.cat([degraded - clean for degraded, clean in test_set.batches()]).double().flatten(1)
        for _ in range(2)
    )
    assert torch.equal(fields, again)
    for field in fields:
        assert field.std().item() == pytest.approx(25 / 255, rel=0.05)
        assert abs(field.mean().item()) < 4 * 25 / 255 / 64
    assert len(torch.unique((fields[0] * 255).round(decimals=3))) > 1000
    assert torch.corrcoef(fields).triu(1).abs().max().item() < 0.1


def test_the_figure_is_the_mean_of_the_images_psnrs_after_clipping():
    """Against NumPy, with a restorer that adds a known error and leaves [0, 1]."""
    image_set = ListedImages(
        [np.full((8, 8), value, np.uint8) for value in (0, 255)], ["black", "white"]
    )
    found = evaluate(
        lambda images: images.round().clamp(0, 1) * 1.2 + 0.1,
        learning_data.test_set_from(image_set, 5, 0),
        with_ssim=False,
    )
    assert found.restored.psnr is None  # white is without error once it is clipped
    grey = ListedImages(
        [np.full((8, 8), value, np.uint8) for value in (51, 102)], ["dark", "light"]
    )
    restored = torch.tensor([0.3, 0.6])[:, None, None, None].expand(2, 1, 8, 8)
    found = evaluate(
        lambda images: restored, learning_data.test_set_from(grey, 5, 0), with_ssim=False
    )
    assert found.restored.psnr == pytest.approx(
        np.mean([-20 * math.log10(error) for error in (0.1, 0.2)]), abs=1e-4
    )


def test_noisy_photos_are_stored_once_as_they_would_come(tmp_path):
    """They are read as they were drawn: from one seed the same, below 0 and above 1, whatever their place in the folder's order."""
    photos = [tmp_path / f"{name}.jpg" for name in (8, 20)]
    for place, path in enumerate(photos):
        pixels = np.random.default_rng(place).integers(0, 256, (48, 40, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    folder = learning_data.save_noisy(photos, tmp_path / "noisy", 25, seed=3)
    first = {path.stem: tifffile.imread(path) for path in sorted(folder.iterdir())}
    assert first["8"].dtype == np.float32
    assert min(stored.min() for stored in first.values()) < 0
    assert max(stored.max() for stored in first.values()) > 1
    for place, path in enumerate(photos):
        clean = np.asarray(Image.open(path).convert("L")) / 255
        np.testing.assert_allclose(
            first[path.stem] - clean, learning_data.noise_for(3, place, clean.shape, 25), atol=1e-6
        )
    assert not np.array_equal(
        learning_data.noise_for(3, 0, (4, 4), 25), learning_data.noise_for(3, 1, (4, 4), 25)
    )
    (folder / "old.tif").touch()
    learning_data.save_noisy(photos, folder, 25, seed=3)
    again = open_noisy(folder)
    assert list(again.names) == ["20.tif", "8.tif"]
    for place in range(2):
        np.testing.assert_array_equal(again[place][0].numpy(), first[Path(again.names[place]).stem])


# verdicts


@pytest.mark.parametrize(
    ("floor", "goal", "measured", "verdict"),
    [
        (27.3, 28.6, 27.29, "missed"), (27.3, 28.6, 27.3, "floor"), (27.3, 28.6, 28.59, "floor"), (27.3, 28.6, 28.6, "goal"),
        (0.12, 0.04, 0.1201, "missed"), (0.12, 0.04, 0.12, "floor"), (0.12, 0.04, 0.041, "floor"), (0.12, 0.04, 0.04, "goal"),
    ],
)  # fmt: skip
def test_a_verdict_knows_which_way_is_better(floor, goal, measured, verdict):
    assert learning_targets.Target(floor, goal).verdict(measured) == verdict


def test_a_figure_that_is_rounded_up_to_its_floor_has_not_reached_it():
    assert learning_targets.Target(28.97, 29.23).row("BSD68", 28.9699, 2) == [
        "BSD68",
        "28.97",
        "28.97",
        "29.23",
        "missed",
    ]


def test_floors_lie_between_what_is_classical_and_what_was_trained_for_one_noise():
    for name, targets in learning_targets.DENOISING.items():
        classical, *_, strongest = learning_targets.PUBLISHED[name].values()
        for target, low, high in zip(targets, classical, strongest, strict=True):
            assert low < target.floor < target.goal < high
    grey = zip(
        learning_targets.DENOISING["BSD68"],
        learning_targets.PUBLISHED["BSD68"]["BM3D"],
        strict=True,
    )
    assert all(target.floor >= low + 0.37 for target, low in grey)


@pytest.mark.parametrize("channels", [1, 3])
def test_dncnn_for_colour_is_wider_at_its_ends_only(channels):
    network = dncnn.DnCNN(channels)
    by_hand = (9 * channels + 1) * 64 + 15 * (9 * 64 + 1) * 64 + (9 * 64 + 1) * channels
    assert dncnn.parameters(channels) == by_hand == {1: 555_137, 3: 557_443}[channels]
    assert network(torch.zeros(1, channels, 9, 7)).shape == (1, channels, 9, 7)


def test_classical_methods_stand_once_each_with_and_without_settings():
    methods = [str(method) for method in learning_noisy.classical_methods()]
    assert len(methods) == len(set(methods))
    assert {"median", "nlm", "tv", "wavelet", "nlm(strength=0.4)", "tv(weight=0.02)"} <= set(
        methods
    )
    assert "inpaint" not in methods
    assert learning_noisy.best_of({"median": 20.0, "tv": 21.5, "nlm": 21.0}) == ("tv", 21.5)


# sections


def section(name, found, **changed):
    return {
        name: {"found": found, "seconds": 61, "minutes_scale": 1.0, "load": [0.1, 2.0], **changed}
    }


def record(**sections):
    machine = {
        "processor": "P",
        "cores": 2,
        "threads": 2,
        "capability": "AVX2",
        "precision": "float32",
    }
    return {
        "date": "2026-01-02", "seed": 0, "command": "python benchmarks/run.py learning", "load": [0.1, 2.0], "versions": {"restorae": "1"},
        "machine": machine, "measured": {"sections": sections, "failed": []},
    }  # fmt: skip


TRAINED = {
    "parameters": 1_000,
    "steps": 500,
    "seconds": 600.0,
    "seconds_of_command": 620.0,
    "network": "unet",
}


def denoised(bsd68):
    def scores(psnrs):
        return {
            str(sigma): {"count": 68, "noisy": 20.0, "restored": psnr}
            for sigma, psnr in zip(learning_targets.SIGMAS, psnrs, strict=True)
        }

    model = {
        "name": "d",
        "takes": [1, 3],
        "parameters": 1_000,
        "steps": 5_000,
        "seconds": 7_200.0,
        "trained_on": "a machine",
    }
    sets = {
        "Set12": scores((32.0, 30.0, 27.0)),
        "BSD68": scores(bsd68),
        "CBSD68": scores((33.8, 31.2, 27.7)),
    }
    return {"model": model, "scores": sets}


def test_denoising_stands_beside_published_figures_and_has_its_verdicts():
    text = learning.report(record(**section("denoise", denoised((31.5, 28.9, 26.3)))))
    assert "| BSD68 (grey), σ 15, blind: PSNR, dB | 31.50 | 31.45 | 31.73 | floor reached |" in text
    assert "| BSD68 (grey), σ 25, blind: PSNR, dB | 28.90 | 28.97 | 29.23 | missed |" in text
    assert "| BSD68 (grey), σ 50, blind: PSNR, dB | 26.30 | 26.00 | 26.23 | goal reached |" in text
    assert "| `d`, measured | 32.00 | 30.00 | 27.00 | 31.50 | 28.90 | 26.30 |" in text
    assert "| DnCNN, published | 32.86 | 30.44 | 27.18 | 31.73 | 29.23 | 26.23 |" in text
    assert "| CDnCNN, published | 33.90 | 31.24 | 27.95 |" in text
    for words in (
        "neither clipped nor rounded",
        "one file for grey and colour",
        "in 2 h on a machine",
        "restored whole",
    ):
        assert words in text


def test_speed_is_that_of_rounds_in_turn():
    def lap(dncnn, auto):
        return {"dncnn": {"seconds": dncnn}, "auto": {"seconds": auto}}

    laps = [lap(4.0, 0.4), lap(5.0, 0.25), lap(4.0, 0.16)]
    grey = {"megapixels": 0.5, "laps": laps, "idle": 0.004, "precision": "bfloat16"}
    found = {
        "name": "d",
        "channels": {
            "1": grey,
            "3": {**grey, "laps": [{**one, "float32": {"seconds": 1.0}} for one in laps]},
        },
    }
    text = learning.report(record(**section("speed", found)))
    assert (
        "| seconds per megapixel over DnCNN's, grey | 0.050 (0.040–0.100) | 0.120 | 0.040 | floor reached |"
        in text
    )
    assert "| grey: DnCNN, float32 | 8.000 (8.000–10.000) |  |" in text
    assert "| grey: `d`, bfloat16 (`auto`) | 0.500 (0.320–0.800) | 0.050 (0.040–0.100) |" in text
    assert "| colour: `d`, float32 | 2.000 | 0.250 (0.200–0.250) |" in text
    assert "555,137 parameters in grey" in text


def test_pages_and_eight_pairs_say_what_they_were_tested_on():
    scores = {"count": 3, "degraded": 0.155, "restored": 0.012}
    pages = section(
        "pages",
        {
            "train": 26,
            "trained": TRAINED,
            "validation": {**scores, "restored": 0.02},
            "test": scores,
        },
    )
    ways = {
        learning_pages.NOTHING: {**scores, "restored": 0.03, "trained": TRAINED},
        learning_pages.START: {**scores, "restored": 0.05},
        learning_pages.STARTED: {**scores, "restored": 0.013, "trained": TRAINED},
    }
    few = section("few", {"pairs": 8, "start": "page-cleaner", "ways": ways})
    text = learning.report(record(**pages, **few))
    assert (
        "| dirty pages of another layout and background: RMSE | 0.0120 | 0.0180 | 0.0100 | floor reached |"
        in text
    )
    assert (
        "| the same from 8 pairs, from the start model: RMSE | 0.0130 | 0.0240 | 0.0140 | goal reached |"
        in text
    )
    assert "| test pages (3) | 0.1550 | 0.0120 |" in text
    assert "500 steps in 10 minutes" in text
    assert "layouts 1, 7 and 13 over background 3" in text
    assert "beats both the start model and training from random weights" in text
    ways[learning_pages.NOTHING]["restored"] = 0.0129
    assert "does not beat both" in learning.report(record(**few))
    alone = {
        "pairs": 8,
        "start": "",
        "ways": {learning_pages.NOTHING: ways[learning_pages.NOTHING]},
    }
    text = learning.report(record(**section("few", alone)))
    assert "from 8 pairs, from random weights: RMSE | 0.0129 |" in text
    assert "chose no start model" in text


def test_learning_from_noise_gives_both_scores_and_the_margin_over_the_best_classical_method():
    noisy = {
        "train": 399, "test": 68, "trained": {**TRAINED, "loss": "neighbours"}, "noisy": {"psnr": 20.17, "fitted": 20.5},
        "restored": {"psnr": 28.0, "fitted": 28.1},
    }  # fmt: skip
    one = {
        "field": "001",
        "trained": TRAINED,
        "noisy": 16.0,
        "start": 23.5,
        "learned": 24.0,
        "classical": {"median": 22.0, "tv": 23.0},
    }
    fields = {"fields": [one, {**one, "field": "031", "start": None, "learned": 25.0}]}
    text = learning.report(record(**section("noisy", noisy), **section("w2s", fields)))
    assert (
        "| BSD68, σ 25, from noisy images only: PSNR, dB | 28.00 | 27.30 | 28.60 | floor reached |"
        in text
    )
    assert "| restored | 28.00 | 28.10 |" in text
    assert "| Noise2Void, published | 27.71 |  |" in text
    assert "| N2V2, published |  | 28.3 |" in text
    assert "classical method, dB | +1.50 | 0.50 | 1.50 | goal reached |" in text
    assert "| 001 | 16.00 | 23.50 | 24.00 | 23.00 | `tv` | +1.00 |" in text
    assert "| 031 | 16.00 | – | 25.00 | 23.00 | `tv` | +2.00 |" in text
    assert "favours the classical methods" in text


def test_a_section_says_when_it_was_shortened_failed_or_measured_at_another_time():
    sheets = {"drawn": ["old-a.png"], "absent": ["photo-restorer"]}
    text = learning.report(record(**section("sheets", sheets, minutes_scale=0.1)))
    assert "Not there: photo-restorer." in text
    assert "0.1 times the intended time" in text
    gone = {"failed": "ContestantFailed", "seconds": 3, "minutes_scale": 0.1, "load": [0.0, 0.0]}
    absent = {
        "absent": "denoise-test/Set12 is not there.",
        "seconds": 3,
        "minutes_scale": 0.1,
        "load": [0.0, 0.0],
    }
    text = learning.report(record(few=gone, denoise=absent))
    assert "failed (ContestantFailed); see `build/benchmarks/logs/learning-few.txt`" in text
    assert "Left out: denoise-test/Set12" in text
    assert text.count("the intended time") == 1  # `denoise` trains nothing
    assert "Measured on" not in text
    before = {key: value for key, value in record().items() if key != "measured"}
    text = learning.report(
        record(**section("sheets", sheets, record={**before, "date": "2025-12-31"}))
    )
    assert "Measured on 2025-12-31 with seed 0 by `python benchmarks/run.py learning`" in text


def test_one_section_that_fails_stops_no_other(bench, monkeypatch, tmp_path):
    """One fails, one finds no images, one goes well; what was measured earlier of another stays, with its own command."""

    def stand_in(measure):
        return learning.Section(
            "A title", measure, lambda found: [], lambda found: [f"found {found['figure']}"]
        )

    def failing(bench, say):
        raise interleaved_timing.ContestantFailed(f"out of luck in {tmp_path}")

    def well(bench, say):
        say("on it")
        return {"figure": 7}

    def lost(bench, say):
        raise UnknownKind(f"There is no model '{tmp_path}/photo-denoiser'")

    sections = {
        "one": failing,
        "two": lambda bench, say: learning_data.place_of(bench, "w2s"),
        "three": well,
        "four": well,
        "five": lost,
    }
    monkeypatch.setattr(
        learning, "SECTIONS", {name: stand_in(measure) for name, measure in sections.items()}
    )
    monkeypatch.setattr(run, "ROOT", tmp_path)
    said = []
    bench.folder.mkdir()
    before = record(**section("four", {"figure": 6}), **section("nobody knows", {}))
    (bench.folder / "learning.json").write_text(json.dumps(before))
    chosen = settings.Bench(**{**vars(bench), "sections": ("one", "two", "three", "five")})
    measured = learning.measure(chosen, said.append)
    assert measured["failed"] == ["one"]
    assert list(measured["sections"]) == ["one", "two", "three", "four", "five"]
    text = learning.report({**before, "measured": measured})
    assert "found 7" in text
    assert "found 6" in text
    assert "`photo-denoiser` is not here" in text
    assert text.count("Measured on 2026-01-02") == 1
    assert str(tmp_path) not in text
    assert "out of luck" in (bench.folder / "logs" / "learning-one.txt").read_text()
    assert "three: on it" in said
    assert any("FAILED: out of luck" in line for line in said)


@pytest.mark.slow
def test_training_here_is_the_command_with_its_recipe(tmp_path, bench):
    """Settings of every type, a moment of training, and a model that says what it was."""
    noisy = tmp_path / "noisy"
    noisy.mkdir()
    for place in range(3):
        pixels = np.random.default_rng(place).integers(0, 256, (24, 24), np.uint8)
        Image.fromarray(pixels).save(noisy / f"{place}.png")
    recipe = {
        "network": "unet(widths=[4,8],residual=true)",
        "loss": "blind-spot",
        "patch": 16,
        "batch_size": 4,
        "augment": True,
        "ema": 0.9,
    }
    trained = learning_training.train(bench, "from-noise", recipe, 0.5, {"noisy": noisy})
    told = trained.model.card.recipe
    assert (told["augment"], told["ema"], told["minutes"], told["seed"]) == (
        True,
        0.9,
        0.001,
        bench.seed,
    )
    assert trained.path == bench.folder / "learning" / "from-noise.safetensors"
    assert trained.facts["steps"] > 0
    assert trained.seconds > trained.facts["seconds"]


def test_tiny_images_are_enlarged_pixel_by_pixel():
    tiny = torch.arange(6.0).view(1, 2, 3)
    large = learning_sheets._enlarged(tiny)
    assert large.shape == (1, 12, 18)
    assert torch.equal(large[:, ::6, ::6], tiny)
    assert torch.equal(large[:, 5::6, 5::6], tiny)
    assert learning_sheets._enlarged(torch.zeros(3, 65, 20)).shape == (3, 65, 20)


# the command


def test_the_command_says_which_sections_and_of_a_model_only_its_name():
    options = run._read_options(
        [
            "learning",
            "--sections",
            "pages, few",
            "--minutes-scale",
            "0.1",
            "--denoiser",
            "/some/where/mine.safetensors",
            "--fields",
            "1",
        ]
    )
    told = run._command("learning", options)
    assert (
        told
        == "python benchmarks/run.py learning --sections pages,few --minutes-scale 0.1 --denoiser mine.safetensors --fields 1"
    )
    bench = run._bench(options)
    assert bench.sections == ("pages", "few")
    assert bench.denoiser == "/some/where/mine.safetensors"
    assert run._bench(run._read_options(["learning", "--quick"])).minutes_scale < 0.1


@pytest.mark.parametrize(
    "arguments", [["--sections", "pagse"], ["--minutes-scale", "0"], ["--fields", "0"]]
)
def test_sections_and_scales_that_cannot_be_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refusal:
        run.main(["learning", *arguments])
    assert refusal.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


def test_a_failed_section_is_the_command_s_failure_too(tmp_path, bench, monkeypatch, capsys):
    monkeypatch.setattr(run, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(learning_denoise, "load", lambda name: 1 / 0)
    section = learning.Section(
        "A title", learning_denoise.measure, lambda found: [], lambda found: []
    )
    monkeypatch.setattr(learning, "SECTIONS", {"denoise": section})
    assert run.main(["learning"]) == 1
    assert "failed: denoise of learning" in capsys.readouterr().err
    assert "This section failed (ZeroDivisionError)" in (tmp_path / "benchmarks.md").read_text()


# all of it


@pytest.mark.slow
@pytest.mark.parametrize("name", list(learning.SECTIONS))
def test_every_section_runs_on_the_real_images(name, real, capsys):
    """A moment of training each: that it works, not what it is worth."""
    if name == "sheets":
        shown = open_images(DATA / "dirty-documents" / "test")
        load(real.denoiser).save(learning_training.working_folder(real) / "pages.safetensors")
        assert len(shown) == 9
    chosen = settings.Bench(**{**vars(real), "sections": (name,)})
    measured = learning.measure(chosen, print)
    assert measured["failed"] == [], (real.folder / "logs" / f"learning-{name}.txt").read_text()
    found = json.loads(json.dumps(measured["sections"][name]))["found"]
    text = learning.report(record(**section(name, found)))
    assert str(real.folder) not in text
    assert str(DATA) not in text
    if name == "few":
        assert set(found["ways"]) == {
            learning_pages.NOTHING,
            learning_pages.START,
            learning_pages.STARTED,
        }
    if name == "sheets":
        sheets = sorted(path.name for path in learning_sheets.sheets_folder(real).iterdir())
        assert sheets == sorted(found["drawn"])
        assert {"calcium_imaging.png", "fei-sem-rbc.png", "page-1.png", "old-b.png"} <= set(sheets)
