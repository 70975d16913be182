"""The notebooks run from top to bottom and show what they promise."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
RESTORE, VARIATIONAL, BY_HAND = (
    NOTEBOOKS / "01_restore_digits.ipynb",
    NOTEBOOKS / "02_variational_autoencoder.ipynb",
    NOTEBOOKS / "03_vae_by_hand.ipynb",
)
EVERY = pytest.mark.parametrize("path", [RESTORE, VARIATIONAL, BY_HAND], ids=lambda path: path.stem)
BOTH = pytest.mark.parametrize("path", [RESTORE, VARIATIONAL], ids=lambda path: path.stem)

TUTORIAL = {
    RESTORE: "x_train_norm x_test_norm n_rows n_cols size mean stddev x_train_noisy x_test_noisy restore_model restored_imgs",
    VARIATIONAL: "z_mean z_log_var epsilon z latent_dim mnist_digits vae",
}
"""Names from the tutorial, in the order in which a learner meets them."""
FIGURES = {RESTORE: 3, VARIATIONAL: 8, BY_HAND: 2}


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code(book: Any) -> str:
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")


def execute(
    path: Path,
    folder: Path,
    wanted: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    shorter: Mapping[str, str],
) -> tuple[Any, dict[str, Any]]:
    """The notebook after a run without any data set, and the values of some expressions at its end.

    `shorter` gives code of the notebook and what takes its place, for a shorter training.
    """
    for name, value in {
        "RESTORAE_DATA": "",
        "OMP_NUM_THREADS": "1",
        # no downloads: the proxy does not answer
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }.items():
        monkeypatch.setenv(name, value)
    book = read(path)
    for long, short in shorter.items():
        (cell,) = (each for each in book.cells if long in each.source)
        cell.source = cell.source.replace(long, short)
    asked = ", ".join(f"{name!r}: {expression}" for name, expression in wanted.items())
    book.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({{{asked}}}))"))
    NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return book, json.loads(book.cells.pop().outputs[-1].text)


def figures(book: Any) -> int:
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def printed(book: Any) -> str:
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream")


@EVERY
def test_it_is_kept_with_small_outputs_of_one_run_and_has_few_imports(path: Path) -> None:
    book = read(path)
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert book.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in book.cells}) == len(book.cells)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), (
        "run it from top to bottom before committing"
    )
    assert figures(book) == FIGURES[path]
    kinds = {output.get("name", output.output_type) for cell in cells for output in cell.outputs}
    assert kinds <= {"stdout", "display_data", "execute_result"}, "no errors and no warnings"
    assert path.stat().st_size < 1_500_000
    assert len(re.findall(r"^(?:import|from) ", code(book), re.MULTILINE)) <= 5


@BOTH
def test_the_tutorials_names_are_assigned_in_its_order(path: Path) -> None:
    text, positions = code(read(path)), {}
    for name in TUTORIAL[path].split():
        found = re.search(rf"^(?:\w+, )*{name}(?:, \w+)* = ", text, re.MULTILINE)
        assert found, f"{name} is never assigned"
        positions[name] = found.start()
    # names that are assigned side by side are met at once
    assert list(positions.values()) == sorted(positions.values()), positions


@EVERY
def test_its_links_lead_somewhere(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    targets = [
        target.partition("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if ":" not in target
    ]
    assert targets
    assert [target for target in targets if not (NOTEBOOKS / target).exists()] == []


def test_the_tutorials_own_checks_and_constants_are_there() -> None:
    first, second = code(read(RESTORE)), code(read(VARIATIONAL))
    for check in ("assert x_train_norm.max() == 1.0", "assert x_test_norm.max() == 1.0"):
        assert check in first
        assert check in second
    for constant in (
        "mean = 0.5",
        "stddev = 0.3",
        'loss="mse"',
        'optimiser="nadam"',
        "epochs=3",
        "workers=",
    ):
        assert constant in first
    for constant in ("latent_dim = 2", "epochs=30", "batch_size=128", 'optimiser="nadam"', "n=30"):
        assert constant in second


@pytest.mark.slow
def test_digits_are_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {
        "noisy": "psnr_noisy",
        "mean_subtracted": "psnr_mean_subtracted",
        "restored": "psnr_restored",
        "same_shape": "restored_imgs.shape == x_test_noisy.shape",
        "lowest": "float(x_test_noisy.min())",
        "highest": "float(x_test_noisy.max())",
        "own_noise": "not np.allclose(x_test_noisy[0] - x_test_norm[0], x_test_noisy[1] - x_test_norm[1], atol=0.1)",
    }
    shorter = {
        "batch_size=128": "batch_size=32",
        "else 20_000": "else 3_200",
        "else 10_000": "else 3_200, batch_size=32",
    }
    book, found = execute(RESTORE, tmp_path, wanted, monkeypatch, shorter)
    assert "Using the embedded digits." in printed(book)
    assert figures(book) == 3
    assert found["lowest"] < 0
    assert found["highest"] > 1.5
    assert found["own_noise"]
    assert found["same_shape"]
    assert found["noisy"] == pytest.approx(4.7, abs=0.1)
    assert found["restored"] > found["mean_subtracted"] + 3


@pytest.mark.slow
def test_a_latent_space_is_learned_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {
        "history": "list(vae.history)",
        "parameters": "vae.card.parameters",
        "canvas": "list(plane.canvas.shape)",
        "chosen": "list(chosen.shape)",
        "spread": "z_mean.std(0).tolist()",
        "std": "posterior.std.mean(0).tolist()",
    }
    shorter = {
        "epochs=30": "epochs=6",
        "batch_size=128": "batch_size=32",
        "else 3_000": "else None",
    }
    book, found = execute(VARIATIONAL, tmp_path, wanted, monkeypatch, shorter)
    assert "Using the embedded digits." in printed(book)
    assert figures(book) == 8
    assert found["parameters"] == 69_076 + 65_089
    assert found["canvas"] == [30 * 28, 30 * 28]
    assert found["chosen"] == [5, 28, 28]
    first, last = found["history"][0], found["history"][-1]
    assert last["loss"] < first["loss"] - 10
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["kl"], rel=1e-4)
    assert last["active_units"] == 2
    # clouds that are small beside the distances between them
    assert all(cloud < apart for cloud, apart in zip(found["std"], found["spread"], strict=True))


@pytest.mark.slow
def test_the_training_step_by_hand_is_restoraes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {
        "parameters": "[sum(w.numel() for w in half.parameters()) for half in (encoder, decoder)]",
        "history": "history",
        "by_hand": "by_hand",
        "by_restorae": "by_restorae",
        "same_mean": "(z_mean - posterior.mean).abs().max().item()",
        "same_kl": "(kl_loss(z_mean, z_log_var) - posterior.kl().mean()).abs().item()",
    }
    shorter = {"epochs, batch_size = 25, 32": "epochs, batch_size = 4, 32"}
    _, found = execute(BY_HAND, tmp_path, wanted, monkeypatch, shorter)
    assert found["parameters"] == [69_076, 65_089]
    assert found["history"][-1] < found["history"][0] - 20
    assert found["by_hand"] == pytest.approx(found["by_restorae"], abs=12)
    assert found["same_mean"] < 0.05
    assert found["same_kl"] < 0.05
