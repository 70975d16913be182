"""What is written for one image: the restored file, samples of it, and maps of their spread or of the error bound."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from restorae.error_bound import stored_span
from restorae.formats import (
    ArrayOriginal,
    Original,
    Page,
    Writer,
    begin_plain,
    begin_result,
    plain_suffix,
    write_array,
)
from restorae.pixels import ValueRange, stored_values
from restorae.restoring.request import RestoreRequest
from restorae.restoring.tasks import FileTask

ERROR_GAIN = 5.0
"""An error map as an image shows the bound times this: white is a bound of 0.2 of the range, or more."""
SPREAD_GAIN = 2.0
"""A spread as an image is the standard deviation times this: values in [0, 1] spread by 0.5 at most, which is then white."""

_COLOUR = 3


@dataclass(frozen=True, kw_only=True)
class RestoredRows:
    """Complete rows of a page, as they were restored."""

    page: int
    top: int
    stored: np.ndarray
    """What is written, (count, width, bands), alpha included."""
    further: np.ndarray
    """Samples, defects and the error bound on the working scale, (count, width, samples + defects + bound, channels)."""
    values: ValueRange
    """What the stored values mean."""


class Output(abc.ABC):
    """Something that is written while an image is restored; then `finish`, or `drop`."""

    takes_bounds = False
    """Whether it needs the error bound, which then is the last of `further`."""

    @abc.abstractmethod
    def put(self, rows: RestoredRows) -> None:
        """Take complete rows.

        Raises:
            OutputError: there is no room for them.
        """

    @abc.abstractmethod
    def finish(self) -> None:
        """Write it, whole or not at all.

        Raises:
            OutputError: it cannot be written.
            BadImage: the source, of which something is copied, cannot be read any more.
        """

    @abc.abstractmethod
    def drop(self) -> None:
        """Release memory and temporary files; nothing is written."""


class RestoredOutput(Output):
    """The restored image, with everything that the original keeps."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def put(self, rows: RestoredRows) -> None:
        self.writer.put(rows.page, rows.top, rows.stored)

    def finish(self) -> None:
        self.writer.finish()

    def drop(self) -> None:
        self.writer.drop()


class SamplesOutput(Output):
    """Each sample as a file like the restored one; of an array one array (count, *shape)."""

    def __init__(
        self, original: Original, task: FileTask, *, request: RestoreRequest, count: int
    ) -> None:
        self.task, self.count = task, count
        self.original = original
        self.array: np.ndarray | None = None
        self.writers: list[Writer] = []
        if isinstance(original, ArrayOriginal):
            self.array = np.empty((count, *original.array.shape), original.array.dtype)
            return
        digits = len(str(count))
        with contextlib.ExitStack() as undo:
            for number in range(1, count + 1):
                path = task.samples / f"{number:0{digits}}{task.target.suffix}"
                writer = begin_result(original, path, task.kind, request.quality)
                undo.callback(writer.drop)
                self.writers.append(writer)
            undo.pop_all()

    def put(self, rows: RestoredRows) -> None:
        channels = rows.further.shape[3]
        for index in range(self.count):
            stored = rows.stored.copy()
            seen = stored[..., :channels]
            drawn = rows.values.to_stored(rows.further[:, :, index], stored.dtype)
            # what is NaN or infinite was put back and is no sample
            keep = ~np.isfinite(seen) if seen.dtype.kind == "f" else np.zeros(1, bool)
            stored[..., :channels] = np.where(keep, seen, drawn)
            if self.array is None:
                self.writers[index].put(rows.page, rows.top, stored)
                continue
            assert isinstance(self.original, ArrayOriginal)
            plane = self.original.planes(self.array[index])[rows.page]
            part = plane[rows.top : rows.top + len(stored)]
            part[...] = stored.reshape(part.shape)

    def finish(self) -> None:
        if self.array is not None:
            write_array(self.task.samples, self.array)
            return
        for writer in self.writers:
            writer.finish()
        names = {writer.target.name for writer in self.writers}
        for path in self.task.samples.glob(f"*{self.task.target.suffix}"):
            if path.stem.isdigit() and path.name not in names:
                path.unlink()  # of an earlier run that drew more

    def drop(self) -> None:
        self.array = None
        for writer in self.writers:
            writer.drop()


class MapOutput(Output):
    """A map of a number for each value, as an image or, of an array, in the units of its values.

    Of an array it is an array of the same shape, float32. Of an image it is a grey image without alpha, upright, the number
    times a gain (of a colour the largest of its three), with 16 bits where the original has more than 8.

    Raises:
        OutputError: there is no room for it.
    """

    bands: int | None = None
    """Channels of the map of an image; None for those of the image."""

    def __init__(self, original: Original, names: Sequence[Path], *, gain: float) -> None:
        self.gain = gain
        self.in_units = original.is_array
        self.pages = tuple(_plain(page, self.in_units, self.bands) for page in original.pages)
        suffix = plain_suffix(self.pages, original)
        target = next(name for name in names if name.suffix == suffix)
        self.writer = begin_plain(target, self.pages, original)

    @abc.abstractmethod
    def measure(self, further: np.ndarray) -> np.ndarray:
        """The number of each value, (count, width, channels), from samples and bounds."""

    def put(self, rows: RestoredRows) -> None:
        measured = self.measure(rows.further)
        outline = self.pages[rows.page]
        if self.in_units:
            shown = np.zeros((*measured.shape[:2], outline.bands), np.float32)  # alpha is exact
            shown[..., : measured.shape[2]] = measured * stored_span(rows.values, rows.stored.dtype)
        else:
            if outline.channels < measured.shape[2]:
                measured = measured.max(2, keepdims=True)
            shown = stored_values(np.clip(self.gain * measured, 0, 1), outline.dtype)
        self.writer.put(rows.page, rows.top, shown)

    def finish(self) -> None:
        self.writer.finish()

    def drop(self) -> None:
        self.writer.drop()


class ErrorMapOutput(MapOutput):
    """How large the error of each value may be."""

    takes_bounds = True

    def __init__(self, original: Original, names: Sequence[Path]) -> None:
        super().__init__(original, names, gain=ERROR_GAIN)

    def measure(self, further: np.ndarray) -> np.ndarray:
        return further[:, :, -1]


class DefectOutput(MapOutput):
    """Where defects were found: one channel, white on black, as a mask is painted."""

    bands = 1

    def __init__(self, original: Original, names: Sequence[Path]) -> None:
        super().__init__(original, names, gain=1)

    def measure(self, further: np.ndarray) -> np.ndarray:
        return further[:, :, -1] if self.in_units else further[:, :, -1, :1]


class SpreadOutput(MapOutput):
    """How much the samples differ: their standard deviation."""

    def __init__(self, original: Original, names: Sequence[Path]) -> None:
        super().__init__(original, names, gain=SPREAD_GAIN)

    def measure(self, further: np.ndarray) -> np.ndarray:
        return np.asarray(further.std(2))


def _plain(page: Page, in_units: bool, bands: int | None) -> Page:
    if in_units:
        return replace(page, dtype=np.dtype(np.float32))
    return replace(
        page,
        bands=bands or (1 if page.channels == _COLOUR else page.channels),
        alpha=0,
        dtype=np.dtype(np.uint16 if page.dtype.itemsize > 1 else np.uint8),
    )


@dataclass
class Outputs:
    """All that one task writes. As a context manager it drops what was not finished."""

    restored: RestoredOutput
    others: list[Output]

    @classmethod
    def begin(cls, original: Original, task: FileTask, request: RestoreRequest) -> Outputs:
        """Open everything that the request asks for.

        Raises:
            BadImage: the format cannot hold this image.
            OutputError: there is no room for it.
        """
        with contextlib.ExitStack() as undo:

            def begun(output: Output) -> Output:
                undo.callback(output.drop)
                return output

            restored = RestoredOutput(
                begin_result(original, task.target, task.kind, request.quality)
            )
            begun(restored)
            others: list[Output] = []
            if request.samples is not None:
                others.append(
                    begun(SamplesOutput(original, task, request=request, count=request.samples))
                )
                others.append(begun(SpreadOutput(original, task.map_names("spread"))))
            if request.error_map:
                others.append(begun(ErrorMapOutput(original, task.map_names("error"))))
            if request.defect_mask:
                others.append(begun(DefectOutput(original, task.map_names("defects"))))
            undo.pop_all()
        return cls(restored, others)

    @property
    def all(self) -> list[Output]:
        """Every output."""
        return [self.restored, *self.others]

    @property
    def notices(self) -> list[str]:
        """What could not be kept."""
        return self.restored.writer.notices

    def finish(self) -> None:
        """Write everything; the restored file last, so that where it is there, all of it is there."""
        for output in (*self.others, self.restored):
            output.finish()

    def drop(self) -> None:
        """Release everything that was not finished."""
        for output in self.all:
            output.drop()

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()
