"""References: what is read of them, and what gives no colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restorae.colouring.opponent import weights_of
from restorae.colouring.references import content_of, find_references, read_reference
from restorae.errors import RestoraeError
from restorae.formats import write_still
from tests.clips import av
from tests.coloured_film import BT601, BT709, BT2020, scene


@pytest.mark.parametrize(
    ("matrix", "name"), [(BT601, "ITU601"), (BT709, "ITU709"), (BT2020, "BT2020")]
)
def test_chroma_is_that_of_ffmpeg(matrix: int, name: str) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    yuv = frame.reformat(
        format="yuv444p", dst_colorspace=matrix, src_color_range=2, dst_color_range=2
    )
    planes = [
        np.frombuffer(each, np.uint8).reshape(16, -1)[:, :16].astype(float) for each in yuv.planes
    ]
    weights = weights_of(matrix, 0)
    luma, chroma = weights.to_opponent(rgb / np.float32(255))
    for expected, found in zip(
        planes, [luma, *np.moveaxis(chroma + 128 / 255, -1, 0)], strict=True
    ):
        assert np.abs(found * 255 - expected).max() < 2
    assert np.abs(weights.to_rgb(luma, chroma) * 255 - rgb).max() < 0.01
    assert weights_of(2, 480) == weights_of(BT601, 0)
    assert weights_of(2, 1080) == weights_of(BT709, 0)


def test_black_bars_and_borders_give_no_colours() -> None:
    image = np.random.default_rng(0).uniform(0.1, 1, (100, 120)).astype(np.float32)
    image[:12], image[90:], image[:, :7] = 0.01, 0.01, 0.95
    image[:12, :7] = 0.01
    assert content_of(image) == (12, 90, 7, 120)
    assert content_of(np.full((50, 50), 0.5, np.float32)) == (0, 50, 0, 50)


@pytest.mark.parametrize("kind", ["cmyk", "deep", "alpha"])
def test_references_are_read_in_every_kind_of_pixels(kind: str, tmp_path: Path) -> None:
    from PIL import Image

    rgb, path = scene(1)[0], tmp_path / "reference.tif"
    if kind == "deep":
        write_still(path, rgb.astype(np.uint16) * 257)
    elif kind == "alpha":
        Image.fromarray(np.dstack([rgb, rgb[..., :1]])).save(path)
    else:
        Image.fromarray(rgb).convert("CMYK").save(path)
    write_still(tmp_path / "plain.png", rgb)
    plain = read_reference(tmp_path / "plain.png", weights_of(BT601, 0))
    found = read_reference(path, weights_of(BT601, 0))
    limit = 0.12 if kind == "cmyk" else 0.002  # inks have another gamut
    assert np.abs(found.chroma - plain.chroma).mean() < limit


def test_too_many_references_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(501)]
    for path in paths:
        path.touch()
    with pytest.raises(RestoraeError, match="501 references"):
        find_references(paths)
