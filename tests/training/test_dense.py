"""The fully connected auto-encoder learns at least as well as the same layers in plain PyTorch."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from restorae import Recipe, open_images, train
from restorae.networks import Dense
from restorae.similarity import psnr_from

STEPS = 150
BATCH = 128
MEAN, SIGMA = 0.5, 0.3
LAYERS = (784, 512, 128, 512, 784)


def with_noise(clean: Tensor, generator: torch.Generator) -> Tensor:
    return clean + MEAN + SIGMA * torch.randn(clean.shape, generator=generator)


def plain_network(clean: Tensor) -> nn.Module:
    """The textbook's: Glorot's initial weights, ReLU, a sigmoid at the end, Nadam at 0.001."""
    generator = torch.Generator().manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in pairwise(LAYERS):
        layer = nn.Linear(before, after)
        limit = math.sqrt(6 / (before + after))
        nn.init.uniform_(layer.weight, -limit, limit, generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
    network = nn.Sequential(*layers[:-1], nn.Sigmoid())
    optimiser = torch.optim.NAdam(network.parameters(), lr=1e-3)
    for _ in range(STEPS):
        batch = clean[torch.randint(len(clean), (BATCH,), generator=generator)]
        loss = (network(with_noise(batch, generator)) - batch).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


@pytest.mark.slow
def test_dense_reaches_the_same_layers_in_plain_pytorch():
    seen, unseen = (open_images("digits", part) for part in ("train", "test"))
    clean = unseen.batch(range(len(unseen)))
    noisy = with_noise(clean, torch.Generator().manual_seed(1))
    model = train(
        Recipe(
            clean="digits",
            degradation=f"gaussian-noise(mean={MEAN},sigma={SIGMA})",
            network=Dense(),
            steps=STEPS,
            batch_size=BATCH,
            augment=False,
        )
    )
    plain = plain_network(seen.batch(range(len(seen))).flatten(1))
    with torch.no_grad():
        theirs = plain(noisy.flatten(1)).reshape(clean.shape)
    scores = [
        psnr_from((images.clamp(0, 1) - clean).square().mean()).item()
        for images in (model.restore_images(noisy), theirs)
    ]
    assert scores[0] > scores[1] - 0.5, scores
