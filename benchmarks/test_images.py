"""What the part `whole` works on: photos, images of any size, and the default network with random weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from skimage import data
from torch.nn import functional

from restorae.model import Model, make_card
from restorae.networks import UNet

PHOTO = 1224, 1632
"""Height and width of a photo of 2 megapixels."""
SIGMA = 0.1
_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
_GRAIN = 0.01
_PAGE = 2048
_TILE = 256


def save_model(path: Path, channels: int, seed: int) -> Path:
    """The default network as training on patches makes it, untrained: how fast it is does not depend on its weights."""
    network = UNet().fitted(channels, None).for_patches()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = network.build()
    return Model(network, module, card=make_card(network, module, name=path.stem)).save(path)


def photo(
    height: int, width: int, source: np.random.Generator, sigma: float = _GRAIN
) -> np.ndarray:
    """A part of one of scikit-image's photographs, enlarged, mirrored or not, with noise: (height, width, 3) uint8.

    Without grain an enlarged image would be lighter work for a codec than a real one.
    """
    whole = np.asarray(getattr(data, source.choice(_PHOTOGRAPHS))())
    share = source.uniform(0.6, 1)
    sides = [int(side * share) for side in whole.shape[:2]]
    top, left = (
        source.integers(0, most - side + 1) for most, side in zip(whole.shape, sides, strict=False)
    )
    part = whole[top : top + sides[0], left : left + sides[1]][:, :: int(source.choice((1, -1)))]
    images = torch.from_numpy(part.transpose(2, 0, 1).astype(np.float32))[None]
    large = (
        functional.interpolate(images, (height, width), mode="bilinear")[0].permute(1, 2, 0).numpy()
    )
    large += source.standard_normal(large.shape, np.float32) * np.float32(255 * sigma)
    stored: np.ndarray = np.clip(np.rint(large), 0, 255).astype(np.uint8)
    return stored


def save_photos(folder: Path, count: int, seed: int) -> list[Path]:
    """`count` JPEG files of 2 megapixels."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    paths = [folder / f"{place:04}.jpg" for place in range(count)]
    for place, path in enumerate(paths):
        Image.fromarray(photo(*PHOTO, np.random.default_rng((seed, place)))).save(path, quality=92)
    return paths


def save_array(path: Path, megapixels: float, channels: int, seed: int) -> Path:
    """A noisy image as a NumPy file: (side, side) uint8, or (side, side, 3)."""
    side = side_of(megapixels)
    image = photo(side, side, np.random.default_rng(seed), SIGMA)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, image if channels == 3 else image[..., 1])
    return path


def save_tiff(path: Path, megapixels: float, seed: int) -> Path:
    """A square 8-bit RGB TIFF in deflated tiles, made a row of tiles at a time: memory does not grow with it."""
    side = side_of(megapixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        path,
        _tiles(side, seed),
        shape=(side, side, 3),
        dtype=np.uint8,
        bigtiff=3 * side**2 > 2**31,
        photometric="rgb",
        tile=(_TILE, _TILE),
        compression="zlib",
    )
    return path


def side_of(megapixels: float) -> int:
    """Pixels along each side of a square image.

    >>> side_of(1), side_of(1000)
    (1000, 31623)
    """
    return math.ceil(math.sqrt(1e6 * megapixels))


def _tiles(side: int, seed: int) -> Iterator[np.ndarray]:
    """Tiles from left to right and from top to bottom, of a photo that is repeated; the last ones reach beyond the image."""
    page = photo(_PAGE, _PAGE, np.random.default_rng(seed))
    for top in range(0, side, _TILE):
        for left in range(0, side, _TILE):
            rows, columns = top % _PAGE, left % _PAGE
            yield np.ascontiguousarray(page[rows : rows + _TILE, columns : columns + _TILE])
