"""The benchmark's own arithmetic and its page; nothing here needs Keras, MNIST or a quiet machine."""

from __future__ import annotations

import ast
import json
import statistics
import sys
from itertools import pairwise
from math import log10
from pathlib import Path

import numpy as np
import pytest
import torch

import restorae
from restorae.data import load_named
from restorae.networks import Conv, ConvVAE

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import interleaved_timing  # noqa: E402
import restorae_worker  # noqa: E402
import run  # noqa: E402
import settings  # noqa: E402
import startup  # noqa: E402
import writing  # noqa: E402
from lesson import imagine, quality, speed, vae_quality  # noqa: E402

PAGE = "# Benchmarks\n\nProse with a \\1 in it.\n"
COMMANDS = ("help", "restore", "python", "torch")
ECHO = "import json, sys\nprint(json.dumps({'hello': 1}), flush=True)\nfor line in sys.stdin:\n    "


# the page


def test_a_section_replaces_only_itself():
    page = writing.replace_section(PAGE, "speed", "## Speed\n\nold, backslash \\g<0>")
    page = writing.replace_section(page, "quality", "## Quality\n\nkept")
    again = writing.replace_section(page, "speed", "## Speed\n\nnew")
    assert again == page.replace("old, backslash \\g<0>", "new")
    assert again.startswith(PAGE.rstrip())


def test_writing_a_section_twice_changes_nothing():
    once = writing.replace_section(PAGE, "speed", "figures")
    assert writing.replace_section(once, "speed", "figures") == once


def test_sections_keep_their_order_whoever_is_measured_first():
    order = ["speed", "quality", "startup"]
    page = PAGE
    for name in ("startup", "speed", "quality", "later"):
        page = writing.replace_section(page, name, f"body of {name}", order)
    places = [page.index(f"body of {name}") for name in (*order, "later")]
    assert places == sorted(places)
    assert all(
        page.count(marker) == 1 for name in (*order, "later") for marker in writing.markers(name)
    )


def test_the_page_in_the_documentation_has_whole_sections_only():
    page = run.PAGE.read_text(encoding="utf-8")
    for name in run.PARTS:
        start, end = writing.markers(name)
        assert page.count(start) == page.count(end) <= 1


# the figures


def test_a_ratio_is_that_of_the_same_round():
    ours, theirs = [2.0, 30.0, 4.0], [4.0, 40.0, 16.0]
    spread = interleaved_timing.Spread.of_ratios(ours, theirs)
    assert (spread.median, spread.lowest, spread.highest) == (0.5, 0.25, 0.75)
    assert spread.to_text() == "0.50 (0.25–0.75)"


def test_one_figure_has_no_range():
    assert interleaved_timing.Spread.of([1.234]).to_text(1) == "1.2"


def test_rounds_must_match():
    with pytest.raises(ValueError, match="zip"):
        interleaved_timing.Spread.of_ratios([1.0, 2.0], [1.0])


def test_both_sides_make_the_same_number_of_steps():
    bench = settings.Bench()
    assert bench.draws_like_keras == 469 * 128
    assert -(-bench.train_digits // settings.BATCH_SIZE) == 469
    assert bench.all_draws_like_keras == 547 * 128
    assert -(-bench.all_digits // settings.BATCH_SIZE) == 547


def test_correlation_is_that_of_the_textbook():
    one, other = torch.rand(2, 5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = statistics.correlation(one.flatten().tolist(), other.flatten().tolist())
    assert vae_quality.correlation(one, other) == pytest.approx(expected, abs=1e-6)
    assert vae_quality.correlation(one, 3 - 2 * one) == pytest.approx(-1)


def test_images_are_spread_over_the_whole_set():
    places = vae_quality.spread_over(10_000, 1_000)
    assert len(places) == 1_000
    assert {after - before for before, after in pairwise(places)} == {10}
    assert vae_quality.spread_over(7, 3) == [0, 2, 4]
    assert vae_quality.spread_over(3, 7) == [0, 1, 2]


def test_the_mean_of_many_independent_errors_is_as_much_better_as_theory_says():
    """Errors of a known size for each pixel: variances add up, and the spread is what the errors come from."""
    source = torch.Generator().manual_seed(0)
    clean, sizes = (
        torch.full((40, 1, 28, 28), 0.5),
        0.1 * torch.rand(40, 1, 28, 28, generator=source),
    )
    drawn = clean + sizes * torch.randn(16, 40, 1, 28, 28, generator=source)
    reader = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    found = vae_quality.judge(
        drawn, clean + 0.1, clean + 0.5, clean, torch.zeros(40, dtype=torch.int64), reader
    )
    assert found["psnr"]["mean"] - found["psnr"]["single"] == pytest.approx(10 * log10(16), abs=0.1)
    assert found["psnr"]["single"] == pytest.approx(-10 * log10(0.01 / 3), abs=0.1)
    assert found["psnr"]["denoiser"] == pytest.approx(20, abs=1e-3)
    # of |error| given a size s the mean is s √(2/π), so the correlation is sd(s) √(2/π) / sd(|error|) = √(2/π) √(1/12) / √(1/3 - 1/(2π))
    assert found["correlation"] == pytest.approx(
        (2 / torch.pi / 12 / (1 / 3 - 1 / (2 * torch.pi))) ** 0.5, abs=0.04
    )


@pytest.mark.slow
def test_the_classifier_learns_to_read():
    train, test = (load_named("digits", split) for split in ("train", "test"))
    reader = vae_quality.train_reader(train.images.stored, train.labels, epochs=3, seed=0)
    images, labels = (
        test.images.batch(range(len(test.images))),
        torch.from_numpy(test.labels.astype(np.int64)),
    )
    assert vae_quality.read_right(reader, images, labels) > 0.7
    assert vae_quality.read_right(reader, 1 - images, labels) < 0.5
    again = vae_quality.train_reader(
        train.images.stored[:200], train.labels[:200], epochs=1, seed=0
    )
    same = vae_quality.train_reader(train.images.stored[:200], train.labels[:200], epochs=1, seed=0)
    assert all(
        torch.equal(one, other)
        for one, other in zip(again.parameters(), same.parameters(), strict=True)
    )


def test_a_model_that_is_not_there_is_left_out():
    assert vae_quality.load_or_none("no-such-model") is None
    assert vae_quality.load_or_none("digits-denoiser").card.restores


def test_the_running_means_are_those_of_each_epoch():
    """Against the history of a training whose epochs are all validated, and against sums by hand."""
    averages = restorae_worker.Averages(2)
    recipe = restorae.Recipe(
        network="conv-vae(features=4,hidden=4)", validation=0, epochs=2, batch_size=4
    )
    model = restorae.train(
        recipe, clean=np.random.default_rng(0).random((60, 8, 8), np.float32), progress=averages
    )
    for means, told in zip(averages.means, model.card.history, strict=True):
        assert means == pytest.approx({term: told[term] for term in imagine.TERMS}, rel=1e-9)

    averages = restorae_worker.Averages(2)
    averages.begin("Training", 6, "steps")
    for count, loss in ((2, 1.0), (1, 4.0), (3, 5.0)):
        averages.advance(count, {"loss": loss, "images_per_second": 1.0})
    assert averages.means == [{"loss": 2.0}, {"loss": 5.0}]


# the sides


def test_sides_answer_in_turn_and_are_idle_between(tmp_path):
    body = "request = json.loads(line); print(json.dumps({'did': request['do'], 'seed': request['seed']}), flush=True)"
    with interleaved_timing.Contestant(
        "echo", [sys.executable, "-c", ECHO + body], {}, tmp_path / "log.txt"
    ) as side:
        assert side.hello == {"hello": 1}
        assert side.ask("epoch", seed=3) == {"did": "epoch", "seed": 3}
        assert side.ask("predict", seed=4) == {"did": "predict", "seed": 4}
    assert side.process.returncode == 0
    assert side.idle_seconds > 0


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("sys.exit('out of luck')", "", "out of luck"),
        (
            "print(json.dumps({'error': 'it collapsed', 'kind': 'TrainingCollapsed'}), flush=True)",
            "TrainingCollapsed",
            "it collapsed",
        ),
    ],
)
def test_a_side_that_fails_says_why(tmp_path, body, kind, words):
    with (
        interleaved_timing.Contestant(
            "poor", [sys.executable, "-c", ECHO + body], {}, tmp_path / "log.txt"
        ) as side,
        pytest.raises(interleaved_timing.ContestantFailed, match=words) as failure,
    ):
        side.ask("epoch")
    assert failure.value.kind == kind


@pytest.mark.slow
def test_a_held_training_is_reported_epoch_by_epoch(tmp_path):
    """The real worker's listener on a training of a few steps: one answer per epoch."""
    script = (
        "import numpy as np, restorae, restorae_worker\n"
        "from worker_protocol import Line, Pace\n"
        "line = Line(); line.answer(hello=1); pace = Pace(line); line.request()\n"
        "clean = np.tile(np.linspace(0, 1, 8, dtype=np.float32), (40, 8, 1)) * np.linspace(0, 1, 40, dtype=np.float32)[:, None, None]\n"
        "recipe = restorae.Recipe(degradation='gaussian-noise(sigma=0.1)', network='conv(features=4)', epochs=2, batch_size=4)\n"
        "restorae.train(recipe, clean=clean, progress=restorae_worker.Held(pace, 2))\n"
    )
    environment = {"PYTHONPATH": str(BENCHMARKS), "OMP_NUM_THREADS": "1"}
    with interleaved_timing.Contestant(
        "worker", [sys.executable, "-c", script], environment, tmp_path / "log.txt"
    ) as side:
        assert side.ask("begin")["digits_per_epoch"] > 0
        laps = [side.ask("epoch") for _ in range(2)]
        assert all(0 < lap["seconds_of_steps"] <= lap["seconds"] for lap in laps)


def test_sides_take_turns_and_the_first_round_does_not_count():
    class Told:
        def __init__(self, name):
            self.name = name

        def ask(self, do, side):
            order.append(self.name)
            return {"seconds": float(len(order))}

    order, said = [], []
    laps = interleaved_timing.in_turns(
        {"keras": Told("keras"), "restorae": Told("restorae")},
        {"do": "manifold", "side": 3},
        2,
        said.append,
    )
    assert order == ["keras", "restorae"] * 3
    assert laps == [
        {"keras": {"seconds": 3.0}, "restorae": {"seconds": 4.0}},
        {"keras": {"seconds": 5.0}, "restorae": {"seconds": 6.0}},
    ]
    assert [line.endswith("(warm-up)") for line in said] == [True, False, False]


# the lesson's networks


def layers_of(name):
    """The layers in a function of the lesson's script: their kinds, and the numbers they are made with."""
    source = ast.parse((BENCHMARKS / "keras_lesson.py").read_text(encoding="utf-8"))
    build = next(
        node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == name
    )
    known = {"LATENT_DIM": 2}
    return [
        (call.func.attr, [eval(ast.unparse(argument), known) for argument in call.args])
        for statement in build.body
        if isinstance(statement, ast.Assign) and isinstance(call := getattr(statement.value, "func", None), ast.Call)
        and isinstance(call.func, ast.Attribute)
    ]  # fmt: skip


def test_the_lesson_in_keras_has_the_stated_architecture():
    layers = layers_of("build")
    conv, pool, double = ("Conv2D", [32, 3]), ("MaxPooling2D", [2]), ("UpSampling2D", [2])
    assert layers == [conv, pool, conv, pool, conv, double, conv, double, ("Conv2D", [1, 3])]
    channels, parameters = 1, 0
    for name, arguments in layers:
        if name == "Conv2D":
            features, side = arguments
            parameters += (channels * side * side + 1) * features
            channels = features
    ours = sum(weights.numel() for weights in Conv().build().parameters())
    assert parameters == ours == 28_353


def test_the_lesson_s_vae_in_keras_has_the_stated_architecture():
    encoder, decoder = layers_of("build_encoder"), layers_of("build_decoder")
    head, doubling = ("Dense", [2]), "Conv2DTranspose"
    assert encoder == [
        ("Conv2D", [32, 3]),
        ("Conv2D", [64, 3]),
        ("Flatten", []),
        ("Dense", [16]),
        head,
        head,
    ]
    assert decoder == [
        ("Dense", [3136]),
        ("Reshape", [(7, 7, 64)]),
        (doubling, [64, 3]),
        (doubling, [32, 3]),
        (doubling, [1, 3]),
    ]
    theirs = [
        (1 * 9 + 1) * 32 + (32 * 9 + 1) * 64 + (64 * 49 + 1) * 16 + 2 * (16 + 1) * 2,
        (2 + 1) * 3136 + (64 * 9 + 1) * 64 + (64 * 9 + 1) * 32 + (32 * 9 + 1) * 1,
    ]
    module = ConvVAE(latent_dim=2).build()
    ours = [
        sum(weights.numel() for weights in half.parameters())
        for half in (module.encoder, module.decoder)
    ]
    assert theirs == ours == [69_076, 65_089]


# the reports


def record(measured):
    return {
        "date": "2026-01-01", "seed": 0, "command": "python benchmarks/run.py speed", "load": [0.1, 2.0], "versions": {"restorae": "1"},
        "machine": {"processor": "P", "cores": 2, "threads": 2, "capability": "AVX2", "precision": "bfloat16"}, "measured": measured,
    }  # fmt: skip


def test_speed_reports_medians_of_the_rounds():
    def lap(keras, conv):
        ours = {"seconds": conv, "seconds_of_steps": conv - 0.5}
        return {"keras": {"seconds": keras}, "conv": ours, "unet": ours, "conv float32": ours}

    measured = {
        "digits": {"train": 60_000, "test": 10_000},
        "epochs": [lap(10.0, 4.0), lap(20.0, 6.0), lap(10.0, 5.0)],
        "predictions": [{"keras": {"seconds": 1.0}, "conv": {"seconds": 0.25}}],
        "idle": {"keras": 0.004, "conv": 0.001},
    }
    text = speed.report(record(measured))
    assert (
        "| an epoch of `conv`, 60,000 digits | 10.00 (10.00–20.00) | 5.00 (4.00–6.00) | 0.40 (0.30–0.50) | 0.7, goal 0.4 |"
        in text
    )
    assert "| 10,000 test digits restored by `conv` | 1.00 | 0.25 | 0.25 |" in text
    assert "0.4 % of a core" in text


def test_quality_pairs_runs_of_one_heat_and_counts_collapses():
    def one(who, heat, seconds, **found):
        return {
            "who": who,
            "seed": heat,
            "heat": heat,
            "seconds": seconds,
            "digits_per_epoch": 50_000,
            **found,
        }

    runs = [
        one("keras sigmoid", 0, 10.0, psnr_pooled=9.4),
        one("conv", 0, 5.0, psnr_pooled=20.0, psnr_pooled_degraded=4.7, finished={"seconds": 6.0}),
        one("keras linear", 1, 20.0, psnr_pooled=19.6),
        one("conv", 1, 8.0, failed="conv: The network has collapsed."),
        one(
            "conv", 2, 99.0, psnr_pooled=21.0, psnr_pooled_degraded=4.7, finished={"seconds": 101.0}
        ),
    ]
    text = quality.report(record({"runs": runs, "bundled": None}))
    assert (
        "| restorae `conv` | 3 | 8.0 (5.0–99.0) | 0.45 (0.40–0.50) | 20.50 (20.00–21.00) |" in text
    )
    assert "1 training ended without a model" in text
    assert "`unet`, the default |" not in text


def imagined(keras):
    """A made-up record of the part `imagine`; `keras` are Keras's long trainings."""

    def lap(theirs, ours):
        return {
            "keras": {"seconds": theirs},
            "restorae": {"seconds": ours + 0.5, "seconds_of_steps": ours},
        }

    return record(
        {
            "digits": 70_000, "parameters": {"keras": 134_165, "restorae": 134_165}, "idle": {"keras": 0.002},
            "epochs": [lap(20.0, 8.0), lap(40.0, 8.0), lap(20.0, 6.0)],
            "manifold_side": 30, "manifolds": [{"keras": {"seconds": 30.0}, "restorae": {"seconds": 0.06}}],
            "vae_epochs": 30, "explained": {"bounds": {}, "likelihood": None, "data": {}, "absent": ["digits-vae"]},
            "trainings": {"keras": keras, "restorae": [{"seed": 0, "loss": 145.5, "reconstruction": 139.0, "kl": 6.5}]},
            "restored": {"absent": ["digits-restorer-vae"]},
        }
    )  # fmt: skip


def test_imagine_compares_round_by_round_and_leaves_out_what_is_absent():
    text = imagine.report(imagined([]))
    epoch = "| 20.00 (20.00–40.00) | 8.00 (6.00–8.00) | 0.30 (0.20–0.40) | 0.75, goal 0.4 |"
    assert f"| an epoch of the tutorial's network, 70,000 digits {epoch}" in text
    assert "| a manifold of 30 × 30 digits | 30.00 | 0.0600 | 0.0020 | 0.02, goal 0.005 |" in text
    assert "each of 900 latents" in text
    assert "takes restorae 0.50 s more" in text
    assert "| the tutorial in Keras, measured earlier | 1 | 147.56 | 141.20 | 6.37 |  |" in text
    assert (
        "| `restorae vae train --split all` | 1 | 145.50 | 139.00 | 6.50 | 149.04 (within 1 %), goal 146 |"
        in text
    )
    assert "Keras was not trained that long" in text
    assert "`digits-vae` is not bundled here" in text
    assert "`digits-restorer-vae` is not bundled here" in text


def test_imagine_shows_keras_s_losses_where_they_were_measured():
    text = imagine.report(
        imagined([{"seed": 0, "loss": 147.0, "reconstruction": 141.0, "kl": 6.0}])
    )
    assert "| the tutorial in Keras | 1 | 147.00 | 141.00 | 6.00 |  |" in text
    assert "Keras was not trained" not in text


def test_bounds_are_labelled_and_the_log_likelihood_has_its_error():
    bound = {"elbo": -90.0, "reconstruction": 65.0, "kl": 25.0}
    both = {
        "latent_dim": 40,
        "active_units": 38,
        "grey": {**bound, "elbo": -95.0},
        "binarised": bound,
    }
    scored = {**bound, "log_likelihood": -84.5, "standard_error": 0.9, "importance_samples": 1_000}
    found = {
        "bounds": {"strong": {"count": 10_000, **both}}, "likelihood": {"name": "strong", "count": 500, **both, "binarised": scored},
        "data": {"strong": "mnist"}, "absent": [],
    }  # fmt: skip
    text = "\n".join(vae_quality.report_explaining(found))
    assert "| `strong`, grey | 10,000 | -95.00 | 65.00 | 25.00 |  |  |" in text
    assert (
        "| `strong`, binarised | 500 | -90.00 | 65.00 | 25.00 | -84.50 ± 0.90 | -88, goal -83 |"
        in text
    )
    assert "1,000 latents for each of 500 digits" in text
    assert "38 of its 40 latent dimensions" in text


def test_each_criterion_stands_beside_its_goal():
    found = {
        "absent": [], "names": {"restorer": "r", "denoiser": "d"}, "data": "mnist", "count": 1_000, "restorations": 64,
        "reader_digits": 55_000, "epochs": 2, "correlation": 0.61,
        "psnr": {"noisy": 4.69, "denoiser": 23.84, "mean": 23.54, "single": 22.04},
        "read": {"clean": 0.985, "noisy": 0.3, "denoiser": 0.975, "mean": 0.974, "single": 0.961},
    }  # fmt: skip
    text = "\n".join(vae_quality.report_restoring(found))
    assert "| clean digits |  | 98.5 % |" in text
    assert "| `d`, one answer for each | 23.84 | 97.5 % |" in text
    assert "| mean of 64, against `d` | 0.30 dB below | at most 0.5 dB below |" in text
    assert (
        "| a single restoration, against that mean | 1.50 dB below | at least 1 dB below |" in text
    )
    assert "| single restorations read as the right digit | 96.1 % | at least 95 % |" in text
    assert "784,000 pixels | 0.61 | at least 0.5 |" in text


def test_startup_says_whether_help_imports_torch():
    measured = {"seconds": {name: [0.2, 0.3, 0.4] for name in COMMANDS}, "parameters": 28_353}
    for free, words in ((True, "imports no torch"), (False, "should not")):
        text = startup.report(record({**measured, "help_without_torch": free}))
        assert "| `restorae --help` | 0.30 (0.20–0.40) | 0.6, goal 0.25 |" in text
        assert words in text


# the command


def test_the_command_in_the_page_names_no_folder_of_this_machine():
    options = run._read_options(
        [
            "quality",
            "speed",
            "--data-dir",
            "/somewhere",
            "--keras-python",
            "/other/python",
            "--conv-seeds",
            "4",
        ]
    )
    assert run._command("quality", options) == "python benchmarks/run.py quality --conv-seeds 4"


def test_rewriting_takes_the_last_results(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(settings.Bench, "folder", tmp_path / "results")
    measured = {
        "seconds": {name: [0.2] for name in COMMANDS},
        "parameters": 1,
        "help_without_torch": True,
    }
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "startup.json").write_text(json.dumps(record(measured)))
    assert run.main(["startup", "speed", "--rewrite"]) == 0
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "## Start-up" in page
    assert "## Speed" not in page


@pytest.mark.parametrize(
    "arguments", [["spead"], ["--rounds", "0"], ["--rounds", "19"], ["--likelihood-digits", "1"]]
)
def test_wrong_options_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refusal:
        run.main(arguments)
    assert refusal.value.code == 2
    assert arguments[-1] in capsys.readouterr().err
