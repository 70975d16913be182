"""`restorae restore` on archives, as a person runs it: what is kept, what is told, how one goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import median_filter

from restorae import live_progress
from restorae.restoring import LOG
from tests.command import Outcome, pixels, run, run_apart, start, surroundings

AS_IT_IS = "classical:median(radius=0)"
"""A restorer that changes nothing."""
SLOW = "classical:nlm(sigma=0.1,reach=12)"
AWAITED = 120.0
"""Seconds after which what a test waits for will not come."""


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def archive(folder: Path, count: int, *shape: int) -> dict[Path, bytes]:
    """A folder of images, some in a folder of its own: their paths and contents."""
    for place in range(count):
        save(
            folder / ("inner" if place % 3 == 2 else "") / f"{place:03}.png",
            noise(*shape, seed=place),
        )
    return {path: path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def logged(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text("ascii").splitlines()]


def files_in(folder: Path) -> set[str]:
    """Every file and folder below one, hidden ones too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def median(values: np.ndarray, radius: int = 1) -> np.ndarray:
    """What `classical:median` is to give, by another library."""
    return np.asarray(median_filter(values, size=2 * radius + 1, mode="mirror"))


# ------------------------------------------------------------------------------------------------- what is written


def test_the_tree_is_kept_and_nothing_else_is_there(tmp_path: Path) -> None:
    originals = archive(tmp_path / "in", 7, 20, 30)
    done = run("restore", "in", "--model", "classical:median", "--out", "out", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "7 of 7 restored, in out." in done.err
    assert files_in(tmp_path / "out") == files_in(tmp_path / "in") | {LOG}
    for path, content in originals.items():
        assert path.read_bytes() == content, "an original was changed"
        assert np.array_equal(
            pixels(tmp_path / "out" / path.relative_to(tmp_path / "in")), median(pixels(path))
        )


def test_the_log_reports_of_every_file_what_came_and_what_was_done(
    tmp_path: Path, small_model: Path
) -> None:
    originals = archive(tmp_path / "in", 3, 20, 30)
    run("restore", "in", "--model", small_model, "--strength", "0.5", "--out", "out", cwd=tmp_path)
    lines = logged(tmp_path / "out")
    assert [line["input"] for line in lines] == ["in/000.png", "in/001.png", "in/inner/002.png"]
    for line, content in zip(lines, originals.values(), strict=True):
        assert line["sha256"] == hashlib.sha256(content).hexdigest()
        assert line["model"] == str(small_model)
        assert line["model_sha256"] == hashlib.sha256(small_model.read_bytes()).hexdigest()
        assert line["output"] == line["input"].replace("in/", "out/", 1)
        assert (line["status"], line["strength"], line["mask"], line["quality"]) == (
            "restored",
            0.5,
            None,
            None,
        )
        assert line["seconds"] >= 0
        assert "reason" not in line


def test_a_file_that_is_broken_is_in_the_log_with_its_hash_and_the_reason(tmp_path: Path) -> None:
    archive(tmp_path / "in", 3, 20, 30)
    (tmp_path / "in" / "001.png").write_bytes(b"hello")
    done = run("restore", "in", "--model", AS_IT_IS, "--out", "out", cwd=tmp_path)
    assert done.status == 1
    failed = next(line for line in logged(tmp_path / "out") if line["status"] == "failed")
    assert failed["input"] == "in/001.png"
    assert failed["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert failed["reason"] in done.complaint
    assert not (tmp_path / "out" / "001.png").exists()


def test_one_file_into_one_file_leaves_no_log(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(20, 30))
    assert run("restore", "a.png", "--model", AS_IT_IS, "--out", "b.png", cwd=tmp_path).status == 0
    assert files_in(tmp_path) == {"a.png", "b.png"}


def test_arguments_that_are_wrong_leave_nothing_behind(tmp_path: Path) -> None:
    archive(tmp_path / "in", 2, 20, 30)
    for words, hint in (
        (("--model", "classical:inpaint"), "needs --mask"),
        (("--model", "classical:medain"), "Did you mean 'median'?"),
        (
            ("--model", "classical:nlm(sigm=0.1)"),
            "nlm has no setting 'sigm'. Did you mean 'sigma'?",
        ),
        (("--model", "classical:tv", "--tile", "50"), "Use --tile 101"),
        (("--model", AS_IT_IS, "--format", "jpg"), "'jpg' is not one of 'png', 'jpeg'"),
        (("--model", AS_IT_IS, "--mask", "nowhere"), "nowhere: no such file or folder"),
        (("--model", AS_IT_IS, "--values", "half"), "'auto', 'full-range', 'own-range'"),
    ):
        done = run("restore", "in", *words, "--out", "out", cwd=tmp_path)
        assert (done.status, hint in done.complaint) == (2, True), done.err
        assert not (tmp_path / "out").exists(), f"{words} left a folder behind"


# --------------------------------------------------------------------------------------------------- how to restore


@pytest.mark.parametrize(
    "model", ["median(radius=2)", "nlm(sigma=0.1)", "tv", "wavelet", "background(radius=3)"]
)
def test_classical_methods_stand_behind_the_same_face(tmp_path: Path, model: str) -> None:
    save(tmp_path / "a.png", noise(40, 50))
    done = run("restore", "a.png", "--model", f"classical:{model}", "--out", "b.png", cwd=tmp_path)
    assert done.status == 0, done.err
    assert pixels(tmp_path / "b.png").shape == (40, 50)
    assert not np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


def test_strength_mixes_towards_the_original(tmp_path: Path) -> None:
    before = noise(40, 50)
    save(tmp_path / "a.png", before)
    for strength in (0.0, 0.3, 1.0):
        words = (
            "restore",
            "a.png",
            "--model",
            "classical:median",
            "--strength",
            strength,
            "--out",
            f"{strength}.png",
        )
        assert run(*map(str, words), cwd=tmp_path).status == 0
        mixed = before + strength * (median(before) - before.astype(float))
        np.testing.assert_allclose(pixels(tmp_path / f"{strength}.png"), mixed, atol=0.5001)
    assert np.array_equal(pixels(tmp_path / "0.0.png"), before)


def test_only_what_a_mask_marks_is_changed(tmp_path: Path) -> None:
    before, mask = noise(40, 50), np.zeros((40, 50), np.uint8)
    mask[10:20, 5:15], mask[30:, :] = 255, 128
    save(tmp_path / "a.png", before)
    save(tmp_path / "mask.png", mask)
    words = (
        "restore",
        "a.png",
        "--model",
        "classical:median",
        "--mask",
        "mask.png",
        "--out",
        "b.png",
    )
    assert run(*words, cwd=tmp_path).status == 0
    after, whole = pixels(tmp_path / "b.png"), median(before)
    assert np.array_equal(after[mask == 0], before[mask == 0])
    assert np.array_equal(after[mask == 255], whole[mask == 255])
    np.testing.assert_allclose(
        after[30:], before[30:] + 128 / 255 * (whole[30:] - before[30:].astype(float)), atol=0.5001
    )


def test_a_folder_of_masks_has_one_for_each_image_whatever_its_suffix(tmp_path: Path) -> None:
    archive(tmp_path / "in", 4, 20, 30)
    for place, name in enumerate(("000", "001", "inner/002")):
        mask = np.zeros((20, 30), np.uint8)
        mask[place] = 255
        save(tmp_path / "masks" / f"{name}.{'tif' if place else 'png'}", mask)
    done = run(
        "restore",
        "in",
        "--model",
        "classical:inpaint",
        "--mask",
        "masks",
        "--out",
        "out",
        cwd=tmp_path,
    )
    assert done.status == 1
    assert "masks: holds no mask for 003.png" in done.complaint
    assert "3 of 4 restored" in done.complaint
    for place, name in enumerate(("000", "001", "inner/002")):
        before, after = (
            pixels(tmp_path / "in" / f"{name}.png"),
            pixels(tmp_path / "out" / f"{name}.png"),
        )
        assert np.array_equal(np.delete(after, place, 0), np.delete(before, place, 0))
        assert not np.array_equal(after[place], before[place])
    assert logged(tmp_path / "out")[0]["mask"] == "masks"


def test_inpainting_continues_what_is_around_the_hole(tmp_path: Path) -> None:
    slope = np.tile(np.arange(60, 180, 2, dtype=np.uint8), (40, 1))
    torn, mask = slope.copy(), np.zeros_like(slope)
    torn[10:20, 20:35], mask[10:20, 20:35] = 0, 255
    save(tmp_path / "torn.png", torn)
    save(tmp_path / "mask.png", mask)
    words = (
        "restore",
        "torn.png",
        "--model",
        "classical:inpaint",
        "--mask",
        "mask.png",
        "--out",
        "whole.png",
    )
    assert run(*words, cwd=tmp_path).status == 0
    np.testing.assert_allclose(pixels(tmp_path / "whole.png"), slope.astype(int), atol=1)


def test_format_and_quality_can_be_changed(tmp_path: Path) -> None:
    archive(tmp_path / "in", 3, 60, 80, 3)
    sizes = []
    for quality in ("30", "95"):
        done = run(
            "restore",
            "in",
            "--model",
            AS_IT_IS,
            "--format",
            "jpeg",
            "--quality",
            quality,
            "--out",
            quality,
            cwd=tmp_path,
        )
        assert done.status == 0, done.err
        assert files_in(tmp_path / quality) == {"000.jpg", "001.jpg", "inner", "inner/002.jpg", LOG}
        with Image.open(tmp_path / quality / "000.jpg") as image:
            assert image.format == "JPEG"
        sizes.append((tmp_path / quality / "000.jpg").stat().st_size)
        assert logged(tmp_path / quality)[0]["quality"] == int(quality)
    assert sizes[0] < sizes[1] / 2


def test_the_name_of_a_single_result_and_the_format_agree(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(20, 30))
    done = run(
        "restore", "a.png", "--model", AS_IT_IS, "--format", "png", "--out", "b.jpg", cwd=tmp_path
    )
    assert done.status == 2
    assert "b.jpg is a name for jpeg, and --format is png" in done.complaint
    assert run("restore", "a.png", "--model", AS_IT_IS, "--out", "b.webp", cwd=tmp_path).status == 0
    with Image.open(tmp_path / "b.webp") as image:
        assert image.format == "WEBP"


def test_tiles_do_not_show(tmp_path: Path) -> None:
    before = noise(300, 401)
    save(tmp_path / "a.png", before)
    assert (
        run(
            "restore",
            "a.png",
            "--model",
            "classical:median(radius=2)",
            "--tile",
            "64",
            "--out",
            "b.png",
            cwd=tmp_path,
        ).status
        == 0
    )
    assert np.array_equal(pixels(tmp_path / "b.png"), median(before, 2))


# ----------------------------------------------------------------------------------------------------------- preview


def test_a_preview_is_one_sheet_and_nothing_else(tmp_path: Path) -> None:
    originals = archive(tmp_path / "in", 6, 40, 50)
    done = run(
        "restore",
        "in",
        "--model",
        "classical:median",
        "--preview",
        "3",
        "--out",
        "sheet.png",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert "Nothing else was written" in done.err
    assert files_in(tmp_path) == {"sheet.png", "in"} | {
        f"in/{name}" for name in files_in(tmp_path / "in")
    }
    assert all(path.read_bytes() == content for path, content in originals.items())
    height, width = pixels(tmp_path / "sheet.png").shape[:2]
    assert height > 3 * 40
    assert width > 2 * 50
    again = run(
        "restore",
        "in",
        "--model",
        "classical:median",
        "--preview",
        "3",
        "--out",
        "sheet.png",
        cwd=tmp_path,
    )
    assert again.status == 2
    assert "exists already. Use --overwrite" in again.complaint


def test_a_preview_is_a_png_and_says_so(tmp_path: Path) -> None:
    archive(tmp_path / "in", 2, 40, 50)
    done = run(
        "restore", "in", "--model", AS_IT_IS, "--preview", "3", "--out", "sheets", cwd=tmp_path
    )
    assert done.status == 2
    assert "--out must end in .png" in done.complaint


def test_a_preview_names_what_it_cannot_show(tmp_path: Path) -> None:
    archive(tmp_path / "in", 3, 40, 50)
    (tmp_path / "in" / "001.png").write_bytes(b"hello")
    done = run(
        "restore", "in", "--model", AS_IT_IS, "--preview", "9", "--out", "sheet.png", cwd=tmp_path
    )
    assert done.status == 1
    assert "Not previewed: in/001.png" in done.complaint
    assert "2 of 3 previewed" in done.complaint
    assert (tmp_path / "sheet.png").is_file()


# ----------------------------------------------------------------------------------------------- what is told, and when


def test_lines_of_progress_say_how_far_and_how_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_progress, "_SECONDS_BETWEEN_LINES", 0.0)
    archive(tmp_path / "in", 5, 20, 30)
    told = run("restore", "in", "--model", AS_IT_IS, "--out", "out", cwd=tmp_path).err.splitlines()
    assert [line.split(",")[0] for line in told if line.startswith("Restoring:")] == [
        f"Restoring: {done} of 5 files" for done in range(1, 6)
    ]
    assert all(line.endswith(" left") for line in told[:4])

    save(tmp_path / "big.png", noise(300, 400))
    told = run(
        "restore", "big.png", "--model", AS_IT_IS, "--tile", "100", "--out", "one.png", cwd=tmp_path
    ).err.splitlines()
    assert told[0].startswith("Restoring: ")
    assert " of 300 rows" in told[0]


def test_nothing_is_reported_of_work_that_did_not_begin(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"hello")
    told = run(
        "restore", "a.png", "--model", AS_IT_IS, "--out", "b.png", cwd=tmp_path
    ).err.splitlines()
    assert [line.split(" ")[0] for line in told] == ["Not", "0"], told


# --------------------------------------------------------------------------------------------------------- going on


def test_skip_existing_does_the_rest_and_adds_to_the_log(tmp_path: Path) -> None:
    archive(tmp_path / "in", 5, 20, 30)
    words = ("restore", "in", "--model", "classical:median", "--out", "out")
    run(*words, cwd=tmp_path)
    kept = (tmp_path / "out" / "000.png").stat().st_mtime_ns
    for name in ("001.png", "inner/002.png"):
        (tmp_path / "out" / name).unlink()
    assert run(*words, cwd=tmp_path).status == 2, "results that are there are not replaced unasked"
    done = run(*words, "--skip-existing", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "2 of 2 restored" in done.err
    assert (tmp_path / "out" / "000.png").stat().st_mtime_ns == kept
    assert [line["input"] for line in logged(tmp_path / "out")[5:]] == [
        "in/001.png",
        "in/inner/002.png",
    ]
    assert "Nothing to do" in run(*words, "--skip-existing", cwd=tmp_path).err


def test_results_below_their_input_are_not_restored_again(tmp_path: Path) -> None:
    archive(tmp_path / "in", 3, 20, 30)
    words = ("restore", "in", "--model", "classical:median", "--out", "in/restored")
    assert run(*words, cwd=tmp_path).status == 0
    save(tmp_path / "in" / "new.png", noise(20, 30))
    done = run(*words, "--skip-existing", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "1 of 1 restored" in done.err
    assert files_in(tmp_path / "in" / "restored") == {
        "000.png",
        "001.png",
        "new.png",
        "inner",
        "inner/002.png",
        LOG,
    }


def test_in_place_each_original_becomes_its_result(tmp_path: Path) -> None:
    originals = archive(tmp_path / "in", 3, 20, 30)
    before = {path: pixels(path) for path in originals}
    refused = run("restore", "in", "--model", "classical:median", "--out", "in", cwd=tmp_path)
    assert refused.status == 2
    assert "use --overwrite" in refused.complaint
    assert all(path.read_bytes() == content for path, content in originals.items())
    done = run(
        "restore", "in", "--model", "classical:median", "--out", "in", "--overwrite", cwd=tmp_path
    )
    assert done.status == 0, done.err
    assert all(np.array_equal(pixels(path), median(values)) for path, values in before.items())
    # the log tells which images were restored already: their hashes are those of the originals
    assert [line["sha256"] for line in logged(tmp_path / "in")] == [
        hashlib.sha256(each).hexdigest() for each in originals.values()
    ]


@pytest.mark.parametrize("inputs", [("a", "b"), ("c",)])
def test_two_images_that_would_become_one_are_both_named(
    tmp_path: Path, inputs: tuple[str, ...]
) -> None:
    for path in ("a/x.png", "b/x.png", "c/x.png", "c/x.jpg"):
        save(tmp_path / path, noise(20, 30))
    done = run(
        "restore", *inputs, "--model", AS_IT_IS, "--format", "png", "--out", "out", cwd=tmp_path
    )
    assert done.status == 2
    told = ("a/x.png", "b/x.png") if len(inputs) == 2 else ("c/x.jpg", "c/x.png")
    assert f"out/x.png: would be written twice, from {told[0]} and {told[1]}" in done.complaint
    assert not (tmp_path / "out").exists()


# --------------------------------------------------------------------------------------- stopped, killed, no room left


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look again and again; a process that ended before it came true tells why."""
    until = time.monotonic() + AWAITED
    while not true():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "what was waited for did not come"
        time.sleep(0.002)


def stop(process: subprocess.Popen[str], number: int) -> Outcome:
    process.send_signal(number)
    out, err = process.communicate(timeout=AWAITED)
    return Outcome(process.returncode, out, err)


def run_limited(limit: int, *words: str, cwd: Path) -> Outcome:
    """`restorae WORDS...` where no file may grow beyond `limit` bytes: writing fails as it does on a full disk."""
    code = (
        "import resource, sys; from restorae.cli.main import main; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); sys.argv[0] = 'restorae'; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=cwd,
        env={**os.environ, **surroundings(cwd)},
        capture_output=True,
        text=True,
        timeout=AWAITED,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def whole(path: Path, like: Path) -> bool:
    """Whether a result is an image that can be decoded to its end, of its original's size."""
    return pixels(path).shape == pixels(like).shape


def check_resumed(tmp_path: Path, originals: dict[Path, bytes], words: tuple[str, ...]) -> None:
    """After a run that was stopped: originals as they were, results whole; and the next run does the rest."""
    assert all(path.read_bytes() == content for path, content in originals.items()), (
        "an original was changed"
    )
    results = {path for path in (tmp_path / "out").rglob("*.png") if not path.name.startswith(".")}
    assert all(
        whole(path, tmp_path / "in" / path.relative_to(tmp_path / "out")) for path in results
    )
    lines = logged(tmp_path / "out") if (tmp_path / "out" / LOG).exists() else []
    assert (
        len(results) - 1 <= len(lines) <= len(results)
    )  # a kill may come between a result and its line
    kept = {path: path.stat().st_mtime_ns for path in results}
    done = run_apart(*words, "--skip-existing", cwd=tmp_path)
    assert done.status == 0, done.err
    rest = len(originals) - len(results)
    assert f"{rest} of {rest} restored" in done.err
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    assert all(
        (tmp_path / "out" / path.relative_to(tmp_path / "in")).is_file() for path in originals
    )
    assert len(logged(tmp_path / "out")) == len(lines) + rest


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name
)
def test_a_run_that_is_stopped_half_way_goes_on_where_it_was(
    tmp_path: Path, number: signal.Signals
) -> None:
    originals = archive(tmp_path / "in", 12, 160, 200)
    words = ("restore", "in", "--model", SLOW, "--out", "out")
    process = start(*words, cwd=tmp_path)
    wait_until(lambda: len(list((tmp_path / "out").rglob("[0-9]*.png"))) >= 4, process)
    stopped = stop(process, number)
    if number == signal.SIGKILL:
        assert stopped.status == -signal.SIGKILL
    else:
        assert stopped.status == 1
        assert "no partial files are left" in stopped.complaint
        assert " of 12 files were restored before it stopped." in stopped.complaint
        assert "Use --skip-existing." in stopped.complaint
        assert not [
            name for name in files_in(tmp_path / "out") if ".partial" in name or ".encoded" in name
        ]
    check_resumed(tmp_path, originals, words)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_one_big_image_that_is_stopped_in_the_middle_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    original = save(tmp_path / "in" / "big.png", noise(1500, 2000, 3))
    content = original.read_bytes()
    process = start("restore", "in", "--model", SLOW, "--tile", "128", "--out", "out", cwd=tmp_path)
    wait_until((tmp_path / "out").is_dir, process)
    time.sleep(2)
    assert process.poll() is None, "the image is too small for this test"
    stop(process, number)
    assert files_in(tmp_path / "out") == set()
    assert original.read_bytes() == content
    assert (
        run_apart(
            "restore", "in", "--model", AS_IT_IS, "--out", "out", "--skip-existing", cwd=tmp_path
        ).status
        == 0
    )
    assert np.array_equal(pixels(tmp_path / "out" / "big.png"), pixels(original))


@pytest.mark.slow
def test_an_original_survives_a_kill_while_its_result_is_encoded(tmp_path: Path) -> None:
    original = save(tmp_path / "in" / "big.png", noise(2500, 3000, 3))
    content = original.read_bytes()
    words = ("restore", "in", "--model", AS_IT_IS, "--out", "in", "--overwrite")
    process = start(*words, cwd=tmp_path)

    def is_being_written() -> bool:
        with contextlib.suppress(FileNotFoundError):  # it was renamed after it had been listed
            return any(path.stat().st_size > 100_000 for path in (tmp_path / "in").glob(".*"))
        return False

    wait_until(is_being_written, process)
    stop(process, signal.SIGKILL)
    assert original.read_bytes() == content
    again = run_apart(*words, cwd=tmp_path)
    assert again.status == 0
    assert "1 of 1 restored" in again.err, "what the kill left behind is no image of the archive"
    assert np.array_equal(
        pixels(original), pixels(save(tmp_path / "as-it-was.png", noise(2500, 3000, 3)))
    )


@pytest.mark.slow
def test_a_result_that_cannot_be_written_leaves_the_original_in_place(tmp_path: Path) -> None:
    original = save(tmp_path / "in" / "a.png", noise(300, 400, 3))
    content = original.read_bytes()
    done = run_limited(
        100_000,
        "restore",
        "in",
        "--model",
        "classical:median",
        "--out",
        "in",
        "--overwrite",
        cwd=tmp_path,
    )
    assert done.status == 1
    assert "in/a.png: could not be written" in done.complaint
    assert original.read_bytes() == content
    assert files_in(tmp_path / "in") == {"a.png"}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "npy"])
def test_no_room_for_a_result_stops_the_run_and_keeps_what_is_done(
    tmp_path: Path, suffix: str
) -> None:
    for place, side in enumerate((40, 40, 500, 40)):
        path = tmp_path / "in" / f"{place}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        if suffix == "npy":
            np.save(path, noise(side, side))
        else:
            save(path, noise(side, side))
    inputs = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "in").iterdir())
    words = ("restore", *inputs, "--model", AS_IT_IS, "--out", "out")
    done = run_limited(50_000, *words, cwd=tmp_path)
    assert done.status == 1
    assert f"out/2.{suffix}: could not be written: " in done.complaint
    assert "2 of 4 files were restored before it stopped." in done.complaint
    assert "Use --skip-existing." in done.complaint
    assert files_in(tmp_path / "out") == {f"0.{suffix}", f"1.{suffix}", LOG}
    done = run_apart(*words, "--skip-existing", cwd=tmp_path)
    assert done.status == 0, done.err
    assert "2 of 2 restored" in done.err


@pytest.mark.slow
def test_a_disk_that_is_really_full_is_reported_and_left_clean(tmp_path: Path) -> None:
    archive(tmp_path / "in", 6, 200, 300, 3)
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a disk of its own cannot be mounted here")
    try:
        done = run_apart("restore", "in", "--model", AS_IT_IS, "--out", disk / "out", cwd=tmp_path)
        assert done.status == 1
        assert "the disk is full" in done.complaint
        assert "2 of 6 files were restored before it stopped" in done.complaint
        assert files_in(disk / "out") - {"inner"} == {"000.png", "001.png", LOG}
    finally:
        subprocess.run(["umount", disk], check=True)
