"""A recipe's examples as a PyTorch data set, for training loops of other libraries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch.utils.data import IterableDataset, get_worker_info

from restorae.errors import Fix, UsageError
from restorae.progress import SILENT, Progress
from restorae.shapes import Images
from restorae.training.data import TrainingData
from restorae.training.given import NOTHING_GIVEN, Given
from restorae.training.recipe import Recipe
from restorae.training.setup import Machinery, prepare


class RecipeDataset(IterableDataset[tuple[Images, Images]]):
    """Batches (degraded, clean) of a recipe, float32 (batch, channels, height, width), as `train` shows them to its network.

    Held-out images are left out. The same recipe gives the same batches; each pass is the next epoch, with other patches and
    other drawn damage.

    >>> recipe = Recipe(clean="digits", degradation="gaussian-noise(sigma=0.1)", batch_size=8)
    >>> degraded, clean = next(iter(RecipeDataset(recipe)))
    >>> degraded.shape, clean.shape
    (torch.Size([8, 1, 28, 28]), torch.Size([8, 1, 28, 28]))

    Args:
        recipe: what to learn from; its batch size is that of the batches, so a `DataLoader` gets `batch_size=None`.
        given: images in memory, instead of those that the recipe names.
        machinery: `workers` are threads that read ahead, `data_dir` where named data sets are looked for.
        progress: hears what was found and chosen.

    Raises:
        UsageError, InputError: as `train`.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        given: Given = NOTHING_GIVEN,
        machinery: Machinery = Machinery(device="cpu"),
        progress: Progress = SILENT,
    ) -> None:
        setup = prepare(
            recipe, given=given, machinery=replace(machinery, device="cpu"), progress=progress
        )
        self.recipe = setup.recipe
        """The recipe with every choice made."""
        self.data = setup.data
        """Its examples, and what is held out."""
        self.test_set = setup.data.test_set if isinstance(setup.data, TrainingData) else None
        """The images that are held out, for `restorae.evaluate`; None where a film cleaner is trained."""
        self.workers = setup.workers
        self.epoch = 0
        """The epoch of the next pass."""

    def __len__(self) -> int:
        """Batches of an epoch."""
        return max(1, len(self.data.examples) // self.recipe.batch_size)

    def __iter__(self) -> Iterator[tuple[Images, Images]]:
        """The batches of an epoch.

        Raises:
            UsageError: in a process of a `DataLoader`, where each would give the same batches.
        """
        if get_worker_info() is not None:
            raise UsageError(
                "a RecipeDataset reads with threads of its own, and each process would give the same batches",
                fix=Fix("num_workers", 0),
            )
        epoch, self.epoch = self.epoch, self.epoch + 1
        yield from self.data.examples.batches(epoch, self.recipe.batch_size, workers=self.workers)
