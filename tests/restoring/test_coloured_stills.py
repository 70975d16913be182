"""Stills coloured from references: everything else of the file stays, and colours are the references' own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import restorae
from restorae.colouring.opponent import BT601
from restorae.formats import read_still, write_still
from restorae.progress import Progress
from restorae.restoring import RestoreRequest, RestorerPool, preview_files
from restorae.restoring.colouring import restore_and_colour
from restorae.restoring.tasks import plan_tasks
from tests.known_restorer import identity

HEIGHT, WIDTH = 64, 96


def coloured(seed: int = 0) -> np.ndarray:
    """Coarse colours under a texture, (HEIGHT, WIDTH, 3) uint8."""
    random = np.random.default_rng(seed)
    colours = Image.fromarray(random.integers(60, 195, (4, 6, 3), dtype=np.uint8))
    texture = Image.fromarray(random.integers(0, 60, (20, 30), dtype=np.uint8))
    return (
        np.asarray(colours.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
        + np.asarray(texture.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))[..., None]
    )


def grey_of(rgb: np.ndarray) -> np.ndarray:
    return np.rint(rgb @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def exif(orientation: int = 1) -> Image.Exif:
    found = Image.Exif()
    found[0x010E], found[0x0112] = "a view", orientation
    return found


def test_alpha_and_resolution_stay(tmp_path: Path) -> None:
    rgb, alpha = coloured(), np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    write_still(tmp_path / "reference.png", rgb)
    both = Image.fromarray(np.dstack([grey_of(rgb), alpha]), "LA")
    both.save(tmp_path / "in.png", dpi=(300, 300), exif=exif())
    out = colour(tmp_path / "in.png", tmp_path / "reference.png")
    with Image.open(out) as found:
        assert found.mode == "RGBA"
        assert np.array_equal(np.asarray(found)[..., 3], alpha)
        assert found.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert found.getexif()[0x010E] == "a view"
        assert np.abs(np.asarray(found)[..., :3].astype(int) - rgb).mean() < 2


@pytest.mark.parametrize("rotated", ["image", "reference"])
def test_rotated_files_are_matched_as_they_are_displayed(rotated: str, tmp_path: Path) -> None:
    rgb = coloured()
    turned = np.ascontiguousarray(np.rot90(rgb))  # orientation 6 turns it back
    for name, pixels in (("image", grey_of(rgb)), ("reference", rgb)):
        if name == rotated:
            pixels = grey_of(turned) if name == "image" else turned
        orientation = 6 if name == rotated else 1
        image = Image.fromarray(pixels)
        image.save(tmp_path / f"{name}.jpg", exif=exif(orientation), quality=95, subsampling=0)
    out = colour(tmp_path / "image.jpg", tmp_path / "reference.jpg")
    with Image.open(out) as found:
        assert found.size == ((HEIGHT, WIDTH) if rotated == "image" else (WIDTH, HEIGHT))
        assert found.getexif()[0x0112] == (6 if rotated == "image" else 1)
    assert np.abs(read_still(out).astype(int) - rgb).mean() < 4


@pytest.mark.parametrize("suffix", ["tif", "webp"])
def test_deep_and_other_files_get_colours(suffix: str, tmp_path: Path) -> None:
    rgb = coloured()
    write_still(tmp_path / "reference.png", rgb)
    grey = grey_of(rgb).astype(np.uint16) * 257 if suffix == "tif" else grey_of(rgb)
    write_still(tmp_path / f"in.{suffix}", grey)
    found = read_still(colour(tmp_path / f"in.{suffix}", tmp_path / "reference.png"))
    assert found.dtype == grey.dtype or suffix == "webp"
    scale = 257 if found.dtype == np.uint16 else 1
    assert np.abs(found.astype(int) / scale - rgb).mean() < 4


def test_what_is_noise_free_is_coloured_not_copied(tmp_path: Path) -> None:
    rgb = coloured()
    write_still(tmp_path / "reference.png", rgb)
    write_still(tmp_path / "in.png", grey_of(rgb))
    out = restorae.restore(tmp_path / "in.png", references=(tmp_path / "reference.png",))
    assert read_still(out).ndim == 3


def test_of_contradicting_references_the_first_counts_and_both_are_named(tmp_path: Path) -> None:
    rgb = coloured()
    luma, chroma = BT601.to_opponent(rgb / np.float32(255))
    other = np.clip(BT601.to_rgb(luma, chroma[..., ::-1] * np.float32(-1)), 0, 1)
    write_still(tmp_path / "one.png", rgb)
    write_still(tmp_path / "two.png", np.rint(other * 255).astype(np.uint8))
    write_still(tmp_path / "in.png", grey_of(rgb))
    for first, second in (("one", "two"), ("two", "one")):
        said = Heard()
        references = (tmp_path / f"{first}.png", tmp_path / f"{second}.png")
        request = RestoreRequest(model="known", strength=0.0, references=references)
        tasks = plan_tasks([tmp_path / "in.png"], tmp_path / f"{first}-out.png")
        pool = RestorerPool.of(identity())
        assert not restore_and_colour(tasks, request, pool, progress=said).failures
        expected = f"{second}.png shows the same as {first}.png in other colours"
        assert any(expected in each for each in said.lines)
        found = read_still(tmp_path / f"{first}-out.png").astype(int)
        assert np.abs(found - read_still(tmp_path / f"{first}.png")).mean() < 2
    agreeing = Heard()
    write_still(tmp_path / "again.png", np.clip(rgb.astype(int) + 4, 0, 255).astype(np.uint8))
    references = (tmp_path / "one.png", tmp_path / "again.png")
    request = RestoreRequest(model="known", strength=0.0, references=references)
    tasks = plan_tasks([tmp_path / "in.png"], tmp_path / "out.png")
    restore_and_colour(tasks, request, RestorerPool.of(identity()), progress=agreeing)
    assert not any("other colours" in each for each in agreeing.lines)


def test_a_preview_is_a_part_of_the_coloured_file(tmp_path: Path) -> None:
    rgb = np.tile(coloured(), (6, 5, 1))
    write_still(tmp_path / "reference.png", rgb)
    write_still(tmp_path / "in.png", grey_of(rgb))
    request = RestoreRequest(model="known", references=(tmp_path / "reference.png",))
    tasks = plan_tasks([tmp_path / "in.png"], tmp_path / "out.png")
    pool = RestorerPool.of(identity())
    shown, failures = preview_files(tasks, request, pool)
    assert not failures
    ((_, (before, after)),) = shown
    restore_and_colour(tasks, request, pool)
    whole = read_still(tmp_path / "out.png")
    top, left = ((whole.shape[axis] - after.shape[axis + 1]) // 2 for axis in (0, 1))
    inside = whole[top : top + after.shape[1], left : left + after.shape[2]]
    assert np.array_equal(np.rint(after.numpy() * 255), inside.transpose(2, 0, 1))
    assert before.shape[0] == 1


def colour(source: Path, reference: Path) -> Path:
    out = restorae.restore(source, references=(reference,), strength=0.0)
    assert isinstance(out, Path)
    return out


class Heard(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: object) -> None:
        self.lines.append(str(message))
