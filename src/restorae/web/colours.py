"""From the colours of an ICC profile to those of a screen (sRGB), as every image viewer shows a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

_MODES = {1: "L", 3: "RGB"}
_SPACES = {"L": "GRAY", "RGB": "RGB"}


class ToScreen:
    """Converts display bytes from a profile to sRGB; grey stays grey.

    Args:
        profile: the bytes of an ICC profile.
        bands: 1 or 3, of the images that it is for.

    Raises:
        ValueError: the profile cannot be used for such images.
    """

    def __init__(self, profile: bytes, bands: int) -> None:
        mode = _MODES[bands]
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if space != _SPACES[mode]:
                raise ValueError(f"a profile for {space}, not for {_SPACES[mode]}")
            self.bands = bands
            self._transform = ImageCms.buildTransform(
                source,
                ImageCms.createProfile("sRGB"),
                mode,
                "RGB",
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError) as error:
            raise ValueError(str(error)) from None

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (height, width, bands) uint8 as they are shown."""
        values = np.ascontiguousarray(pixels if self.bands == 3 else pixels[..., 0])
        shown = np.asarray(ImageCms.applyTransform(Image.fromarray(values), self._transform))
        return shown if self.bands == 3 else shown[..., :1]


def to_screen(file: Path, bands: int) -> ToScreen | None:
    """The conversion for a file; None where it has no profile, one like sRGB, or one for other colours.

    Args:
        file: an image file.
        bands: 1 or 3, as it is shown.
    """
    import pyvips

    try:
        image = pyvips.Image.new_from_file(str(file))
        if image.get_typeof("icc-profile-data") == 0:
            return None
        profile = bytes(image.get("icc-profile-data"))
        found = ToScreen(profile, bands)
    except (pyvips.Error, ValueError):
        return None
    ramp = np.repeat(np.arange(0, 256, 5, dtype=np.uint8), 3).reshape(1, -1, 3)
    probe = np.concatenate([ramp, ramp * np.eye(3, dtype=np.uint8)[:1], ramp[:, ::-1] // 2], 1)
    probe = probe if bands == 3 else probe[..., :1]
    changed = np.abs(found(probe).astype(int) - probe).max()
    return found if changed > 2 else None
