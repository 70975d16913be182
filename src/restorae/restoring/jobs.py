"""Which file is read and which is written: decided before anything is touched."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restorae.errors import BadPicture, OutputError, UsageError, nearest
from restorae.files import explain_write_failure
from restorae.formats import (
    ARRAY_KINDS,
    SUFFIX_OF,
    SUFFIXES,
    WRITTEN,
    kind_named,
    kind_of,
    picture_files,
)

LOG = "restored.jsonl"
"""The log of a run, in the folder of its results; by it such a folder is known."""
ARRAYS = frozenset({".npy", ".npz"})


@dataclass(frozen=True)
class Job:
    """One file to read and the file that its result becomes."""

    source: Path
    target: Path
    name: Path = Path()
    """Where the source lies below what the person named: partners such as masks go by it."""
    kind: str | None = None
    """The format to write; None keeps the source's."""


def plan(
    inputs: Sequence[Path],
    out: Path,
    overwrite: bool = False,
    skip_existing: bool = False,
    kind: str | None = None,
) -> list[Job]:
    """One job for each picture or array; below a folder the tree is kept.

    A single file becomes the file `out`, in the format that its suffix says, or goes into the folder `out` if that is one,
    is written `out/` or has no suffix; everything else goes into the folder `out`.

    Args:
        inputs: files and folders.
        out: where results go.
        overwrite: results may replace files that are there, and each its own source.
        skip_existing: leave out jobs whose result is there.
        kind: write all pictures in this format.

    Raises:
        OutputError: `out` is no name that a file can have.
        BadPicture: an input does not exist, is of no kind that is read, or is a folder without pictures.
        UsageError: a result would replace an input or a file that is there, or two would become one; or there is no such
            format to write.
    """
    if kind is not None and kind not in WRITTEN:
        raise UsageError(f"There is no format {kind!r} to write. {nearest(kind, WRITTEN)}")
    _check_name(out)
    jobs: list[Job] = []
    for given in inputs:
        _check_there(given)
        if given.is_dir():
            found = _without_results(picture_files(given), given, out)
            if not found:
                raise BadPicture(
                    f"{given} holds no pictures. Expected PNG, JPEG, TIFF, WebP, AVIF or HEIF files."
                )
            jobs += [
                _job(path, out / path.relative_to(given), path.relative_to(given), kind)
                for path in found
            ]
            continue
        _check_kind(given)
        name = Path(given.name)
        if len(inputs) > 1 or _into_folder(out):
            jobs.append(_job(given, out / name, name, kind))
        else:
            named = kind_named(out)
            if kind is not None and named is not None and named != kind:
                raise UsageError(
                    f"{out.name} is a name for {named}, and --format says {kind}. Leave --format away, or change the name."
                )
            jobs.append(
                Job(
                    given, out, name, kind or (named if named in (*WRITTEN, *ARRAY_KINDS) else None)
                )
            )
    _refuse_losses(jobs, overwrite, skip_existing)
    return [job for job in jobs if not (skip_existing and job.target.exists())]


def _job(source: Path, target: Path, name: Path, kind: str | None) -> Job:
    if kind is not None and kind_named(target) != kind and kind_named(target) not in ARRAY_KINDS:
        target = target.with_suffix(SUFFIX_OF[kind])
    return Job(source, target, name, None if kind_named(source) in ARRAY_KINDS else kind)


def _check_name(out: Path) -> None:
    try:
        out.is_dir()
    except OSError as error:
        raise OutputError(explain_write_failure(out, error)) from None


def _check_there(given: Path) -> None:
    try:
        given.lstat()
        given.is_dir()
    except FileNotFoundError:
        raise BadPicture(f"There is no file or folder {given}.") from None
    except OSError as error:
        raise BadPicture(f"{given} cannot be read: {error.strerror or error}.") from None


def _without_results(found: list[Path], given: Path, out: Path) -> list[Path]:
    """Leave out what an earlier run wrote into a folder below its own input: restored twice it would be none the better."""
    inside = os.path.realpath(out)
    if not (out / LOG).is_file() or inside == os.path.realpath(given):
        return found
    return [
        path
        for path in found
        if os.path.commonpath([inside, os.path.realpath(path.parent)]) != inside
    ]


def _check_kind(given: Path) -> None:
    if given.suffix.lower() in SUFFIXES | ARRAYS:
        return  # if it is broken, the run tells
    with contextlib.suppress(OSError):
        if kind_of(given) is not None:
            return
    raise BadPicture(
        f"{given} is of no kind that is read. Expected {', '.join(sorted(SUFFIXES | ARRAYS))}."
    )


def _into_folder(out: Path) -> bool:
    return out.is_dir() or str(out).endswith(os.sep) or not out.suffix


def _refuse_losses(jobs: Sequence[Job], overwrite: bool, skip_existing: bool) -> None:
    twice = [target for target, count in Counter(job.target for job in jobs).items() if count > 1]
    if twice:
        by = " and ".join(str(job.source) for job in jobs if job.target == twice[0])
        raise UsageError(
            f"{len(twice):,} result(s) would be written twice, such as {twice[0]}: by {by}. Rename one of them, or give the inputs "
            "in separate runs, each with its own --out."
        )
    sources = {
        os.path.realpath(job.source) for job in jobs
    }  # pathlib's `resolve` raises where links loop
    for job in jobs:
        target = os.path.realpath(job.target)
        if target in sources and not (overwrite and target == os.path.realpath(job.source)):
            raise UsageError(
                f"{job.target} is an input: its result would replace it. Choose another place with --out, or --overwrite to replace "
                "each input by its result."
            )
    there = [job.target for job in jobs if job.target.exists()]
    if there and not (overwrite or skip_existing):
        raise UsageError(
            f"{len(there)} result(s) are there already, such as {there[0]}. Use --overwrite, --skip-existing or another --out."
        )
