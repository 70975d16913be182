"""Frames: the rows that tiles need and no others, stored values in and out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorae.formats import ArrayRows, Page, Rows
from restorae.regions import Region, plan_exact
from restorae.restoring.frame import Blending, Frame
from restorae.restoring.output_contract import Output, RestoredRows
from restorae.tiling import run
from restorae.value_range import FULL_RANGE, ValueRange


class Kept(Output):
    """Takes what is written."""

    def __init__(self, *pages: np.ndarray) -> None:
        self.pages = [np.zeros_like(page) for page in pages]
        self.order: list[tuple[int, int]] = []

    def put(self, rows: RestoredRows) -> None:
        self.order.append((rows.page, rows.top))
        self.pages[rows.page][rows.top : rows.top + len(rows.stored)] = rows.stored

    def finish(self) -> None:
        pass

    def drop(self) -> None:
        pass


def frame_of(
    *pages: np.ndarray, alpha: int = 0, values: ValueRange = FULL_RANGE, **others: object
) -> tuple[Frame, Kept]:
    result = Kept(*pages)
    outlines = [
        Page(page.shape[0], page.shape[1], bands=page.shape[2], alpha=alpha, dtype=page.dtype)
        for page in pages
    ]

    def rows(page: int) -> Rows:
        return ArrayRows(pages[page])

    return Frame(
        pages=range(len(pages)),
        outlines=outlines,
        rows=rows,
        outputs=[result],
        values=values,
        blending=Blending(**others),
    ), result


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_a_region_is_read_as_working_values_without_alpha():
    page = noise(30, 20, 4)
    frame, _ = frame_of(page, alpha=1)
    assert frame.channels == 3
    region = frame.read(Region(0, 3, 10, 7))
    assert region.dtype == torch.float32
    assert np.allclose(region.numpy(), page[:10, 3:10, :3].transpose(2, 0, 1) / 255)


def test_only_the_rows_that_are_still_needed_are_held():
    page = noise(400, 30, 1)
    frame, result = frame_of(page)
    most = 0

    def watched(images: torch.Tensor) -> torch.Tensor:
        nonlocal most
        most = max(most, len(frame._held[0]))
        return 1 - images

    run(watched, plan_exact(400, 30, tile=40, halo=4), frame, frame)
    assert np.array_equal(result.pages[0], 255 - page)
    assert most <= 2 * 40, f"{most} rows were held for tiles of 40"
    assert [top for _, top in result.order] == sorted({top for _, top in result.order})


def test_pages_that_go_together_come_back_to_their_own_pages():
    pages = noise(50, 40, 1, seed=1), noise(50, 40, 1, seed=2), noise(50, 40, 2, seed=3)
    frame, result = frame_of(*pages)
    assert frame.channels == 4
    run(lambda images: images, plan_exact(50, 40, tile=16, halo=0), frame, frame)
    assert all(np.array_equal(kept, page) for kept, page in zip(result.pages, pages, strict=True))


def test_begun_again_it_gives_the_same():
    page = noise(60, 40, 3)
    frame, result = frame_of(page, alpha=1)
    frame.read(Region(0, 0, 30, 40))
    frame.write(Region(0, 0, 20, 15), torch.ones(2, 20, 15))
    frame.restart()
    run(lambda images: images, plan_exact(60, 40, tile=16, halo=0), frame, frame)
    assert np.array_equal(result.pages[0], page)


def test_the_nearest_numbers_stand_in_for_what_is_no_number():
    page = np.arange(12, dtype=np.float32).reshape(3, 4, 1) / 12
    page[1, 1], page[2, 3] = np.nan, np.inf
    frame, result = frame_of(page)
    shown = frame.read(Region(0, 0, 3, 4))[0].numpy()
    assert shown[1, 1] in page[[0, 1, 1, 2], [1, 0, 2, 1], 0]
    assert shown[2, 3] in page[[1, 2], [3, 2], 0]
    frame.write(Region(0, 0, 3, 4), torch.full((1, 3, 4), 0.5))
    assert frame.missing == 2
    assert np.array_equal(result.pages[0][..., 0] != 0.5, ~np.isfinite(page[..., 0]))


def test_the_mask_is_shown_behind_the_channels():
    page, mask = noise(10, 8, 3), noise(10, 8, seed=1)
    frame, _ = frame_of(page, mask=mask, show_mask=True)
    region = frame.read(Region(2, 1, 5, 4))
    assert region.shape == (4, 5, 4)
    assert np.allclose(region[3].numpy(), mask[2:7, 1:5] / 255)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_strength_mixes_on_the_working_scale(strength):
    page = np.random.default_rng(0).uniform(1000, 3000, (6, 5, 1)).astype(np.float32)
    frame, result = frame_of(page, values=ValueRange((1000.0,), (3000.0,)), strength=strength)
    frame.read(Region(0, 0, 6, 5))
    frame.write(Region(0, 0, 6, 5), torch.full((1, 6, 5), 0.25))
    assert np.allclose(result.pages[0], page + strength * (1500 - page), rtol=1e-6)
    if strength == 0:
        assert np.array_equal(result.pages[0], page)
