"""What is told of an image that no model was named for: that it needs none, or one of its own."""

from __future__ import annotations

from itertools import product

import torch

from restorae.errors import Fix, Message
from restorae.formats import Original
from restorae.restoring.model_choice import PHOTOS, PRINTS, Choice
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.shapes import Image, Images

_SIDE, _GRID = 128, 3
"""Side in pixels of the square crops that are tried, and how many of them lie along each axis."""
_LEAST = 0.75 / 255
"""Change in a crop, root mean square on the [0, 1] scale, from which it was damaged.

Half of the crops must reach it: fine regular texture is taken for noise in single crops of clean images. Measured with
photo-denoiser on 24 photographs and drawings: at most 0.55 levels of 255 for clean ones and JPEGs of quality 75 and 90, at
least 0.99 with white noise of a standard deviation of 2 levels."""

UNCHANGED = "no noise found; nothing changed"
"""What is said of an image that is left as it is."""
RESTORE_ANYWAY = Message(
    "Old prints (faded, scratched, dusty) and denoising all the same need a model by name",
    fixes=(Fix("model", PRINTS), Fix("model", PHOTOS)),
)
"""The notice printed once where images were left as they are."""


def needs_no_restoring(
    sample: Image | None, choice: Choice, restorer: Restorer, request: RestoreRequest
) -> bool:
    """Whether the model that was chosen for an image would change next to nothing in it.

    Only where the person named no model, for images that photo-denoiser was chosen for, and where nothing but the restored
    image is wanted.

    Args:
        sample: a part of the image at full resolution, (channels, height, width), working values; None where nobody may
            decide for the whole by it, as for stacks.
        choice: what was chosen for it.
        restorer: what that name stands for.
        request: what was asked for.
    """
    if sample is None or request.model is not None or choice.name != PHOTOS:
        return False
    if request.mask is not None or any(request.companions().values()):
        return False
    crops = crops_of(sample)
    change = restorer.restore_images(crops).to(crops.device) - crops
    return change.square().mean((1, 2, 3)).sqrt().median().item() < _LEAST


def is_measurement(original: Original) -> bool:
    """Whether an image is grey and of more than 8 bits, as micrographs are."""
    page = original.pages[0]
    return page.channels == 1 and page.dtype.itemsize > 1


def crops_of(image: Image) -> Images:
    """Square crops spread evenly over an image, (crops, channels, side, side); fewer where it is small.

    >>> import torch
    >>> crops_of(torch.rand(3, 500, 400)).shape, crops_of(torch.rand(1, 60, 400)).shape
    (torch.Size([9, 3, 128, 128]), torch.Size([3, 1, 60, 128]))
    """
    starts = [
        sorted({round((length - min(length, _SIDE)) * step / (_GRID - 1)) for step in range(_GRID)})
        for length in image.shape[1:]
    ]
    return torch.stack(
        [image[:, top : top + _SIDE, left : left + _SIDE] for top, left in product(*starts)]
    )
