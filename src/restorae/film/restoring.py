"""Films through restorers: pieces are restored and encoded one by one, then joined with everything else of the film."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restorae.errors import BadImage, Fix, InputError, Interrupted, Message, OutputError, in_words
from restorae.file_attributes import made_from
from restorae.file_locks import one_process
from restorae.film.colour.colouring import colouring_of
from restorae.film.colour.looking import search_for
from restorae.film.companions import companions, join_companions
from restorae.film.delivery import cut_of, deliver, encoding_for
from restorae.film.extra_outputs import check_extra_outputs, write_frame_log
from restorae.film.forecast import Forecast, with_forecast
from restorae.film.frame_restorer import FrameRestorer, RestoredFrame
from restorae.film.measuring import check_films, facts_of_shots, measure_film, notices_of
from restorae.film.per_shot import ShotRestorer
from restorae.film.piece_writing import Track, write_pieces
from restorae.film.plan import (
    FilmPlan,
    check_same,
    complete_pieces,
    frames_in,
    mark_done,
    read_done,
    remove_pieces,
    saved_plan,
)
from restorae.film.plan_facts import facts_of_machine, facts_of_requests, facts_of_restorer, without
from restorae.film.report import FilmReport, RestoredFilm
from restorae.film.request import FilmRequest
from restorae.film.tasks import lock_of, opened_source, pieces_of
from restorae.formats.video import FrameReader, read_facts
from restorae.names import names_frames
from restorae.progress import SILENT, Progress
from restorae.restoring.files import Failure
from restorae.restoring.log import RunLog
from restorae.restoring.model_choice import FILMS, Choice
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.restoring.tasks import FileTask


@dataclass(kw_only=True)
class _Run:
    """What the stages of a run share."""

    request: RestoreRequest
    film: FilmRequest
    restorers: RestorerPool
    log: RunLog
    progress: Progress
    check: Callable[[], None]
    make_pieces: Callable[[FileTask, int], None] | None = None
    report: FilmReport = field(default_factory=FilmReport)


@dataclass
class _Opened:
    """For the log: what restores a film, and its checksum."""

    choice: Choice
    digest: str = ""


def restore_films(
    tasks: Sequence[FileTask],
    request: RestoreRequest,
    film: FilmRequest = FilmRequest(),
    restorers: RestorerPool | None = None,
    *,
    log: Path | None = None,
    progress: Progress = SILENT,
    check: Callable[[], None] = lambda: None,
    make_pieces: Callable[[FileTask, int], None] | None = None,
) -> FilmReport:
    """Restore each task's film.

    While a film is restored, complete pieces are in a folder beside its target. A stopped run leaves them there; with
    `film.resume` the next one goes on, and its result is that of a run that was never stopped, byte for byte.

    Args:
        tasks: what to read and write.
        request: how frames are restored.
        film: how films are read and written.
        restorers: where restorers come from.
        log: a file to which a line of JSON is added for each film.
        progress: hears of each frame.
        check: called before each frame; raises to stop the run.
        make_pieces: called with a film whose plan is kept, and its number of frames; may make pieces elsewhere.

    Raises:
        OutputError: a place to write to fails. What is done is kept.
        UsageError: what was asked for does not go together.
        MissingExtra: PyAV is not installed.
    """
    film.check(request)
    check_films(film, [task.source for task in tasks])
    run = _Run(
        request=request,
        film=film,
        restorers=restorers or RestorerPool(),
        log=RunLog(log, request),
        progress=progress,
        check=check,
        make_pieces=make_pieces,
    )
    chosen = request.model or FILMS
    reason = "" if request.model else "the one for films"
    restorer = run.restorers.get(chosen)
    request.check(restorer.capabilities)
    film.check_restorer(restorer.capabilities, request)
    check_extra_outputs(tasks, film)
    for task in tasks:
        opened = _Opened(Choice(chosen, reason), run.log.digest(task.source))
        try:
            source = opened_source(task, request.keep_times)
            with made_from(source), one_process(lock_of(task), "restores this film"):
                restored = _restore(run, task, restorer)
        except (InputError, MemoryError) as error:
            failure = Failure.of(task.source, error)
            run.report.failures.append(failure)
            run.log.add(task, opened, status="failed", reason=str(failure))
            continue
        run.report.films.append(restored)
        run.log.add(
            task,
            opened,
            status="restored in part" if restored.is_damaged else "restored",
            seconds=round(restored.seconds, 3),
            frames=restored.frames,
            codec=restored.codec,
            film=without(film.to_dict(), "resume"),
            copied=restored.copied,
            notices=[in_words(notice) for notice in restored.notices],
        )
    return run.report


def _restore(run: _Run, task: FileTask, restorer: Restorer) -> RestoredFilm:
    started = time.perf_counter()
    facts = read_facts(task.source, run.film.rate)
    start, end = run.film.part
    reader = FrameReader(facts, start=start, end=end)
    folder = pieces_of(task)
    before = saved_plan(folder) if run.film.resume else None
    resumed = folder if before else None
    search = search_for(facts, run.request, run.film.cuts, resumed, check=run.check)
    analysis = measure_film(
        facts,
        run.film,
        resumed,
        progress=run.progress,
        check=run.check,
        also=search.see if search else None,
    )
    colouring = colouring_of(facts, run.request, analysis, reader, task.target, search)
    if colouring is not None:
        colouring.look(resumed, progress=run.progress, check=run.check)
    written = facts if colouring is None else colouring.written
    encoding = encoding_for(
        task.target,
        written,
        codec=run.film.codec,
        quality=run.request.quality,
        lossless=run.film.lossless,
    )
    restoring = ShotRestorer(
        restorer,
        run.request,
        analysis=analysis,
        restorers=run.restorers,
        reader=reader,
        tile=run.request.tile or (before.tile if before else None),
    )
    plan = FilmPlan.make(
        facts,
        facts_of_requests(run.request, run.film)
        | facts_of_shots(analysis, run.request, run.restorers)
        | ({} if colouring is None else colouring.plan_facts()),
        facts_of_restorer(restorer) | ({} if colouring is None else colouring.restorer_facts()),
        encoding,
        restoring.tile,
        facts_of_machine(run.request.precision, bool(restorer.capabilities.neighbours)),
    )
    notices = [*facts.notices, *restoring.notices, *notices_of(analysis)]
    main = Track(folder=folder, facts=written, encoding=encoding)
    beside = companions(folder, written, run.film, run.request)
    if before is None:
        remove_pieces(folder)
        analysis.save(folder)
        plan.save(folder)
    else:
        notices += check_same(plan, before, folder)
    frames_from: FrameRestorer = restoring
    try:
        if colouring is not None:
            frames_from = colouring.colour(
                restoring, folder, progress=run.progress, check=run.check
            )
            notices += colouring.notices
        done = read_done(folder)
        if done is None:
            if run.make_pieces is not None:
                run.make_pieces(task, reader.expected)
            _make_pieces(run, reader, frames_from, [main, *beside])
            done = reader.notices, reader.is_damaged
            mark_done(folder, *done)
        pieces = complete_pieces(folder)
        cut = cut_of(run.film.part, facts, pieces)
        join_companions(beside, len(pieces), cut)
        if run.film.frame_log is not None:
            write_frame_log(pieces, run.film.frame_log, facts)
        delivered = deliver(
            pieces,
            task.target,
            written,
            cut,
            folder=folder,
            keep_times=run.request.keep_times,
        )
    except (OutputError, Interrupted, KeyboardInterrupt):
        _tell_how_far(run, folder)
        raise
    frames = frames_in(pieces)
    remove_pieces(folder)
    notices += [*done[0], *delivered.notices]
    for notice in notices:
        run.progress.say(Message(notice, subject=task.source))
    return RestoredFilm(
        task=task,
        frames=frames,
        codec=task.target.suffix[1:].lower() if names_frames(task.target) else encoding.codec,
        is_lossless=encoding.is_lossless,
        copied=delivered.copied,
        notices=notices,
        is_damaged=done[1],
        seconds=time.perf_counter() - started,
    )


def _make_pieces(
    run: _Run, reader: FrameReader, restoring: FrameRestorer, tracks: Sequence[Track]
) -> None:
    """Restore and encode all pieces that are missing.

    Frames of pieces that are there are decoded once more and left out, so that later ones are decoded as in an unstopped run.
    """
    pieces = complete_pieces(tracks[0].folder)
    known = frames_in(pieces)

    def tell(forecast: Forecast) -> None:
        said = Message(str(forecast), subject=reader.facts.path)
        if forecast.fits:
            run.progress.say(said)
        else:
            run.progress.warn(said)

    def restored() -> Iterator[RestoredFrame]:
        started = time.perf_counter()
        frames = with_forecast(
            restoring.restore(reader, known), tracks, left=reader.expected - known, tell=tell
        )
        for worked, frame in enumerate(frames, 1):
            run.check()
            yield frame
            run.progress.advance(1, {"frames_per_second": worked / (time.perf_counter() - started)})

    run.progress.begin("Restoring", reader.expected, "frames")
    try:
        if known:
            run.progress.skip(known)
        write_pieces(restored(), tracks, finished=len(pieces))
    finally:
        run.progress.end()
    if not reader.read:
        raise BadImage("has no frame in the part that was asked for", subject=reader.facts.path)
    reader.facts.require_unchanged()


def _tell_how_far(run: _Run, folder: Path) -> None:
    """Before the run ends early: how much is kept, and how to go on."""
    kept = frames_in(complete_pieces(folder))
    run.progress.say(
        Message(
            f"{kept:,} frames are kept in {folder}. The same command can go on",
            fixes=(Fix("resume"),),
        )
    )
