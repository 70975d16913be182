"""What is asked of a restoration: one frozen value, from which command, API and page make their options.

A new option is one field here. The command line's options (`cli/generated.py`), the body of the API and the page's form
all come from `RestoreRequest.form_fields()`. What concerns films alone is in `film/request.py`. Listing the fields needs no
pydantic, so that `--help` and a misspelt option are answered without importing it; values are checked by pydantic when a
request is made.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_type_hints

from restorae.errors import Fix, SettingsConflict, TileTooSmall, UsageError
from restorae.regions import smallest_tile
from restorae.restoring.form_fields import FormField, bounds_of, form_fields, option
from restorae.separation import Separation

if TYPE_CHECKING:
    from restorae.parts import Settings
    from restorae.restoring.restorer import Capabilities


@dataclass(frozen=True, kw_only=True)
class Request:
    """Settings of which faces make options; its subclasses are frozen dataclasses whose fields are made with `option`."""

    def __new__(cls, **values: Any) -> Self:
        """A request; unknown fields are reported as those of all settings are."""
        if not values.keys() <= cls.__dataclass_fields__.keys():
            cls._checked(values)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        checked = self._checked(asdict(self))
        for name in self.names():
            object.__setattr__(self, name, getattr(checked, name))

    @classmethod
    def _checked(cls, values: dict[str, Any]) -> Settings:
        kind: Any = cls
        return validator(kind)(**values)

    def given(self) -> set[str]:
        """Names of the settings that differ from their defaults."""
        return {each.name for each in fields(self) if getattr(self, each.name) != each.default}

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain JSON values."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of all settings."""
        return tuple(each.name for each in fields(cls))

    @classmethod
    def form_fields(cls) -> tuple[FormField, ...]:
        """All options, group by group, as faces show them."""
        return form_fields(cls)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True, kw_only=True)
class RestoreRequest(Request):
    """How images are restored.

    Raises:
        BadSpec: there is no such field, or a value cannot be used; a close name is offered.

    >>> RestoreRequest(strength=0.5, self_ensemble=8).self_ensemble
    8
    """

    model: str | None = option(None)
    """A bundled pretrained model (restorae models list), a model file, or a classical method such as classical:nlm. Default:
    chosen for each file."""
    strength: float = option(1.0, ge=0, le=1)
    """Blend factor: 0 keeps the original, 1 gives the restored image."""
    grain: float = option(0.0, ge=0, le=1)
    """Share of the removed film grain (fine, brightness only) that is put back; colour noise and coarse damage stay removed."""
    repair: Literal["all", "defects"] | None = option(None)
    """Repair all, or only defects such as cracks, scratches and dust. Default: what the model is for."""
    tone: float | None = option(None, ge=0, le=1)
    """Share of the change of tone (fading, colour cast). Default: 0 where only defects are repaired, else 1."""
    mask: Path | None = option(None, metavar="FILE_OR_DIR", page="flag")
    """Inpaint only where this image is white; a folder has one mask per image, with the same name."""
    self_ensemble: Literal[1, 2, 4, 8] = option(1)
    """Test-time augmentation: average over 2, 4 or 8 rotations and flips. Slightly better, that many times slower."""
    references: tuple[Path, ...] = option((), "Colour", metavar="FILE_OR_DIR", page="hidden")
    """Coloured images, or folders of them, from which a grey image or film takes its colours. Can be given several times."""
    recolour: bool = option(False, "Colour", page="hidden")
    """Colour what is in colour already: its own colours are replaced."""
    samples: int | None = option(None, "Uncertainty", ge=2, le=1000)
    """Number of restorations to sample. Writes their mean (OUT), the samples (NAME-samples) and their standard deviation
    (NAME-spread)."""
    error_map: bool = option(False, "Uncertainty")
    """Also write an error bound for each pixel, which 90 % of the errors do not exceed: NAME-error.png, of an array
    NAME-error.npy."""
    defect_mask: bool = option(False, "Output")
    """Also write where defects were found: NAME-defects.png, white on black, to edit and to give back as the mask."""
    seed: int = option(0, "Computing", ge=0)
    """Random seed."""
    format: Literal["png", "jpeg", "tiff", "webp", "avif"] | None = option(None, "Output")
    """Format to write. Default: that of each file."""
    quality: int | None = option(None, "Output", ge=1, le=100)
    """Quality of lossy formats and codecs. Default: JPEG 95, WebP 90, AVIF 80, films 70."""
    keep_times: bool = option(True, "Output", page="hidden")
    """Results get the modification time of their originals."""
    values: Literal["auto", "full-range", "own-range"] | None = option(None, "Reading")
    """How stored values map to [0, 1]: by the full range of their type or by the range of the image. Default: what the model
    was trained with."""
    axes: str | None = option(None, "Reading", metavar="LETTERS", page="arrays")
    """Axes of an array or stack, such as ZYX or TCYX, where a file does not say."""
    together: bool = option(False, "Reading")
    """Restore the channels of a stack together, not one by one."""
    max_pixels: int | None = option(None, "Reading", ge=1, page="hidden")
    """Refuse images that declare more pixels than this. Default: 1,073,741,824."""
    tile: int | None = option(None, "Computing", ge=1, unit="px")
    """Side of a tile in pixels. Default: what is fast and fits in memory."""
    precision: Literal["auto", "float32", "bfloat16"] = option("auto", "Computing")
    """Precision of the network's arithmetic."""
    runtime: Literal["pytorch", "onnx"] | None = option(None, "Computing", page="hidden")
    """What computes the network: PyTorch, or ONNX Runtime on the processor. Default: PyTorch, which was measured to be faster;
    for an .onnx file ONNX Runtime."""

    GRAIN_REACH: ClassVar[int] = 2
    """Pixels of context on each side that putting grain back needs."""

    def check(self, capabilities: Capabilities, *, preview: bool = False) -> None:
        """Refuse settings that exclude each other, or that the restorer cannot do. Nothing else decides this.

        Raises:
            SettingsConflict: two settings exclude each other, or one needs another.
            UsageError: the restorer cannot do what is asked.
            TileTooSmall: a tile leaves nothing to keep.
        """
        self.check_combinations(preview=preview)
        name = capabilities.name
        if capabilities.needs_mask and self.mask is None:
            raise SettingsConflict(
                f"{name} fills what a mask marks and needs {{}}: white where the image is damaged",
                settings=("mask",),
            )
        if self.samples is not None and not capabilities.can_sample:
            raise UsageError(
                f"{name} gives one result for each image and cannot draw samples",
                fix=Fix("samples", action="omit"),
            )
        if self.error_map and not capabilities.has_error_bounds:
            raise UsageError(
                f"{name} has no calibrated error bounds. `restorae models calibrate` measures them",
                fix=Fix("error_map", action="omit"),
            )
        if self.error_map and not self.separation(capabilities).is_whole:
            raise UsageError(
                f"the error bounds of {name} hold for whole restorations, and by default it repairs defects only",
                fix=Fix("repair", "all"),
            )
        if self.self_ensemble > 1 and not capabilities.is_network:
            raise UsageError(
                f"{name} is not a network and gives the same result for rotated and flipped images",
                fix=Fix("self_ensemble", action="omit"),
            )
        if self.runtime == "onnx":
            self._check_onnx(capabilities)
        if self.tile is not None:
            halo = capabilities.halo_for(self)
            smallest = smallest_tile(halo, capabilities.multiple_for(self))
            if self.tile < smallest:
                raise TileTooSmall(
                    f"a {self.tile} px tile leaves nothing to keep: {name} needs {halo or 0} px of context on each side",
                    fix=Fix("tile", smallest),
                )

    def _check_onnx(self, capabilities: Capabilities) -> None:
        if not capabilities.is_network or capabilities.neighbours:
            what = "cleans films" if capabilities.neighbours else "is not a network"
            raise UsageError(
                f"{capabilities.name} {what} and cannot run in ONNX Runtime",
                fix=Fix("runtime", action="omit"),
            )
        if self.samples is not None:
            raise SettingsConflict(
                "{} onnx cannot be combined with {}: a graph gives one result",
                settings=("runtime", "samples"),
            )
        if self.precision == "bfloat16":
            raise SettingsConflict(
                "{} onnx computes in float32",
                settings=("runtime",),
                fix=Fix("precision", "float32"),
            )
        from restorae.model.onnx_files import import_onnxruntime

        import_onnxruntime()

    def check_combinations(self, *, preview: bool = False) -> None:
        """The part of `check` that needs no restorer, so that it can be answered at once.

        Raises:
            SettingsConflict: two settings exclude each other.
        """
        given = self.given() | ({"preview"} if preview else set())
        for first, second in CONFLICTS:
            if first in given and second in given:
                raise SettingsConflict(
                    "{} cannot be combined with {}",
                    settings=(first, second),
                    fix=Fix(second, action="omit"),
                )

    def separation(self, capabilities: Capabilities) -> Separation:
        """What of a restoration is kept."""
        return Separation.choose(
            capabilities.repairs,
            repair=self.repair,
            tone=self.tone,
            has_mask=self.mask is not None,
        )

    def companions(self) -> dict[str, bool]:
        """What is written beside each restored file, as arguments of `FileTask` and `plan_tasks`."""
        return {
            "with_samples": self.samples is not None,
            "with_error_map": self.error_map,
            "with_defect_mask": self.defect_mask,
        }

    @property
    def keeps_all(self) -> bool:
        """Whether nothing of the restoration is wanted: images are converted or coloured only."""
        return not (self.strength or self.mask is not None or any(self.companions().values()))

    def separates(self, capabilities: Capabilities) -> bool:
        """Whether a restoration is taken apart at all."""
        return self.defect_mask or not self.separation(capabilities).is_whole


@functools.cache
def validator(request: type[Any]) -> type[Settings]:
    """The pydantic model that checks the values of a kind of request."""
    from pydantic import Field as Checked
    from pydantic import create_model

    from restorae.parts import Settings

    types = get_type_hints(request)
    checked: dict[str, Any] = {
        each.name: (types[each.name], Checked(each.default, **bounds_of(each)))
        for each in fields(request)
    }
    return create_model(request.__name__, __base__=Settings, **checked)


CONFLICTS = (
    ("samples", "strength"),
    ("samples", "grain"),
    ("samples", "mask"),
    ("samples", "self_ensemble"),
    ("samples", "error_map"),
    ("samples", "tile"),
    ("samples", "preview"),
    ("samples", "repair"),
    ("samples", "tone"),
    ("samples", "defect_mask"),
    ("error_map", "strength"),
    ("error_map", "grain"),
    ("error_map", "tone"),
    ("error_map", "defect_mask"),
    ("error_map", "preview"),
    ("defect_mask", "mask"),
    ("defect_mask", "preview"),
    ("references", "mask"),
    ("references", "samples"),
    ("references", "error_map"),
    ("references", "defect_mask"),
)
"""Pairs of settings that exclude each other: samples are drawn whole and unmixed, and error bounds were measured on results
at full strength."""
