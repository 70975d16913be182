"""Clean and degraded taken for each other: suspected where noise or stains say so, and not where detail was lost."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from restorae.data import ListedImages, Pairs, seem_swapped
from restorae.degradations import Degradation
from restorae.pixels import to_working
from restorae.randomness import generator


def pairs(spec: str, images: list[np.ndarray]) -> tuple[Pairs, Pairs]:
    """The pairs as they should be, and swapped."""
    damage, names = Degradation.of(spec), [str(place) for place in range(len(images))]
    degraded = [
        damage.draw(generator(place), 1).apply(to_working(each)[None])[0, 0].numpy()
        for place, each in enumerate(images)
    ]
    sides = ListedImages(degraded, names), ListedImages(images, names)
    return Pairs(*sides), Pairs(*sides[::-1])


PHOTOS = [
    image[100:300, 60:260] for image in (data.camera(), data.brick(), data.grass(), data.moon())
]
PAGE = [np.where(data.page() < 110, data.page(), 250).astype(np.uint8)]
"""A page whose paper has one value."""


@pytest.mark.parametrize(
    "spec",
    ["gaussian-noise(sigma=0.05)", "gaussian-noise(sigma=0.2)", "poisson-noise", "salt-and-pepper"],
)
def test_noise_in_the_clean_images_is_noticed(spec: str) -> None:
    right, swapped = pairs(spec, PHOTOS)
    assert seem_swapped(right) == ""
    assert "more noise in the clean images" in seem_swapped(swapped)


@pytest.mark.parametrize(
    "spec",
    [
        "stains(count=6,strength=0.4,size=0.5) | gaussian-noise(sigma=0.03)",
        "gaussian-noise(sigma=0.1)",
    ],
)
def test_stained_paper_in_the_clean_images_is_noticed(spec: str) -> None:
    right, swapped = pairs(spec, PAGE)
    assert seem_swapped(right) == ""
    assert seem_swapped(swapped)


@pytest.mark.parametrize(
    "spec",
    [
        "blur(sigma=2)",
        "jpeg(quality=15)",
        "fading(strength=0.6)",
        "downscale(factor=4)",
        "motion-blur",
        "scratches | dust",
        "quantise",
    ],
)
@pytest.mark.parametrize("images", [PHOTOS, PAGE], ids=["photos", "page"])
def test_what_takes_detail_away_is_no_suspicion(spec: str, images: list[np.ndarray]) -> None:
    assert seem_swapped(pairs(spec, images)[0]) == ""
