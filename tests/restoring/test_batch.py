"""Many files through a restorer: the order, the log, the progress, and what ends a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from restorae.errors import BadImage, Message, OutputError, in_words
from restorae.files import file_digest
from restorae.progress import SILENT, Progress
from restorae.restoring import (
    LOG,
    ClassicalRestorer,
    Failure,
    FileTask,
    Restored,
    Restorer,
    RestoreRequest,
    RestorerPool,
    plan_tasks,
    restore_files,
)
from restorae.restoring.classical import Median
from restorae.restoring.reading import Opened, open_task
from restorae.restoring.restorer import FrameFacts, RestoreTiles
from restorae.shapes import Images

AS_IT_IS = ClassicalRestorer(Median(radius=0))


def restore(
    tasks: Sequence[FileTask],
    restorer: Restorer,
    log: Path | None = None,
    progress: Progress = SILENT,
    **settings: object,
) -> list[Failure]:
    """Each task's file through a restorer; what failed."""
    request = RestoreRequest(model=restorer.name, **settings)
    pool = RestorerPool.of(restorer)
    return restore_files(tasks, request, pool, log=log, progress=progress).failures


@dataclass
class Heard(Progress):
    """What a run told, call by call."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def begin(self, task: str, total: int, unit: str) -> None:
        self.calls.append(("begin", total, unit))

    def advance(self, count: int, figures: Mapping[str, float] = {}) -> None:
        self.calls.append(("advance", count))

    def end(self) -> None:
        self.calls.append(("end",))

    def say(self, message: str | Message) -> None:
        self.said.append(in_words(message))

    @property
    def done(self) -> int:
        return sum(
            call[1] for call in self.calls if call[0] == "advance" and isinstance(call[1], int)
        )


def archive(folder: Path, count: int, height: int = 20, width: int = 30) -> Path:
    folder.mkdir()
    source = np.random.default_rng(0)
    for place in range(count):
        Image.fromarray(source.integers(0, 256, (height, width), dtype=np.uint8)).save(
            folder / f"{place}.png"
        )
    return folder


class Failing(ClassicalRestorer):
    """Changes nothing, and fails at one image."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__(Median(radius=0))
        self.at, self.error, self.count = at, error, 0

    def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
        def change(images: Images, frames: Sequence[int]) -> Restored:
            self.count += 1
            if self.count > self.at:
                raise self.error
            return Restored(images)

        return change


def test_files_are_restored_in_their_order_and_counted_once(tmp_path: Path) -> None:
    tasks = plan_tasks([archive(tmp_path / "in", 5)], tmp_path / "out")
    (tmp_path / "in" / "1.png").write_bytes(b"hello")
    (tmp_path / "in" / "4.png").write_bytes(b"")
    heard = Heard()
    failures = restore(tasks, AS_IT_IS, tmp_path / "out" / LOG, heard)
    assert [failure.source.name for failure in failures] == ["1.png", "4.png"]
    assert heard.calls == [("begin", 5, "files"), *[("advance", 1)] * 5, ("end",)]
    lines = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()]
    assert {(Path(line["input"]).name, line["status"]) for line in lines} == {
        (f"{place}.png", "failed" if place in (1, 4) else "restored") for place in range(5)
    }
    assert all(line["sha256"] == file_digest(line["input"]) for line in lines)


def test_of_one_file_the_rows_are_counted(tmp_path: Path) -> None:
    tasks = plan_tasks([archive(tmp_path / "in", 1, 301, 200)], tmp_path / "out")
    heard = Heard()
    assert restore(tasks, AS_IT_IS, None, heard, tile=64) == []
    assert heard.calls[0] == ("begin", 301, "rows")
    assert heard.calls[-1] == ("end",)
    assert len(heard.calls) > 3
    assert heard.done == 301


def test_work_that_did_not_begin_does_not_end(tmp_path: Path) -> None:
    tasks = plan_tasks([archive(tmp_path / "in", 1)], tmp_path / "out")
    (tmp_path / "in" / "0.png").write_bytes(b"hello")
    heard = Heard()
    assert len(restore(tasks, AS_IT_IS, None, heard)) == 1
    assert heard.calls == []


def test_an_image_that_memory_does_not_suffice_for_stops_nothing(tmp_path: Path) -> None:
    tasks = plan_tasks([archive(tmp_path / "in", 3)], tmp_path / "out")
    failures = restore(tasks, Failing(0, MemoryError()))
    assert list(map(str, failures)) == [f"{task.source}: does not fit in memory" for task in tasks]


@pytest.mark.parametrize(
    "error", [OutputError("no room"), KeyboardInterrupt()], ids=["no room", "ctrl-c"]
)
def test_a_run_that_ends_early_reports_how_far_it_got(tmp_path: Path, error: BaseException) -> None:
    tasks = plan_tasks([archive(tmp_path / "in", 5)], tmp_path / "out")
    (tmp_path / "in" / "0.png").write_bytes(b"hello")
    heard = Heard()
    with pytest.raises(type(error)):
        restore(tasks, Failing(2, error), tmp_path / "out" / LOG, heard)
    assert heard.said[0].startswith(str(tasks[0].source))
    assert heard.said[1].startswith("2 of 5 files were restored before it stopped")
    assert "skip_existing" in heard.said[1]
    assert heard.calls[-1] == ("end",)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.png", "2.png", LOG]


def test_in_place_only_the_log_knows_what_is_done(tmp_path: Path) -> None:
    folder = archive(tmp_path / "in", 4)
    heard = Heard()
    with pytest.raises(OutputError):
        restore(
            plan_tasks([folder], folder, overwrite=True),
            Failing(1, OutputError("no room")),
            folder / LOG,
            heard,
        )
    assert heard.said == [
        f"1 of 4 files were restored before it stopped. {folder / LOG} names them"
    ]


def test_programming_errors_are_not_dressed_up(tmp_path: Path) -> None:
    tasks = plan_tasks([archive(tmp_path / "in", 3)], tmp_path / "out")
    with pytest.raises(ZeroDivisionError):
        restore(tasks, Failing(1, ZeroDivisionError()))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png"]


def test_a_log_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    tasks = plan_tasks([archive(tmp_path / "in", 3)], tmp_path / "out")
    (tmp_path / "out" / LOG).mkdir(parents=True)
    with pytest.raises(OutputError, match=rf"{LOG}: could not be written: a folder has that name"):
        restore(tasks, AS_IT_IS, tmp_path / "out" / LOG)


def test_what_is_asked_of_a_file_is_seen_by_the_restorer(tmp_path: Path) -> None:
    """Images are read ahead, but each is restored by itself."""
    seen = []

    class Watching(ClassicalRestorer):
        def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
            def change(images: Images, frames: Sequence[int]) -> Restored:
                seen.append(images)
                return Restored(images)

            return change

    folder = archive(tmp_path / "in", 3)
    restore(plan_tasks([folder], tmp_path / "out"), Watching(Median(radius=0)))
    for place, images in enumerate(seen):
        stored = np.asarray(Image.open(folder / f"{place}.png"))
        torch.testing.assert_close(images, torch.from_numpy(stored / 255).float()[None, None])


def test_the_reason_names_the_file_once() -> None:
    source = Path("in/a.png")
    for error in (BadImage("is empty", subject=source), BadImage("is empty")):
        assert str(Failure.of(source, error)) == "in/a.png: is empty"
    assert str(Failure.of(source, MemoryError())) == "in/a.png: does not fit in memory"


def test_a_source_that_vanishes_while_it_is_restored_fails_alone(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b", "c"):
        tifffile.imwrite(
            folder / f"{name}.tif", np.zeros((20, 30), np.uint8), description=f"{name} " * 9
        )

    class Removing(ClassicalRestorer):
        def prepare(self, facts: FrameFacts, request: RestoreRequest) -> RestoreTiles:
            (folder / "b.tif").unlink(missing_ok=True)
            return super().prepare(facts, request)

    report = restore(plan_tasks([folder], tmp_path / "out"), Removing(Median(radius=0)))
    assert [failure.source.name for failure in report] == ["b.tif"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.tif", "c.tif"]


def test_a_source_that_vanishes_once_it_was_opened_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(task: FileTask, *rest: Any) -> Opened:
        found = open_task(task, *rest)
        if task.source.name == "1.png":
            task.source.unlink()
        return found

    tasks = plan_tasks([archive(tmp_path / "in", 3)], tmp_path / "out")
    assert [task.source.name for task in tasks] == ["0.png", "1.png", "2.png"]
    monkeypatch.setattr("restorae.restoring.batch.open_task", opened)
    report = restore(tasks, AS_IT_IS, tmp_path / "out" / LOG)
    assert [failure.source.name for failure in report] == ["1.png"]
