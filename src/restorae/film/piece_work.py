"""Pieces of a film made by other processes. What they depend on is read from the plan beside them, not decided again."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice

from restorae.errors import SettingsConflict
from restorae.film.companions import companions
from restorae.film.measuring import measure_film
from restorae.film.per_shot import ShotRestorer
from restorae.film.piece_writing import Track, write_pieces
from restorae.film.plan import FRAMES, FilmPlan, piece_path, saved_plan
from restorae.film.plan_facts import facts_of_machine, facts_of_restorer
from restorae.film.request import FilmRequest
from restorae.film.tasks import pieces_of
from restorae.formats.video import Encoding, FrameReader, VideoFacts, read_facts, read_times
from restorae.progress import SILENT
from restorae.restoring.model_choice import FILMS
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.restoring.tasks import FileTask


def make_pieces(
    task: FileTask,
    numbers: range,
    request: RestoreRequest,
    film: FilmRequest,
    restorers: RestorerPool,
) -> None:
    """Restore some consecutive pieces of a film whose plan has been kept; those that are there are left.

    Frames before them are decoded and left out, so that pieces are those of a run that made them all, byte for byte.

    Args:
        task: the film.
        numbers: of the pieces; a film may end before the last.
        request: as the plan was made for.
        film: likewise.
        restorers: where restorers come from.

    Raises:
        SettingsConflict: the plan was made for another film, with another model or on another kind of machine.
        InputError: the film cannot be read.
        OutputError: a piece cannot be written.
    """
    folder = pieces_of(task)
    missing = [number for number in numbers if read_times(piece_path(folder, number)) is None]
    if not missing:
        return
    facts = read_facts(task.source, film.rate)
    plan = saved_plan(folder)
    restorer = restorers.get(request.model or FILMS)
    if plan is None or not _is_for(plan, facts, restorer, request):
        raise SettingsConflict(
            "was planned on another kind of machine, with another model, or for another film",
            subject=folder,
        )
    start, end = film.part
    reader = FrameReader(facts, start=start, end=end)
    restoring = ShotRestorer(
        restorer,
        request,
        analysis=measure_film(facts, film, folder, progress=SILENT, check=lambda: None),
        restorers=restorers,
        reader=reader,
        tile=plan.tile,
    )
    main = Track(folder=folder, facts=facts, encoding=Encoding(**plan.encoding))
    frames = restoring.restore(reader, missing[0] * FRAMES)
    write_pieces(
        islice(frames, (numbers.stop - missing[0]) * FRAMES),
        [main, *companions(folder, facts, film, request)],
        finished=missing[0],
    )


def _is_for(plan: FilmPlan, facts: VideoFacts, restorer: Restorer, request: RestoreRequest) -> bool:
    """Whether a plan was made for this film and model, on a machine that gives the same last digits."""
    here = facts_of_machine(request.precision, bool(restorer.capabilities.neighbours))
    return (
        asdict(facts.stamp).items() <= dict(plan.source).items()
        and plan.restorer == facts_of_restorer(restorer)
        and plan.machine == here
        and plan.frames == FRAMES
    )
