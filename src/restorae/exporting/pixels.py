"""How images enter and leave a graph: type, order of the axes, value range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from restorae.exporting.library import FLOAT, import_onnx

Pixels: TypeAlias = Literal["float32", "uint8", "uint16"]
"""Type of the values. float32 is (batch, channels, height, width), integers are (batch, height, width, channels)."""

LARGEST = {"float32": 1.0, "uint8": 255.0, "uint16": 65535.0}
"""What is white by default: the full range of the type."""


@dataclass(frozen=True)
class PixelForm:
    """The images that a graph takes and gives."""

    pixels: Pixels

    @property
    def is_integer(self) -> bool:
        """Whether values are rounded to whole numbers and limited to their type's range."""
        return self.pixels != "float32"

    def shape(
        self, channels: int | str, height: int | str = "height", width: int | str = "width"
    ) -> list[int | str]:
        """Axes of a batch of images."""
        last = [channels] if self.is_integer else []
        first = [] if self.is_integer else [channels]
        return ["batch", *first, height, width, *last]

    @property
    def element(self) -> int:
        """The type's number in ONNX."""
        onnx = import_onnx()
        kinds = {"float32": "FLOAT", "uint8": "UINT8", "uint16": "UINT16"}
        number: int = onnx.TensorProto.DataType.Value(kinds[self.pixels])
        return number

    def to_working(self) -> str:
        """Nodes from `images` to `working`: float32 (batch, channels, height, width), `low` is 0 and `high` 1."""
        text = "span = Sub(high, low)\n"
        name = "images"
        if self.is_integer:
            text += (
                "upright = Transpose<perm=[0, 3, 1, 2]>(images)\nnumbers = Cast<to=1>(upright)\n"
            )
            name = "numbers"
        return text + f"above_low = Sub({name}, low)\nworking = Div(above_low, span)\n"

    def from_working(self, working: str, result: str) -> str:
        """Nodes from working values back to what came."""
        if not self.is_integer:
            return f"scaled = Mul({working}, span)\n{result} = Add(scaled, low)\n"
        return f"""
            scaled = Mul({working}, span)
            stored = Add(scaled, low)
            darkest = Constant<value_float=0.0>()
            brightest = Constant<value_float={LARGEST[self.pixels]}>()
            limited = Clip(stored, darkest, brightest)
            whole = Round(limited)
            typed = Cast<to={self.element}>(whole)
            {result} = Transpose<perm=[0, 2, 3, 1]>(typed)
        """

    def range_inputs(self) -> list[Any]:
        """The inputs `low` and `high`: the values that are black and white."""
        helper = import_onnx().helper
        return [helper.make_tensor_value_info(name, FLOAT, []) for name in ("low", "high")]

    def range_defaults(self) -> list[Any]:
        """Initial values of the inputs `low` and `high`, which makes them optional."""
        helper = import_onnx().helper
        limits = {"low": 0.0, "high": LARGEST[self.pixels]}
        return [helper.make_tensor(name, FLOAT, [], [value]) for name, value in limits.items()]
