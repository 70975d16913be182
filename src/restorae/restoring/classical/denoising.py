"""Classical denoising: non-local means, total variation, median, wavelet shrinkage."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator

from restorae.ranges import Within
from restorae.restoring.classical.contract import Classical, channel_by_channel, noise_in
from restorae.shapes import Images

_SHIFTS = 4
_LEVELS = 4
_MARGIN = 16


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError(f"expected an odd number, got {value}")
    return value


class NonLocalMeans(Classical, kind="nlm"):
    r"""Non-local means: each pixel becomes the mean of nearby pixels with similar surroundings.

    The best of these against uniform noise; keeps repeated textures. Weights are
    $\exp(-\max(d^2 - 2\sigma^2, 0) / h^2)$ for patches at mean squared distance $d^2$, with $h$ the strength times
    $\sigma$. In images of three channels patches are compared in colour. Buades, Coll and Morel, *A non-local algorithm
    for image denoising*, 2005; the fast form is Darbon et al., 2008.

    >>> import torch
    >>> noisy = 0.5 + 0.1 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> NonLocalMeans(sigma=0.1).apply(noisy).std().item() < 0.02
    True
    """

    sigma: Annotated[float, Within(0.0)] | None = None
    """Standard deviation of the noise on the [0, 1] pixel scale; if unset, estimated from the image."""
    patch: Annotated[int, Within(1, 51), AfterValidator(_odd)] = 5
    """Side of the patches that are compared, in pixels; odd."""
    reach: Annotated[int, Within(1, 100)] = 6
    """Search radius for similar patches, in pixels; time grows with its square."""
    strength: Annotated[float, Within(0.01, 100.0)] = 0.7
    """Tolerated difference between patches, in units of sigma; larger is smoother."""

    @property
    def halo(self) -> int:
        return self.reach + self.patch // 2

    def prepared(self, sample: Images) -> Self:
        return (
            self if self.sigma is not None else self.model_copy(update={"sigma": noise_in(sample)})
        )

    def change(self, image: np.ndarray) -> np.ndarray:
        if not self.sigma:
            return image
        if image.shape[-1] == 3:
            return self._averaged(image, channel_axis=-1)
        return channel_by_channel(self._averaged, image)

    def _averaged(self, image: np.ndarray, channel_axis: int | None = None) -> np.ndarray:
        from skimage.restoration import denoise_nl_means

        assert self.sigma is not None
        averaged: np.ndarray = denoise_nl_means(
            image,
            patch_size=self.patch,
            patch_distance=self.reach,
            h=self.strength * self.sigma,
            sigma=self.sigma,
            fast_mode=True,
            preserve_range=True,
            channel_axis=channel_axis,
        )
        return averaged.reshape(image.shape)  # axes of one pixel are dropped by skimage


class TotalVariation(Classical, kind="tv"):
    r"""Total variation: the image of least total variation near the noisy one.

    For drawings, maps and text with flat areas; skin and cloth look painted. It minimises
    $\tfrac12\lVert x - y\rVert^2 + w \sum \lvert\nabla x\rvert$ in each channel. Chambolle, *An algorithm for total
    variation minimization and applications*, 2004.

    >>> import torch
    >>> noisy = 0.5 + 0.1 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> TotalVariation(weight=0.1).apply(noisy).std().item() < 0.02
    True
    """

    weight: Annotated[float, Within(0.0)] | None = None
    """Weight of the variation, on the [0, 1] pixel scale; if unset, 0.8 times the noise estimated from the image."""
    iterations: Annotated[int, Within(1, 1000)] = 50
    """Number of iterations, without early stopping, so that all tiles get the same number. Also the halo in pixels."""

    @property
    def halo(self) -> int:
        return self.iterations

    def prepared(self, sample: Images) -> Self:
        return (
            self
            if self.weight is not None
            else self.model_copy(update={"weight": round(0.8 * noise_in(sample), 5)})
        )

    def change(self, image: np.ndarray) -> np.ndarray:
        from skimage.restoration import denoise_tv_chambolle

        if not self.weight:
            return image
        restored: np.ndarray = denoise_tv_chambolle(
            image, weight=self.weight, eps=0.0, max_num_iter=self.iterations, channel_axis=-1
        )
        return restored


class Median(Classical, kind="median"):
    """Median filter, channel by channel.

    For stuck pixels and for specks smaller than half the window; also removes lines as thin as that. Tukey,
    *Exploratory Data Analysis*, 1977.

    >>> import torch
    >>> speck = torch.zeros(1, 1, 5, 5).index_put((torch.tensor(0), torch.tensor(0), torch.tensor(2), torch.tensor(2)), torch.tensor(1.0))
    >>> Median().apply(speck).max().item()
    0.0
    """

    radius: Annotated[int, Within(0, 50)] = 1
    """Radius of the window in pixels: 1 is 3 × 3."""

    @property
    def halo(self) -> int:
        return self.radius

    def change(self, image: np.ndarray) -> np.ndarray:
        from scipy.ndimage import median_filter

        size = 2 * self.radius + 1
        return channel_by_channel(
            lambda plane: median_filter(plane, size=size, mode="mirror"), image
        )


class Wavelet(Classical, kind="wavelet"):
    r"""Wavelet shrinkage: reduces small coefficients of fine detail, which are mostly noise.

    The fastest against uniform noise on large images. Each band of coefficients has its own threshold,
    $\sigma^2 / \sigma_x$ with $\sigma_x$ the deviation of the band without its noise; the mean over 16 shifts of the grid
    removes the ringing. Images of three channels are treated as RGB and shrunk in luma and chroma. Chang, Yu and
    Vetterli, *Adaptive wavelet thresholding for image denoising and compression*, 2000; Coifman and Donoho,
    *Translation-invariant de-noising*, 1995.

    >>> import torch
    >>> noisy = 0.5 + 0.1 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> Wavelet(sigma=0.1).apply(noisy).std().item() < 0.02
    True
    """

    sigma: Annotated[float, Within(0.0)] | None = None
    """Standard deviation of the noise on the [0, 1] pixel scale; if unset, estimated from the image."""

    def prepared(self, sample: Images) -> Self:
        return (
            self if self.sigma is not None else self.model_copy(update={"sigma": noise_in(sample)})
        )

    def change(self, image: np.ndarray) -> np.ndarray:
        if not self.sigma:
            return image
        height, width, channels = image.shape
        # padded on every side: the transform wraps around, which would mix the top and the bottom
        padded = np.pad(image, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="symmetric")
        total = np.zeros_like(image)
        for down, across in product(range(_SHIFTS), repeat=2):
            shrunk = self._shrunk(padded[down:, across:], is_colour=channels == 3)
            total += shrunk[_MARGIN - down :, _MARGIN - across :][:height, :width]
        return total / _SHIFTS**2

    def _shrunk(self, image: np.ndarray, is_colour: bool) -> np.ndarray:
        from skimage.restoration import denoise_wavelet

        shrunk: np.ndarray = denoise_wavelet(
            image,
            sigma=self.sigma,
            wavelet="db1",
            wavelet_levels=_LEVELS,
            method="BayesShrink",
            convert2ycbcr=is_colour,
            channel_axis=-1,
        )
        return shrunk
