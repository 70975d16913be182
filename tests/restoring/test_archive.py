"""Many files through a restorer: the order, the log, the progress, and what ends a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorae.errors import BadPicture, OutputError, TileTooSmall, UsageError
from restorae.progress import Progress
from restorae.restoring import (
    LOG,
    ClassicalRestorer,
    Failure,
    Masks,
    Order,
    Treatment,
    file_digest,
    plan,
    restore_files,
)
from restorae.restoring.classical import Inpaint, Median, TotalVariation
from restorae.restoring.restorers import Change
from restorae.shapes import Images

AS_IT_IS = ClassicalRestorer(Median(radius=0))


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

    def say(self, message: str) -> None:
        self.said.append(message)

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
    """Changes nothing, and fails at one picture."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__(Median(radius=0))
        self.at, self.error, self.count = at, error, 0

    def settled(self, size: tuple[int, int], sample: object) -> Change:
        def change(images: Images) -> Images:
            self.count += 1
            if self.count > self.at:
                raise self.error
            return images

        return change


def test_files_are_restored_in_their_order_and_counted_once(tmp_path: Path) -> None:
    jobs = plan([archive(tmp_path / "in", 5)], tmp_path / "out")
    (tmp_path / "in" / "1.png").write_bytes(b"hello")
    (tmp_path / "in" / "4.png").write_bytes(b"")
    heard = Heard()
    failures = restore_files(jobs, Order(AS_IT_IS), tmp_path / "out" / LOG, heard)
    assert [failure.source.name for failure in failures] == ["1.png", "4.png"]
    assert heard.calls == [("begin", 5, "files"), *[("advance", 1)] * 5, ("end",)]
    lines = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()]
    assert {(Path(line["input"]).name, line["status"]) for line in lines} == {
        (f"{place}.png", "failed" if place in (1, 4) else "restored") for place in range(5)
    }
    assert all(line["sha256"] == file_digest(line["input"]) for line in lines)


def test_of_one_file_the_rows_are_counted(tmp_path: Path) -> None:
    jobs = plan([archive(tmp_path / "in", 1, 301, 200)], tmp_path / "out")
    heard = Heard()
    assert restore_files(jobs, Order(AS_IT_IS, Treatment(tile=64)), None, heard) == []
    assert heard.calls[0] == ("begin", 301, "rows")
    assert heard.calls[-1] == ("end",)
    assert len(heard.calls) > 3
    assert heard.done == 301


def test_work_that_did_not_begin_does_not_end(tmp_path: Path) -> None:
    jobs = plan([archive(tmp_path / "in", 1)], tmp_path / "out")
    (tmp_path / "in" / "0.png").write_bytes(b"hello")
    heard = Heard()
    assert len(restore_files(jobs, Order(AS_IT_IS), None, heard)) == 1
    assert heard.calls == []


def test_a_picture_that_memory_does_not_suffice_for_stops_nothing(tmp_path: Path) -> None:
    jobs = plan([archive(tmp_path / "in", 3)], tmp_path / "out")
    failures = restore_files(jobs, Order(Failing(0, MemoryError())))
    assert failures == [Failure(job.source, "it does not fit in memory") for job in jobs]
    assert str(failures[0]) == f"{jobs[0].source}: it does not fit in memory"


@pytest.mark.parametrize(
    "error", [OutputError("no room"), KeyboardInterrupt()], ids=["no room", "ctrl-c"]
)
def test_a_run_that_ends_early_tells_how_far_it_came(tmp_path: Path, error: BaseException) -> None:
    jobs = plan([archive(tmp_path / "in", 5)], tmp_path / "out")
    (tmp_path / "in" / "0.png").write_bytes(b"hello")
    heard = Heard()
    with pytest.raises(type(error)):
        restore_files(jobs, Order(Failing(2, error)), tmp_path / "out" / LOG, heard)
    assert heard.said[0].startswith(f"Not restored: {jobs[0].source}")
    assert (
        heard.said[1]
        == "2 of 5 were restored before it stopped. The same command with --skip-existing does the rest."
    )
    assert heard.calls[-1] == ("end",)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.png", "2.png", LOG]


def test_in_place_only_the_log_knows_what_is_done(tmp_path: Path) -> None:
    folder = archive(tmp_path / "in", 4)
    heard = Heard()
    with pytest.raises(OutputError):
        restore_files(
            plan([folder], folder, overwrite=True),
            Order(Failing(1, OutputError("no room"))),
            folder / LOG,
            heard,
        )
    assert heard.said == [f"1 of 4 were restored before it stopped. {folder / LOG} names them."]


def test_programming_errors_are_not_dressed_up(tmp_path: Path) -> None:
    jobs = plan([archive(tmp_path / "in", 3)], tmp_path / "out")
    with pytest.raises(ZeroDivisionError):
        restore_files(jobs, Order(Failing(1, ZeroDivisionError())))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png"]


def test_a_log_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    jobs = plan([archive(tmp_path / "in", 3)], tmp_path / "out")
    (tmp_path / "out" / LOG).mkdir(parents=True)
    with pytest.raises(OutputError, match=rf"{LOG} could not be written: a folder has that name"):
        restore_files(jobs, Order(AS_IT_IS), tmp_path / "out" / LOG)


def test_an_order_that_cannot_be_carried_out_is_refused_before_any_file() -> None:
    with pytest.raises(
        UsageError, match=r"classical:inpaint fills what a mask marks\. Give --mask"
    ):
        Order(ClassicalRestorer(Inpaint()))
    Order(ClassicalRestorer(Inpaint()), masks=Masks(Path("mask.png")))
    restorer = ClassicalRestorer(TotalVariation(iterations=10))
    with pytest.raises(TileTooSmall, match=r"Use tile=21"):
        Order(restorer, Treatment(tile=20))
    Order(restorer, Treatment(tile=21))


def test_what_is_asked_of_a_file_is_seen_by_the_restorer(tmp_path: Path) -> None:
    """Pictures are read ahead, but each is restored by itself."""
    seen = []

    class Watching(ClassicalRestorer):
        def settled(self, size: tuple[int, int], sample: object) -> Change:
            def change(images: Images) -> Images:
                seen.append(images)
                return images

            return change

    folder = archive(tmp_path / "in", 3)
    restore_files(plan([folder], tmp_path / "out"), Order(Watching(Median(radius=0))))
    for place, images in enumerate(seen):
        stored = np.asarray(Image.open(folder / f"{place}.png"))
        torch.testing.assert_close(images, torch.from_numpy(stored / 255).float()[None, None])


def test_the_reason_names_the_file_once() -> None:
    source = Path("in/a.png")
    assert str(Failure(source, str(BadPicture("in/a.png is empty.")))) == "in/a.png is empty."
    assert (
        str(Failure(source, "it does not fit in memory")) == "in/a.png: it does not fit in memory"
    )
