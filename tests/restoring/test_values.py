"""Values that are no pixels, on every face: no data, hot and dead pixels, white is zero, Lab, two channels, masks with alpha."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage import color, data

import restorae
from restorae.data import open_images, open_noisy
from restorae.degradations import Degradation
from restorae.formats import open_original
from restorae.restoring import FileTask, RestoreRequest, degrade_files, plan_tasks, restore_files
from restorae.restoring.masks import read_mask_file
from restorae.shown_values import find_isolated, show_all
from restorae.value_range import FARTHEST, ValueRange, choose_range

CAMERA = data.camera()[100:228:2, 100:228:2].astype(float)
HEIGHTS = 400 + 3 * CAMERA


def micrograph(seed: int = 0) -> np.ndarray:
    """16 bits of which a small part is used."""
    noise = np.random.default_rng(seed).normal(0, 12, CAMERA.shape)
    return np.clip(100 + CAMERA + noise, 60, 500).astype(np.uint16)


def some_pixels(count: int) -> np.ndarray:
    chosen = np.zeros(CAMERA.shape, bool)
    chosen.flat[np.random.default_rng(1).permutation(chosen.size)[:count]] = True
    return chosen


def restored(path: Path, **settings: object) -> tuple[np.ndarray, list[str]]:
    out = path.with_name(f"out{path.suffix}")
    request = RestoreRequest(**{"model": "classical:median", **settings})  # type: ignore[arg-type]
    report = restore_files(plan_tasks([path], out, overwrite=True), request)
    assert not report.failures, report.failures
    values = np.load(out) if path.suffix == ".npy" else tifffile.imread(out)
    return values, open_original(path).notices  # type: ignore[return-value]


# ------------------------------------------------------------------------------------------------- the range


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("value", [65535, 0])
def test_outliers_do_not_move_the_range(dtype: str, value: int) -> None:
    values = micrograph().astype(dtype)[..., None]
    spoilt = values.copy()
    spoilt[some_pixels(60)] = value
    expected, found = choose_range(values), choose_range(spoilt)
    assert np.allclose(found.low + found.high, expected.low + expected.high, atol=8)
    hidden = find_isolated(spoilt, found)
    assert hidden is not None
    assert np.array_equal(hidden[..., 0], some_pixels(60))


def test_what_is_common_or_blurred_is_no_outlier() -> None:
    row, column = np.mgrid[-32:32, -32:32]
    star = np.exp(-(row**2 + column**2) / (2 * 0.9**2))
    sky = 1000 + np.random.default_rng(0).normal(0, 10, star.shape)
    image = (sky + 20_000 * star).astype(np.uint16)[..., None]
    assert find_isolated(image, choose_range(image)) is None
    counts = np.random.default_rng(0).poisson(0.02, (64, 64, 1)).astype(np.uint16)
    assert find_isolated(counts, choose_range(counts)) is None
    salted = micrograph()[..., None]
    salted[some_pixels(400)] = 65535  # a tenth of the image
    assert choose_range(salted).is_full


def test_nothing_that_is_shown_lies_far_outside_the_range() -> None:
    values = micrograph().astype(np.float32)[..., None]
    values[10:13, 10:13], values[20, 20], values[30:33, 30] = 1e6, np.nan, -np.inf
    shown = show_all(values, choose_range(values))
    assert np.isfinite(shown).all()
    assert shown.max() == pytest.approx(FARTHEST)  # of three by three, which are no hot pixels


def test_a_hot_pixel_does_not_spoil_what_lies_around_it(tmp_path: Path) -> None:
    values = micrograph()
    spoilt = values.copy()
    spoilt[30, 20] = 65535
    results = []
    for each in (values, spoilt):
        tifffile.imwrite(tmp_path / "in.tif", each)
        results.append(restored(tmp_path / "in.tif", model="photo-denoiser-fast")[0].astype(int))
    away = np.ones(values.shape, bool)
    away[29:32, 19:22] = False
    assert np.abs(results[0] - results[1])[away].max() <= 8
    assert abs(results[1][30, 20] - results[0][30, 20]) < 60
    assert np.array_equal(restored(tmp_path / "in.tif", strength=0.0)[0], spoilt)


# ------------------------------------------------------------------------------------------------- no data


@pytest.mark.parametrize(
    ("dtype", "value", "text"),
    [
        ("float32", -9999, "-9999"),
        ("float32", np.finfo("float32").min, "-3.4e38"),
        ("float32", np.nan, "nan"),
        ("float64", -9999.25, "-9999.25 "),
        ("int16", -32768, "-32768"),
        ("uint16", 0, "0"),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_no_data_comes_back_exactly_and_spoils_nothing(
    tmp_path: Path, dtype: str, value: float, text: str, order: str
) -> None:
    values = HEIGHTS.astype(dtype)
    hole = np.zeros(values.shape, bool)
    hole[:20, :25], hole[50, 50] = True, True
    values[hole] = value
    path = tmp_path / "heights.tif"
    with tifffile.TiffWriter(path, byteorder=order) as writer:
        writer.write(values, extratags=[(42113, "s", 0, text, True)])
    result, _ = restored(path, model="photo-denoiser-fast")
    assert result.dtype == values.dtype
    assert np.array_equal(result[hole], values[hole], equal_nan=dtype[0] == "f")
    assert np.abs(result.astype(float) - values)[~hole].max() < 250
    assert np.array_equal(restored(path, strength=0.0)[0], values, equal_nan=dtype[0] == "f")


def test_no_data_may_differ_from_band_to_band(tmp_path: Path) -> None:
    values = np.stack([HEIGHTS, HEIGHTS, HEIGHTS], -1).astype(np.float32)
    for band, value in enumerate((-1, -2, -3)):
        values[5:20, 10 * band : 10 * band + 8, band] = value
    tags = [(42113, "s", 0, "-1 -2 -3", True)]
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb", extratags=tags)
    assert open_original(tmp_path / "in.tif").pages[0].no_data == (-1, -2, -3)
    result, _ = restored(tmp_path / "in.tif")
    assert np.array_equal(result[values < 0], values[values < 0])
    assert result[values > 0].min() > 300


def test_images_in_memory_keep_what_is_no_number() -> None:
    values = (CAMERA / 255).astype(np.float32)
    values[3:6, 4:9], values[40, 40] = np.nan, np.inf
    model = restorae.load("photo-denoiser-fast")
    for given in (values, torch.from_numpy(values)):
        result = np.asarray(model(given))
        assert np.array_equal(np.isfinite(result), np.isfinite(values))
        there = np.isfinite(values)
        assert np.abs(result[there] - values[there]).max() < 0.5


# ------------------------------------------------------------------------------------------------- meanings


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "float32", "float64"]
)
def test_where_zero_is_white_the_image_is_no_negative(tmp_path: Path, dtype: str) -> None:
    values = (CAMERA / 2).astype(dtype)
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, values, photometric="miniswhite", compression="zlib")
    restored(path, strength=0.0)
    with tifffile.TiffFile(tmp_path / "out.tif") as opened:
        is_white = int(opened.pages[0].photometric) == 0
        stored = opened.asarray()
    same = values if is_white else np.iinfo(dtype).max - values
    assert np.array_equal(stored, same)


def encoded(lab: np.ndarray, bits: int, is_icc: bool) -> np.ndarray:
    scale, white = 2 ** (bits - 8), (255 if bits == 8 else 65280 if is_icc else 65535)
    colours = np.rint(lab[..., 1:] * scale).astype(int) + (128 * scale if is_icc else 0)
    light = np.rint(lab[..., :1] * white / 100).astype(int)
    return (np.concatenate([light, colours], 2) % 2**bits).astype(f"uint{bits}")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
def test_lab_becomes_rgb_of_as_many_bits(tmp_path: Path, bits: int, photometric: str) -> None:
    rgb = data.astronaut()[:64:2, 200:280:2]
    lab = encoded(color.rgb2lab(rgb), bits, photometric == "icclab")
    tifffile.imwrite(tmp_path / "in.tif", lab, photometric=photometric)
    result, notices = restored(tmp_path / "in.tif", strength=0.0)
    assert result.dtype == lab.dtype
    assert np.abs(result / (1 if bits == 8 else 257) - rgb).mean() < 2
    assert "Lab colours are converted to RGB" in notices


@pytest.mark.parametrize(
    ("dtype", "bands", "changed"),
    [("uint16", 2, 2), ("float32", 2, 2), ("uint8", 2, 1), ("uint16", 4, 3)],
)
def test_the_last_of_several_channels_is_restored_or_told(
    tmp_path: Path, dtype: str, bands: int, changed: int
) -> None:
    values = np.stack([micrograph(seed) / 2 for seed in range(bands)], -1).astype(dtype)
    np.save(tmp_path / "in.npy", values)
    result, notices = restored(tmp_path / "in.npy")
    assert [(result[..., each] != values[..., each]).any() for each in range(bands)] == [
        each < changed for each in range(bands)
    ]
    assert any("alpha" in notice for notice in notices) == (changed < bands)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_in_a_mask_is_not_marked(tmp_path: Path, mode: str) -> None:
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:, 10:14] = 255
    white = np.full_like(alpha, 255)
    path = tmp_path / "mask.png"
    if mode == "P":
        painted = Image.fromarray(alpha // 255, "P")
        painted.putpalette([255] * 6)
        painted.save(path, transparency=0)
    else:
        Image.fromarray(np.dstack([white] * (len(mode) - 1) + [alpha])).save(path)
    assert np.array_equal(read_mask_file(path), alpha)
    image = data.astronaut()[:20, :30]
    with Image.open(path) as opened:
        filled = restorae.restore(image, mask=opened)
    assert np.array_equal((filled != image).any(2).any(0), alpha.any(0))


# ------------------------------------------------------------------------------------------------- learning


def test_every_page_of_a_stack_is_learned_from_in_the_range_of_its_stack(tmp_path: Path) -> None:
    stack = np.stack([micrograph(), 10 * micrograph(1)])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "s.tif", stack, photometric="minisblack")
    found = open_noisy(tmp_path / "a")
    assert list(found.names) == ["s.tif#0", "s.tif#1"]
    assert float(found[0].max()) < 0.2 < 0.9 < float(found[1].max())
    assert len(open_images(tmp_path / "b")) == 2
    with_hole = stack.astype(np.float32)
    with_hole[0] = np.nan
    tifffile.imwrite(tmp_path / "a" / "s.tif", with_hole, photometric="minisblack")
    found = open_noisy(tmp_path / "a")
    assert list(found.names) == ["s.tif#1"]
    assert "s.tif#0" in found.notices[0]


def test_float_colours_are_read_as_they_are(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((20, 30, 3), np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    assert np.array_equal(open_images(tmp_path)[0].permute(1, 2, 0).numpy(), values)


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_damage_is_measured_by_the_range_in_which_an_image_lives(
    tmp_path: Path, suffix: str
) -> None:
    stack = (100 + 12 * np.stack([CAMERA, CAMERA[::-1]])).astype(np.uint16)
    path = tmp_path / f"in{suffix}"
    if suffix == ".npy":
        np.save(path, stack)
    else:
        tifffile.imwrite(path, stack, photometric="minisblack", compression="zlib")
    task = FileTask(path, tmp_path / f"out{suffix}", name=Path(path.name))
    report = degrade_files([task], Degradation.of("gaussian-noise(sigma=0.05)"))
    assert not report.failures
    assert "range" in report.notices[0]
    result = np.load(task.target) if suffix == ".npy" else tifffile.imread(task.target)
    low, high = np.percentile(stack, (0.1, 99.9))
    for before, after in zip(stack.astype(float), result, strict=True):
        assert (after - before).std() == pytest.approx(0.05 * (high - low), rel=0.05)


def test_a_range_of_channels_is_cut_like_the_channels() -> None:
    assert ValueRange((0.0, 1.0), (2.0, 3.0)).part(1, 2) == ValueRange((1.0,), (3.0,))
    assert ValueRange((0.0,), (0.0,)).inverted(np.dtype(np.uint16)) == ValueRange(
        (65535.0,), (0.0,)
    )
