"""What images seem to show: pages of print are told from photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage.data
import torch

from restorae.degradations import Degradation
from restorae.page_detection import (
    center_crop,
    looks_like_page,
    shows_photograph,
    smaller,
    strip_heights,
)
from restorae.pixels import to_grey, to_working
from restorae.randomness import generator
from restorae.shapes import Image

PHOTOS = (
    "astronaut",
    "camera",
    "chelsea",
    "coffee",
    "coins",
    "cat",
    "moon",
    "rocket",
    "brick",
    "grass",
    "gravel",
    "cell",
)


def page_of_lines(paper: float = 1.0) -> Image:
    """Strokes as of print: eight pixels of ink in a line of sixteen, now and then a space."""
    page = torch.full((1, 300, 400), paper)
    for top in range(10, 290, 18):
        for left in range(8, 390, 6):
            if (left // 6 + top) % 9:
                page[:, top : top + 8, left : left + 2] = 0.05
    return page


HARMS = (
    "gaussian-noise(sigma=0.05)",
    "stains",
    "fading",
    "vignette",
    "folds(count=8,width=0.0,tilt=45)",
    "colour-cast",
)


@pytest.mark.parametrize("spec", HARMS)
def test_a_page_is_known_under_its_damage(spec: str) -> None:
    page = page_of_lines(0.9).expand(3, -1, -1) if spec == "colour-cast" else page_of_lines(0.9)
    assert looks_like_page(Degradation.of(spec).draw(generator(0), 1).apply(page[None])[0])


def written_page(paper: tuple[float, float, float] = (0.9, 0.72, 0.4)) -> Image:
    """Brown strokes on yellow paper, those of the other side shining through, the light uneven, a little grain."""
    strokes = 1 - page_of_lines().clamp(max=0.999)[0]
    soft = torch.nn.functional.avg_pool2d(strokes[None, None], 3, 1, 1)[0, 0]
    light = torch.linspace(0.9, 1.05, 400) * (1 - 0.6 * soft.roll(11, 0) - 0.15 * soft.flip(1))
    grain = 0.01 * torch.randn(3, 300, 400, generator=torch.Generator().manual_seed(0))
    return torch.tensor(paper).reshape(3, 1, 1) * light + grain


def test_pale_ink_on_yellow_paper_with_the_other_side_shining_through_is_known() -> None:
    page = written_page()
    assert looks_like_page(page)
    blot = page.clone()
    blot[:, 100:200, 100:250] *= 0.4
    assert not looks_like_page(blot), "what fills whole areas is no stroke"


@pytest.mark.slow
def test_real_documents_are_pages_and_real_photographs_are_not(real_data: Path) -> None:
    def share(pattern: str) -> float:
        paths = sorted(real_data.glob(pattern))
        if not paths:
            pytest.skip(f"{pattern}: there are no such images")
        seen = [to_working(np.asarray(PIL.Image.open(path))) for path in paths]
        return sum(map(looks_like_page, seen)) / len(seen)

    assert share("documents/real/degraded/*") > 0.7
    for photographs in ("photos-train/bsds500-test/*.jpg", "photos-more/c*/*", "denoise-test/B*/*"):
        assert share(photographs) == 0


def test_a_scanned_page_is_known() -> None:
    assert looks_like_page(to_working(skimage.data.page()))


@pytest.mark.parametrize("name", PHOTOS)
def test_photographs_are_no_pages(name: str) -> None:
    assert not looks_like_page(to_working(getattr(skimage.data, name)()))


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 63, 500), (2, 200, 200), (4, 200, 200)])
def test_what_is_too_small_or_of_other_channels_is_no_page(shape: tuple[int, int, int]) -> None:
    assert not looks_like_page(torch.ones(shape))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_empty_sheet_has_no_print(value: float) -> None:
    assert not looks_like_page(torch.full((1, 200, 200), value))


def test_the_size_of_a_page_does_not_matter() -> None:
    assert looks_like_page(page_of_lines().repeat(1, 20, 12))


def test_the_middle_is_cut_out() -> None:
    image = torch.arange(35.0).reshape(1, 5, 7)
    assert center_crop(image, 3)[0].tolist() == [[9, 10, 11], [16, 17, 18], [23, 24, 25]]
    assert center_crop(image, 9).shape == image.shape


def test_a_colourful_image_is_never_a_page_and_the_tint_of_paper_is_not_colour() -> None:
    page = to_working(skimage.data.page())
    tinted = page * torch.tensor([1.0, 0.9, 0.65]).reshape(3, 1, 1)
    assert looks_like_page(page)
    assert looks_like_page(tinted)
    painted = tinted.clone()
    painted[2, :, : page.shape[2] // 2] *= 0.3
    assert looks_like_page(painted.mean(0, keepdim=True)), "its strokes alone look like a page"
    assert not looks_like_page(painted)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [((0, 200), (100, 300)), ((0, 191), (130, 322)), ((0, 256), (100, 356))],
)
def test_a_portrait_of_few_colours_is_not_a_page(
    rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    portrait = to_working(skimage.data.astronaut())[:, slice(*rows), slice(*columns)]
    assert not looks_like_page(portrait)
    assert looks_like_page(to_grey(portrait[None])[0]), "only its colour tells it from a page"


def with_photograph(page: Image, top: int, left: int) -> Image:
    """A page with a photograph of 420 × 512 pixels on it, that of a printed form."""
    photo = to_grey(to_working(skimage.data.astronaut()[:420])[None])[0]
    page = page.clone()
    page[:, top : top + 420, left : left + 512] = 0.05 + 0.85 * photo
    return page


def test_a_photograph_on_a_page_is_found_wherever_it_is() -> None:
    page = page_of_lines(0.95).repeat(1, 4, 2)
    assert looks_like_page(page)
    assert not shows_photograph(smaller([page]))
    for top, left in ((0, 0), (780, 288), (0, 200)):
        shown = with_photograph(page, top, left)
        assert looks_like_page(shown), "the middle shows print, so the cleaner would be chosen"
        strips = shown.split(strip_heights(shown.shape[1], 256), dim=1)
        whole, in_strips = smaller([shown]), smaller(strips, shown.shape[1])
        assert torch.allclose(whole, in_strips)
        assert shows_photograph(in_strips)


def test_a_scanned_page_shows_no_photograph() -> None:
    assert not shows_photograph(smaller([to_working(skimage.data.page())]))
