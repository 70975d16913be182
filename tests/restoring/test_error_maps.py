"""Error maps beside restored files: the same by tiles as whole, in the units of the values, and 0 where nothing was restored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from restorae.error_bound import ErrorBound
from restorae.errors import UsageError
from restorae.formats import open_original
from restorae.model import Model, make_card
from restorae.networks import Conv, Network, UNet
from restorae.restoring import (
    LOG,
    Classical,
    ClassicalRestorer,
    FileTask,
    ModelRestorer,
    RestoreRequest,
    RestorerPool,
    plan_tasks,
    restore_files,
    restore_image,
)
from restorae.restoring.maps import ERROR_GAIN
from restorae.restoring.output_contract import RestoredRows
from restorae.restoring.outputs import Outputs
from restorae.value_range import FULL_RANGE

BOUND = ErrorBound(
    changed=(0.05, 0.5), structure=(0.01, 0.1), bounds=((0.01, 0.02), (0.1, 0.2)), images=9
)


def calibrated(network: Network = UNet(widths=(4, 4))) -> Model:
    """A network with drawn weights whose error bound is made up."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = network.build()
    return Model(
        network,
        module,
        card=make_card(network, module, name="calibrated", error_bounds={network.channels: BOUND}),
    )


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    source = np.random.default_rng(seed)
    return np.asarray(
        source.random(shape)
        if np.dtype(dtype).kind == "f"
        else source.integers(0, np.iinfo(dtype).max, shape),
        dtype,
    )


def restored_with_map(source: Path, target: Path, model: Model, **how: object) -> Path:
    """One file through the model, its map written; the map's file."""
    mask = how.pop("mask", None)
    request = RestoreRequest(error_map=True, **how)
    original = open_original(source)
    task = FileTask(source, target, with_error_map=True)
    with Outputs.begin(original, task, request) as outputs:
        restore_image(original, outputs.all, ModelRestorer(model), request, mask=mask)
        outputs.finish()
    (made,) = [path for path in task.map_names("error") if path.is_file()]
    return made


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (130, 260), (300, 40)], ids=str)
@pytest.mark.parametrize("residual", [False, True])
def test_tiles_give_the_map_of_the_whole(tmp_path, size, residual):
    np.save(tmp_path / "in.npy", noise(*size, dtype=np.float32))
    model = calibrated(UNet(widths=(4, 4), residual=residual))
    whole = np.load(
        restored_with_map(tmp_path / "in.npy", tmp_path / "whole.npy", model, tile=10_000)
    )
    tiled = np.load(restored_with_map(tmp_path / "in.npy", tmp_path / "tiled.npy", model, tile=96))
    assert whole.dtype == np.float32
    assert whole.shape == size
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    np.testing.assert_allclose(
        np.load(tmp_path / "tiled.npy"), np.load(tmp_path / "whole.npy"), atol=1e-5
    )
    np.testing.assert_allclose(model.error_bound(np.load(tmp_path / "in.npy")), whole, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_image_shows_the_bound_times_the_gain(tmp_path, dtype):
    pixels = noise(40, 50, dtype=dtype)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    model = calibrated()
    made = restored_with_map(tmp_path / "in.png", tmp_path / "out.png", model)
    assert made.name == "out-error.png"
    shown = np.asarray(Image.open(made))
    largest = np.iinfo(dtype).max
    np.testing.assert_allclose(
        shown, np.clip(ERROR_GAIN * model.error_bound(pixels), 0, largest), atol=0.51
    )


def test_an_array_is_reported_in_the_units_of_its_values(tmp_path):
    pixels = noise(3, 20, 24)
    np.save(tmp_path / "in.npy", pixels)
    model = calibrated()
    bound = np.load(restored_with_map(tmp_path / "in.npy", tmp_path / "out.npy", model))
    images = torch.from_numpy(pixels[:, None] / np.float32(255))
    expected = 255 * BOUND.of(images, model.restore_images(images))[:, 0].numpy()
    np.testing.assert_allclose(bound, expected, atol=1e-3)


def test_values_of_a_range_of_their_own_are_reported_in_theirs(tmp_path):
    values = (1000 + 200 * noise(32, 32, dtype=np.float64)).astype(np.float32)
    np.save(tmp_path / "in.npy", values)
    model = calibrated()
    bound = np.load(restored_with_map(tmp_path / "in.npy", tmp_path / "out.npy", model))
    low, high = np.percentile(values, (0.1, 99.9))
    images = torch.from_numpy((values[None, None] - np.float32(low)) / np.float32(high - low))
    np.testing.assert_allclose(
        bound,
        (high - low) * BOUND.of(images, model.restore_images(images))[0, 0].numpy(),
        rtol=1e-3,
    )


def test_a_stack_has_a_map_with_as_many_pages(tmp_path):
    pixels = noise(3, 20, 24)
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="minisblack")
    made = restored_with_map(tmp_path / "in.tif", tmp_path / "out.tif", calibrated())
    assert made.name == "out-error.tif"
    np.testing.assert_allclose(
        tifffile.imread(made),
        np.clip(ERROR_GAIN * calibrated().error_bound(pixels), 0, 255),
        atol=0.51,
    )


def test_channels_of_a_stack_restored_together_each_have_theirs(tmp_path):
    pixels = noise(2, 3, 20, 24, dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "in.ome.tif", pixels, metadata={"axes": "ZCYX"}, photometric="minisblack"
    )
    made = restored_with_map(
        tmp_path / "in.ome.tif",
        tmp_path / "out.tif",
        calibrated(UNet(channels=3, widths=(4, 4))),
        together=True,
    )
    expected = (
        calibrated(UNet(channels=3, widths=(4, 4)))
        .error_bound(pixels.transpose(0, 2, 3, 1))
        .transpose(0, 3, 1, 2)
    )
    np.testing.assert_allclose(
        tifffile.imread(made).reshape(pixels.shape),
        np.clip(ERROR_GAIN * expected, 0, 65535),
        atol=1,
    )


def test_alpha_has_no_error_and_a_map_no_alpha(tmp_path):
    pixels = noise(20, 24, 4)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    made = restored_with_map(
        tmp_path / "in.png", tmp_path / "out.png", calibrated(UNet(channels=3, widths=(4, 4)))
    )
    shown = np.asarray(Image.open(made))
    of_colours = calibrated(UNet(channels=3, widths=(4, 4))).error_bound(pixels)
    assert shown.shape == (20, 24)
    np.testing.assert_allclose(
        shown, np.clip(ERROR_GAIN * of_colours[..., :3].max(-1), 0, 255), atol=0.51
    )
    np.save(tmp_path / "in.npy", pixels)
    bound = np.load(
        restored_with_map(
            tmp_path / "in.npy", tmp_path / "out.npy", calibrated(UNet(channels=3, widths=(4, 4)))
        )
    )
    assert not bound[..., 3].any()
    assert bound[..., :3].min() > 0


def test_a_map_is_upright(tmp_path):
    pixels = np.tile(
        noise(20, 1), (1, 30)
    )  # what differs from row to row; upright, from column to column
    image, exif = Image.fromarray(pixels), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "in.png", exif=exif)
    shown = np.asarray(
        Image.open(restored_with_map(tmp_path / "in.png", tmp_path / "out.png", calibrated()))
    )
    expected = np.rot90(np.clip(ERROR_GAIN * calibrated().error_bound(pixels), 0, 255), -1)
    np.testing.assert_allclose(shown, expected, atol=0.51)


def test_what_the_mask_leaves_out_and_what_is_no_number_is_not_off(tmp_path):
    values = noise(20, 24, dtype=np.float32)
    values[3, 4] = np.nan
    np.save(tmp_path / "in.npy", values)
    mask = np.zeros((20, 24), np.uint8)
    mask[:10], mask[10:12] = 255, 51
    bound = np.load(
        restored_with_map(tmp_path / "in.npy", tmp_path / "out.npy", calibrated(), mask=mask)
    )
    whole = np.load(restored_with_map(tmp_path / "in.npy", tmp_path / "whole.npy", calibrated()))
    assert bound[3, 4] == 0
    assert not bound[12:].any()
    np.testing.assert_allclose(bound[:10], whole[:10])
    np.testing.assert_allclose(bound[10:12], 0.2 * whole[10:12], rtol=1e-5)


def test_the_log_reports_the_mean_bound_and_what_is_there_is_complete(tmp_path):
    (tmp_path / "in").mkdir()
    for place in range(3):
        Image.fromarray(noise(20, 24, seed=place)).save(tmp_path / "in" / f"{place}.png")
    tasks = plan_tasks([tmp_path / "in"], tmp_path / "out", with_error_map=True)
    pool = RestorerPool.of(ModelRestorer(calibrated()))
    request = RestoreRequest(model="calibrated", error_map=True)
    assert not restore_files(tasks, request, pool, log=tmp_path / "out" / LOG).failures
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [LOG, *(f"{place}{end}.png" for place in range(3) for end in ("", "-error"))]
    )
    told = json.loads((tmp_path / "out" / LOG).read_text().splitlines()[1])
    mean = calibrated().error_bound(noise(20, 24, seed=1)).mean() / 255
    assert told["mean_error_bound"] == pytest.approx(mean, rel=1e-3)


def test_images_it_was_not_calibrated_for_are_named_and_stop_nothing(tmp_path):
    Image.fromarray(noise(20, 24, 3)).save(tmp_path / "colour.png")
    Image.fromarray(noise(20, 24)).save(tmp_path / "grey.png")
    network = UNet(channels=3, widths=(4, 4), grey_too=True)
    tasks = plan_tasks(
        [tmp_path / "grey.png", tmp_path / "colour.png"], tmp_path / "out", with_error_map=True
    )
    pool = RestorerPool.of(ModelRestorer(calibrated(network)))
    failures = restore_files(tasks, RestoreRequest(model="m", error_map=True), pool).failures
    assert [failure.source.name for failure in failures] == ["grey.png"]
    assert "calibrated on images of 3 channels, not of 1" in str(failures[0])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "colour-error.png",
        "colour.png",
    ]


def test_a_network_without_halo_has_a_map_without_seams(tmp_path):
    np.save(tmp_path / "in.npy", noise(150, 150, dtype=np.float32))
    bound = np.load(
        restored_with_map(
            tmp_path / "in.npy", tmp_path / "out.npy", calibrated(Conv(features=4)), tile=64
        )
    )
    assert bound.min() >= 0.01 - 1e-6
    assert bound.max() <= 0.2 + 1e-6


def test_a_model_that_is_not_calibrated_is_refused():
    network = Conv(features=4)
    plain = Model(network, network.build(), card=make_card(network, network.build(), name="plain"))
    for restorer in (ModelRestorer(plain), ClassicalRestorer(Classical.of("median"))):
        with pytest.raises(UsageError, match="has no calibrated error bounds"):
            RestoreRequest(error_map=True).check(restorer.capabilities)


def test_a_map_that_was_dropped_leaves_nothing(tmp_path):
    Image.fromarray(noise(8, 8)).save(tmp_path / "a.png")
    task = FileTask(tmp_path / "a.png", tmp_path / "out.png", with_error_map=True)
    with Outputs.begin(open_original(task.source), task, RestoreRequest(error_map=True)) as outputs:
        rows = RestoredRows(
            page=0,
            top=0,
            stored=np.zeros((8, 8, 1), np.uint8),
            further=np.zeros((8, 8, 1, 1)),
            values=FULL_RANGE,
        )
        for output in outputs.all:
            output.put(rows)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
