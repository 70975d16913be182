"""What `restore` takes besides images, so that type checkers and editors know names and types.

`RestoreRequest` decides what its fields mean and what they default to; a test holds the two together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

from restorae.machine import Precision
from restorae.model import Model
from restorae.progress import Progress
from restorae.restoring.classical_model import ClassicalModel
from restorae.separation import Repair

Named: TypeAlias = str | os.PathLike[str] | Model | ClassicalModel
"""A model, a classical method, or the name or path of one."""


class RequestKeywords(TypedDict, total=False):
    """Fields of `RestoreRequest` that are passed on as they are."""

    grain: float
    repair: Repair | None
    tone: float | None
    references: tuple[Path, ...]
    recolour: bool
    samples: int | None
    error_map: bool
    defect_mask: bool
    seed: int
    format: Literal["png", "jpeg", "tiff", "webp", "avif"] | None
    quality: int | None
    values: Literal["auto", "full-range", "own-range"] | None
    together: bool
    keep_times: bool
    max_pixels: int | None
    tile: int | None
    runtime: Literal["pytorch", "onnx"] | None


class RestoreKeywords(RequestKeywords, total=False):
    """All that `restore` takes by keyword."""

    model: Named | None
    mask: Any
    strength: float
    self_ensemble: Literal[1, 2, 4, 8]
    axes: str | None
    device: str
    precision: Precision
    overwrite: bool
    skip_existing: bool
    progress: Progress
