"""Whole files through a restorer whose effect is known: tiles, ranges, stacks, and what is kept out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch.nn import functional

from restorae.errors import SettingsConflict, ShapeMismatch
from restorae.formats import ArrayRows, begin_result, open_original
from restorae.model import Model, make_card
from restorae.networks import UNet
from restorae.restoring import (
    Capabilities,
    Classical,
    ClassicalRestorer,
    ModelRestorer,
    Restorer,
    RestoreRequest,
    restore_image,
)
from restorae.restoring.outputs import RestoredOutput
from restorae.shapes import Images
from tests.known_restorer import Known, identity, restore_file, whole_range


class Blur(Known):
    """The mean over 7 × 7 pixels, by values continued at the border: it looks 3 pixels far."""

    capabilities = Capabilities(name="blur", halo=3)

    def restore_images(self, images: Images, self_ensemble: int = 1) -> Images:
        self.shapes.append(tuple(images.shape))
        return functional.avg_pool2d(
            functional.pad(images, (3, 3, 3, 3), mode="replicate"), 7, stride=1
        )


def noise(
    *shape: int, dtype: type = np.uint8, low: int = 0, high: int | None = None, seed: int = 0
) -> np.ndarray:
    high = np.iinfo(dtype).max if high is None else high
    return np.random.default_rng(seed).integers(low, high, shape, dtype, endpoint=True)


def tiff(path: Path, values: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, values, **{"photometric": "minisblack", "metadata": None, **options})
    return path


def npy(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


def through_npy(
    folder: Path, array: np.ndarray, restorer: Restorer | None = None, **how: object
) -> np.ndarray:
    """An array through a file and a restorer."""
    restore_file(npy(folder / "in.npy", array), folder / "out.npy", restorer, **how)
    return np.load(folder / "out.npy")


# ------------------------------------------------------------------------------------------------- tiles


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 7), (7, 1), (2, 3), (131, 257), (300, 40), (129, 128)], ids=str
)
@pytest.mark.parametrize("tile", [16, 64], ids=lambda tile: f"tile {tile}")
def test_tiles_give_what_the_whole_gives(tmp_path, size, tile):
    values = noise(*size, dtype=np.uint16)
    source = tiff(tmp_path / "in.tif", values)
    whole = Blur()
    restore_file(source, tmp_path / "whole.tif", whole, tile=10_000)
    restore_file(source, tmp_path / "tiled.tif", Blur(), tile=tile)
    assert whole.shapes == [(1, 1, *size)]
    assert np.array_equal(
        tifffile.imread(tmp_path / "tiled.tif"), tifffile.imread(tmp_path / "whole.tif")
    )


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1)], ids=str)
def test_a_strip_is_restored(tmp_path, size):
    values = noise(*size)
    restorer = Blur()
    account, _ = restore_file(
        tiff(tmp_path / "in.tif", values), tmp_path / "out.tif", restorer, tile=512
    )
    assert account.tile == 512
    assert max(max(shape[2:]) for shape in restorer.shapes) <= 512
    expected = (
        Blur().restore_images(torch.from_numpy(values[None, None] / np.float32(255)))[0, 0].numpy()
    )
    assert (
        np.abs(tifffile.imread(tmp_path / "out.tif").reshape(size) - expected * 255).max()
        <= 0.5 + 1e-3
    )


@pytest.mark.parametrize("residual", [False, True])
def test_a_model_in_tiles_is_the_model_whole(tmp_path, residual):
    network = UNet(widths=(4, 6), channels=3, grey_too=True, residual=residual, padding="replicate")
    module = network.build().requires_grad_(False)
    drawn = torch.Generator().manual_seed(0)
    for weights in module.parameters():
        weights.copy_(torch.randn(weights.shape, generator=drawn) * 0.1)
    restorer = ModelRestorer(Model(network, module, card=make_card(network, module, name="m")))
    for bands in ((), (3,)):
        values = np.random.default_rng(0).random((203, 151, *bands), dtype=np.float32)
        source = tiff(tmp_path / "in.tif", values, photometric="rgb" if bands else "minisblack")
        restore_file(source, tmp_path / "whole.tif", restorer, tile=10_000)
        account, _ = restore_file(
            source, tmp_path / "tiled.tif", restorer, tile=network.halo * 2 + 24
        )
        assert account.tile is not None
        tiled, whole = (tifffile.imread(tmp_path / f"{name}.tif") for name in ("tiled", "whole"))
        assert np.abs(tiled - whole).max() <= 1e-5 * max(1, np.abs(whole).max())


class Scarce(Known):
    """Runs out of memory with tiles beyond a size."""

    def __init__(self, fits: int) -> None:
        super().__init__()
        self.fits = fits

    def restore_images(self, images: Images, self_ensemble: int = 1) -> Images:
        if max(images.shape[2:]) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().restore_images(images)


def test_a_tile_that_does_not_fit_in_memory_is_halved_with_one_notice(tmp_path):
    values, told, done = noise(300, 200), [], []
    account, _ = restore_file(
        tiff(tmp_path / "in.tif", values),
        tmp_path / "out.tif",
        Scarce(120),
        tile=200,
        say=told.append,
        advance=done.append,
    )
    assert told == ["A tile of 200 px does not fit in memory; continuing with 100 px."]
    assert account.tile == 100
    assert sum(done) == 300
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif"), whole_range(values))


def test_the_size_that_fits_is_remembered_for_the_pages_that_follow(tmp_path):
    values, told = noise(3, 150, 200), []
    restore_file(
        tiff(tmp_path / "in.tif", values),
        tmp_path / "out.tif",
        Scarce(100),
        tile=200,
        say=told.append,
    )
    assert len(told) == 1
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif"), whole_range(values))


def test_what_never_fits_is_an_error_and_not_a_loop(tmp_path):
    with pytest.raises(torch.OutOfMemoryError):
        restore_file(
            tiff(tmp_path / "in.tif", noise(300, 200)), tmp_path / "out.tif", Scarce(0), tile=64
        )
    assert not (tmp_path / "out.tif").exists()


def test_a_tall_image_is_held_by_a_few_rows_at_a_time(tmp_path):
    values = noise(5000, 40)
    held: list[np.ndarray] = []

    class Watched(ArrayRows):
        def read(self, count: int) -> np.ndarray:
            asked.append(count)
            return super().read(count)

    asked: list[int] = []
    original = open_original(tiff(tmp_path / "in.tif", values))
    with begin_result(original, tmp_path / "out.tif") as result:
        put = result.put
        result.put = lambda page, top, rows: (held.append(rows.shape), put(page, top, rows))[1]  # type: ignore[method-assign]
        restore_image(
            original,
            [RestoredOutput(result)],
            Blur(),
            RestoreRequest(tile=64),
            rows=lambda page: Watched(values),
        )
        result.finish()
    assert sum(asked) == 5000, "each row is read once"
    assert max(asked) <= 64
    assert max(shape[0] for shape in held) <= 64
    assert sum(shape[0] for shape in held) == 5000


def test_every_row_is_reported_once(tmp_path):
    done: list[int] = []
    restore_file(
        tiff(tmp_path / "in.tif", noise(2, 301, 77)),
        tmp_path / "out.tif",
        tile=50,
        advance=done.append,
    )
    assert sum(done) == 602


# ------------------------------------------------------------------------------------------------- stacks


def test_planes_that_are_restored_one_by_one_are_what_each_is_alone(tmp_path):
    stack = noise(5, 33, 41)
    restored = through_npy(tmp_path, stack, Blur(), axes="ZYX")
    for place, plane in enumerate(stack):
        assert np.array_equal(through_npy(tmp_path, plane, Blur()), restored[place])


@pytest.mark.parametrize(
    ("axes", "shape", "seen"),
    [
        ("CYX", (3, 20, 30), [(1, 3, 20, 30)]),
        ("ZCYX", (2, 3, 20, 30), [(2, 3, 20, 30)]),
        ("YXC", (20, 30, 7), [(1, 7, 20, 30)]),
    ],
)
def test_the_axes_of_an_array_say_what_is_a_channel(tmp_path, axes, shape, seen):
    restorer, values = Known(), noise(*shape)
    restored = through_npy(tmp_path, values, restorer, axes=axes, together=True)
    assert np.array_equal(restored, whole_range(values))
    assert restorer.shapes == seen, f"shown were {restorer.shapes}"


def test_channels_of_a_tiff_go_together_where_that_is_asked_for(tmp_path):
    values = noise(2, 3, 20, 30)
    source = tiff(tmp_path / "in.ome.tif", values, ome=True, metadata={"axes": "ZCYX"})
    for together, channels in ((False, 1), (True, 3)):
        restorer = Known()
        restore_file(source, tmp_path / "out.ome.tif", restorer, together=together)
        assert {shape[1] for shape in restorer.shapes} == {channels}
        assert sum(shape[0] * shape[1] for shape in restorer.shapes) == 6
        assert np.array_equal(tifffile.imread(tmp_path / "out.ome.tif"), whole_range(values))


def test_a_tiff_that_does_not_say_how_its_pages_are_arranged_is_reported(tmp_path):
    values, restorer = noise(4, 20, 30), Known()
    restore_file(
        tiff(tmp_path / "in.tif", values), tmp_path / "out.tif", restorer, axes="CYX", together=True
    )
    assert restorer.shapes == [(1, 4, 20, 30)]
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif"), whole_range(values))


# ------------------------------------------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.uint16, 0, 4095), (np.uint16, 200, 900), (np.int16, -1000, 3000), (np.float32, 0, 4095)],
    ids=str,
)
def test_values_in_a_small_part_of_their_range_are_changed_on_their_own_scale(
    tmp_path, dtype, low, high
):
    values = noise(64, 80, dtype=np.int32, low=low, high=high).astype(dtype)
    restore_file(tiff(tmp_path / "in.tif", values), tmp_path / "out.tif")
    restored = tifffile.imread(tmp_path / "out.tif").astype(np.float64)
    zero, one = np.percentile(values, (0.1, 99.9))
    assert np.allclose(
        restored, values * 0.5 + 0.5 * zero + 0.25 * (one - zero), rtol=0, atol=0.5 + 1e-3
    )
    assert low <= restored.min()
    assert restored.max() <= high
    restore_file(tiff(tmp_path / "in.tif", values), tmp_path / "same.tif", identity())
    assert np.allclose(
        tifffile.imread(tmp_path / "same.tif"),
        values,
        rtol=1e-6,
        atol=0 if dtype != np.float32 else 1e-3,
    )


def test_eight_bits_keep_their_full_range_and_sixteen_may_be_told_to(tmp_path):
    dark = noise(30, 40, high=20)
    assert np.array_equal(through_npy(tmp_path, dark), whole_range(dark))
    deep = dark.astype(np.uint16)
    assert np.array_equal(through_npy(tmp_path, deep, values="full-range"), whole_range(deep))
    assert through_npy(tmp_path, dark, values="own-range").max() <= 20


def test_each_channel_of_a_stack_has_its_own_range_and_planes_share_it(tmp_path):
    faint, bright = (
        noise(3, 40, 50, dtype=np.uint16, high=100),
        noise(3, 40, 50, dtype=np.uint16, low=5000, high=9000),
    )
    restored = through_npy(tmp_path, np.stack([faint, bright], 1), axes="ZCYX")
    for place, channel in enumerate((faint, bright)):
        zero, one = np.percentile(channel, (0.1, 99.9))
        off = restored[:, place] - (channel * 0.5 + 0.5 * zero + 0.25 * (one - zero))
        assert np.abs(off).max() <= 0.5 + 1e-6, f"channel {place} is off by {np.abs(off).max():.3g}"


# ------------------------------------------------------------------------------------------------- no numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tile", [None, 32])
def test_what_is_no_number_is_kept_out_put_back_and_counted(tmp_path, dtype, tile):
    values = np.random.default_rng(0).random((60, 300)).astype(dtype)
    bad = np.zeros(values.shape, bool)
    bad[3, 4], bad[10:20, 100:110], bad[59, 299], bad[0, 0] = True, True, True, True
    values[bad] = np.nan
    values[3, 4], values[0, 0] = np.inf, -np.inf
    account, _ = restore_file(tiff(tmp_path / "in.tif", values), tmp_path / "out.tif", tile=tile)
    restored = tifffile.imread(tmp_path / "out.tif")
    assert np.array_equal(restored[bad], values[bad], equal_nan=True)
    assert np.allclose(restored[~bad], values[~bad] * 0.5 + 0.25, atol=1e-6)
    assert account.notices == [
        "103 NaN, infinite or no-data values kept out of the restoration and put back"
    ]


def test_an_image_without_a_single_number_comes_back(tmp_path):
    values = np.full((20, 30), np.nan, np.float32)
    assert np.isnan(through_npy(tmp_path, values)).all()


# ------------------------------------------------------------------------------------------------- strength and masks


def test_strength_is_how_far_towards_the_restored_image(tmp_path):
    values = np.random.default_rng(0).random((40, 50))
    for strength in (0.0, 0.25, 1.0):
        restored = through_npy(tmp_path, values, strength=strength)
        assert np.allclose(restored, values + strength * (0.25 - 0.5 * values), atol=1e-6)
    assert np.array_equal(through_npy(tmp_path, values, strength=0.0), values)


@pytest.mark.parametrize("tile", [None, 32])
def test_a_mask_restricts_the_restoration_exactly_and_softly(tmp_path, tile):
    values = noise(70, 300)
    mask = np.zeros(values.shape, np.uint8)
    mask[10:50, 20:200], mask[30:40, 60:280] = 255, 102  # 0.4
    restored = through_npy(tmp_path, values, mask=mask, tile=tile)
    full = values * 0.5 + 63.75
    assert np.array_equal(restored[mask == 0], values[mask == 0])
    assert np.array_equal(restored[mask == 255], whole_range(values)[mask == 255])
    soft = mask == 102
    assert (
        np.abs(restored[soft] - (values[soft] + 0.4 * (full[soft] - values[soft]))).max()
        <= 0.5 + 1e-3
    )


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path):
    with pytest.raises(
        ShapeMismatch, match=r"in\.npy: is 30 × 20 pixels, its mask 20 × 30 \(width × height\)"
    ):
        through_npy(tmp_path, noise(20, 30), mask=np.zeros((30, 20), np.uint8))


def test_who_fills_a_mask_is_refused_without_one(tmp_path):
    with pytest.raises(SettingsConflict) as refused:
        through_npy(tmp_path, noise(20, 30), ClassicalRestorer(Classical.of("inpaint")))
    assert refused.value.message.settings == ("mask",)


@pytest.mark.parametrize("tile", [None, 64])
def test_who_fills_a_mask_is_shown_it(tmp_path, tile):
    rows, columns = np.mgrid[:200, :150]
    values = (rows * 0.5 + columns * 0.5).astype(np.uint8)
    mask = np.zeros(values.shape, np.uint8)
    mask[90:97, 60:67] = 255
    damaged = np.where(mask > 0, 255, values).astype(np.uint8)
    restored = through_npy(
        tmp_path, damaged, ClassicalRestorer(Classical.of("inpaint")), mask=mask, tile=tile
    )
    assert np.abs(restored.astype(int) - values).max() <= 2


# ------------------------------------------------------------------------------------------------- odd files


@pytest.mark.parametrize(
    ("name", "image", "told"),
    [
        ("bits.png", Image.fromarray(noise(20, 30) > 127), "its 1-bit values become 8-bit ones"),
        ("bits.tif", Image.fromarray(noise(20, 30) > 127), "its 1-bit values become 8-bit ones"),
        (
            "palette.png",
            Image.fromarray(noise(20, 30, 3)).quantize(16),
            "its palette is converted to full colour",
        ),
        (
            "palette.tif",
            Image.fromarray(noise(20, 30, 3)).quantize(16),
            "its palette is converted to full colour",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_bits_and_palettes_are_converted_with_a_notice(tmp_path, name, image, told):
    image.save(tmp_path / name)
    _, notices = restore_file(tmp_path / name, tmp_path / f"out-{name}")
    assert notices == [told]
    full = np.asarray(image.convert("L" if image.mode == "1" else "RGB"))
    with Image.open(tmp_path / f"out-{name}") as opened:
        assert np.array_equal(np.asarray(opened), whole_range(full))


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb_with_a_notice(tmp_path, suffix):
    Image.new("CMYK", (30, 20), (0, 255, 255, 0)).save(tmp_path / f"in{suffix}")
    _, notices = restore_file(tmp_path / f"in{suffix}", tmp_path / f"out{suffix}", identity())
    assert notices == ["CMYK colours are converted to RGB"]
    with Image.open(tmp_path / f"out{suffix}") as opened:
        assert opened.mode == "RGB"
        red, green, blue = opened.getpixel((10, 10))
    assert red > 150
    assert max(green, blue) < 100


@pytest.mark.parametrize("suffix", [".png", ".avif"])
def test_a_moving_image_is_named_as_such(tmp_path, suffix):
    first, *others = [Image.fromarray(noise(20, 30, 3, seed=seed)) for seed in range(3)]
    first.save(tmp_path / f"in{suffix}", save_all=True, append_images=others)
    _, notices = restore_file(tmp_path / f"in{suffix}", tmp_path / f"out{suffix}")
    assert notices == ["it is an animation, of which only the still image is restored and written"]


def test_all_images_of_a_moving_webp_are_restored(tmp_path):
    images = [Image.fromarray(noise(20, 30, 3, seed=seed)) for seed in range(3)]
    images[0].save(
        tmp_path / "in.webp",
        save_all=True,
        append_images=images[1:],
        duration=[100, 50, 70],
        lossless=True,
    )
    restore_file(tmp_path / "in.webp", tmp_path / "out.webp")
    with Image.open(tmp_path / "out.webp") as opened:
        assert opened.n_frames == 3
        for place, image in enumerate(images):
            opened.seek(place)
            assert np.array_equal(np.asarray(opened.convert("RGB")), whole_range(np.asarray(image)))


def test_a_channel_that_fills_its_type_goes_together_with_one_that_does_not(tmp_path):
    full, dim = (
        noise(40, 50, dtype=np.uint16),
        noise(40, 50, dtype=np.uint16, low=400, high=900, seed=1),
    )
    source = tiff(tmp_path / "in.tif", np.stack([full, dim]))
    restore_file(source, tmp_path / "out.tif", Known(), axes="CYX", together=True)
    restored = tifffile.imread(tmp_path / "out.tif")
    np.testing.assert_allclose(restored[0], whole_range(full), atol=1)
    low, high = np.percentile(dim, (0.1, 99.9))
    np.testing.assert_allclose(
        restored[1], (dim.astype(float) - low) * 0.5 + 0.25 * (high - low) + low, atol=1
    )
