"""Regions: every plan covers its image, with context, and says what to do when it cannot."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restorae.errors import Fix, TileTooSmall, UsageError
from restorae.regions import Plan, Region, Tile, plan_blended, plan_exact, smallest_tile

SIDES = st.integers(1, 150)
MULTIPLES = st.sampled_from((1, 2, 3, 4, 8))
HALOS = st.integers(0, 21)


@st.composite
def exact_plans(draw: st.DrawFn) -> tuple[Plan, int, tuple[int, int], tuple[int, int]]:
    """A plan that works, with the halo, the tile and the multiples that it was made for."""
    halo, multiple_of = draw(HALOS), (draw(MULTIPLES), draw(MULTIPLES))
    tile = tuple(
        smallest_tile(halo, (step, step)) + draw(st.integers(0, 40)) for step in multiple_of
    )
    return (
        plan_exact(draw(SIDES), draw(SIDES), tile=tile, halo=halo, multiple_of=multiple_of),
        halo,
        tile,
        multiple_of,
    )


@st.composite
def blended_plans(draw: st.DrawFn) -> tuple[Plan, int, tuple[int, int], tuple[int, int]]:
    overlap, multiple_of = draw(st.integers(0, 21)), (draw(MULTIPLES), draw(MULTIPLES))
    tile = tuple(
        2 * -(-max(overlap, 1) // step) * step + draw(st.integers(0, 40)) for step in multiple_of
    )
    return (
        plan_blended(draw(SIDES), draw(SIDES), tile=tile, overlap=overlap, multiple_of=multiple_of),
        overlap,
        tile,
        multiple_of,
    )


PLANS = st.one_of(exact_plans(), blended_plans())


def whole(plan: Plan) -> Region:
    return Region(0, 0, plan.height, plan.width)


def counted(plan: Plan, part: str) -> np.ndarray:
    """How many tiles read or keep each pixel."""
    count = np.zeros((plan.height, plan.width), int)
    for tile in plan.tiles:
        count[getattr(tile, part).inside(whole(plan))] += 1
    return count


def along(plan: Plan, side: int) -> list[Tile]:
    """The tiles of the first column or of the first row."""
    return [row[0] for row in plan.rows] if side == 0 else list(plan.rows[0])


def test_a_region_finds_itself_within_another():
    image = np.arange(40 * 30).reshape(40, 30)
    outer, inner = Region(5, 7, 20, 15), Region(9, 8, 3, 14)
    held = image[outer.top : outer.bottom, outer.left : outer.right]
    assert np.array_equal(
        held[inner.inside(outer)], image[inner.top : inner.bottom, inner.left : inner.right]
    )
    assert (inner.area, outer.area) == (42, 300)


@given(exact_plans())
def test_what_is_kept_is_the_image_without_gap_or_overlap(made):
    assert (counted(made[0], "keep") == 1).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 100_000), (100_000, 1), (17, 16), (4097, 3001)])
@pytest.mark.parametrize("multiple_of", [(1, 1), (4, 4), (8, 2)])
def test_images_of_any_size_are_covered(size, multiple_of):
    plan = plan_exact(*size, tile=256, halo=31, multiple_of=multiple_of)
    assert (counted(plan, "keep") == 1).all()
    blended = plan_blended(*size, tile=256, overlap=64, multiple_of=multiple_of)
    assert (counted(blended, "keep") >= 1).all()


@given(exact_plans())
def test_each_tile_reads_the_context_of_what_it_keeps_or_ends_at_the_border(made):
    plan, halo, _, _ = made
    for tile in plan.tiles:
        read, keep = tile.read, tile.keep
        assert read.top <= max(0, keep.top - halo)
        assert read.left <= max(0, keep.left - halo)
        assert read.bottom >= min(plan.height, keep.bottom + halo)
        assert read.right >= min(plan.width, keep.right + halo)


@given(PLANS)
def test_tiles_start_on_multiples_and_end_on_them_or_at_the_border(made):
    plan, _, _, (rows, columns) = made
    for read in (tile.read for tile in plan.tiles):
        assert (read.top % rows, read.left % columns) == (0, 0)
        assert read.bottom % rows == 0 or read.bottom == plan.height
        assert read.right % columns == 0 or read.right == plan.width


@given(PLANS)
def test_no_tile_reads_beyond_the_image_or_more_than_was_allowed(made):
    plan, _, tile, _ = made
    for each in plan.tiles:
        read = each.read
        assert min(read.top, read.left, plan.height - read.bottom, plan.width - read.right) >= 0
        assert (read.height <= tile[0], read.width <= tile[1]) == (True, True)


def padding(height: int, width: int, multiple_of: tuple[int, int]) -> tuple[int, int, bool]:
    """Rows and columns that a network adds, and whether they are mirrored."""
    below, right = -height % multiple_of[0], -width % multiple_of[1]
    return below, right, below < height and right < width


def assert_padded_as_whole(plan: Plan, multiple_of: tuple[int, int]) -> None:
    below, right, mirrored = padding(plan.height, plan.width, multiple_of)
    for read in (tile.read for tile in plan.tiles):
        own_below, own_right, own_mirrored = padding(read.height, read.width, multiple_of)
        assert own_below == (below if read.bottom == plan.height else 0)
        assert own_right == (right if read.right == plan.width else 0)
        if own_below or own_right:
            assert own_mirrored == mirrored, f"{read} of {plan} is padded in another way"
        if read.bottom == plan.height:
            assert read.height >= min(plan.height, multiple_of[0])
        if read.right == plan.width:
            assert read.width >= min(plan.width, multiple_of[1])


@given(PLANS)
def test_a_tile_at_the_border_is_padded_as_the_whole_image_is(made):
    assert_padded_as_whole(made[0], made[3])


@pytest.mark.parametrize("length", range(1, 42, 2))
def test_without_halo_and_with_the_smallest_tiles_it_is_padded_so_too(length):
    sizes = [tile for tile in range(8, 25) if tile >= min(length, 8 if length % 8 == 0 else 16)]
    for plan in (
        plan_exact(length, width, tile=tile, halo=0, multiple_of=(8, 8))
        for tile in sizes
        for width in (8, length)
    ):
        assert_padded_as_whole(plan, (8, 8))
    if length > 8 and length % 8:
        with pytest.raises(TileTooSmall) as caught:
            plan_exact(length, 8, tile=8, halo=0, multiple_of=(8, 8))
        assert caught.value.message.fixes == (Fix("tile", min(length, 16)),)


@given(PLANS)
def test_tiles_are_as_few_as_the_side_allows(made):
    plan, context, tile, multiple_of = made
    for side, length in enumerate((plan.height, plan.width)):
        multiple = multiple_of[side]
        if not plan.blended and context == 0 and length % multiple:
            continue  # the last tile is given more than it would need, for its padding
        shared, largest = (
            max(1, context) if plan.blended else 2 * context,
            tile[side] // multiple * multiple,
        )
        fewest, start = 1, 0
        while length > tile[side] and start + largest < length:
            start = (start + largest - shared) // multiple * multiple  # as far on as may be
            fewest += 1
        assert len(along(plan, side)) == fewest


@given(exact_plans())
def test_exact_tiles_are_alike_but_for_what_the_border_cuts_off(made):
    plan, _, _, multiple_of = made
    for side in (0, 1):
        lengths = [(tile.read.height, tile.read.width)[side] for tile in along(plan, side)]
        assert len(set(lengths[:-1])) <= 1
        assert 0 <= lengths[0] - lengths[-1] < multiple_of[side], (
            f"{lengths} along a side of {plan}"
        )


def test_an_image_of_whole_multiples_is_cut_into_tiles_of_one_size():
    plan = plan_exact(3000, 4000, tile=512, halo=31, multiple_of=(4, 4))
    assert len({(tile.read.height, tile.read.width) for tile in plan.tiles}) == 1


@given(st.integers(1, 90), st.integers(1, 90), HALOS, MULTIPLES)
def test_an_image_that_is_not_larger_than_a_tile_is_read_whole(height, width, halo, multiple):
    region = Region(0, 0, height, width)
    for plan in (
        plan_exact(
            height, width, tile=(height, width), halo=halo, multiple_of=(multiple, multiple)
        ),
        plan_blended(height, width, tile=90, overlap=halo, multiple_of=(multiple, multiple)),
    ):
        assert plan.tiles == (Tile(region, region),)


@given(PLANS)
def test_rows_of_tiles_are_rows_of_pixels(made):
    plan = made[0]
    for row in plan.rows:
        assert (
            len(
                {(tile.read.top, tile.read.bottom, tile.keep.top, tile.keep.bottom) for tile in row}
            )
            == 1
        )
        assert [tile.read.left for tile in row] == sorted({tile.read.left for tile in row})
    assert all(above[0].read.top < below[0].read.top for above, below in pairwise(plan.rows))


@given(PLANS)
def test_shares_add_up_to_the_image(made):
    plan = made[0]
    assert sum(tile.share for tile in plan.tiles) == plan.height * plan.width


# ------------------------------------------------------------------------------------------- blended plans


@given(blended_plans())
def test_a_blended_tile_keeps_all_it_reads_and_every_pixel_is_read(made):
    plan = made[0]
    assert plan.blended
    assert all(tile.keep == tile.read for tile in plan.tiles)
    assert (counted(plan, "read") >= 1).all()


@settings(max_examples=100)
@given(blended_plans())
def test_no_pixel_lies_in_three_tiles_of_a_row_or_column(made):
    plan = made[0]
    assert counted(plan, "read").max() <= 4
    for side in (0, 1):
        reads = [tile.read for tile in along(plan, side)]
        spans = [
            (read.top, read.bottom) if side == 0 else (read.left, read.right) for read in reads
        ]
        assert all(first[1] <= third[0] for first, third in zip(spans, spans[2:], strict=False))


@given(blended_plans())
def test_ramps_are_what_neighbours_share_and_none_is_at_the_border(made):
    plan, overlap, _, _ = made
    for above, below in pairwise(along(plan, 0)):
        assert above.ramps[1] == below.ramps[0] == above.read.bottom - below.read.top >= overlap
    for left, right in pairwise(along(plan, 1)):
        assert left.ramps[3] == right.ramps[2] == left.read.right - right.read.left >= overlap
    for tile in plan.tiles:
        at_border = (
            tile.read.top == 0,
            tile.read.bottom == plan.height,
            tile.read.left == 0,
            tile.read.right == plan.width,
        )
        assert [ramp == 0 for ramp in tile.ramps] == list(at_border)


# ------------------------------------------------------------------------------------------- tiles too small


@pytest.mark.parametrize(
    ("length", "halo", "multiple"),
    [
        (1, 0, 1),
        (3, 7, 2),
        (9, 1, 8),
        (50, 19, 3),
        (71, 2, 4),
        (200, 31, 8),
        (203, 7, 1),
        (203, 31, 4),
    ],
)
def test_the_tile_that_the_error_names_works_and_no_smaller_one_does(halo, multiple, length):
    def plan(tile: int) -> Plan:
        return plan_exact(length, 5, tile=tile, halo=halo, multiple_of=(multiple, multiple))

    def works(tile: int) -> bool:
        try:
            return bool((counted(plan(tile), "keep") == 1).all())
        except TileTooSmall:
            return False

    tiles = [tile for tile in range(1, 90) if works(tile)]
    assert tiles == list(range(tiles[0], 90)), (
        "a larger tile does not work where a smaller one does"
    )
    for less in {1, tiles[0] - 1} - {0, tiles[0]}:
        with pytest.raises(TileTooSmall) as caught:
            plan(less)
        assert caught.value.message.fixes == (Fix("tile", tiles[0]),)


@pytest.mark.parametrize("multiple", [1, 4, 8])
@pytest.mark.parametrize("halo", [1, 7, 19, 31])
def test_no_smaller_tile_could_work(halo, multiple):
    # Tiles start on multiples, so one starts every `multiple` pixels at best, and keeps at least as many between its halos
    enough = smallest_tile(halo, (multiple, multiple))
    for side in range(multiple, enough, multiple):
        assert side - 2 * halo < multiple


def test_a_tile_that_is_too_small_is_refused_with_one_that_works():
    with pytest.raises(TileTooSmall) as caught:
        plan_exact(500, 500, tile=32, halo=31, multiple_of=(4, 4))
    assert str(caught.value) == (
        "a 32 px tile leaves nothing to keep: the model needs 31 px of context on each side. Use tile=68."
    )
    assert isinstance(caught.value, UsageError)
    with pytest.raises(TileTooSmall, match="a 32 × 64 px tile") as caught:
        plan_exact(500, 500, tile=(32, 64), halo=31, multiple_of=(4, 4))
    assert caught.value.message.fixes == (Fix("tile", (68, 68)),)
    with pytest.raises(
        TileTooSmall, match=r"too small to be blended .* over 20 px on each side"
    ) as caught:
        plan_blended(500, 500, tile=40, overlap=20, multiple_of=(8, 8))
    assert caught.value.message.fixes == (Fix("tile", 48),)
    assert len(plan_blended(500, 500, tile=48, overlap=20, multiple_of=(8, 8))) == 400


@given(
    st.one_of(st.none(), HALOS), MULTIPLES, MULTIPLES, st.integers(200, 300), st.integers(200, 300)
)
def test_the_smallest_tile_works_for_every_size(halo, rows, columns, height, width):
    tile = smallest_tile(halo, (rows, columns))
    if halo is None:
        assert len(plan_blended(height, width, tile=tile, overlap=1, multiple_of=(rows, columns)))
    else:
        assert len(plan_exact(height, width, tile=tile, halo=halo, multiple_of=(rows, columns)))


# ------------------------------------------------------------------------------------------- plans are values


def test_a_plan_is_a_value():
    plan = plan_exact(300, 200, tile=128, halo=7, multiple_of=(4, 4), at_once=3)
    assert plan == plan_exact(300, 200, tile=(128, 128), halo=7, multiple_of=(4, 4), at_once=3)
    assert plan != plan_exact(300, 200, tile=128, halo=7, multiple_of=(4, 4), at_once=2)
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert eval(repr(plan)) == plan
    assert {plan: "kept"}[plan] == "kept"
    assert len(plan) == len(plan.tiles) == 6
    assert str(plan) == "300 × 200 px in 6 tiles of up to 112 × 108 px, 3 at once"
    assert (
        str(plan_blended(9, 9, tile=9, overlap=2))
        == "9 × 9 px in 1 tile of up to 9 × 9 px, 1 at once, blended"
    )
