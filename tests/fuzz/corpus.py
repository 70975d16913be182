"""Small sound files of every kind that is read, to be mutated; further ones come from a folder."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tifffile
from PIL import Image

_RNG = np.random.default_rng(0)
RGB = _RNG.integers(0, 255, (20, 24, 3), np.uint8)
DEEP = _RNG.integers(0, 4095, (20, 24), np.uint16)
_EXIF = Image.Exif()
_EXIF[0x0112], _EXIF[0x010E], _EXIF[0x8769] = 6, "about it", {0x9003: "1998:07:14 12:00:00"}
_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>1</a></x:xmpmeta>'


def _pillow(kind: str, image: Image.Image, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def png() -> list[bytes]:
    """Colour, alpha, 16 bits, palette, one bit; with metadata."""
    image = Image.fromarray(RGB)
    return [
        _pillow("PNG", image, exif=_EXIF, dpi=(300, 300)),
        _pillow("PNG", image.convert("RGBA")),
        _pillow("PNG", Image.fromarray(DEEP)),
        _pillow("PNG", image.quantize(16), transparency=3),
        _pillow("PNG", image.convert("1")),
    ]


def jpeg() -> list[bytes]:
    """Colour, grey, CMYK, progressive; with metadata."""
    image = Image.fromarray(RGB)
    return [
        _pillow("JPEG", image, exif=_EXIF, xmp=_XMP, icc_profile=b"\0" * 200, comment=b"hello"),
        _pillow("JPEG", image.convert("L"), progressive=True),
        _pillow("JPEG", image.convert("CMYK")),
        _pillow("JPEG", image, subsampling=0, restart_marker_rows=1),
    ]


def tiff() -> list[bytes]:
    """Strips and tiles, packed and not, stacks of ImageJ and OME, smaller copies, BigTIFF, palette, one bit."""
    found = []

    def add(array: np.ndarray, more: Callable[..., None] | None = None, **options: object) -> None:
        held = io.BytesIO()
        opened = {
            name: options.pop(name) for name in ("bigtiff", "imagej", "ome") if name in options
        }
        with tifffile.TiffWriter(held, **opened) as writer:
            writer.write(array, **options)
            if more:
                more(writer)
        found.append(held.getvalue())

    add(RGB, photometric="rgb", description="about it", metadata=None)
    add(DEEP, compression="zlib", predictor=True)
    add(DEEP.astype(np.float32), tile=(16, 16), bigtiff=True)
    add(np.stack([DEEP] * 3), imagej=True, metadata={"axes": "ZYX"})
    add(np.stack([DEEP] * 2), ome=True, metadata={"axes": "CYX"}, photometric="minisblack")
    add(
        RGB,
        lambda writer: writer.write(RGB[::2, ::2], photometric="rgb", subfiletype=1),
        photometric="rgb",
        subifds=1,
    )
    image = Image.fromarray(RGB)
    found += [
        _pillow("TIFF", image.convert("1"), compression="group4"),
        _pillow("TIFF", image.quantize(16), compression="tiff_lzw"),
        _pillow("TIFF", image, compression="jpeg"),
    ]
    return found


def webp() -> list[bytes]:
    """Lossy, lossless, with alpha, with metadata, animated."""
    image = Image.fromarray(RGB)
    return [
        _pillow("WEBP", image, exif=_EXIF.tobytes(), xmp=_XMP),
        _pillow("WEBP", image.convert("RGBA"), lossless=True),
        _pillow("WEBP", image, save_all=True, append_images=[image.rotate(90)]),
    ]


def avif() -> list[bytes]:
    """Colour and alpha."""
    image = Image.fromarray(RGB)
    return [_pillow("AVIF", image, exif=_EXIF.tobytes()), _pillow("AVIF", image.convert("RGBA"))]


def heic() -> list[bytes]:
    """Colour and alpha; empty where nothing encodes them."""
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
        image = Image.fromarray(RGB)
        return [
            _pillow("HEIF", image, exif=_EXIF.tobytes()),
            _pillow("HEIF", image.convert("RGBA")),
        ]
    return []


def bmp() -> list[bytes]:
    """Colour, grey, palette, one bit."""
    image = Image.fromarray(RGB)
    return [_pillow("BMP", image.convert(mode)) for mode in ("RGB", "L", "P", "1")]


def gif() -> list[bytes]:
    """One frame, and several of parts with transparency."""
    image = Image.fromarray(RGB)
    several = [image.rotate(90), image.rotate(180)]
    return [
        _pillow("GIF", image.quantize(16), comment=b"about it"),
        _pillow("GIF", image, save_all=True, append_images=several, duration=50, loop=0),
    ]


def pnm() -> list[bytes]:
    """P1 to P7 and floats."""
    height, width = DEEP.shape
    grey, size = RGB[..., 0], f"{width} {height}"

    def text(values: np.ndarray) -> str:
        return "\n".join(" ".join(map(str, row)) for row in values.reshape(height, -1))

    return [
        f"P1\n# about it\n{size}\n{text((grey > 99).astype(int))}\n".encode(),
        f"P2 {size} 4095\n{text(DEEP)}\n".encode(),
        f"P3 {size} 255\n{text(RGB)}\n".encode(),
        f"P4\n{size}\n".encode() + np.packbits(grey > 99, axis=1).tobytes(),
        f"P5\n{size}\n4095\n".encode() + DEEP.astype(">u2").tobytes(),
        f"P6\n{size}\n255\n".encode() + RGB.tobytes(),
        f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n".encode()
        + RGB.tobytes(),
        f"PF\n{size}\n-1.0\n".encode() + RGB.astype("<f4").tobytes(),
    ]


def jp2() -> list[bytes]:
    """Boxes around a codestream and a codestream alone, grey of 16 bits."""
    image = Image.fromarray(RGB)
    return [
        _pillow("JPEG2000", image),
        _pillow("JPEG2000", image, no_jp2=True, irreversible=True),
        _pillow("JPEG2000", Image.fromarray(DEEP)),
        _pillow("JPEG2000", image.convert("LA")),
    ]


def npy() -> list[bytes]:
    """Arrays of several types, orders and numbers of axes."""
    found = []
    for array in (RGB, DEEP.astype(">u2"), np.asfortranarray(DEEP.astype("f4")), DEEP > 9):
        held = io.BytesIO()
        np.save(held, array)
        found.append(held.getvalue())
    return found


def npz() -> list[bytes]:
    """Archives, packed and not."""
    found = []
    for save in (np.savez, np.savez_compressed):
        held = io.BytesIO()
        save(held, images=np.stack([DEEP] * 2), labels=np.arange(3))
        found.append(held.getvalue())
    return found


def idx() -> list[bytes]:
    """Images and labels, as MNIST has them."""
    images = b"\0\0\x08\x03" + np.array([2, 20, 24], ">u4").tobytes() + RGB[..., :2].tobytes()
    return [images, b"\0\0\x08\x01" + np.array([5], ">u4").tobytes() + bytes(5)]


def model() -> list[bytes]:
    """Small model files."""
    import torch

    from restorae.model import Model, make_card
    from restorae.networks import Network

    found = []
    for text in ("dense(height=4,width=4,hidden=[8])", "unet(widths=[8,8])"):
        network = Network.of(text)
        torch.manual_seed(0)
        module = network.build()
        with tempfile.TemporaryDirectory() as folder:
            card = make_card(network, module, name="small")
            path = Model(network, module, card=card).save(Path(folder) / "m.safetensors")
            found.append(path.read_bytes())
    return found


def checkpoint() -> list[bytes]:
    """A checkpoint after one step."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.checkpoint"
        write_checkpoint(path, small_learner())
        return [path.read_bytes()]


def small_learner() -> Any:
    """As much of a learner as a checkpoint holds."""
    import torch

    from restorae.training.learner import State

    torch.manual_seed(0)
    module = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return SimpleNamespace(
        module=module,
        optimiser=optimiser,
        average=[weights.detach().clone() for weights in module.parameters()],
        best={},
        state=State({"seed": 0, "clean": "mnist"}, "abc", step=1, history=[{"psnr": 20.0}]),
    )


def write_checkpoint(path: Path, learner: Any) -> None:
    """Write a learner's checkpoint."""
    from restorae.training.checkpoint import write

    write(path, learner)


def specs() -> list[bytes]:
    """Texts of degradations, networks and losses."""
    texts = [
        "gaussian-noise(mean=0.5,sigma=0.0..0.2)",
        "blur(sigma=1..2) | poisson-noise(peak=30) | jpeg(quality=20..80)",
        "folds(count=8,width=0.0,tilt=45)",
        "unet(widths=[8,16],channels=1)",
        "dncnn(depth=5)",
        "charbonnier(epsilon=1e-3)",
    ]
    return [text.encode() for text in texts]


def recipes() -> list[bytes]:
    """Recipe files."""
    folder = Path(__file__).resolve().parents[2] / "recipes"
    return [path.read_bytes() for path in sorted(folder.glob("*.toml"))]


def further(folder: Path, kind: str) -> list[bytes]:
    """The files below a folder that are of a kind by their content, up to 64 kB."""
    from restorae.formats import format_of

    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and 0 < path.stat().st_size <= 1 << 16:
            known = format_of(path)
            if known is not None and known.name == kind:
                found.append(path.read_bytes())
    return found
