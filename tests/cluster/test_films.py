"""Films by workers: the plain command's bytes, also where a worker is killed or a piece is left to the end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from restorae.film import FilmRequest, plan_films, restore_films
from restorae.film.piece_work import make_pieces
from restorae.film.plan import FRAMES
from restorae.restoring import RestoreRequest, RestorerPool
from restorae.restoring.tasks import FileTask
from tests.clips import Clip
from tests.cluster.ray_cluster import ray_cluster
from tests.command import run

pytestmark = pytest.mark.filterwarnings("ignore")
MEDIAN = RestoreRequest(model="classical:median")


def clip(path: Path, frames: int) -> Path:
    Clip(stamps=range(0, 3003 * frames, 3003), sound="flac", height=24, width=32).save(path)
    return path


def test_pieces_made_apart_in_any_order_are_those_of_one_run(tmp_path: Path) -> None:
    source = clip(tmp_path / "film.mkv", 2 * FRAMES + 9)
    film = FilmRequest(compare=tmp_path / "plain-both.mkv")
    restore_films(plan_films([source], tmp_path / "plain.mkv"), MEDIAN, film)
    apart = FilmRequest(compare=tmp_path / "apart-both.mkv")
    made = []

    def make(task: FileTask, frames: int) -> None:
        assert frames == 2 * FRAMES + 9
        for numbers in (range(1, 3), range(0, 1)):
            make_pieces(task, numbers, MEDIAN, apart, RestorerPool())
            made.append(sorted(path.name for path in tmp_path.glob("apart.mkv.pieces/*.nut")))

    restore_films(plan_films([source], tmp_path / "apart.mkv"), MEDIAN, apart, make_pieces=make)
    assert made == [["000001.nut", "000002.nut"], ["000000.nut", "000001.nut", "000002.nut"]]
    for name in ("", "-both"):
        plain, other = tmp_path / f"plain{name}.mkv", tmp_path / f"apart{name}.mkv"
        assert other.read_bytes() == plain.read_bytes()


@pytest.mark.slow
def test_a_film_restored_by_workers_is_that_of_the_plain_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip(tmp_path / "film.mkv", 4 * FRAMES + 9)
    extra = ["--repair-map", "map.mkv", "--overwrite"]
    assert run("restore", "film.mkv", "--out", "plain.mkv", *extra, cwd=tmp_path).status == 0
    plain_map = (tmp_path / "map.mkv").read_bytes()
    with ray_cluster() as cluster:
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        killed, ended = [], Event()

        def kill() -> None:
            while not killed and not ended.is_set():
                # one that is at work: a first piece is there
                if any((tmp_path / "restored.mkv.pieces").glob("*.nut")) and cluster.workers():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(cluster.workers()[0], signal.SIGKILL)
                        killed.append(True)
                time.sleep(0.05)

        killer = Thread(target=kill)
        killer.start()
        words = ["restore", "film.mkv", "--out", "restored.mkv", "--cluster", "auto", *extra]
        outcome = run(*words, cwd=tmp_path)
        ended.set()
        killer.join()
    assert outcome.status == 0, outcome.err
    assert killed
    assert (tmp_path / "restored.mkv").read_bytes() == (tmp_path / "plain.mkv").read_bytes()
    assert (tmp_path / "map.mkv").read_bytes() == plain_map
    assert not (tmp_path / "restored.mkv.pieces").exists()
