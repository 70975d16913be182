"""Whether an error bound holds: the share of pixels within it, over all images and from image to image."""

from __future__ import annotations

import numpy as np

from restorae.error_bound import ErrorBound
from restorae.parts import Settings
from restorae.shapes import Images

_TAIL = 5


class Coverage(Settings):
    """Measured coverage of an error bound."""

    level: float
    """Nominal share of the pixels within the bound."""
    share: float
    """Measured share of all pixels within the bound, all images with equal weight."""
    share_low: float
    """Share in one image, 5th percentile over the images."""
    share_high: float
    """Share in one image, 95th percentile over the images."""
    mean_bound: float
    """Mean of the bound, [0, 1] scale, all images with equal weight. At equal coverage a smaller bound is better."""

    def __str__(self) -> str:
        return (
            f"{self.share:.1%} of pixels lie within the bound for {self.level:.0%} ({self.share_low:.1%} to {self.share_high:.1%} of a "
            f"image's, in nine images of ten); its mean is {self.mean_bound:.4f}"
        )


class CoverageTally:
    """Counts, image by image, the pixels within a bound. Keeps only numbers."""

    def __init__(self, bound: ErrorBound) -> None:
        self.bound = bound
        self.shares: list[float] = []
        self.means: list[float] = []

    def add(self, degraded: Images, restored: Images, clean: Images) -> None:
        """Count a batch; restored images are clipped to [0, 1], as when they are scored."""
        bounds = self.bound.of(degraded, restored)
        within = (restored.clamp(0, 1) - clean).abs() <= bounds
        self.shares += within.double().flatten(1).mean(1).tolist()
        self.means += bounds.double().flatten(1).mean(1).tolist()

    def coverage(self) -> Coverage:
        """Over everything that was added."""
        low, high = np.percentile(self.shares, (_TAIL, 100 - _TAIL))
        return Coverage(
            level=self.bound.level,
            share=float(np.mean(self.shares)),
            share_low=float(low),
            share_high=float(high),
            mean_bound=float(np.mean(self.means)),
        )
