"""Clips to learn from: films, folders of numbered frames, and the stills among images."""

from __future__ import annotations

import abc
import itertools
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import numpy as np
import torch

from restorae.data.file_images import read_folder
from restorae.data.hold_out import content_hash, hold_out_position
from restorae.data.image_set import ImageSet, content_hashes
from restorae.display import counted
from restorae.errors import BadImage, BadSpec, DataUnavailable, Fix
from restorae.formats import image_files
from restorae.formats.video import FrameReader, PixelLayout, names_video, read_facts
from restorae.pixels import to_grey
from restorae.shapes import Images

_PART = re.compile(r"(?P<path>.*)#(?P<first>\d+)-(?P<last>\d+)")
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>\d+)")
SHORTEST = 5
"""Frames that numbered images must have at least to count as a clip."""


class Footage(abc.ABC):
    """Consecutive frames of one size."""

    name: str
    """What it is called in messages."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Number of frames."""

    @property
    @abc.abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""

    @abc.abstractmethod
    def read(self, first: int, count: int) -> Images:
        """The luma of consecutive frames, (count, 1, height, width), [0, 1]."""


@dataclass(frozen=True)
class FrameFootage(Footage):
    """Numbered images of one folder."""

    images: ImageSet
    name: str

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        return self.images.size(0)

    def read(self, first: int, count: int) -> Images:
        frames = self.images.batch(range(first, first + count))
        return to_grey(frames) if frames.shape[1] == 3 else frames


@dataclass(frozen=True)
class FilmFootage(Footage):
    """The luma of a film, decoded once into a file that vanishes with the process; needs PyAV."""

    path: Path
    name: str
    _: KW_ONLY
    first: int = 0
    """Number of the film's frame that is the first."""
    count: int | None = None
    """Number of frames; None takes all."""
    _luma: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        facts = read_facts(self.path)
        last = None if self.count is None else self.first + self.count
        frames = 0
        with tempfile.TemporaryFile() as spool:  # what is mapped stays until this object goes
            for number, frame in enumerate(FrameReader(facts)):
                if last is not None and number >= last:
                    break
                if number < self.first:
                    continue
                luma = np.ascontiguousarray(_luma(frame.planes, facts.layout))
                spool.write(luma.tobytes())
                frames += 1
            if not frames:
                raise BadImage(f"has no frame {self.first}", subject=self.path)
            spool.flush()
            shape = frames, facts.height, facts.width
            luma = np.memmap(spool, np.float16, "r", shape=shape)
        object.__setattr__(self, "_luma", luma)

    def __len__(self) -> int:
        return len(self._luma)

    @property
    def size(self) -> tuple[int, int]:
        _, height, width = self._luma.shape
        return height, width

    def read(self, first: int, count: int) -> Images:
        return torch.from_numpy(np.asarray(self._luma[first : first + count], np.float32))[:, None]


def _luma(planes: Sequence[np.ndarray], layout: PixelLayout) -> np.ndarray:
    """Luma as float16: 11 bits are more than the 10 of most films."""
    working = torch.from_numpy(layout.to_working(planes)).permute(2, 0, 1)
    grey = to_grey(working[None])[0] if len(working) == 3 else working
    return grey[0].clamp(0, 1).numpy().astype(np.float16)


@dataclass(frozen=True, kw_only=True)
class Material:
    """What there is to learn from."""

    clips: tuple[Footage, ...]
    """Films and folders of numbered frames."""
    stills: tuple[ImageSet, ...]
    """Images that show no motion; clips are made of them."""

    def split(self, share: float) -> tuple[Material, Material]:
        """What to train on, and what is held out: whole clips and single stills, chosen by their content alone.

        Copies of an image, and clips that begin with the same frame, fall on the same side.
        """
        kept: list[ImageSet] = []
        held: list[ImageSet] = []
        for images in self.stills:
            out = [hold_out_position(each) < share for each in content_hashes(images)]
            for side, wanted in ((kept, False), (held, True)):
                if chosen := [index for index, is_out in enumerate(out) if is_out is wanted]:
                    side.append(images.subset(chosen))
        clips = [
            (clip, hold_out_position(content_hash(clip.read(0, 1).numpy())) < share)
            for clip in self.clips
        ]
        return (
            Material(clips=tuple(clip for clip, is_out in clips if not is_out), stills=tuple(kept)),
            Material(clips=tuple(clip for clip, is_out in clips if is_out), stills=tuple(held)),
        )

    def __str__(self) -> str:
        frames, stills = sum(map(len, self.clips)), sum(map(len, self.stills))
        clips, images = counted(len(self.clips), "clip"), counted(stills, "still image")
        return f"{clips} of {frames:,} frames and {images}"


def open_material(sources: Sequence[str | Path]) -> Material:
    """Clips and stills below folders, and films; `film.mp4#0-136` takes the frames 0 to 136 of a film or a folder.

    Images in one folder are a clip where all have one size and their names are numbered without a gap; else they are stills.

    Raises:
        DataUnavailable: a path does not exist.
        BadImage: there is nothing to learn from, or a file cannot be read.
        BadSpec: a part is not `first-last`.
        MissingExtra: a film is named, and PyAV is not installed.
    """
    clips: list[Footage] = []
    stills: list[ImageSet] = []
    for source in map(str, sources):
        path, part = _part(source)
        if path.is_dir():
            for found in _open_folder(path, part):
                if isinstance(found, Footage):
                    clips.append(found)
                else:
                    stills.append(found)
        elif not path.exists():
            raise DataUnavailable(f"There is no file or folder {str(path)!r}")
        elif names_video(path):
            count = None if part is None else len(part)
            clips.append(FilmFootage(path, source, first=part.start if part else 0, count=count))
        else:
            raise BadImage("is neither a film nor a folder", subject=path, fix=Fix("clean"))
    return Material(clips=tuple(clips), stills=tuple(stills))


def _part(source: str) -> tuple[Path, range | None]:
    if Path(source).exists() or not (found := _PART.fullmatch(source)):
        return Path(source), None
    first, last = int(found["first"]), int(found["last"])
    if last < first:
        raise BadSpec(f"{source!r} ends before it begins")
    return Path(found["path"]), range(first, last + 1)


def _open_folder(folder: Path, part: range | None) -> Iterator[ImageSet | Footage]:
    films = sorted(path for path in folder.rglob("*") if names_video(path) and path.is_file())
    for path in films:
        yield FilmFootage(path, str(path))
    if films and not image_files(folder):
        return
    images = read_folder(folder)
    below: dict[str, list[int]] = {}
    for index, name in enumerate(images.names):
        below.setdefault(name.rpartition("/")[0], []).append(index)
    for name, indices in below.items():
        group = images.subset(indices)
        if not _is_clip(group):
            yield group
            continue
        chosen = group if part is None else group.subset([i for i in part if i < len(group)])
        if len(chosen):
            yield FrameFootage(chosen, str(folder / name))


def _is_clip(images: ImageSet) -> bool:
    if len(images) < SHORTEST or images.common_size is None:
        return False
    stems = [Path(name).stem for name in images.names]
    found = [_NUMBERED.fullmatch(stem) for stem in stems]
    numbers = [int(each["number"]) for each in found if each]
    prefixes = {each["prefix"] for each in found if each}
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(numbers) == len(images) and len(prefixes) == 1 and steps == {1}
