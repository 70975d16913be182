"""What the part `learning` is held against: published figures, floors and goals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["goal", "floor", "missed"]

SIGMAS = (15, 25, 50)
"""Standard deviations of the noise in denoising tables, of 255."""

PUBLISHED: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "Set12": {
        "BM3D": (32.37, 29.97, 26.72),
        "DnCNN": (32.86, 30.44, 27.18),
        "FFDNet": (32.75, 30.43, 27.32),
        "DRUNet": (33.25, 30.94, 27.90),
    },
    "BSD68": {
        "BM3D": (31.08, 28.57, 25.60),
        "DnCNN": (31.73, 29.23, 26.23),
        "FFDNet": (31.63, 29.19, 26.29),
        "DRUNet": (31.91, 29.48, 26.59),
    },
    "CBSD68": {
        "CBM3D": (33.52, 30.71, 27.38),
        "CDnCNN": (33.90, 31.24, 27.95),
        "FFDNet": (33.87, 31.21, 27.96),
        "DRUNet": (34.30, 31.69, 28.51),
    },
}
"""PSNR in dB at each of SIGMAS, as the authors of DRUNet gathered them (Zhang et al., 2021, arXiv 2008.13751)."""

NOISY_ONLY = {"Noise2Void": 27.71, "N2V2, scale-invariant": 28.3}
"""Published PSNR on BSD68 at σ 25 of networks that saw noisy images only (Krull et al., 2019; Höck et al., 2022)."""


@dataclass(frozen=True)
class Target:
    """What must be reached, and what was hoped for; which way is better follows from the two."""

    floor: float
    goal: float

    def verdict(self, measured: float) -> Verdict:
        """How far a figure, unrounded, came.

        >>> [Target(28.97, 29.23).verdict(psnr) for psnr in (28.96, 28.97, 29.23)]
        ['missed', 'floor', 'goal']
        >>> [Target(0.018, 0.010).verdict(rmse) for rmse in (0.019, 0.018, 0.009)]
        ['missed', 'floor', 'goal']
        """
        sign = 1 if self.goal > self.floor else -1
        if sign * measured >= sign * self.goal:
            return "goal"
        return "floor" if sign * measured >= sign * self.floor else "missed"

    def row(self, what: str, measured: float, digits: int, text: str = "") -> list[str]:
        """A line of the table of goals; `text` stands for the figure where it has a spread."""
        return [
            what,
            text or f"{measured:.{digits}f}",
            f"{self.floor:.{digits}f}",
            f"{self.goal:.{digits}f}",
            self.verdict(measured),
        ]


DENOISING: Mapping[str, tuple[Target, ...]] = {
    name: tuple(Target(*both) for both in zip(floors, PUBLISHED[name][rival], strict=True))
    for name, floors, rival in (
        ("BSD68", (31.45, 28.97, 26.00), "DnCNN"),
        ("CBSD68", (33.75, 31.10, 27.80), "CDnCNN"),
    )
}
"""One target for each of SIGMAS: BM3D and 0.4 dB at least in grey, a network trained for each noise alone as the goal."""
SPEED = Target(0.12, 0.04)
PAGES = Target(0.018, 0.010)
FEW = Target(0.024, 0.014)
NOISY = Target(27.3, 28.6)
MICROGRAPHS = Target(0.5, 1.5)
