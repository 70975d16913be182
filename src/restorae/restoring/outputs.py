"""What is written for one image: the restored file, samples of it, and maps (`maps.py`)."""

from __future__ import annotations

import contextlib
from dataclasses import KW_ONLY, dataclass

import numpy as np

from restorae.file_attributes import SourceFile, made_from
from restorae.formats import (
    ArrayOriginal,
    Original,
    Writer,
    begin_result,
    in_colour,
    write_array,
)
from restorae.missing_values import find_missing
from restorae.restoring.maps import DefectOutput, ErrorMapOutput, SpreadOutput
from restorae.restoring.output_contract import Output, RestoredRows
from restorae.restoring.request import RestoreRequest
from restorae.restoring.still_colours import ColouredOutput, StillColourer, require_colourable
from restorae.restoring.tasks import FileTask


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
            # what is missing was put back and is no sample
            missing = find_missing(seen, self.original.pages[rows.page].no_data)
            stored[..., :channels] = drawn if missing is None else np.where(missing, seen, drawn)
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


@dataclass
class Outputs:
    """All that one task writes. As a context manager it drops what was not finished."""

    restored: RestoredOutput | ColouredOutput
    others: list[Output]
    _: KW_ONLY
    source: SourceFile
    """What everything gets its rights and times from."""

    @classmethod
    def begin(
        cls,
        original: Original,
        task: FileTask,
        request: RestoreRequest,
        colourer: StillColourer | None = None,
    ) -> Outputs:
        """Open everything that the request asks for.

        Args:
            original: the opened file.
            task: names what is written.
            request: says what is wanted.
            colourer: colours the restored image.

        Raises:
            BadImage: the format cannot hold this image, or it cannot be coloured.
            OutputError: there is no room for it.
        """
        source = task.opened_source(request.keep_times)
        with contextlib.ExitStack() as undo:

            def begun(output: Output) -> Output:
                undo.callback(output.drop)
                return output

            restored = _restored(original, task, request, colourer)
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
        return cls(restored, others, source=source)

    @property
    def all(self) -> list[Output]:
        """Every output."""
        return [self.restored, *self.others]

    @property
    def notices(self) -> list[str]:
        """What could not be kept."""
        writer = self.restored.writer
        return [*writer.notices, *self.source.notices(writer.target)]

    def finish(self) -> None:
        """Write everything; the restored file last, so that where it is there, all of it is there."""
        with made_from(self.source):
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


def _restored(
    original: Original, task: FileTask, request: RestoreRequest, colourer: StillColourer | None
) -> RestoredOutput | ColouredOutput:
    if colourer is None:
        return RestoredOutput(begin_result(original, task.target, task.kind, request.quality))
    require_colourable(original)
    writer = begin_result(in_colour(original), task.target, task.kind, request.quality)
    return ColouredOutput(original, writer, colourer=colourer, recolour=request.recolour)
