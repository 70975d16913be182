"""A loss that is a person's own function or PyTorch module."""

from __future__ import annotations

from torch import Tensor, nn

from restorae.errors import BadSpec
from restorae.losses.contract import PixelLoss
from restorae.own_objects import OwnObject
from restorae.shapes import Images


class FunctionLoss(OwnObject, PixelLoss, kind="function"):
    """What a function or module, such as `torch.nn.MSELoss()`, returns for (restored, clean); of several numbers the mean.

    >>> import torch
    >>> loss = FunctionLoss.wrapping(torch.nn.MSELoss())
    >>> loss.between(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item()
    1.0
    """

    def between(self, restored: Images, clean: Images) -> Tensor:
        if self._held is None:
            raise BadSpec(
                f"The loss {self.name} is a function of your own, which a file does not hold. Pass it again"
            )
        function = self._held.value
        if isinstance(function, nn.Module):
            function = function.to(restored.device)
        try:
            value = function(restored, clean)
        except (TypeError, ValueError, RuntimeError) as error:
            raise BadSpec(
                f"The loss {self.name} failed on two tensors of shape {tuple(restored.shape)}, (restored, clean): "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(value, Tensor) or not (value.requires_grad or not restored.requires_grad):
            raise BadSpec(
                f"The loss {self.name} returned {'a tensor without gradient' if isinstance(value, Tensor) else type(value).__name__}. "
                "Expected a tensor computed from `restored` by PyTorch functions"
            )
        return value.mean() if value.dim() else value
