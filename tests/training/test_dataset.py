"""A recipe as a PyTorch data set: what `train` shows its network, and nothing that is held out."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

import restorae
from restorae.errors import UsageError
from restorae.training import Machinery, prepare

RECIPE = restorae.Recipe(
    clean="digits", degradation="gaussian-noise(sigma=0.1)", batch_size=64, seed=3
)


def test_a_loader_gives_the_batches_of_the_training_epoch_by_epoch() -> None:
    dataset = restorae.RecipeDataset(RECIPE)
    loader = DataLoader(dataset, batch_size=None)
    passes = [list(loader), list(loader)]
    examples = prepare(RECIPE, machinery=Machinery(device="cpu")).data.examples
    for epoch, found in enumerate(passes):
        expected = list(examples.batches(epoch, 64))
        assert len(found) == len(expected) == len(dataset)
        for mine, its in zip(found, expected, strict=True):
            assert all(map(torch.equal, mine, its))
    assert not torch.equal(passes[0][0][1], passes[1][0][1])


def test_held_out_images_are_not_among_them() -> None:
    plain = restorae.Recipe(clean="digits", autoencode=True, augment=False, batch_size=1)
    dataset = restorae.RecipeDataset(plain)
    shown = {clean.numpy().tobytes() for _, clean in dataset}
    assert dataset.test_set is not None
    clean = dataset.test_set.clean
    held_out = {clean[index].numpy().tobytes() for index in range(len(clean))}
    assert held_out
    assert not shown & held_out


def test_processes_of_a_loader_are_refused() -> None:
    with pytest.raises(UsageError, match="num_workers=0"):
        next(iter(DataLoader(restorae.RecipeDataset(RECIPE), batch_size=None, num_workers=1)))
