"""Computing a module's outputs in bfloat16 while losses and weights stay float32."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from restorae.machine import computing_in


def in_precision(
    module: nn.Module, precision: Literal["float32", "bfloat16"], device: torch.device
) -> nn.Module:
    """The module, computed in `precision`; what it returns is float32."""
    return module if precision == "float32" else _Autocast(module, device)


class _Autocast(nn.Module):
    """Another module under autocast, its outputs as float32."""

    def __init__(self, inner: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.inner, self.device = inner, device

    def forward(self, *arguments: Any) -> Any:
        with computing_in("bfloat16", self.device):
            outputs = self.inner(*arguments)
        return _as_float32(outputs)

    def explain(self, *arguments: Any) -> Any:
        """As the inner module's `explain`, for networks with a latent."""
        with computing_in("bfloat16", self.device):
            outputs = self.inner.explain(*arguments)  # type: ignore[operator]
        return _as_float32(outputs)


def _as_float32(outputs: Any) -> Any:
    """Tensors, and the tensors in dataclasses, as float32."""
    if isinstance(outputs, Tensor):
        return outputs.float() if outputs.is_floating_point() else outputs
    if is_dataclass(outputs) and not isinstance(outputs, type):
        converted = {
            each.name: _as_float32(getattr(outputs, each.name)) for each in fields(outputs)
        }
        return replace(outputs, **converted)
    return outputs
