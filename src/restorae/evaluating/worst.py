"""The images with the worst scores: the region with the largest error, at full resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn.functional import pad

from restorae.evaluating.fitted import fitted_to, on_clean_range
from restorae.evaluating.scores import Evaluation, ImageScores
from restorae.evaluating.tables import worst_first
from restorae.evaluating.test_set import TestSet
from restorae.regions import Region
from restorae.shapes import Image, Images

SIDE = 256
"""Side of the regions that are shown, in pixels."""
MAGNIFIED = 4
"""How many times larger the error is shown than it is."""
TITLES = ("degraded", "restored", "clean", f"error × {MAGNIFIED}")


def worst_images(
    restore: Callable[[Images], Images], test_set: TestSet, found: Evaluation, count: int
) -> list[tuple[str, tuple[Image, ...]]]:
    """A caption (name and PSNR) for each of the worst images, and its region with the largest error as listed in `TITLES`.

    Regions are at most `SIDE` px a side. The images are restored again, one by one, so that only one whole image is in memory.
    Where gain and offset were fitted, images are shown fitted, on the range of the clean image.
    """
    indices = worst_first(found)[:count]
    shown = []
    for index, (degraded, clean) in zip(indices, test_set.at(indices), strict=True):
        image = found.images[index]
        shown.append(
            (
                _caption(image),
                _versions(degraded, restore(degraded), clean, image.gain_fitted is not None),
            )
        )
    return shown


def _versions(degraded: Images, restored: Images, clean: Images, fitted: bool) -> tuple[Image, ...]:
    """Degraded, restored, clean and the error, as they were scored, where the error is largest."""
    if fitted:
        degraded, restored = (
            on_clean_range(fitted_to(images, clean), clean) for images in (degraded, restored)
        )
        clean = on_clean_range(clean, clean)
    else:
        restored = restored.clamp(0, 1)
    error = (restored - clean).abs()
    rows, columns = _most(error[0].double().square().sum(0), SIDE).inside(
        Region(0, 0, *error.shape[-2:])
    )
    return tuple(
        _enlarged(images[0, :, rows, columns].float())
        for images in (degraded, restored, clean, MAGNIFIED * error)
    )


def _most(values: Tensor, side: int) -> Region:
    """The region of at most `side` × `side` px with the largest sum of values."""
    height, width = (min(side, length) for length in values.shape)
    sums = pad(
        values.cumsum(0).cumsum(1), (1, 0, 1, 0)
    )  # (height + 1, width + 1): of all above and left
    within = (
        sums[height:, width:]
        - sums[:-height, width:]
        - sums[height:, :-width]
        + sums[:-height, :-width]
    )
    top, left = divmod(int(within.argmax()), within.shape[1])
    return Region(top, left, height, width)


def _enlarged(image: Image) -> Image:
    """Small images enlarged by whole factors, so that they are as wide as their titles."""
    times = max(1, SIDE // 2 // max(image.shape[1:]))
    return image.repeat_interleave(times, 1).repeat_interleave(times, 2)


def _caption(image: ImageScores) -> str:
    scores: Sequence[float | None] = (image.degraded.psnr, image.restored.psnr)
    called = "PSNR"
    if image.gain_fitted is not None:
        scores, called = (
            (image.gain_fitted.degraded.si_psnr, image.gain_fitted.restored.si_psnr),
            "scale-invariant PSNR",
        )
    before, after = ("–" if psnr is None else f"{psnr:.2f}" for psnr in scores)
    return f"{image.name}: {called} {before} → {after} dB"
