"""Measures the receptive field of a module, to verify the halo that its network declares."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorae.errors import BadSpec
from restorae.networks.contract import Network

_MARGIN = 8
"""Pixels beyond the declared halo that are searched."""
_RELATIVE_TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
"""Smallest difference that counts as a dependence, relative to the largest one."""


def measured_halo(network: Network, module: nn.Module, count: int = 2) -> int:
    """Largest distance in pixels from which one input pixel changes a result, up to a few pixels beyond the declared halo.

    Every row and column of a `multiple_of` block is tried, on `count` random images. A lower bound: a dependence that is zero
    for these weights is not seen, so measure with weights that are not zero, and best in float64.

    Args:
        network: the settings; its halo is not `None`.
        module: the module that it built.
        count: number of random images; networks with few features need more.
    """
    assert network.halo is not None
    rows, columns = network.multiple_of
    centre = [-(-(network.halo + _MARGIN) // step) * step for step in (rows, columns)]
    size = [2 * start + step for start, step in zip(centre, (rows, columns), strict=True)]
    weights = next(module.parameters(), torch.empty(0))
    source = torch.Generator().manual_seed(2)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source).to(weights)

    images = normal(count, network.channels, *size)
    reach = 0
    with torch.no_grad():
        before = module(images)
        for offset in range(max(rows, columns)):  # along the diagonal of the block
            row, column = centre[0] + offset % rows, centre[1] + offset % columns
            changed = images.clone()
            changed[..., row, column] += 50 * normal(count, network.channels)
            difference = (module(changed) - before).abs().amax((0, 1))
            threshold = _RELATIVE_TOLERANCE.get(weights.dtype, 1e-5) * difference.max()
            reached = (difference > threshold).nonzero().cpu() - torch.tensor([row, column])
            reach = max(reach, int(reached.abs().max()) if len(reached) else 0)
    return reach


def check_halo(network: Network, module: nn.Module) -> None:
    """Check that a module's results depend on no pixels farther away than the declared halo.

    Training calls this for networks that are not part of restorae, whose halo no test has verified.

    Raises:
        BadSpec: they do, or the module cannot be called with images of other sizes.
    """
    if network.halo is None:
        return
    was_training = module.training
    try:
        measured = measured_halo(network, module.eval())
    except RuntimeError as error:
        raise BadSpec(
            f"the network declares a halo of {network.halo} px, so it must take images of any size, but its module "
            f"fails: {error}. A network for one size declares None",
            subject=network.kind,
        ) from error
    finally:
        module.train(was_training)
    if measured > network.halo:
        raise BadSpec(
            f"the network declares a halo of {network.halo} px, but a result depends on pixels at least {measured} px away",
            subject=network.kind,
        )
