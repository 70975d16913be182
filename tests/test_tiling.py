"""Tiling: tiled is untiled, blending adds up to one, and memory is bounded by a row of tiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from restorae.machine import computing_in
from restorae.networks import Dense, Network, UNet, send_through
from restorae.regions import Plan, Region, Tile, plan_blended, plan_exact, smallest_tile
from restorae.shapes import Image, Images
from restorae.tiling import (
    TensorSink,
    TensorSource,
    apply,
    plan_for,
    run,
    weights,
)
from tests.networks.test_networks import CONVOLUTIONAL, built

SMALL_UNET = UNet(widths=(4, 6), encoder_blocks=(0, 1), decoder_blocks=(1,), padding="replicate")

each_convolutional = pytest.mark.parametrize("network", CONVOLUTIONAL, ids=str)


def through(network: Network) -> Callable[[Images], Images]:
    """How a network is called with images of any size, with random weights."""
    module = built(network)
    return lambda images: send_through(module, images, network.multiple_of)


def some_images(*shape: int, seed: int = 0) -> Images:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def identity(images: Images) -> Images:
    return images


def assert_same(tiled: Images, whole: Images, plan: Plan, tolerance: float = 1e-5) -> None:
    """Alike to a fraction of the largest value: random weights make values that no image has, and round them more."""
    assert tiled.shape == whole.shape
    off = (tiled - whole).abs().amax((0, 1)) / max(1, whole.abs().max().item())
    row, column = divmod(int(off.argmax()), off.shape[1])
    assert off.max() <= tolerance, f"{off.max():.2g} off at row {row}, column {column}: {plan}"


# ------------------------------------------------------------------------------------------- tiled is untiled


@each_convolutional
def test_tiled_is_untiled_at_every_size(network):
    function, (rows, columns) = through(network), network.multiple_of
    least = smallest_tile(network.halo, network.multiple_of)

    @settings(max_examples=10)
    @given(
        st.integers(1, least + 40),
        st.integers(1, least + 40),
        st.integers(0, 20),
        st.integers(1, 3),
        st.integers(0, 3),
    )
    @example(1, least + 17, 0, 1, 0)
    @example(least + 17, 1, 0, 1, 0)
    @example(rows + 1, columns + 1, 0, 1, 0)
    @example(least + 1, least + 1, 0, 2, 0)
    def hold(height: int, width: int, more: int, at_once: int, seed: int) -> None:
        image = some_images(1, network.channels, height, width, seed=seed)
        plan = plan_exact(
            height,
            width,
            tile=least + more,
            halo=network.halo,
            multiple_of=network.multiple_of,
            at_once=at_once,
        )
        assert_same(apply(function, image, plan), function(image), plan)

    hold()


@pytest.mark.parametrize("network", [SMALL_UNET, CONVOLUTIONAL[0]], ids=str)
def test_a_strip_is_restored_as_if_whole(network):
    function, image = through(network), some_images(1, network.channels, 1, 20_001)
    plan = plan_exact(1, 20_001, tile=1024, halo=network.halo, multiple_of=network.multiple_of)
    assert len(plan) > 10
    assert_same(apply(function, image, plan), function(image), plan)


def test_a_halo_that_is_too_short_is_noticed():
    function, image = through(SMALL_UNET), some_images(1, 1, 120, 120)
    plan = plan_exact(120, 120, tile=64, halo=4, multiple_of=SMALL_UNET.multiple_of)
    assert (apply(function, image, plan) - function(image)).abs().max() > 1e-4, (
        "the test above could not fail"
    )


def test_how_many_go_at_once_changes_nothing_in_float32():
    function, image = through(SMALL_UNET), some_images(2, 1, 150, 203)
    plans = [
        plan_exact(
            150,
            203,
            tile=76,
            halo=SMALL_UNET.halo,
            multiple_of=SMALL_UNET.multiple_of,
            at_once=each,
        )
        for each in (1, 2, 3, 100)
    ]
    results = [apply(function, image, plan) for plan in plans]
    for result, plan in zip(results[1:], plans[1:], strict=True):
        assert_same(result, results[0], plan, 1e-6)


def step_across_cuts(image: torch.Tensor, plan: Plan, multiple_of: tuple[int, int]) -> float:
    """Mean difference of neighbours across the cuts between tiles, as a ratio to that elsewhere.

    A network has a grid of positions; a cut is held against steps at the same place of that grid.
    """
    steps = image.diff(dim=0).abs().mean(1), image.diff(dim=1).abs().mean(0)
    cuts = (
        [row[0].keep.top - 1 for row in plan.rows[1:]],
        [tile.keep.left - 1 for tile in plan.rows[0][1:]],
    )
    across, elsewhere = [], []
    for step, places, multiple in zip(steps, cuts, multiple_of, strict=True):
        for place in places:
            across.append(step[place])
            elsewhere += [
                step[other]
                for other in range(place % multiple, len(step), multiple)
                if other not in places
            ]
    return (torch.stack(across).mean() / torch.stack(elsewhere).mean()).item()


def test_in_bfloat16_no_seam_is_seen():
    halo, multiple_of, along = SMALL_UNET.halo, SMALL_UNET.multiple_of, torch.linspace(0, 3, 240)
    smooth = 0.5 + 0.3 * torch.sin(along)[:, None] * torch.cos(2 * along)
    image = (smooth + 0.02 * torch.randn(240, 240, generator=torch.Generator().manual_seed(0)))[
        None, None
    ]
    module = built(SMALL_UNET)
    for learned in module.parameters():
        learned.mul_(0.5)  # what comes out has the scale of an image

    def in_float32(images: Images) -> Images:
        return send_through(module, images, multiple_of)

    def in_bfloat16(images: Images) -> Images:
        with computing_in("bfloat16", torch.device("cpu")):
            return in_float32(images)

    plan = plan_exact(240, 240, tile=88, halo=halo, multiple_of=multiple_of, at_once=2)
    tiled = apply(in_bfloat16, image, plan)
    rounding = tiled - in_float32(
        image
    )  # a seam that the image's own steps would hide is seen in this
    assert in_bfloat16(image).dtype == torch.bfloat16
    assert tiled.dtype == torch.float32
    assert rounding.abs().max() > 1e-4
    for seen in (tiled, rounding):
        ratio = step_across_cuts(seen[0, 0], plan, multiple_of)
        assert ratio <= 1.1, f"steps across the cuts are {ratio:.2f} × those elsewhere"

    shortened = plan_exact(240, 240, tile=88, halo=8, multiple_of=multiple_of, at_once=2)
    seam = apply(in_bfloat16, image, shortened) - in_float32(image)
    assert step_across_cuts(seam[0, 0], shortened, multiple_of) > 1.5, (
        "a real seam would not be noticed"
    )


def test_tiles_give_the_same_in_any_order():
    function, image = through(SMALL_UNET), some_images(1, 1, 150, 170)[0]
    plan = plan_exact(150, 170, tile=76, halo=SMALL_UNET.halo, multiple_of=SMALL_UNET.multiple_of)
    source, sink, any_order = TensorSource(image), TensorSink(150, 170), TensorSink(150, 170)
    run(function, plan, source, sink)
    for place in torch.randperm(len(plan), generator=torch.Generator().manual_seed(0)):
        tile = plan.tiles[place]
        restored = function(torch.stack([source.read(tile.read)]))[0]
        rows, columns = tile.keep.inside(tile.read)
        any_order.write(tile.keep, restored[:, rows, columns])
    assert torch.equal(sink.image, any_order.image)


def test_channels_that_come_out_need_not_be_those_that_went_in():
    images = some_images(2, 4, 50, 61)
    for plan in (plan_exact(50, 61, tile=20, halo=2), plan_blended(50, 61, tile=20, overlap=4)):
        tiled = apply(lambda batch: batch[:, :3] * batch[:, 3:], images, plan)
        assert_same(tiled, images[:, :3] * images[:, 3:], plan, 1e-6)


@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
@pytest.mark.parametrize("size", [(8, 8), (30, 9)])
def test_a_batch_is_its_images(at_once, size):
    images, sizes = some_images(5, 1, *size), []

    def doubled(batch: Images) -> Images:
        sizes.append(len(batch))
        return 2 * batch

    plan = plan_exact(*size, tile=10, halo=1, at_once=at_once)
    assert torch.equal(apply(doubled, images, plan), 2 * images)
    assert max(sizes) == min(at_once, 5 if len(plan) == 1 else len(plan.rows[0]))


def test_no_gradient_is_kept():
    module = built(SMALL_UNET).requires_grad_(True)
    for plan in (
        plan_exact(90, 90, tile=80, halo=SMALL_UNET.halo, multiple_of=(4, 4)),
        plan_exact(90, 90, tile=90, halo=0),
    ):
        assert not apply(
            lambda images: send_through(module, images, (4, 4)), some_images(1, 1, 90, 90), plan
        ).requires_grad


# ------------------------------------------------------------------------------------------- blending


@settings(max_examples=60)
@given(
    st.integers(1, 120), st.integers(1, 120), st.integers(1, 12), st.integers(0, 30), st.sampled_from((1, 2, 8)), st.integers(1, 4)
)  # fmt: skip
def test_a_constant_stays_the_constant_up_to_corners_and_borders(
    height, width, overlap, more, multiple, at_once
):
    tile = 2 * (overlap + multiple) + more
    plan = plan_blended(
        height, width, tile=tile, overlap=overlap, multiple_of=(multiple, multiple), at_once=at_once
    )
    image = torch.full((1, 2, height, width), 0.7)
    assert_same(apply(identity, image, plan), image, plan, 1e-6)


def test_an_image_that_nothing_changes_comes_back_from_blending():
    image = some_images(1, 3, 201, 160)
    plan = plan_blended(201, 160, tile=64, overlap=16)
    assert_same(apply(identity, image, plan), image, plan, 1e-6)


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 40))
def test_weights_over_a_pixel_are_one_and_rise_steadily(length, overlap, more):
    plan = plan_blended(length, 1, tile=2 * overlap + more, overlap=overlap)
    total, ways = np.zeros(length), []
    for tile in plan.tiles:
        rows, columns = weights(tile)
        assert columns.tolist() == [1.0]
        assert 0 < rows.min() <= rows.max() <= 1
        total[tile.read.top : tile.read.bottom] += rows.double().numpy()
        ways.append(rows)
    assert np.abs(total - 1).max() <= 1e-7
    assert ways[0][0] == ways[-1][-1] == 1, "a ramp at the image's border would darken it"
    for rows, tile in zip(ways, plan.tiles, strict=True):
        above, below = tile.ramps[:2]
        assert (rows[:above].diff() > 0).all()
        assert (rows[len(rows) - below :].diff() < 0).all()
        assert (rows[above : len(rows) - below] == 1).all()


def test_between_two_answers_the_result_goes_over_smoothly():
    answers = iter((0.0, 1.0))
    plan = plan_blended(1, 36, tile=24, overlap=12)
    assert len(plan) == 2
    blended = apply(
        lambda images: torch.full_like(images, next(answers)), torch.zeros(1, 1, 1, 36), plan
    )[0, 0, 0]
    expected = torch.cat([torch.zeros(12), (torch.arange(12) + 0.5) / 12, torch.ones(12)])
    assert torch.allclose(blended, expected, atol=1e-7)


def test_a_network_that_looks_at_everything_is_blended_with_itself():
    network = Dense(height=8, width=6, hidden=(12,))
    function = through(network)
    assert network.halo is None
    plan = plan_for(70, 90, tile=30, halo=None, multiple_of=network.multiple_of)
    assert plan.blended
    flat = torch.full((1, 1, 70, 90), 0.4)
    # its tiles start on its blocks, and so agree where they overlap
    assert_same(apply(function, flat, plan), function(flat), plan)
    image = some_images(1, 1, 70, 90)
    assert_same(apply(function, image, plan), function(image), plan)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 100), st.sampled_from((1, 4, 28)))
def test_whatever_the_halo_there_is_a_plan_from_the_smallest_tile_on(height, width, more, multiple):
    multiple_of = (multiple, multiple)
    for halo in (None, 0, 13):
        plan = plan_for(
            height,
            width,
            tile=smallest_tile(halo, multiple_of) + more,
            halo=halo,
            multiple_of=multiple_of,
        )
        assert plan.blended == (halo is None)


# ------------------------------------------------------------------------------------------- memory


class Rows:
    """An image that is read and written once, from top to bottom: it forgets as files do, and minds the order."""

    def __init__(self, image: Image) -> None:
        self.image, self.top, self.written = image, 0, 0
        self.done = torch.zeros(image.shape[1:], dtype=torch.int)
        self.result = torch.full_like(image, torch.nan)
        self.last = Region(0, 0, 0, 0)
        self.highest = 0

    def read(self, region: Region) -> Image:
        assert (region.top, region.left) >= (
            self.last.top,
            self.last.left if region.top == self.last.top else 0,
        ), "read out of order"
        assert region.top <= self.written, (
            "rows are read that lie beyond what the row of tiles needs"
        )
        self.last = region
        self.highest = max(self.highest, region.bottom - self.written)
        return TensorSource(self.image).read(region)

    def write(self, region: Region, values: Image) -> None:
        rows, columns = region.inside(Region(0, 0, *self.image.shape[1:]))
        assert self.done[: region.top].all(), "written before the rows above it were finished"
        assert not self.done[rows, columns].any(), "written twice"
        assert values.shape[1:] == (region.height, region.width)
        assert values.dtype == torch.float32
        self.done[rows, columns] += 1
        self.result[:, rows, columns] = values
        if region.right == self.image.shape[2]:
            self.written = region.bottom


@pytest.mark.parametrize("blended", [False, True])
@pytest.mark.parametrize("size", [(400, 90), (33, 400), (20, 20)])
def test_images_are_read_and_written_from_top_to_bottom_every_pixel_once(size, blended):
    plan = (
        plan_blended(*size, tile=40, overlap=8, at_once=2)
        if blended
        else plan_exact(*size, tile=40, halo=8, at_once=2)
    )
    image, heard = Rows(some_images(1, 1, *size)[0]), []
    run(identity, plan, image, image, heard.append)
    assert image.done.all()
    assert torch.allclose(image.result, image.image, atol=1e-6)
    assert image.highest <= 40, "more rows are waited for than a tile is high"
    assert sum(heard) == size[0] * size[1]
    assert len(heard) > 1 or len(plan) == 1
    assert all(pixels > 0 for pixels in heard)


@pytest.mark.parametrize("blended", [False, True])
def test_no_batch_is_larger_than_the_plan_says(blended):
    plan = (
        plan_blended(130, 170, tile=40, overlap=8, at_once=3)
        if blended
        else plan_exact(130, 170, tile=40, halo=8, at_once=3)
    )
    seen = []

    def looking(images: Images) -> Images:
        seen.append(tuple(images.shape))
        return images

    run(looking, plan, TensorSource(some_images(1, 1, 130, 170)[0]), TensorSink(130, 170))
    assert max(shape[0] for shape in seen) == 3
    assert all(max(shape[2:]) <= 40 for shape in seen)
    assert sum(shape[0] for shape in seen) == len(plan)


def test_a_tensor_is_a_source_and_a_sink():
    image = some_images(1, 2, 9, 7)[0]
    assert torch.equal(TensorSource(image).read(Region(2, 1, 3, 4)), image[:, 2:5, 1:5])
    sink = TensorSink(9, 7)
    run(
        lambda images: functional.relu(images),
        plan_exact(9, 7, tile=9, halo=0),
        TensorSource(image),
        sink,
    )
    assert torch.equal(sink.image, image)


def test_a_tile_without_neighbours_weighs_one():
    rows, columns = weights(Tile(Region(0, 0, 3, 5), Region(0, 0, 3, 5)))
    assert (rows.tolist(), columns.tolist()) == ([1.0] * 3, [1.0] * 5)
