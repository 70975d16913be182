"""`restorae vae` as a person runs it: what each command promises lies in its file, and nothing that was there is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorae.data import named, open_images, open_labelled
from restorae.latent import axis_values
from restorae.model import load
from restorae.pixels import as_array, stored_values
from tests.command import Outcome, pixels, run

QUICK = (
    "--network",
    "conv-vae(features=4)",
    "--batch-size",
    "32",
    "--epochs",
    "0.5",
    "--learning-rate",
    "0.005",
)


def bytes_of(images: np.ndarray) -> np.ndarray:
    """Working values as the 8-bit pixels that an image file holds."""
    return stored_values(images, np.dtype(np.uint8))


def grey(path: Path) -> np.ndarray:
    """An image file in grey, float."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L")).astype(float)


@pytest.fixture
def without_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST is not on this machine, and its mirrors do not answer."""
    nowhere = named.IdxSet(
        name="mnist",
        about="",
        licence="",
        mirrors=("http://127.0.0.1:9",),
        checksums=named.MNIST.checksums,
    )
    monkeypatch.setitem(named.IDX_SETS, "mnist", nowhere)


@pytest.fixture
def digit(tmp_path: Path) -> Path:
    """The first test digit as an image file."""
    path = tmp_path / "digit.png"
    Image.fromarray(bytes_of(as_array(open_images("digits", "test").batch([0])))[0]).save(path)
    return path


# --- train


def test_train_writes_a_model_and_reports_its_figures(tmp_path: Path) -> None:
    done = run(
        "vae",
        "train",
        "--data",
        "digits",
        *QUICK,
        "--beta",
        "0.5",
        "--latent-dim",
        "3",
        "--out",
        "mine",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert done.out == ""
    assert "loss " in done.err
    assert " + KL " in done.err
    assert "restorae vae manifold --model mine.safetensors" in done.err
    model = load(tmp_path / "mine.safetensors")
    assert model.network.latent_dim == 3
    assert model.card.recipe is not None
    assert model.card.recipe["loss"] == {
        "kind": "negative-elbo",
        "beta": 0.5,
        "kl_warmup": 0,
        "free_bits": 0.0,
        "importance_samples": 1,
    }
    assert model.card.restores is False
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.safetensors"]


def test_train_on_everything_says_that_nothing_was_held_out(tmp_path: Path) -> None:
    done = run(
        "vae", "train", "--data", "digits", *QUICK, "--split", "all", "--out", "all", cwd=tmp_path
    )
    assert done.status == 0, done.err
    card = load(tmp_path / "all.safetensors").card
    assert card.data == "digits (1,797 images, 0 held out)"
    assert "that it was trained on" in card.scores["validation"]["on"]
    assert "1,797 images, 0 held out" in done.err


def test_train_keeps_the_test_images_and_some_more_by_default(tmp_path: Path) -> None:
    done = run("vae", "train", "--data", "digits", *QUICK, "--out", "part", cwd=tmp_path)
    assert done.status == 0, done.err
    card = load(tmp_path / "part.safetensors").card
    assert card.data == "digits (1,288 images, 149 held out)"
    assert card.scores["validation"]["on"] == "149 held-out images of digits"


def test_without_mnist_the_embedded_digits_are_taken_with_a_notice(
    tmp_path: Path, small_vae: Path, without_mnist: None
) -> None:
    trained = run("vae", "train", *QUICK, "--out", "mine", cwd=tmp_path)
    assert trained.status == 0, trained.err
    assert "digits (1,288 images" in trained.err
    for command, out in (("clusters", "c.png"), ("reconstruct", "r.npy"), ("encode", "e.npz")):
        done = run("vae", command, "--model", small_vae, "--out", out, cwd=tmp_path)
        assert done.status == 0, done.err
        for told in (trained.err, done.err):
            assert "could not be downloaded" in told
            assert "embedded digits" in told
            assert "Using the embedded digits" in told
    evaluated = run("vae", "evaluate", "--model", small_vae, "--limit", "5", "--json", cwd=tmp_path)
    assert json.loads(evaluated.out)["data"] == "digits"
    assert "embedded digits" in evaluated.err


def test_a_likelihood_may_be_chosen_beside_the_network(tmp_path: Path) -> None:
    done = run(
        "vae",
        "train",
        "--data",
        "digits",
        *QUICK,
        "--likelihood",
        "gaussian",
        "--out",
        "g",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    network = load(tmp_path / "g.safetensors").network
    assert (network.likelihood, network.features) == ("gaussian", 4)
    told = json.loads(
        run(
            "vae",
            "evaluate",
            "--model",
            "g.safetensors",
            "--data",
            "digits",
            "--json",
            cwd=tmp_path,
        ).out
    )
    assert told["likelihood"] == "gaussian"
    assert told["binarised"] is None


# --- manifold


def test_the_manifold_is_what_the_decoder_makes_of_the_grid(
    tmp_path: Path, small_vae: Path
) -> None:
    done = run(
        "vae",
        "manifold",
        "--model",
        small_vae,
        "--n",
        "5",
        "--range",
        "1.5",
        "--out",
        "grid.npy",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    grid = np.load(tmp_path / "grid.npy")
    assert grid.shape == (5, 5, 28, 28)
    decode = load(small_vae).decode
    # the first row is the largest z[1], the first column the smallest z[0]
    corners = decode(np.asarray([[-1.5, 1.5], [1.5, 1.5], [-1.5, -1.5], [0.75, -0.75]], np.float32))
    np.testing.assert_allclose(
        np.stack([grid[0, 0], grid[0, 4], grid[4, 0], grid[3, 3]]), corners, atol=2e-2
    )
    assert np.abs(grid[0, 0] - grid[4, 0]).max() > 0.1


def test_quantile_spacing_takes_equally_likely_steps(tmp_path: Path, small_vae: Path) -> None:
    words = (
        "vae",
        "manifold",
        "--model",
        small_vae,
        "--n",
        "4",
        "--range",
        "2",
        "--spacing",
        "quantile",
        "--out",
        "grid.npy",
    )
    assert run(*words, cwd=tmp_path).status == 0
    values = axis_values(4, 2.0, "quantile")
    likely = torch.distributions.Normal(0, 1).cdf(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(np.diff(likely), np.full(3, (likely[-1] - likely[0]) / 3), atol=1e-5)
    expected = load(small_vae).decode(np.asarray([[values[1], values[3]]], np.float32))[0]
    np.testing.assert_allclose(np.load(tmp_path / "grid.npy")[0, 1], expected, atol=2e-2)


def test_the_manifold_is_plotted_grey_right_and_upwards(tmp_path: Path, small_vae: Path) -> None:
    done = run("vae", "manifold", "--model", small_vae, "--n", "6", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "z[0] to the right and z[1] upwards from -1 to 1" in done.err
    image = pixels(tmp_path / "manifold.png")
    assert image.shape[:2] == (1500, 1500)
    assert np.array_equal(image[..., 0], image[..., 1])  # grey
    assert np.array_equal(image[..., 0], image[..., 2])
    run("vae", "manifold", "--model", small_vae, "--n", "6", "--out", "grid.npy", cwd=tmp_path)
    canvas = np.block([list(row) for row in np.load(tmp_path / "grid.npy")])
    plotted = inside_the_axes(grey(tmp_path / "manifold.png"), canvas.shape)
    alike = np.corrcoef(plotted.ravel(), canvas.ravel())[0, 1]
    assert alike > 0.97, f"the plotted digits and the decoded ones correlate by {alike:.3f} only"
    for turned in (canvas[::-1], canvas[:, ::-1], canvas.T):
        assert np.corrcoef(plotted.ravel(), turned.ravel())[0, 1] < alike - 0.1


def inside_the_axes(figure: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The plotted image, brought to `shape`: the part of a white figure whose lines are mostly dark."""
    rows, columns = (np.flatnonzero(np.median(figure, axis=axis) < 128) for axis in (1, 0))
    inner = figure[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(
        Image.fromarray(inner.astype(np.uint8)).resize(shape[::-1], Image.Resampling.BOX)
    ).astype(float)


def test_two_of_many_dimensions_are_walked_and_the_others_stay_zero(
    tmp_path: Path, vae_of: Callable[..., Path]
) -> None:
    model = vae_of(latent_dim=5)
    done = run(
        "vae",
        "manifold",
        "--model",
        model,
        "--n",
        "3",
        "--dimensions",
        "4,1",
        "--out",
        "grid.npy",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "z[4] to the right and z[1] upwards" in done.err
    expected = load(model).decode(np.asarray([[0, 1, 0, 0, -1]], np.float32))[0]  # left and up
    np.testing.assert_allclose(np.load(tmp_path / "grid.npy")[0, 0], expected, atol=2e-2)


# --- clusters


def test_clusters_are_coloured_by_label(tmp_path: Path, small_vae: Path) -> None:
    import matplotlib as mpl

    done = run("vae", "clusters", "--model", small_vae, "--data", "digits", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "1,437 images of digits" in done.err
    drawn = {
        tuple(colour) for colour in pixels(tmp_path / "clusters.png").reshape(-1, 4)[:, :3].tolist()
    }
    legend = [
        tuple(round(255 * part) for part in mpl.colormaps["tab10"](place)[:3])
        for place in range(10)
    ]
    assert drawn >= set(legend), "each of the ten labels has its colour in the legend"


def test_clusters_of_a_wide_latent_say_how_they_were_projected(
    tmp_path: Path, vae_of: Callable[..., Path]
) -> None:
    for latent_dim, told in (
        (5, "5 latent dimensions, projected onto their first two principal components"),
        (1, "one latent dimension"),
    ):
        out = f"{latent_dim}.png"
        words = (
            "--model",
            vae_of(latent_dim=latent_dim),
            "--data",
            "digits",
            "--split",
            "test",
            "--out",
            out,
        )
        done = run("vae", "clusters", *words, cwd=tmp_path)
        assert done.status == 0, done.err
        assert told in done.err
        assert "360 images" in done.err
        assert pixels(tmp_path / out).ndim == 3


def test_labels_come_from_a_file_or_from_folders(tmp_path: Path, small_vae: Path) -> None:
    images, labels = open_labelled("digits", "test")
    assert labels is not None
    stored = bytes_of(as_array(images.batch(range(20))))
    np.save(tmp_path / "own.npy", stored)
    np.save(tmp_path / "labels.npy", labels[:20])
    words = ("vae", "clusters", "--model", small_vae, "--out")
    assert (
        run(*words, "a.png", "--data", "own.npy", "--labels", "labels.npy", cwd=tmp_path).status
        == 0
    )
    np.savez(tmp_path / "both.npz", images=stored, labels=labels[:20])
    assert (
        run(*words, "b.png", "--data", "both.npz", "--labels", "both.npz", cwd=tmp_path).status == 0
    )
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))
    for place, (image, label) in enumerate(zip(stored, labels, strict=False)):
        folder = tmp_path / "sorted" / f"the {label}s"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{place}.png")
    assert run(*words, "c.png", "--data", "sorted", cwd=tmp_path).status == 0


# --- sample


def test_a_chosen_latent_is_decoded(tmp_path: Path, small_vae: Path) -> None:
    # the first coordinate may be negative: it is a value, not an option
    done = run(
        "vae",
        "sample",
        "--at",
        "-1.2,0.3",
        "--model",
        small_vae,
        "--zoom",
        "1",
        "--out",
        "one.png",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "(-1.2, 0.3)" in done.err
    expected = bytes_of(load(small_vae).decode(np.asarray([[-1.2, 0.3]], np.float32)))[0]
    assert np.array_equal(pixels(tmp_path / "one.png"), expected)
    assert (
        run(
            "vae",
            "sample",
            "--at",
            "-1.2, 0.3",
            "--model",
            small_vae,
            "--zoom",
            "3",
            "--out",
            "big.png",
            cwd=tmp_path,
        ).status
        == 0
    )
    assert np.array_equal(pixels(tmp_path / "big.png"), expected.repeat(3, 0).repeat(3, 1))


def test_samples_are_drawn_from_the_prior_and_laid_out(tmp_path: Path, small_vae: Path) -> None:
    for out, seed in (("a.npy", "3"), ("b.npy", "3"), ("c.npy", "4")):
        assert (
            run(
                "vae",
                "sample",
                "--count",
                "11",
                "--seed",
                seed,
                "--model",
                small_vae,
                "--out",
                out,
                cwd=tmp_path,
            ).status
            == 0
        )
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    assert a.shape == (11, 28, 28)
    assert 0 <= a.min() < 0.1 < 0.5 < a.max() <= 1
    assert np.array_equal(a, b)
    assert not np.allclose(a, c, atol=0.05)
    assert np.array_equal(a, load(small_vae).sample(11, seed=3))
    words = (
        "vae",
        "sample",
        "--count",
        "11",
        "--seed",
        "3",
        "--model",
        small_vae,
        "--zoom",
        "2",
        "--out",
        "sheet.png",
    )
    assert run(*words, cwd=tmp_path).status == 0
    sheet = pixels(tmp_path / "sheet.png")
    assert sheet.shape == (2 * 2 * 28, 8 * 2 * 28)  # two lines of eight, each pixel doubled
    assert np.array_equal(sheet[::2, ::2][28:56, 28:56], bytes_of(a)[9])
    assert not sheet[56:, 3 * 56 :].any(), "where there are no more, it is black"


def test_sixty_four_samples_of_the_bundled_model_if_nothing_is_said(tmp_path: Path) -> None:
    done = run("vae", "sample", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "64 new images" in done.err
    sheet = pixels(tmp_path / "samples.png")
    assert sheet.shape == (8 * 4 * 28, 8 * 4 * 28)
    assert np.array_equal(sheet[:112:4, :112:4], bytes_of(load("digits-vae").sample(1))[0])


# --- interpolate


def test_a_walk_moves_there_and_back(tmp_path: Path, small_vae: Path) -> None:
    done = run(
        "vae",
        "interpolate",
        "--from",
        "digits:0",
        "--to",
        "digits:7",
        "--steps",
        "6",
        "--model",
        small_vae,
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    ends = load(small_vae).reconstruct(as_array(open_images("digits", "test").batch([0, 7])))
    with Image.open(tmp_path / "interpolation.gif") as moving:
        assert moving.n_frames == 6 + 4, "there, and back without the two ends"
        assert moving.info["loop"] == 0
        frames = []
        for place in range(moving.n_frames):
            moving.seek(place)
            frames.append(np.asarray(moving.convert("L")).astype(float))
    assert frames[0].shape == (4 * 28, 4 * 28)
    for frame, end in ((frames[0], ends[0]), (frames[5], ends[1])):
        assert np.abs(frame[::4, ::4] - 255 * end).mean() < 6  # a GIF has few colours
    for there, back in ((1, 9), (4, 6)):
        assert np.abs(frames[there] - frames[back]).mean() < 3


def test_a_walk_is_laid_out_between_image_files(
    tmp_path: Path, small_vae: Path, digit: Path
) -> None:
    words = (
        "vae",
        "interpolate",
        "--from",
        digit,
        "--to",
        "digits:7",
        "--steps",
        "5",
        "--model",
        small_vae,
    )
    assert run(*words, "--zoom", "1", "--out", "walk.png", cwd=tmp_path).status == 0
    assert run(*words, "--out", "walk.npy", cwd=tmp_path).status == 0
    walk = np.load(tmp_path / "walk.npy")
    assert walk.shape == (5, 28, 28)
    assert np.array_equal(pixels(tmp_path / "walk.png"), np.hstack(list(bytes_of(walk))))
    vae = load(small_vae)
    first, last = vae.encode(as_array(open_images("digits", "test").batch([0, 7]))).mean
    np.testing.assert_allclose(
        walk[2], vae.decode(((first + last) / 2)[None].numpy())[0], atol=2e-2
    )


# --- reconstruct


def test_reconstructions_are_shown_below_their_images(tmp_path: Path, small_vae: Path) -> None:
    words = ("vae", "reconstruct", "--model", small_vae, "--data", "digits", "--count")
    assert run(*words, "100", "--out", "back.npy", cwd=tmp_path).status == 0
    back = np.load(tmp_path / "back.npy")
    original = as_array(open_images("digits", "test").batch(range(100)))
    assert np.array_equal(back, load(small_vae).reconstruct(original))
    shifted = np.roll(original, 1, axis=0)
    assert np.square(back - original).mean() < 0.8 * np.square(back - shifted).mean(), (
        "each is nearer to its own image than to the next"
    )
    done = run(*words, "7", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "7 images of digits" in done.err
    height, width = grey(tmp_path / "reconstructions.png").shape
    assert height > 600  # four lines of images: five and two, twice
    assert width > 700


# --- encode


def test_latents_are_written_with_names_and_labels(tmp_path: Path, small_vae: Path) -> None:
    done = run("vae", "encode", "--model", small_vae, "--data", "digits", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "latents of 360 images, 2 dimensions each" in done.err
    images, labels = open_labelled("digits", "test")
    expected = load(small_vae).encode(as_array(images.batch(range(360))))
    with np.load(tmp_path / "latents.npz", allow_pickle=False) as held:
        assert set(held.files) == {"mean", "log_var", "names", "labels"}
        assert held["mean"].shape == held["log_var"].shape == (360, 2)
        assert np.array_equal(held["mean"], expected.mean.numpy())
        assert np.array_equal(held["log_var"], expected.log_var.numpy())
        assert np.array_equal(held["labels"], labels)
        assert held["names"].tolist() == list(images.names)


def test_image_files_are_encoded_one_by_one(tmp_path: Path, small_vae: Path, digit: Path) -> None:
    done = run(
        "vae", "encode", digit, digit, "--model", small_vae, "--out", "two.npz", cwd=tmp_path
    )
    assert done.status == 0, done.err
    expected = load(small_vae).encode(pixels(digit))
    with np.load(tmp_path / "two.npz") as held:
        assert set(held.files) == {"mean", "log_var", "names"}
        assert held["names"].tolist() == [str(digit)] * 2
        assert np.array_equal(held["mean"], expected.mean.repeat(2, 1).numpy())


# --- evaluate


def test_evaluate_prints_the_bound_as_json_alone(tmp_path: Path, small_vae: Path) -> None:
    words = ("--data", "digits", "--limit", "30", "--importance-samples", "50", "--json")
    done = run("vae", "evaluate", "--model", small_vae, *words, cwd=tmp_path)
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert {"elbo", "reconstruction", "kl"} <= told["grey"].keys()
    assert {"elbo", "reconstruction", "kl", "log_likelihood", "importance_samples"} <= told[
        "binarised"
    ].keys()
    for bound in (told["grey"], told["binarised"]):
        assert bound["elbo"] < 0
        assert bound["elbo"] == pytest.approx(-(bound["reconstruction"] + bound["kl"]))
    assert told["binarised"]["elbo"] < told["binarised"]["log_likelihood"] < 0, (
        "the ELBO lies below the log-likelihood"
    )
    assert told["binarised"]["importance_samples"] == 50
    assert told["active_units"] == 2
    assert told["count"] == 30
    assert (told["data"], told["split"], told["seed"]) == ("digits", "test", 0)
    assert told["model"] == str(small_vae)


def test_grey_images_have_no_likelihood(tmp_path: Path, small_vae: Path) -> None:
    # a cross-entropy against grey values is no probability: there is nothing to estimate
    done = run(
        "vae",
        "evaluate",
        "--model",
        small_vae,
        "--data",
        "digits",
        "--limit",
        "5",
        "--json",
        cwd=tmp_path,
    )
    assert json.loads(done.out)["grey"].keys() == {"elbo", "reconstruction", "kl"}


def test_the_same_seed_measures_the_same(tmp_path: Path, small_vae: Path) -> None:
    def bound(seed: str) -> dict[str, float]:
        done = run(
            "vae",
            "evaluate",
            "--model",
            small_vae,
            "--data",
            "digits",
            "--seed",
            seed,
            "--json",
            cwd=tmp_path,
        )
        found: dict[str, float] = json.loads(done.out)["binarised"]
        return found

    assert bound("1") == bound("1") != bound("2")


def test_evaluate_prints_a_table(tmp_path: Path, small_vae: Path) -> None:
    done = run("vae", "evaluate", "--model", small_vae, "--data", "digits", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "2 of 2 latent dimensions are active" in done.err
    assert "not comparable" in done.err
    lines = [line.split() for line in done.out.splitlines() if line.strip()]
    assert [line[0] for line in lines] == ["images", "grey", "binarised"]
    assert lines[1][-1] == "–"
    for line in lines[1:]:
        elbo, reconstruction, kl = map(float, line[1:4])
        assert elbo == pytest.approx(-(reconstruction + kl), abs=0.02)


# --- what is there stays


@pytest.mark.parametrize(
    ("command", "out"),
    [
        (("manifold", "--n", "2"), "x.npy"),
        (("clusters", "--data", "digits"), "x.png"),
        (("sample", "--count", "1"), "x.png"),
        (("interpolate", "--from", "digits:0", "--to", "digits:1", "--steps", "2"), "x.gif"),
        (("reconstruct", "--data", "digits", "--count", "1"), "x.npy"),
        (("encode", "--data", "digits"), "x.npz"),
        (("train", "--data", "digits", *QUICK), "x.safetensors"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_a_file_that_is_there_is_replaced_only_if_asked(
    tmp_path: Path, small_vae: Path, command: tuple[str, ...], out: str
) -> None:
    (tmp_path / out).write_bytes(b"precious")
    asked = (
        "vae",
        *command,
        *(() if command[0] == "train" else ("--model", small_vae)),
        "--out",
        out,
    )
    refused = run(*asked, cwd=tmp_path)
    assert refused.status == 2
    assert "already" in refused.complaint
    assert "--overwrite" in refused.complaint
    assert (tmp_path / out).read_bytes() == b"precious"
    done = run(*asked, "--overwrite", cwd=tmp_path)
    assert done.status == 0, done.err
    assert (tmp_path / out).read_bytes() != b"precious"
    beside = [path.name for path in tmp_path.iterdir() if path.name != "cache"]  # matplotlib's
    assert beside == [out], "nothing lies beside it"


# --- bad input


def complaint(done: Outcome, status: int) -> str:
    """What was printed as the error, without the box and the line ends that it may be folded into."""
    assert done.status == status, done.err
    assert done.out == ""
    return " ".join(done.complaint.replace("│", " ").split())


@pytest.mark.parametrize(
    ("asked", "status", "hint"),
    [
        (
            ["manifold", "--spacing", "cubic"],
            2,
            "'cubic' is not one of 'linear', 'quantile'",
        ),
        (["manifold", "--range", "0"], 2, "The range must be a number above 0, got 0"),
        (["manifold", "--range", "nan"], 2, "The range must be a number above 0, got nan"),
        (["manifold", "--n", "0"], 2, "at least one image along each axis, got n=0"),
        (
            ["manifold", "--dimensions", "0,2"],
            2,
            "two different latent dimensions from 0 to 1, got 0 and 2",
        ),
        (["manifold", "--dimensions", "1,1"], 2, "expected two different latent dimensions"),
        (
            ["manifold", "--dimensions", "0"],
            2,
            "expected two whole numbers, got '0'. Use --dimensions 0,1",
        ),
        (
            ["manifold", "--dimensions", "a,b"],
            2,
            "expected two whole numbers, got 'a,b'",
        ),
        (["manifold", "--dimensions", "0.5,1"], 2, "expected two whole numbers"),
        (
            ["manifold", "--out", "m.bmp"],
            2,
            "m.bmp: expected a name that ends in .png or .npy. Choose another --out",
        ),
        (["manifold", "--out", "folder.png"], 2, "folder.png: is a folder"),
        (["manifold", "--out", "/dev/null/m.png"], 1, "could not be written"),
        (
            ["clusters", "--data", "digits", "--split", "tset"],
            2,
            "'tset' is not one of 'train', 'test', 'all'",
        ),
        (
            ["clusters", "--data", "digits", "--out", "c.npy"],
            2,
            "expected a name that ends in .png",
        ),
        (["clusters", "--data", "digits", "--labels", "nowhere.npy"], 1, "nowhere.npy"),
        (["sample", "--at", "0.3"], 2, "expected as many finite numbers, got '0.3'"),
        (["sample", "--at", "0.3,1,2"], 2, "got '0.3,1,2'. Use --at 0.5,0.5"),
        (
            ["sample", "--at", "0.3,north"],
            2,
            "got '0.3,north'. Use --at 0.5,0.5",
        ),
        (["sample", "--at", ""], 2, "has 2 dimensions"),
        (["sample", "--at", "0.3", "-1.2"], 2, "0.3,-1.2"),
        (["sample", "--at", "0,0", "--count", "3"], 2, "--at cannot be combined with --count"),
        (["sample", "--count", "0"], 2, "--count"),
        (["sample", "--out", "s.tiff"], 2, "expected a name that ends in .png or .jpg or .npy"),
        (
            ["interpolate", "--from", "digits:0", "--to", "digits:360"],
            2,
            "from 0 to 359, got 360",
        ),
        (
            ["interpolate", "--from", "digits:0", "--to", "digits:1", "--steps", "1"],
            2,
            "at least 2 images, not 1. Use --steps 2",
        ),
        (["interpolate", "--from", "nowhere.png", "--to", "digits:1"], 1, "nowhere.png"),
        (["interpolate", "--from", "wide.png", "--to", "digits:1"], 1, "got 30 × 41"),
        (["interpolate", "--from", "dgits:0", "--to", "digits:1"], 1, "Did you mean 'digits'"),
        (
            ["interpolate", "--from", "digits:0", "--to", "digits:1", "--out", "walk.mp4"],
            2,
            "expected a name that ends in .gif",
        ),
        (["reconstruct", "--data", "mnst"], 1, "Did you mean 'mnist'"),
        (["reconstruct", "--data", "mixed"], 1, "differ in size"),
        (["encode", "wide.png"], 1, "28 × 28 px (height × width), got 30 × 41"),
        (["encode", "colour.png"], 1, "images of 1 channel, got 3"),
        (
            ["encode", "wide.png", "--data", "digits"],
            2,
            "image files cannot be combined with --data",
        ),
        (
            ["encode", "--data", "digits", "--out", "latents.csv"],
            2,
            "expected a name that ends in .npz",
        ),
        (["encode", "--data", "mixed"], 1, "images of 28 × 28"),
        (["evaluate", "--data", "wide.npy"], 1, "got 30 × 41"),
        (["evaluate", "--data", "digits", "--importance-samples", "-1"], 2, "--importance-samples"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_a_sentence(
    tmp_path: Path, small_vae: Path, asked: list[str], status: int, hint: str
) -> None:
    source = np.random.default_rng(0)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "mixed").mkdir()
    wide, colour = (
        source.integers(0, 256, (30, 41), dtype=np.uint8),
        source.integers(0, 256, (28, 28, 3), dtype=np.uint8),
    )
    for name, image in (
        ("wide.png", wide),
        ("colour.png", colour),
        ("mixed/a.png", wide),
        ("mixed/b.png", wide.T),
    ):
        Image.fromarray(image).save(tmp_path / name)
    np.save(tmp_path / "wide.npy", wide[None])
    before = sorted(tmp_path.rglob("*"))
    assert hint in complaint(run("vae", *asked, "--model", small_vae, cwd=tmp_path), status)
    written = [path for path in tmp_path.rglob("*") if "cache" not in path.parts]  # matplotlib's
    assert sorted(written) == before, "nothing was written"


@pytest.mark.parametrize("at", ["nan,0", "0,inf"])
def test_a_latent_is_finite(tmp_path: Path, small_vae: Path, at: str) -> None:
    assert at in complaint(run("vae", "sample", "--at", at, "--model", small_vae, cwd=tmp_path), 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        (("manifold", "--n", "2", "--out", "x.NPY"), b"\x93NUMPY"),
        (("sample", "--count", "2", "--out", "x.NPY"), b"\x93NUMPY"),
        (
            (
                "interpolate",
                "--from",
                "digits:0",
                "--to",
                "digits:1",
                "--steps",
                "2",
                "--out",
                "x.GIF",
            ),
            b"GIF89a",
        ),
        (("reconstruct", "--data", "digits", "--count", "1", "--out", "x.NPY"), b"\x93NUMPY"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_capitals_name_the_same_format(
    tmp_path: Path, small_vae: Path, asked: tuple[str, ...], begins: bytes
) -> None:
    done = run("vae", *asked, "--model", small_vae, cwd=tmp_path)
    assert done.status == 0, done.err
    assert (tmp_path / asked[-1]).read_bytes().startswith(begins)


def test_a_restorer_is_no_start_for_a_vae(tmp_path: Path, small_model: Path) -> None:
    words = (
        "vae",
        "train",
        "--data",
        "digits",
        "--epochs",
        "0.05",
        "--out",
        "x",
        "--from",
        small_model,
    )
    assert "conv is not a variational auto-encoder" in complaint(run(*words, cwd=tmp_path), 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "asked", [("--latent-dim", "5"), ("--network", "residual-vae")], ids=["latent-dim", "network"]
)
def test_what_starts_from_a_model_has_its_network(
    tmp_path: Path, small_vae: Path, asked: tuple[str, ...]
) -> None:
    words = (
        "vae",
        "train",
        "--data",
        "digits",
        "--epochs",
        "0.05",
        "--out",
        "x",
        "--from",
        small_vae,
        *asked,
    )
    assert "its weights are those of another network" in complaint(run(*words, cwd=tmp_path), 2)
    assert not list(tmp_path.iterdir())


def test_labels_that_are_missing_or_too_few_are_named(tmp_path: Path, small_vae: Path) -> None:
    np.save(tmp_path / "own.npy", as_array(open_images("digits", "test").batch(range(6))))
    np.save(tmp_path / "five.npy", np.arange(5))
    np.save(tmp_path / "plane.npy", np.zeros((6, 2)))
    asked = ("vae", "clusters", "--model", small_vae, "--data", "own.npy")
    told = complaint(run(*asked, cwd=tmp_path), 2)
    assert "own.npy: has no labels to colour by" in told
    assert "--labels FILE" in told
    assert "own.npy: expected one label per image, got 5 labels for 6 images" in complaint(
        run(*asked, "--labels", "five.npy", cwd=tmp_path), 1
    )
    assert "shape (6, 2)" in complaint(run(*asked, "--labels", "plane.npy", cwd=tmp_path), 1)
    assert not (tmp_path / "clusters.png").exists()


def test_a_line_is_no_plane(tmp_path: Path, vae_of: Callable[..., Path]) -> None:
    line = vae_of(latent_dim=1)
    told = complaint(run("vae", "manifold", "--model", line, cwd=tmp_path), 2)
    assert "A manifold shows two latent dimensions and this model has one" in told
    assert "has 1 dimension" in complaint(
        run("vae", "sample", "--at", "0,0", "--model", line, cwd=tmp_path), 2
    )
    assert run("vae", "sample", "--at", "0.5", "--model", line, cwd=tmp_path).status == 0


@pytest.mark.parametrize(
    "asked",
    [
        ["manifold"],
        ["clusters", "--data", "digits"],
        ["sample"],
        ["interpolate", "--from", "digits:0", "--to", "digits:1"],
        ["reconstruct", "--data", "digits"],
        ["encode", "--data", "digits"],
        ["evaluate", "--data", "digits"],
    ],
    ids=lambda asked: asked[0],
)
def test_a_restorer_has_no_latent_to_walk_in(
    tmp_path: Path, small_model: Path, small_latent_unet: Path, asked: list[str]
) -> None:
    for model, kind in ((small_model, "conv"), (small_latent_unet, "latent-unet")):
        told = complaint(run("vae", *asked, "--model", model, cwd=tmp_path), 2)
        assert "auto-encoder: its network" in told
        assert f"({kind})" in told
        assert "digits-vae" in told
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_not_there_or_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    assert "There is no model 'nowhere'" in complaint(
        run("vae", "sample", "--model", "nowhere", cwd=tmp_path), 2
    )
    started = run(
        "vae", "train", "--data", "digits", "--from", "nowhere", "--out", "x", cwd=tmp_path
    )
    assert "There is no model 'nowhere'" in complaint(started, 2)
    assert "broken.safetensors" in complaint(
        run("vae", "sample", "--model", "broken.safetensors", cwd=tmp_path), 1
    )


def test_a_vae_of_images_alone_restores_nothing(
    tmp_path: Path, small_vae: Path, digit: Path
) -> None:
    restored = run("restore", digit, "--model", small_vae, "--out", "r.png", cwd=tmp_path)
    drawn = run(
        "restore", digit, "--model", small_vae, "--samples", "3", "--out", "r.png", cwd=tmp_path
    )
    scored = run(
        "evaluate",
        "--model",
        small_vae,
        "--clean",
        "digits",
        "--with",
        "gaussian-noise",
        "--json",
        cwd=tmp_path,
    )
    for done in (restored, drawn, scored):
        assert "not to restore" in complaint(done, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["digit.png"]


@pytest.mark.parametrize(
    ("asked", "status", "hint"),
    [
        (["--latent-dim", "0"], 2, "latent_dim=0"),
        (["--latent-dim", "-2"], 2, "latent_dim=-2"),
        (["--beta", "-1"], 2, "beta=-1"),
        (["--beta", "nan"], 2, "beta=nan"),
        (["--kl-warmup", "-1"], 2, "kl_warmup=-1"),
        (["--free-bits", "-0.5"], 2, "free_bits=-0.5"),
        (["--epochs", "0"], 2, "epochs=0"),
        (["--batch-size", "0"], 2, "batch_size=0"),
        (["--network", "unet"], 2, "unet is not a variational auto-encoder"),
        (["--network", "latent-unet"], 2, "latent-unet is not a variational auto-encoder"),
        (["--network", "conv-vea"], 2, "Did you mean 'conv-vae'"),
        (["--likelihood", "poisson"], 2, "'poisson' is not one of 'bernoulli', 'gaussian'"),
        (["--split", "tset"], 2, "'tset' is not one of 'train', 'test', 'all'"),
        (["--resume"], 1, "nothing to resume"),
        (["--data", "mixed.npy"], 1, "mixed.npy"),
        (["--device", "gpu9"], 2, "There is no device 'gpu9'"),
        (["--out", "/dev/null/vae"], 1, "could not be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_training_that_cannot_be_is_refused_before_it_starts(
    tmp_path: Path, asked: list[str], status: int, hint: str
) -> None:
    told = complaint(
        run("vae", "train", "--data", "digits", "--out", "x", *QUICK, *asked, cwd=tmp_path), status
    )
    assert hint in told
    assert not list(tmp_path.iterdir())


def test_images_of_many_sizes_are_no_training_for_a_vae(tmp_path: Path, images: Path) -> None:
    done = run("vae", "train", "--data", images, "--out", "x", cwd=tmp_path)
    told = complaint(done, 1)
    assert "one size" in told
    assert not list(tmp_path.glob("x*"))


def test_help_names_every_command(tmp_path: Path) -> None:
    told = run("vae", "--help", cwd=tmp_path)
    assert told.status == 0
    for command in (
        "train",
        "manifold",
        "clusters",
        "sample",
        "interpolate",
        "reconstruct",
        "encode",
        "evaluate",
    ):
        assert command in told.out
