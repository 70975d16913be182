"""The benchmark's own arithmetic and its page; nothing here needs Keras, MNIST or a quiet machine."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from restorae.networks import Conv

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import alternating  # noqa: E402
import quality  # noqa: E402
import run  # noqa: E402
import settings  # noqa: E402
import speed  # noqa: E402
import startup  # noqa: E402
import writing  # noqa: E402

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
    assert all(page.count(marker) == 1 for name in (*order, "later") for marker in writing.markers(name))


def test_the_page_in_the_documentation_has_whole_sections_only():
    page = run.PAGE.read_text(encoding="utf-8")
    for name in run.PARTS:
        start, end = writing.markers(name)
        assert page.count(start) == page.count(end) <= 1


# the figures


def test_a_ratio_is_that_of_the_same_round():
    ours, theirs = [2.0, 30.0, 4.0], [4.0, 40.0, 16.0]
    spread = alternating.Spread.of_ratios(ours, theirs)
    assert (spread.median, spread.lowest, spread.highest) == (0.5, 0.25, 0.75)
    assert spread.to_text() == "0.50 (0.25–0.75)"


def test_one_figure_has_no_range():
    assert alternating.Spread.of([1.234]).to_text(1) == "1.2"


def test_rounds_must_match():
    with pytest.raises(ValueError, match="zip"):
        alternating.Spread.of_ratios([1.0, 2.0], [1.0])


def test_both_sides_make_the_same_number_of_steps():
    bench = settings.Bench()
    assert bench.draws_like_keras == 469 * 128
    assert -(-bench.train_digits // settings.BATCH_SIZE) == 469


# the sides


def test_sides_answer_in_turn_and_are_idle_between(tmp_path):
    body = "request = json.loads(line); print(json.dumps({'did': request['do'], 'seed': request['seed']}), flush=True)"
    with alternating.Side("echo", [sys.executable, "-c", ECHO + body], {}, tmp_path / "log.txt") as side:
        assert side.hello == {"hello": 1}
        assert side.ask("epoch", seed=3) == {"did": "epoch", "seed": 3}
        assert side.ask("predict", seed=4) == {"did": "predict", "seed": 4}
    assert side.process.returncode == 0
    assert side.idle_seconds > 0


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("sys.exit('out of luck')", "", "out of luck"),
        ("print(json.dumps({'error': 'it collapsed', 'kind': 'TrainingCollapsed'}), flush=True)", "TrainingCollapsed", "it collapsed"),
    ],
)
def test_a_side_that_fails_says_why(tmp_path, body, kind, words):
    with (
        alternating.Side("poor", [sys.executable, "-c", ECHO + body], {}, tmp_path / "log.txt") as side,
        pytest.raises(alternating.SideFailed, match=words) as failure,
    ):
        side.ask("epoch")
    assert failure.value.kind == kind


def test_a_held_training_is_told_epoch_by_epoch(tmp_path):
    """The real worker's listener on a training of a few steps: one answer per epoch."""
    script = (
        "import numpy as np, restorae, restorae_worker\n"
        "from talking import Line, Pace\n"
        "line = Line(); line.answer(hello=1); pace = Pace(line); line.request()\n"
        "clean = np.tile(np.linspace(0, 1, 8, dtype=np.float32), (40, 8, 1)) * np.linspace(0, 1, 40, dtype=np.float32)[:, None, None]\n"
        "recipe = restorae.Recipe(degradation='gaussian-noise(sigma=0.1)', network='conv(features=4)', epochs=2, batch_size=4)\n"
        "restorae.train(recipe, clean=clean, progress=restorae_worker.Held(pace, 2))\n"
    )
    environment = {"PYTHONPATH": str(BENCHMARKS), "OMP_NUM_THREADS": "1"}
    with alternating.Side("worker", [sys.executable, "-c", script], environment, tmp_path / "log.txt") as side:
        assert side.ask("begin")["digits_per_epoch"] > 0
        laps = [side.ask("epoch") for _ in range(2)]
        assert all(0 < lap["seconds_of_steps"] <= lap["seconds"] for lap in laps)


# the lesson's network


def test_the_lesson_in_keras_has_the_stated_architecture():
    source = ast.parse((BENCHMARKS / "keras_lesson.py").read_text(encoding="utf-8"))
    build = next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == "build")
    layers = [
        (call.func.attr, [argument.value for argument in call.args if isinstance(argument, ast.Constant)])
        for statement in build.body
        if isinstance(statement, ast.Assign) and isinstance(call := getattr(statement.value, "func", None), ast.Call)
        and isinstance(call.func, ast.Attribute)
    ]  # fmt: skip
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
    assert "| an epoch of `conv`, 60,000 digits | 10.00 (10.00–20.00) | 5.00 (4.00–6.00) | 0.40 (0.30–0.50) | 0.7, goal 0.4 |" in text
    assert "| 10,000 test digits restored by `conv` | 1.00 | 0.25 | 0.25 |" in text
    assert "0.4 % of a core" in text


def test_quality_pairs_runs_of_one_heat_and_counts_collapses():
    def one(who, heat, seconds, **found):
        return {"who": who, "seed": heat, "heat": heat, "seconds": seconds, "digits_per_epoch": 50_000, **found}

    runs = [
        one("keras sigmoid", 0, 10.0, psnr_pooled=9.4),
        one("conv", 0, 5.0, psnr_pooled=20.0, psnr_pooled_degraded=4.7, finished={"seconds": 6.0}),
        one("keras linear", 1, 20.0, psnr_pooled=19.6),
        one("conv", 1, 8.0, failed="conv: The network has collapsed."),
        one("conv", 2, 99.0, psnr_pooled=21.0, psnr_pooled_degraded=4.7, finished={"seconds": 101.0}),
    ]
    text = quality.report(record({"runs": runs, "bundled": None}))
    assert "| restorae `conv` | 3 | 8.0 (5.0–99.0) | 0.45 (0.40–0.50) | 20.50 (20.00–21.00) |" in text
    assert "1 training(s) ended without a model" in text
    assert "`unet`, the default |" not in text


def test_startup_says_whether_help_imports_torch():
    measured = {"seconds": {name: [0.2, 0.3, 0.4] for name in COMMANDS}, "parameters": 28_353}
    for free, words in ((True, "imports no torch"), (False, "should not")):
        text = startup.report(record({**measured, "help_without_torch": free}))
        assert "| `restorae --help` | 0.30 (0.20–0.40) | 0.6, goal 0.25 |" in text
        assert words in text


# the command


def test_the_command_in_the_page_names_no_folder_of_this_machine():
    options = run._read_options(["quality", "speed", "--data-dir", "/somewhere", "--keras-python", "/other/python", "--conv-seeds", "4"])
    assert run._command("quality", options) == "python benchmarks/run.py quality --conv-seeds 4"


def test_rewriting_takes_the_last_results(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(settings.Bench, "folder", tmp_path / "results")
    measured = {"seconds": {name: [0.2] for name in COMMANDS}, "parameters": 1, "help_without_torch": True}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "startup.json").write_text(json.dumps(record(measured)))
    assert run.main(["startup", "speed", "--rewrite"]) == 0
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "## Start-up" in page
    assert "## Speed" not in page


@pytest.mark.parametrize("arguments", [["spead"], ["--rounds", "0"]])
def test_wrong_options_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refusal:
        run.main(arguments)
    assert refusal.value.code == 2
    assert arguments[-1] in capsys.readouterr().err
