"""`restorae restore` as a person runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorae.model import load
from restorae.pixels import working_values
from tests.command import pixels, run


def test_a_folder_keeps_its_tree_and_every_image_its_size(
    tmp_path: Path, images: Path, small_model: Path
) -> None:
    done = run("restore", images, "--model", small_model, "--out", "restored", cwd=tmp_path)
    assert done.status == 0, done.err
    assert pixels(tmp_path / "restored" / "grey.png").shape == (30, 41)
    assert pixels(tmp_path / "restored" / "inner folder" / "colour.jpg").shape == (33, 20, 3)


def test_the_command_gives_what_python_gives(
    tmp_path: Path, images: Path, small_model: Path
) -> None:
    run("restore", images / "grey.png", "--model", small_model, "--out", "one.png", cwd=tmp_path)
    expected = load(small_model).restore(pixels(images / "grey.png"))
    assert np.array_equal(pixels(tmp_path / "one.png"), expected)


def test_arrays_keep_shape_and_type(tmp_path: Path, small_model: Path) -> None:
    np.save(tmp_path / "stack.npy", np.random.default_rng(0).random((5, 17, 19)))
    done = run(
        "restore", "stack.npy", "--model", small_model, "--out", "restored.npy", cwd=tmp_path
    )
    assert done.status == 0, done.err
    restored = np.load(tmp_path / "restored.npy")
    assert restored.shape == (5, 17, 19)
    assert restored.dtype == np.float64


def test_a_broken_file_stops_nothing_and_is_named(
    tmp_path: Path, images: Path, small_model: Path
) -> None:
    (images / "text.png").write_text("hello")
    (images / "empty.png").touch()
    done = run("restore", images, "--model", small_model, "--out", "restored", cwd=tmp_path)
    assert done.status == 1
    assert "text.png" in done.complaint
    assert "empty.png" in done.complaint
    assert "2 of 4 restored" in done.complaint
    assert (tmp_path / "restored" / "grey.png").is_file()
    assert not list((tmp_path / "restored").rglob("*.partial*"))


def test_nothing_that_is_there_is_lost(tmp_path: Path, images: Path, small_model: Path) -> None:
    original = (images / "grey.png").read_bytes()
    onto_itself = run(
        "restore",
        images / "grey.png",
        "--model",
        small_model,
        "--out",
        images / "grey.png",
        cwd=tmp_path,
    )
    assert onto_itself.status == 2
    assert "is an input" in onto_itself.complaint
    assert (images / "grey.png").read_bytes() == original
    if_asked = run(
        "restore", images, "--model", small_model, "--out", images, "--overwrite", cwd=tmp_path
    )
    assert if_asked.status == 0
    assert (images / "grey.png").read_bytes() != original

    (tmp_path / "precious.png").write_bytes(b"precious")
    onto_another = run(
        "restore",
        images / "grey.png",
        "--model",
        small_model,
        "--out",
        "precious.png",
        cwd=tmp_path,
    )
    assert onto_another.status == 2
    assert "--overwrite" in onto_another.complaint
    assert (tmp_path / "precious.png").read_bytes() == b"precious"
    assert (
        run(
            "restore",
            images / "grey.png",
            "--model",
            small_model,
            "--out",
            "precious.png",
            "--overwrite",
            cwd=tmp_path,
        ).status
        == 0
    )


def test_skip_existing_does_only_the_rest(tmp_path: Path, images: Path, small_model: Path) -> None:
    run("restore", images, "--model", small_model, "--out", "restored", cwd=tmp_path)
    before = (tmp_path / "restored" / "grey.png").stat().st_mtime_ns
    (tmp_path / "restored" / "inner folder" / "colour.jpg").unlink()
    done = run(
        "restore",
        images,
        "--model",
        small_model,
        "--out",
        "restored",
        "--skip-existing",
        cwd=tmp_path,
    )
    assert done.status == 0
    assert "1 of 1 restored" in done.err
    assert (tmp_path / "restored" / "grey.png").stat().st_mtime_ns == before


def test_impossible_requests_are_refused_before_any_work(
    tmp_path: Path, images: Path, small_model: Path
) -> None:
    def complaint(*words: str | Path, status: int = 1) -> str:
        done = run("restore", *words, cwd=tmp_path)
        assert done.status == status, done.err
        return done.complaint

    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    assert "holds no images" in complaint("empty", "--model", small_model, "--out", "o")
    assert "no such file or folder" in complaint("nowhere", "--model", small_model, "--out", "o")
    assert "no format that is read" in complaint("notes.txt", "--model", small_model, "--out", "o")
    assert "There is no model" in complaint(
        images, "--model", "digits-denoizer", "--out", "o", status=2
    )
    assert "a file is where a folder is needed" in complaint(
        images, "--model", small_model, "--out", "notes.txt/o/"
    )
    assert "written twice" in complaint(
        images / "grey.png", images / "grey.png", "--model", small_model, "--out", "o", status=2
    )
    assert not (tmp_path / "o").exists()


# --- several plausible restorations: --samples


def test_samples_of_an_image_their_mean_and_their_spread(
    tmp_path: Path, images: Path, small_latent_unet: Path
) -> None:
    words = (
        "restore",
        images / "grey.png",
        "--model",
        small_latent_unet,
        "--samples",
        "12",
        "--out",
        "one.png",
    )
    done = run(*words, cwd=tmp_path)
    assert done.status == 0, done.err
    names = sorted(path.name for path in (tmp_path / "one-samples").iterdir())
    assert names == [f"{place:02}.png" for place in range(1, 13)]
    samples = np.stack([pixels(tmp_path / "one-samples" / name) for name in names])
    assert samples.shape == (12, 30, 41)
    assert samples.dtype == np.uint8
    assert len(np.unique(samples, axis=0)) == 12, "no two restorations are the same"
    drawn = load(small_latent_unet).sample_restorations(
        working_values(pixels(images / "grey.png")), 12, seed=0
    )
    mean, spread = pixels(tmp_path / "one.png"), pixels(tmp_path / "one-spread.png")
    np.testing.assert_allclose(mean, np.clip(255 * drawn.mean(0), 0, 255), atol=0.51)
    np.testing.assert_allclose(samples, np.clip(255 * drawn, 0, 255), atol=0.51)
    np.testing.assert_allclose(
        spread, np.clip(2 * 255 * drawn.std(0), 0, 255), atol=0.51
    )  # twice: 0.5 is the most there is
    assert spread.max() > 0


def test_the_mean_is_that_of_the_samples(tmp_path: Path, small_latent_unet: Path) -> None:
    np.save(tmp_path / "stack.npy", np.random.default_rng(0).random((3, 17, 19), dtype=np.float32))
    words = (
        "restore",
        "stack.npy",
        "--model",
        small_latent_unet,
        "--samples",
        "6",
        "--out",
        "out.npy",
    )
    assert run(*words, cwd=tmp_path).status == 0
    mean, samples, spread = (
        np.load(tmp_path / f"{name}.npy") for name in ("out", "out-samples", "out-spread")
    )
    assert samples.shape == (6, 3, 17, 19)
    assert mean.dtype == samples.dtype == np.float32
    np.testing.assert_allclose(mean, samples.mean(0), atol=1e-6)
    np.testing.assert_allclose(
        spread, samples.std(0), atol=1e-6
    )  # in an array it is what it is, in [0, 1] units
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out-samples.npy",
        "out-spread.npy",
        "out.npy",
        "stack.npy",
    ]


def test_samples_of_a_folder_lie_in_its_tree(
    tmp_path: Path, images: Path, small_latent_unet: Path
) -> None:
    done = run(
        "restore",
        images,
        "--model",
        small_latent_unet,
        "--samples",
        "3",
        "--out",
        "out",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    made = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    here = {"grey.png", "grey-spread.png", *(f"grey-samples/{place}.png" for place in (1, 2, 3))}
    inner = {
        "colour.jpg",
        "colour-spread.png",
        *(f"colour-samples/{place}.jpg" for place in (1, 2, 3)),
    }
    assert made == {"restored.jsonl"} | here | {f"inner folder/{name}" for name in inner}
    assert pixels(tmp_path / "out" / "inner folder" / "colour-samples" / "2.jpg").shape == (
        33,
        20,
        3,
    ), "colour channel by channel"


def test_the_same_seed_draws_the_same(tmp_path: Path, small_latent_unet: Path) -> None:
    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((16, 16), dtype=np.float32))
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        words = (
            "restore",
            "in.npy",
            "--model",
            small_latent_unet,
            "--samples",
            "4",
            "--seed",
            seed,
            "--out",
            f"{out}.npy",
        )
        assert run(*words, cwd=tmp_path).status == 0
    a, b, c = (np.load(tmp_path / f"{name}-samples.npy") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path, small_latent_unet: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (2, 12, 12), dtype=np.uint16)
    np.save(tmp_path / "deep.npy", deep)
    assert (
        run(
            "restore",
            "deep.npy",
            "--model",
            small_latent_unet,
            "--samples",
            "2",
            "--out",
            "out.npy",
            cwd=tmp_path,
        ).status
        == 0
    )
    assert np.load(tmp_path / "out.npy").dtype == np.uint16
    assert np.load(tmp_path / "out-samples.npy").dtype == np.uint16
    assert np.load(tmp_path / "out-spread.npy").dtype == np.float32


@pytest.mark.parametrize("there", ["one.png", "one-spread.png", "one-samples"])
def test_no_mean_sample_or_spread_replaces_what_is_there(
    tmp_path: Path, images: Path, small_latent_unet: Path, there: str
) -> None:
    if there == "one-samples":
        (tmp_path / there).mkdir()
        precious = tmp_path / there / "1.png"
    else:
        precious = tmp_path / there
    precious.write_bytes(b"precious")
    before = {path.name for path in tmp_path.iterdir()}
    words = (
        "restore",
        images / "grey.png",
        "--model",
        small_latent_unet,
        "--samples",
        "2",
        "--out",
        "one.png",
    )
    refused = run(*words, cwd=tmp_path)
    assert refused.status == 2
    assert "exists already" in refused.complaint
    assert "--overwrite" in refused.complaint
    assert precious.read_bytes() == b"precious"
    assert {path.name for path in tmp_path.iterdir()} == before
    assert run(*words, "--overwrite", cwd=tmp_path).status == 0
    assert precious.read_bytes() != b"precious"


def test_overwriting_leaves_no_sample_of_before(
    tmp_path: Path, images: Path, small_latent_unet: Path
) -> None:
    words = (
        "restore",
        images / "grey.png",
        "--model",
        small_latent_unet,
        "--out",
        "one.png",
        "--overwrite",
        "--samples",
    )
    assert run(*words, "4", cwd=tmp_path).status == 0
    assert run(*words, "2", cwd=tmp_path).status == 0
    assert sorted(path.name for path in (tmp_path / "one-samples").iterdir()) == ["1.png", "2.png"]


def test_a_result_that_would_be_a_samples_companion_is_refused(
    tmp_path: Path, images: Path, small_latent_unet: Path
) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(images / "grey-spread.png")
    done = run(
        "restore",
        images,
        "--model",
        small_latent_unet,
        "--samples",
        "2",
        "--out",
        "out",
        cwd=tmp_path,
    )
    assert done.status == 2
    assert "grey-spread.png: would be written twice" in done.complaint
    assert not list((tmp_path / "out").rglob("*.*"))


@pytest.mark.parametrize("samples", ["1", "0", "-3", "many"])
def test_samples_are_two_or_more(
    tmp_path: Path, images: Path, small_latent_unet: Path, samples: str
) -> None:
    words = (
        "restore",
        images / "grey.png",
        "--model",
        small_latent_unet,
        "--samples",
        samples,
        "--out",
        "one.png",
    )
    done = run(*words, cwd=tmp_path)
    assert done.status == 2
    assert "--samples" in done.complaint
    assert not (tmp_path / "one.png").exists()


def test_a_network_without_a_latent_has_nothing_to_draw(
    tmp_path: Path, images: Path, small_model: Path
) -> None:
    words = (
        "restore",
        images / "grey.png",
        "--model",
        small_model,
        "--samples",
        "2",
        "--out",
        "one.png",
    )
    done = run(*words, cwd=tmp_path)
    assert done.status == 2
    assert "gives one result for each image" in done.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_without_a_model_one_that_suits_is_taken_with_a_notice(
    tmp_path: Path, images: Path
) -> None:
    done = run("restore", images, "--out", "restored", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "Restored 2 with photo-denoiser (" in done.err
    assert "--model photo-restorer" in done.err, "old prints have a model of their own"
    assert (
        run("restore", images, "--model", "photo-denoiser", "--out", "named", cwd=tmp_path).status
        == 0
    )
    for path in (tmp_path / "named").rglob("*.png"):
        assert np.array_equal(
            pixels(path), pixels(tmp_path / "restored" / path.relative_to(tmp_path / "named"))
        )


def test_what_a_mask_marks_is_filled_where_no_model_is_named(tmp_path: Path, images: Path) -> None:
    mask = np.zeros(pixels(images / "grey.png").shape, np.uint8)
    mask[5:9, 5:9] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    done = run(
        "restore", images / "grey.png", "--mask", "mask.png", "--out", "filled.png", cwd=tmp_path
    )
    assert done.status == 0, done.err
    assert "classical:inpaint" in done.err
    changed = pixels(tmp_path / "filled.png") != pixels(images / "grey.png")
    assert changed.any()
    assert not changed[mask == 0].any()
