"""`restorae restore` as a person runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from restorae.model import load
from tests.command import pixels, run


def test_a_folder_keeps_its_tree_and_every_picture_its_size(tmp_path: Path, pictures: Path, small_model: Path) -> None:
    done = run("restore", pictures, "--model", small_model, "--out", "restored", cwd=tmp_path)
    assert done.status == 0, done.err
    assert pixels(tmp_path / "restored" / "grey.png").shape == (30, 41)
    assert pixels(tmp_path / "restored" / "inner folder" / "colour.jpg").shape == (33, 20, 3)


def test_the_command_gives_what_python_gives(tmp_path: Path, pictures: Path, small_model: Path) -> None:
    run("restore", pictures / "grey.png", "--model", small_model, "--out", "one.png", cwd=tmp_path)
    expected = load(small_model).restore(pixels(pictures / "grey.png"))
    assert np.array_equal(pixels(tmp_path / "one.png"), expected)


def test_arrays_keep_shape_and_type(tmp_path: Path, small_model: Path) -> None:
    np.save(tmp_path / "stack.npy", np.random.default_rng(0).random((5, 17, 19)))
    done = run("restore", "stack.npy", "--model", small_model, "--out", "restored.npy", cwd=tmp_path)
    assert done.status == 0, done.err
    restored = np.load(tmp_path / "restored.npy")
    assert restored.shape == (5, 17, 19)
    assert restored.dtype == np.float64


def test_a_broken_file_stops_nothing_and_is_named(tmp_path: Path, pictures: Path, small_model: Path) -> None:
    (pictures / "text.png").write_text("hello")
    (pictures / "empty.png").touch()
    done = run("restore", pictures, "--model", small_model, "--out", "restored", cwd=tmp_path)
    assert done.status == 1
    assert "text.png" in done.complaint
    assert "empty.png" in done.complaint
    assert "2 of 4 restored" in done.complaint
    assert (tmp_path / "restored" / "grey.png").is_file()
    assert not list((tmp_path / "restored").rglob("*.partial*"))


def test_nothing_that_is_there_is_lost(tmp_path: Path, pictures: Path, small_model: Path) -> None:
    original = (pictures / "grey.png").read_bytes()
    onto_itself = run("restore", pictures / "grey.png", "--model", small_model, "--out", pictures / "grey.png", cwd=tmp_path)
    assert onto_itself.status == 2
    assert "is an input" in onto_itself.complaint
    even_if_asked = run("restore", pictures, "--model", small_model, "--out", pictures, "--overwrite", cwd=tmp_path)
    assert even_if_asked.status == 2
    assert (pictures / "grey.png").read_bytes() == original

    (tmp_path / "precious.png").write_bytes(b"precious")
    onto_another = run("restore", pictures / "grey.png", "--model", small_model, "--out", "precious.png", cwd=tmp_path)
    assert onto_another.status == 2
    assert "--overwrite" in onto_another.complaint
    assert (tmp_path / "precious.png").read_bytes() == b"precious"
    assert run("restore", pictures / "grey.png", "--model", small_model, "--out", "precious.png", "--overwrite", cwd=tmp_path).status == 0


def test_skip_existing_does_only_the_rest(tmp_path: Path, pictures: Path, small_model: Path) -> None:
    run("restore", pictures, "--model", small_model, "--out", "restored", cwd=tmp_path)
    before = (tmp_path / "restored" / "grey.png").stat().st_mtime_ns
    (tmp_path / "restored" / "inner folder" / "colour.jpg").unlink()
    done = run("restore", pictures, "--model", small_model, "--out", "restored", "--skip-existing", cwd=tmp_path)
    assert done.status == 0
    assert "1 of 1 restored" in done.err
    assert (tmp_path / "restored" / "grey.png").stat().st_mtime_ns == before


def test_what_cannot_be_is_said_before_anything_is_done(tmp_path: Path, pictures: Path, small_model: Path) -> None:
    def complaint(*words: str | Path, status: int = 1) -> str:
        done = run("restore", *words, cwd=tmp_path)
        assert done.status == status, done.err
        return done.complaint

    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    assert "no pictures" in complaint("empty", "--model", small_model, "--out", "o")
    assert "no file or folder" in complaint("nowhere", "--model", small_model, "--out", "o")
    assert "no kind that is read" in complaint("notes.txt", "--model", small_model, "--out", "o")
    assert "There is no model" in complaint(pictures, "--model", "digits-denoizer", "--out", "o", status=2)
    assert "a file stands where a folder is needed" in complaint(pictures, "--model", small_model, "--out", "notes.txt/o/")
    assert "written twice" in complaint(pictures / "grey.png", pictures / "grey.png", "--model", small_model, "--out", "o", status=2)
    assert not (tmp_path / "o").exists()
