"""What the training of a film cleaner is shown: short clips of old film with their clean frames, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, fields

import torch
from torch import Tensor

from restorae.data.footage import Footage, Material
from restorae.data.moving_stills import move_over
from restorae.data.share import WHOLE, Share
from restorae.degradations.old_film import DamagedClip, OldFilm, Window, damage_clip
from restorae.errors import BadImage, Fix
from restorae.pixels import to_grey
from restorae.randomness import derive_seed, generator
from restorae.shapes import Image, Images

_SMALLEST_LINES, _LARGEST_LINES = 240, 1080
_CUTOUTS = (0.4, 0.8)
"""Below the first number a clip made of stills has no cut-out, below the second one, else two."""


@dataclass(frozen=True, kw_only=True)
class ClipBatch:
    """Clips side by side, (batch, frames, channels, height, width) each."""

    degraded: Images
    """Frames of old film."""
    clean: Images
    """The frames before anything happened to them."""
    toned: Images
    """The clean frames with the film's weave, fading, vignette and flicker."""
    defects: Tensor
    """Opacity of all marks, one channel."""
    scratches: Tensor
    """Opacity of the scratches alone."""
    change: Tensor
    """How far the marks move each pixel's brightness."""

    def to(self, device: str | torch.device) -> ClipBatch:
        """The same batch on a device."""
        return ClipBatch(
            **{each.name: getattr(self, each.name).to(device) for each in fields(self)}
        )


@dataclass(frozen=True)
class ClipExamples:
    """Clips of luma cut from footage, or made of stills by drawn motion, and damaged as old film.

    Each clip is a patch of a frame whose height is drawn between 240 and 1080 lines: the sizes of dust, scratches and grain
    follow the frame's, so that a network meets all of them.
    """

    material: Material
    degradation: OldFilm
    _: KW_ONLY
    frames: int = 5
    """Frames of a clip."""
    patch: int = 96
    """Height and width of a clip, in pixels."""
    still_share: float = 0.7
    """Share of the clips that are made of stills, where there are both."""
    draws: int = 4096
    """Clips in an epoch."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not self._footage and not any(map(len, self.material.stills)):
            raise BadImage(
                f"nothing to learn from: no still image, and no clip of {self.frames} frames and more",
                fix=Fix("clean", action="change"),
            )

    def __len__(self) -> int:
        return self.draws

    @property
    def _footage(self) -> list[Footage]:
        return [clip for clip in self.material.clips if len(clip) >= self.frames]

    def batches(
        self,
        epoch: int,
        batch_size: int,
        start: int = 0,
        device: str | torch.device = "cpu",
        share: Share = WHOLE,
    ) -> Iterator[ClipBatch]:
        """The epoch's batches from the `start`-th on, or a share of each; they depend on seed, epoch and index alone."""
        for place in range(start, max(1, self.draws // batch_size)):
            clips = [
                self.example(derive_seed(self.seed, epoch, place, slot))
                for slot in range(batch_size)[share.of(batch_size)]
            ]
            yield _together(clips).to(device)

    def example(self, seed: int) -> DamagedClip:
        """The clip that belongs to a seed."""
        source = generator(seed)
        clean = self.clean_clip(source)
        lines_share, aspect, down, right = torch.rand(4, generator=source).tolist()
        # as many small frames as large ones, by ratio
        lines = round(_SMALLEST_LINES * (_LARGEST_LINES / _SMALLEST_LINES) ** lines_share)
        height = max(lines, self.patch)
        width = max(round(lines * (4 / 3 + aspect * 0.5)), self.patch)
        window = Window(
            height,
            width,
            top=int(down * (height - self.patch)),
            left=int(right * (width - self.patch)),
        )
        return damage_clip(clean, self.degradation, generator=source, window=window)

    def clean_clip(self, source: torch.Generator) -> Images:
        """A clean clip, (frames, 1, patch, patch)."""
        footage = self._footage
        has_stills = any(map(len, self.material.stills))
        chance = torch.rand(1, generator=source).item()
        if has_stills and (not footage or chance < self.still_share):
            cutouts = torch.rand(1, generator=source).item()
            count = sum(cutouts >= bound for bound in _CUTOUTS)
            still, *others = (self._still(source) for _ in range(1 + count))
            clip = move_over(still, others, frames=self.frames, patch=self.patch, generator=source)
        else:
            clip = self._cut(footage, source)
        flip, reverse = torch.rand(2, generator=source).tolist()
        clip = clip.flip(-1) if flip < 0.5 else clip
        return clip.flip(0) if reverse < 0.5 else clip

    def _still(self, source: torch.Generator) -> Image:
        counts = [len(images) for images in self.material.stills]
        index = _below(sum(counts), source)
        for images, count in zip(self.material.stills, counts, strict=True):
            if index < count:
                image = images[index]
                return to_grey(image[None])[0] if len(image) == 3 else image
            index -= count
        raise AssertionError("an index below the sum lies in one of the parts")

    def _cut(self, footage: list[Footage], source: torch.Generator) -> Images:
        weights = torch.tensor([float(len(clip)) for clip in footage])
        clip = footage[int(torch.multinomial(weights, 1, generator=source))]
        frames = clip.read(_below(len(clip) - self.frames + 1, source), self.frames)
        height, width = frames.shape[-2:]
        short = max(0, self.patch - height), max(0, self.patch - width)
        if any(short):
            frames = torch.nn.functional.pad(frames, (0, short[1], 0, short[0]), mode="replicate")
            height, width = frames.shape[-2:]
        top, left = (_below(length - self.patch + 1, source) for length in (height, width))
        return frames[..., top : top + self.patch, left : left + self.patch]


def _below(limit: int, source: torch.Generator) -> int:
    return int(torch.randint(limit, (1,), generator=source))


def _together(clips: list[DamagedClip]) -> ClipBatch:
    def stacked(name: str) -> Tensor:
        return torch.stack([getattr(clip, name) for clip in clips])

    return ClipBatch(
        degraded=stacked("frames"),
        **{each.name: stacked(each.name) for each in fields(ClipBatch) if each.name != "degraded"},
    )
