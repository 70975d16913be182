"""What training is shown: (degraded, clean) batches, the same for the same seed, epoch and place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass
from typing import TypeVar

import torch

from restorae.data.augmentation import bend
from restorae.data.image_set import ImageSet
from restorae.data.share import WHOLE, Share
from restorae.degradations import Degradation
from restorae.errors import Fix, ShapeMismatch
from restorae.pixels import to_grey
from restorae.randomness import derive_seed, generator
from restorae.shapes import Image, Images

_Read = TypeVar("_Read")
_ORDER, _PLACE, _CHANGE, _DAMAGE, _BINARISE = range(5)


@dataclass(frozen=True)
class Examples:
    """Clean images and their degraded partners, or a degradation to draw, or neither: then both are the clean ones.

    An epoch visits every image once, or `patches` places of each where images are cut; `draws` overrides that.
    """

    clean: ImageSet
    _: KW_ONLY
    degraded: ImageSet | None = None
    degradation: Degradation | None = None
    patch: int | None = None
    """Side of the square regions that are cut out; None takes images whole (they all have one size)."""
    augment: bool = False
    """Whole grey images are warped a little; patches are rotated and flipped."""
    draws: int | None = None
    """Examples in an epoch; None takes every image, or as many patches as cover it."""
    binarise: bool = False
    """Each pixel of a clean image is drawn black or white, its value the probability, anew each time."""
    grey_too: bool = False
    """Every other batch is shown in grey."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.patch is None and self.clean.common_size is None:
            raise ShapeMismatch(
                "These images differ in size, so training needs patches of them",
                fix=Fix("patch", 96),
            )

    def __len__(self) -> int:
        return self.draws or len(self._slots())

    def _slots(self) -> list[int]:
        if self.patch is None:
            return list(range(len(self.clean)))
        return [
            index
            for index in range(len(self.clean))
            for _ in range(
                max(1, round(self.clean.size(index)[0] * self.clean.size(index)[1] / self.patch**2))
            )
        ]

    def order(self, epoch: int) -> list[int]:
        """Which images an epoch visits, in which order."""
        slots, source = torch.tensor(self._slots()), generator(self.seed, _ORDER, epoch)
        rounds = -(-len(self) // len(slots))
        order = torch.cat(
            [slots[torch.randperm(len(slots), generator=source)] for _ in range(rounds)]
        )
        return order[: len(self)].tolist()

    def batches(
        self,
        epoch: int,
        batch_size: int,
        start: int = 0,
        workers: int = 0,
        device: str | torch.device = "cpu",
        share: Share = WHOLE,
    ) -> Iterator[tuple[Images, Images]]:
        """The epoch's (degraded, clean) batches from the `start`-th on; a last batch that is not full is left out.

        Random numbers depend only on seed, epoch and index: the start position and the number of workers do not matter, and
        a `share` is the same part of the same batches. What is drawn for a batch as a whole is drawn for all of it.
        """
        together = self.degradation is not None or self.binarise or self._bends
        order = self.order(epoch)
        count = max(1, len(order) // batch_size)
        plan = [
            order[place * batch_size : (place + 1) * batch_size] for place in range(start, count)
        ]
        for place, (degraded, clean) in enumerate(
            self._read(plan, epoch, start, workers, WHOLE if together else share), start
        ):
            clean = clean.to(device)
            if self.grey_too and (epoch + place) % 2:
                clean, degraded = to_grey(clean), None if degraded is None else to_grey(degraded)
            if self._bends:
                clean = bend(clean, generator(self.seed, _CHANGE, epoch, place, device=device))
                if degraded is not None:
                    degraded = bend(
                        degraded.to(device),
                        generator(self.seed, _CHANGE, epoch, place, device=device),
                    )
            if self.binarise:
                clean = torch.bernoulli(
                    clean.clamp(0, 1),
                    generator=generator(self.seed, _BINARISE, epoch, place, device=device),
                )
            if self.degradation is not None:
                degraded = self.degradation.degrade(
                    clean, generator(self.seed, _DAMAGE, epoch, place, device=device)
                )
            degraded = clean if degraded is None else degraded.to(device)
            part = share.of(len(clean)) if together else slice(None)
            yield degraded[part], clean[part]

    @property
    def _bends(self) -> bool:
        return self.augment and self.patch is None

    def _read(
        self, plan: Sequence[Sequence[int]], epoch: int, start: int, workers: int, share: Share
    ) -> Iterator[tuple[Images | None, Images]]:
        if self.patch is None and not self._in_files():
            for batch in plan:
                indices = batch[share.of(len(batch))]
                yield (
                    None if self.degraded is None else self.degraded.batch(indices),
                    self.clean.batch(indices),
                )
            return

        def read(place: int) -> tuple[Images | None, Images]:
            seed = derive_seed(self.seed, _PLACE, epoch, start + place)
            return self.cut(plan[place], seed, share)

        yield from read_ahead(read, range(len(plan)), workers if self._in_files() else 0)

    def _in_files(self) -> bool:
        return self.clean.in_files or (self.degraded is not None and self.degraded.in_files)

    def cut(
        self, indices: Sequence[int], seed: int, share: Share = WHOLE
    ) -> tuple[Images | None, Images]:
        """Regions of a share of the images as a batch, or whole images; for pairs the same regions of both."""
        slots = range(len(indices))[share.of(len(indices))]
        both = [self._cut_one(indices[slot], derive_seed(seed, slot)) for slot in slots]
        clean = torch.stack([clean for _, clean in both])
        return (
            None if self.degraded is None else torch.stack([d for d, _ in both if d is not None])
        ), clean

    def _cut_one(self, index: int, seed: int) -> tuple[Image | None, Image]:
        clean = self.clean[index]
        degraded = None if self.degraded is None else self.degraded[index]
        if self.patch is None:
            return degraded, clean
        source = torch.Generator().manual_seed(seed)
        top, left, symmetry = (
            int(torch.randint(0, most, (1,), generator=source))
            for most in (
                max(1, clean.shape[1] - self.patch + 1),
                max(1, clean.shape[2] - self.patch + 1),
                8,
            )
        )

        def region(image: Image) -> Image:
            piece = _at_least(image, self.patch or 0)[
                :, top : top + (self.patch or 0), left : left + (self.patch or 0)
            ]
            if not self.augment:
                return piece
            piece = piece.rot90(symmetry % 4, (1, 2))
            return piece.flip(2) if symmetry >= 4 else piece

        return (None if degraded is None else region(degraded)), region(clean)


def read_ahead(
    read: Callable[[int], _Read], places: Sequence[int], workers: int
) -> Iterator[_Read]:
    """What is read at each place, in order; by `workers` threads that are a little ahead, or 0."""
    if workers == 0:
        yield from map(read, places)
        return
    # threads, not processes: libvips decodes outside Python's lock, and its own threads do not survive a fork
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Read]] = deque()
        try:
            for place in places:
                waiting.append(pool.submit(read, place))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _at_least(image: Image, side: int) -> Image:
    """The image, continued by its own mirror image to at least `side` pixels each way."""
    while min(image.shape[1:]) < side:
        image = (
            torch.cat([image, image.flip(1)], 1)
            if image.shape[1] < side
            else torch.cat([image, image.flip(2)], 2)
        )
    return image
