"""Models as ONNX files, which other programs run without PyTorch (https://onnx.ai)."""

from restorae.exporting.files import export

__all__ = ["export"]
